"""Both doors over real sockets: what may be said there, how much, by how many, and what others notice of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import socket as sockets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from interlock.csms.serve import head
from interlock.csms.serve.admission import Crowd
from interlock.csms.serve.gate import Key
from interlock.csms.serve.limits import Limits
from interlock.csms.serve.listener import RESERVE, Listener
from interlock.csms.serve.operators import OperatorLimits

from .serving import BOOT, Served, dialled, operated, served
from .test_server import PASSWORD, basic, until

pytestmark = pytest.mark.asyncio
KEY = base64.b64encode(b"0" * 16).decode()
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
)
TOKEN = "Authorization: Bearer token\r\n"


async def raw(port: int, data: bytes, *, local: str = "127.0.0.1", silence_s: float = 1.5) -> bytes:
    """Send bytes and return what comes until the end, or until nothing comes for `silence_s`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(local, 0))
    found = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        writer.write(data)
        while data := await asyncio.wait_for(reader.read(65536), silence_s):
            found += data
            length = re.search(rb"(?i)content-length: ([0-9]+)", found)
            if found.startswith(b"HTTP/1.1 101") or (length and len(body(found)) >= int(length[1])):
                break
    writer.transport.abort()
    return found


def get(path: str, *lines: str, host: str = "127.0.0.1") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{''.join(lines)}\r\n".encode("latin-1")


