"""What a peer leaves in memory when it is gone: nothing that waits for the garbage collector.

A pass of the collector over what thousands of short connections left takes tens of milliseconds, and meanwhile nobody
is served. So whatever a peer did, its connection's objects go when it goes.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from interlock.csms.serve import station_socket
from interlock.csms.serve.limits import Limits
from interlock.csms.serve.operators import OperatorLimits

from .serving import Served, operated, served

pytestmark = pytest.mark.asyncio

OURS = ("interlock", "uvicorn", "websockets", "h11", "starlette", "asyncio", "_asyncio")
WRONG = base64.b64encode(b"KEYED:0123456789abcdef").decode()
BODY = "Content-Type: application/json\r\nContent-Length: 9\r\n"
BEARER = "Host: 127.0.0.1\r\nAuthorization: Bearer token\r\n"


def _upgrade(station: str, more: str = "", offered: str = "ocpp1.6") -> bytes:
    head = f"GET /ocpp/{station} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = base64.b64encode(bytes(16)).decode()
    head += f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {offered}\r\n"
    return f"{head}{more}\r\n".encode()


def frame(payload: bytes, opcode: int = 0x81) -> bytes:
    """Return a masked frame of up to 125 bytes."""
    return bytes((opcode, 0x80 | len(payload))) + bytes(4) + payload


STATIONS = {
    "nothing": b"",
    "half a head": b"GET /oc",
    "no head": b"\x16\x03\x01\r\n\r\n",
    "another path": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no key": b"GET /ocpp/CP01 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "another subprotocol": _upgrade("CP01", offered="soap"),
    "no proof": _upgrade("KEYED"),
    "a wrong proof": _upgrade("KEYED", f"Authorization: Basic {WRONG}\r\n"),
    "a handshake": _upgrade("CP01"),
}
FRAMES = {
    "garbage": frame(b"{") * 9,
    "a call": frame(b'[2,"1","Heartbeat",{}]'),
    "a close": frame(b"\x03\xe8", 0x88),
    "a bad close": frame(b"\x00", 0x88),
    "half a frame": frame(b"x" * 100)[:50],
    "half a message": frame(b"x", 0x01),
    "bad UTF-8": frame(b"\xff"),
    "a reserved bit": frame(b"x", 0xF1),
    "binary": frame(b"x", 0x82),
}
OPERATORS = {
    "nothing": b"",
    "half a head": b"GET / HT",
    "no head": b"\x16\x03\x01\r\n\r\n",
    "no token": b"GET /api/stations HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a question": f"GET /api/stations HTTP/1.1\r\n{BEARER}\r\n".encode(),
    "one that is refused": f"GET /api/stations?limit=x HTTP/1.1\r\n{BEARER}\r\n".encode(),
    "an unknown path": b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "another host": b"GET /api/stations HTTP/1.1\r\nHost: evil\r\n\r\n",
    "half a body": f"PUT /api/tokens/A HTTP/1.1\r\n{BEARER}{BODY}\r\n{{".encode(),
    "a follower": f"GET /api/events HTTP/1.1\r\n{BEARER}\r\n".encode(),
    "a watcher": f"GET /api/stations/CP01/frames HTTP/1.1\r\n{BEARER}\r\n".encode(),
}


def _visit(port: int, said: bytes, then: bytes, how: str) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as one:
        one.sendall(said)
        if then:
            while b"\r\n\r\n" not in one.recv(4096):
                pass
            one.sendall(then)
        one.settimeout(0.01)
        with suppress(OSError):
            one.recv(4096)
        if how == "reset":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


@pytest.fixture(autouse=True)
def only_what_is_new() -> Iterator[None]:
    """Leave what the test run consists of out of each pass of the collector."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@contextmanager
def _left() -> Iterator[Counter[str]]:
    """Count what only the collector frees, by type, of this and the libraries a connection is made of."""
    found: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.update(type(one).__qualname__ for one in gc.garbage if (type(one).__module__ or "").split(".")[0] in OURS)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def _all_gone(csms: Served, opened: int, port: int, said: bytes, then: bytes = b"") -> Counter[str]:
    """Return what is left of a peer that closes and of one that resets, after one that was the first of its kind."""

    async def visited(how: str) -> None:
        await asyncio.to_thread(_visit, port, said, then, how)
        while csms.server.attached or len(asyncio.all_tasks()) > opened:
            await asyncio.sleep(0.005)

    await visited("closed")
    with _left() as left:
        await visited("closed")
        await visited("reset")
    return left


async def test_stations_leave_nothing() -> None:
    async with served(limits=Limits(closing_s=0.01)) as csms:
        await csms.keys.set("KEYED", "abcdef0123456789")
        opened = len(asyncio.all_tasks())
        whole = [(name, said, b"") for name, said in STATIONS.items()]
        whole += [(name, STATIONS["a handshake"], then) for name, then in FRAMES.items()]
        left = {name: await _all_gone(csms, opened, csms.port, said, then) for name, said, then in whole}
        assert left == {name: Counter() for name in left}


async def test_operators_leave_nothing() -> None:
    async with served() as csms, operated(csms, OperatorLimits(closing_s=0.01)) as port:
        opened = len(asyncio.all_tasks())
        left = {name: await _all_gone(csms, opened, port, said) for name, said in OPERATORS.items()}
        assert left == {name: Counter() for name in left}


async def test_what_is_left_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station_socket, "release", lambda transport: None)
    async with served(limits=Limits(closing_s=0.01)) as csms:
        left = await _all_gone(csms, len(asyncio.all_tasks()), csms.port, STATIONS["nothing"])
        assert left["_SelectorSocketTransport"] == 2
