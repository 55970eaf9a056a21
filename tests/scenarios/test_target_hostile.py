"""Control interfaces that are wrong in shape, endless, slow or deep: one kind of error, and in time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from interlock.csms.domain import commands as do
from interlock.scenarios.targets import answers as target_answers
from interlock.scenarios.targets.answers import fetch
from interlock.scenarios.targets.target import InterlockApi, TargetGone

from .test_target_file import answering, steve

Serve = Callable[[socket.socket], None]


@contextmanager
def speaking(serve: Serve) -> Iterator[str]:
    """Accept connections, read a request on each, and leave the rest to `serve`."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            serve(connection)

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                threads.append(threading.Thread(target=one, args=(listening.accept()[0],), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(10)  # it may have started one more meanwhile
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)  # each was hung up on


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def endless(connection: socket.socket) -> None:
    connection.sendall(OK + b'\r\n["')
    while True:
        connection.sendall(b"x" * 65536)


def endless_chunks(connection: socket.socket) -> None:
    connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")


def continued(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def headers(connection: socket.socket) -> None:
    connection.sendall(OK)
    while True:
        connection.sendall(b"X-More: yes\r\n")


def slow(connection: socket.socket) -> None:
    waits = threading.Event()
    connection.sendall(OK + b"Content-Length: 1000\r\n\r\n")
    while not waits.wait(0.05):
        connection.sendall(b" ")


def mute(connection: socket.socket) -> None:
    connection.recv(1)


def deep(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 200000\r\n\r\n" + b"[" * 100_000 + b"]" * 100_000)


def deepish(connection: socket.socket) -> None:
    text = b'{"a":' * 300 + b"1" + b"}" * 300
    connection.sendall(OK + b"Content-Length: %d\r\n\r\n%s" % (len(text), text))


def digits(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 100000\r\n\r\n" + b"9" * 100_000)


def infinite(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 8\r\n\r\nInfinity")


def half(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 100\r\n\r\n{")


def noise(connection: socket.socket) -> None:
    connection.sendall(b"\x1b[2J\xff\x00" * 100 + b"\r\n\r\n")


def escape(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 2\x1b[2J00 OK\r\n\r\n")


ALL = (
    endless, endless_chunks, continued, headers, slow, mute, deep, deepish, digits, infinite, half, noise, escape,
)  # fmt: skip


@pytest.mark.parametrize("serve", ALL)
def test_whatever_it_does_is_one_sentence_and_in_time(serve: Serve) -> None:
    with speaking(serve) as url, pytest.raises(TargetGone) as gone:
        asyncio.run(fetch(urllib.request.Request(url), 0.5))
    said = str(gone.value)
    assert said.isprintable()
    assert len(said) < 400
    assert "the API at 127.0.0.1" in said


def test_what_is_right_is_read() -> None:
    def plain(connection: socket.socket) -> None:
        connection.sendall(b'HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"detail":1}\r\n0\r\n\r\n')

    with speaking(plain) as url:
        assert asyncio.run(fetch(urllib.request.Request(url), 5.0)) == (404, {"detail": 1})


SHAPES: tuple[Any, ...] = (
    None, True, 7, 1.5, "text", [], {}, [None], [[]], {"events": None}, {"events": [None]}, {"events": [{}]},
    {"events": [{"version": True, "data": {}, "id": "a", "type": "b"}], "next": None}, {"events": [], "next": "x"},
    {"events": [{"version": 1, "data": [], "id": "a", "type": "b"}], "next": None}, {"connectors": 1},
    {"connectors": [{"connector": "1"}], "online": True}, {"connectors": [1], "online": True}, {"online": "yes"},
    {"state": None}, {"state": ["x"]}, {"known": "no", "id": 1}, {"known": True}, {"known": False, "id": "x" * 10_000},
    {"taskId": {}, "successResponses": []}, {"taskId": [1] * 1000, "successResponses": [{"response": {"a": 1}}]},
    [{"id": 1e300}], [{"id": "9" * 5000}], [{"id": True, "connectorId": 1}],
)  # fmt: skip


def test_a_wrong_shape_is_the_one_error_or_an_answer() -> None:
    told: list[tuple[int, Any]] = [(200, None)]

    async def ask(target: Any) -> None:
        for asked in (
            target.operate("CP01", do.Unlock(1), "r1"),
            target.phase("c1"),
            target.events("CP01"),
            target.connectors("CP01"),
            target.check(),
        ):
            with contextlib.suppress(TargetGone):  # no other error
                await asked

    with answering(lambda *_: told[0]) as url:
        for shape, status in itertools.product(SHAPES, (200, 202, 500)):
            told[0] = status, shape
            for target in (InterlockApi(url, "token"), steve(url)):
                asyncio.run(ask(target))


def test_a_log_without_an_end_ends() -> None:
    pages = itertools.count(1)

    def answer(*_: Any) -> tuple[int, Any]:
        page = next(pages)
        return 200, {"events": [{"version": page, "data": {}, "id": "a", "type": "b"}], "next": page}

    with answering(answer) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(target_answers, "PAGES", 20)
        with pytest.raises(TargetGone, match="has no end after 20 pages"):
            asyncio.run(InterlockApi(url, "token").events("CP01"))


def test_a_log_that_goes_round_in_circles_ends() -> None:
    with (
        answering(lambda *_: (200, {"events": [], "next": 5})) as url,
        pytest.raises(TargetGone, match="goes back"),
    ):
        asyncio.run(InterlockApi(url, "token").events("CP01"))