def handshake(path: str = "/ocpp/CP01", *lines: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{UPGRADE}{''.join(lines)}\r\n".encode("latin-1")


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


# --- what may be said ------------------------------------------------------------------------------------------------

BAD = {
    "two tokens": ("", "Authorization: Bearer token\r\nAuthorization: Bearer token\r\n"),
    "two hosts": ("", "Host: 127.0.0.1\r\n"),
    "two lengths": ("", "Content-Length: 2\r\nContent-Length: 2\r\n"),
    "length and coding": ("", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
    "odd coding": ("", "Transfer-Encoding: gzip, chunked\r\n"),
    "no number": ("", "Content-Length: +2\r\n"),
    "folded": ("", "X-One: a\r\n b\r\n"),
    "space before the colon": ("", "X-One : a\r\n"),
    "bare CR": ("", "X-One: a\rb\r\n"),
    "NUL": ("", "X-One: a\0b\r\n"),
    "percent": ("%zz", ""),
    "percent at the end": ("%4", ""),
    "NUL in the path": ("%00", ""),
    "a surrogate in the path": ("%ED%A0%80", ""),
    "bytes in the path that are no text": ("%ff", ""),
    "an overlong NUL in the path": ("%C0%80", ""),
    "long": ("", f"X-One: {'a' * 9000}\r\n"),
    "many": ("", "X-One: a\r\n" * 101),
    "huge": ("", f"X-One: {'a' * 40_000}\r\n"),
}


@pytest.mark.parametrize("name", list(BAD))
async def test_a_head_that_can_be_read_in_two_ways_is_refused_at_both_doors(name: str) -> None:
    path, lines = BAD[name]
    async with served() as csms, operated(csms) as port:
        own = lines if "Authorization" in lines else TOKEN + lines
        for answer in (
            await raw(port, get(f"/api/stations{path}", own)),
            await raw(csms.port, handshake(f"/ocpp/CP01{path}", lines)),
        ):
            assert status(answer) in (400, 431), answer
            assert body(answer).count(b"\n") == 1
            assert len(body(answer)) < 120
        assert not csms.node.connections
        assert not csms.alarms


async def test_what_is_right_is_let_in_at_both_doors_byte_by_byte_too() -> None:
    async with served() as csms, operated(csms) as port:
        assert status(await raw(port, get("/api/stations?limit=5", TOKEN, "X-One:\r\n", "X-One: b\r\n"))) == 200
        assert status(await raw(csms.port, handshake("/ocpp/CP%3001", "Content-Length: 0\r\n"))) == 101
        for where, data in ((port, get("/api/stations", TOKEN)), (csms.port, handshake())):
            reader, writer = await asyncio.open_connection("127.0.0.1", where)
            for at in range(len(data)):
                writer.write(data[at : at + 1])
                await asyncio.sleep(0)
            assert (await asyncio.wait_for(reader.readline(), 5)).split()[1] in (b"200", b"101")
            writer.close()


async def test_one_request_after_another_and_none_inside_another() -> None:
    async with served() as csms, operated(csms) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(f"GET /api/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\n{TOKEN}\r\n".encode())
            head_ = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head_.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len(b'{"tokens":[]}')) == b'{"tokens":[]}'
        writer.close()
        put = (
            b"PUT /api/tokens/A HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 21\r\n"
        )
        inner = (
            b"PUT /api/tokens/B HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 21\r\n"
        )
        told = TOKEN.encode() + b'\r\n{"status":"Accepted"}'
        await raw(port, put + told + inner + told)
        assert "B" not in csms.node.tokens


@pytest.mark.parametrize(
    "text",
    [
        '{"status":"Blocked","status":"Accepted"}',
        '{"status":"Blocked","st\\u0061tus":"Accepted"}',
        '{"status":"Accepted","parent":{"a":1,"a":2}}',
    ],
)
async def test_a_body_with_a_key_twice_is_refused(text: str) -> None:
    async with served() as csms, operated(csms) as port:
        lines = f"PUT /api/tokens/T HTTP/1.1\r\nHost: 127.0.0.1\r\n{TOKEN}Content-Type: application/json\r\n"
        data = f"{lines}Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()
        answer = await raw(port, data)
        assert status(answer) == 400
        assert b"a key stands twice" in body(answer)
        assert "T" not in csms.node.tokens


@pytest.mark.parametrize(
    "query",
    ["after=x", "after=-1", "after=1e3", "after=%C2%B2", f"after={2**63}", f"after={'9' * 400}", "after=1&after=2"],
)
async def test_a_position_that_is_none_is_refused_in_a_sentence(query: str) -> None:
    async with served() as csms, operated(csms) as port, dialled(csms.url()) as station:
        await station.boot()
        for path in (f"/api/events?{query}", f"/api/stations/CP01/events?{query}"):
            answer = await raw(port, get(path, TOKEN))
            assert status(answer) == 400
            assert json.loads(body(answer))["detail"].startswith("after ")
        last = query.partition("=")[2].partition("&")[0]
        if "&" not in query:
            assert status(await raw(port, get("/api/events", TOKEN, f"Last-Event-ID: {last}\r\n"))) == 400


# --- a web page ------------------------------------------------------------------------------------------------------


async def test_a_web_page_cannot_be_a_station() -> None:
    async with served(origins=frozenset({"http://mine.test"})) as csms:
        here = f"127.0.0.1:{csms.port}"
        for origin, host, expected in (
            ("http://evil.test", here, 403),
            ("null", here, 403),
            (f"http://evil.test:{csms.port}", f"evil.test:{csms.port}", 403),
            (f"http://{here}", here, 101),
            (f"http://localhost:{csms.port}", f"localhost:{csms.port}", 101),
            ("http://mine.test", here, 101),
            ("", here, 101),
        ):
            data = f"GET /ocpp/CP01 HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}Origin: {origin}\r\n\r\n".encode()
            assert status(await raw(csms.port, data)) == expected, origin


# --- how long --------------------------------------------------------------------------------------------------------


async def test_what_does_not_come_in_time_is_ended() -> None:
    limits = OperatorLimits(head_s=0.3, body_s=0.3)
    async with served(limits=Limits(handshake_s=0.3)) as csms, operated(csms, limits) as port:
        post = f"POST /api/stations/CP01/commands HTTP/1.1\r\nHost: 127.0.0.1\r\n{TOKEN}"
        whole = f"{post}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n"
        for data in (b"", b"GET /api", whole.encode()):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            assert status(await asyncio.wait_for(reader.read(), 10)) == 408
            writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", csms.port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await until(lambda: _free(csms))


async def _free(csms: Served) -> bool:
    return csms.server.admission.count == 0


# --- how many --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def idle(port: int, count: int, local: str) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """Hold connections that say nothing."""
    found = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            found.append((await asyncio.open_connection("127.0.0.1", port, local_addr=(local, 0)))[1])
    try:
        yield found
    finally:
        for writer in found:
            writer.transport.abort()


@pytest.mark.parametrize("local", ["127.0.0.1", "127.0.0.2"])
async def test_idle_connections_take_nothing_from_a_station(local: str) -> None:
    crowd = Crowd(connections=100, unproven=16, unproven_of_address=8, grace_s=0.0)
    async with served(crowd=crowd) as csms, idle(csms.port, 60, local), dialled(csms.url()) as station:
        assert (await station.boot())[0] == 3
        assert csms.server.admission.unproven <= 8
        assert csms.server.admission.evicted + csms.server.admission.refused >= 50


async def test_when_all_places_are_taken_the_address_with_most_gives_one_up() -> None:
    crowd = Crowd(connections=100, unproven=10, unproven_of_address=6)
    async with (
        served(crowd=crowd) as csms,
        idle(csms.port, 6, "127.0.0.2"),
        idle(csms.port, 6, "127.0.0.3"),
        dialled(csms.url()) as station,
    ):
        assert (await station.boot())[0] == 3


async def test_descriptors_stay_free_and_it_is_said_once() -> None:
    async with served() as csms:
        listener = csms.server._listening
        assert listener is not None
        spare = sockets.socket()
        listener._files = spare.fileno() + RESERVE + 12  # as if the process might have so many
        spare.close()
        async with idle(csms.port, 40, "127.0.0.2"):
            await until(lambda: _exhausted(listener))
            assert csms.server.admission.count <= 40
        assert len([one for one in csms.alarms if "turned away" in one]) == 1
        async with dialled(csms.url()) as station:  # as soon as there is room again
            assert (await station.boot())[0] == 3


async def _exhausted(listener: Listener) -> bool:
    return listener.exhausted > 0


async def test_an_address_that_fails_and_fails_is_slowed_and_others_are_not() -> None:
    crowd = Crowd(failures_burst=10.0, failures_per_s=0.001, doubtful_per_s=2.0)
    async with served(profile=1, crowd=crowd) as csms:
        await csms.keys.set("CP01", PASSWORD)
        found = [status(await raw(csms.port, handshake(), local="127.0.0.2")) for _ in range(30)]
        assert found.count(401) < 20
        assert found.count(0) > 10
        async with dialled(csms.url(), additional_headers=basic("CP01", PASSWORD)) as station:
            assert (await station.boot())[0] == 3


async def test_wrong_passwords_from_elsewhere_do_not_keep_the_real_one_out() -> None:
    async with served(profile=1, limits=Limits(handshake_s=300.0)) as csms:  # a busy machine takes long for a proof
        await csms.keys.set("CP01", PASSWORD)

        def guess(number: int) -> bytes:
            return handshake(
                "/ocpp/CP01", f"Authorization: {basic('CP01', f'guess-{number:04d}')['Authorization']}\r\n"
            )

        found = [status(await raw(csms.port, guess(n), local="127.0.0.2", silence_s=300.0)) for n in range(12)]
        assert set(found) == {401, 429}
        async with dialled(csms.url(), additional_headers=basic("CP01", PASSWORD)) as station:  # for the first time
            assert (await station.boot())[0] == 3


async def test_a_proof_counts_until_it_is_worked_out_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(Key, "fits", lambda self, password: go.wait(60))
    async with asyncio.timeout(120), served(profile=1, limits=Limits(handshake_s=300.0)) as csms:
        proof = base64.b64encode(f"CP01:{PASSWORD}".encode()).decode()
        _, writer = await asyncio.open_connection("127.0.0.1", csms.port)
        writer.write(handshake("/ocpp/CP01", f"Authorization: Basic {proof}\r\n"))
        while not csms.node._tasks:
            await asyncio.sleep(0)
        for task in list(csms.node._tasks):
            task.cancel()
        while csms.server.attached:
            await asyncio.sleep(0)
        assert csms.server.proofs.proving.total() == 1
        go.set()
        while csms.server.proofs.proving.total():
            await asyncio.sleep(0)
        writer.transport.abort()


async def test_a_proof_nobody_can_work_out_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def submit(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    async with served(profile=1) as csms:
        monkeypatch.setattr(csms.server.proofs.prover, "submit", submit)
        proof = base64.b64encode(f"CP01:{PASSWORD}".encode()).decode()
        for _ in range(3):
            assert await raw(csms.port, handshake("/ocpp/CP01", f"Authorization: Basic {proof}\r\n")) == b""
        assert csms.server.proofs.proving.total() == 0


async def test_a_stop_is_told_as_one() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        await station.boot()
        assert await csms.server.stop()
        await station.socket.wait_closed()
        assert (station.socket.close_code, station.socket.close_reason) == (1001, "the CSMS stops")


async def test_a_node_that_does_not_stop_is_heard() -> None:
    async with served() as csms:
        stop = csms.node.stop

        async def fails() -> None:
            raise OSError("no space left")

        csms.node.stop = fails  # type: ignore[method-assign]
        assert not await csms.server.stop()
        csms.node.stop = stop  # type: ignore[method-assign]
        assert csms.alarms == ["the node did not stop as it should: OSError: no space left"]


async def test_a_wrong_password_that_is_repeated_is_no_new_guess() -> None:
    async with served(profile=1) as csms:
        await csms.keys.set("CP01", PASSWORD)
        for _ in range(12):
            with pytest.raises(InvalidStatus) as refused:
                async with dialled(csms.url(), additional_headers=basic("CP01", "the-old-password")):
                    pass
            assert refused.value.response.status_code == 401
        async with dialled(csms.url(), additional_headers=basic("CP01", PASSWORD)) as station:
            assert (await station.boot())[0] == 3


async def test_dialling_anew_gives_no_new_budget() -> None:
    limits = Limits(messages_per_s=0.5, messages_burst=20.0)
    async with served(profile=1, limits=limits) as csms:
        await csms.keys.set("CP01", PASSWORD)
        await csms.keys.set("CP02", PASSWORD)
        for _ in range(6):
            async with dialled(csms.url(), additional_headers=basic("CP01", PASSWORD)) as station:
                frames = [json.dumps([2, f"m{n}", "BootNotification", BOOT]) for n in range(50)]
                for frame in frames:
                    await station.socket.send(frame)
                with contextlib.suppress(TimeoutError):
                    while True:
                        await asyncio.wait_for(station.socket.recv(), 0.1)
                station.socket.transport.abort()
        booted = [one for one in await csms.node.store.read("station-CP01") if one.type == "Booted"]
        assert 20 <= len(booted) <= 26
        async with dialled(csms.url("CP02"), additional_headers=basic("CP02", PASSWORD)) as other:
            assert (await other.boot())[0] == 3


# --- followers -------------------------------------------------------------------------------------------------------


async def test_a_tab_that_is_closed_costs_nothing() -> None:
    async with served() as csms, operated(csms) as port, dialled(csms.url()) as station:
        await station.boot()
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(get("/api/events?after=0", TOKEN))
            await asyncio.sleep(0)
            writer.transport.abort()
        await until(lambda: _nobody(csms))
        assert (await station.boot())[0] == 3
        assert not csms.alarms


async def _nobody(csms: Served) -> bool:
    return csms.records.followers.count == 0


async def test_followers_that_do_not_read_are_few_and_end_with_a_word() -> None:
    async with (
        served() as csms,
        operated(csms, OperatorLimits(unread_s=0.3, send_buffer=8192)) as port,
        dialled(csms.url()) as station,
    ):
        held = []
        for _ in range(60):
            one = sockets.socket()
            one.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
            one.setblocking(False)
            await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
            await asyncio.get_running_loop().sock_sendall(one, get("/api/events?after=0", TOKEN))
            held.append(one)
        followers = csms.records.followers
        await until(lambda: _count(followers, 32))
        assert followers.count == followers.limits.of_an_address
        stuffed = {**BOOT, "chargeBoxSerialNumber": "s" * 25, "iccid": "i" * 20}
        for _ in range(400):  # more than the kernel takes for a reader that does not read
            await station.say("BootNotification", stuffed)
        await until(lambda: _nobody(csms))
        told = b""
        while data := await asyncio.get_running_loop().sock_recv(held[0], 65536):
            told += data
        assert b"event: dropped" in told
        for one in held:
            one.close()
        assert (await station.boot())[0] == 3


async def _count(followers: Any, least: int) -> bool:
    return bool(followers.count >= least)


async def test_a_follower_gets_every_event_once_whoever_else_is_slow() -> None:
    async with served() as csms, operated(csms) as port, dialled(csms.url()) as station:
        _, writer = await asyncio.open_connection("127.0.0.1", port)  # one that does not read
        writer.write(get("/api/events", TOKEN))
        reader, own = await asyncio.open_connection("127.0.0.1", port)
        own.write(get("/api/events", TOKEN))
        for _ in range(100):
            await station.boot()
        ids: list[int] = []
        while len(ids) < 101:
            line = await asyncio.wait_for(reader.readline(), 10)
            if line.startswith(b"id: "):
                ids.append(int(line[4:]))
        assert ids == list(range(1, 102))
        for one in (writer, own):
            one.transport.abort()


async def test_the_head_says_what_it_says() -> None:
    found = head.check(b"GET /a HTTP/1.1\r\nHost: x\r\nX: \t y \r\n\r\n")
    assert found == {b"host": b"x", b"x": b"y"}
