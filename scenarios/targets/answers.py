"""Reads the answers of a foreign control interface: bounded in bytes, depth and time, and typed.

Any other behaviour raises `TargetGone` or its subclass `Misfit`, whose text is one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import urllib.error
import urllib.request
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from interlock.scenarios.refused import on_one_line

BYTES = 4 * 1024 * 1024
"""The longest answer that is read; the next page is another one."""
DEPTH = 64
"""Objects and lists within each other."""
ID_LONGEST = 200
"""Characters of a command's id, or of a reason."""
PAGES, EVENTS = 1000, 200_000
"""Pages and events of a log that are read before it counts as endless."""
IN_ALL_S = 120.0
"""How long the pages of one log may take together."""

T = TypeVar("T")


class TargetGone(Exception):
    """The control interface does not answer; the message says which and why, in one sentence."""


class Misfit(TargetGone):
    """An answer that does not look as it was said to; the message says where, in one sentence."""


class Closed(TargetGone):
    """It is there and hung up instead of answering."""


class Unreadable(TargetGone):
    """It is there, and its answer is no JSON, such as a page for people."""


def member(told: Any, name: str, kind: type[T], where: str) -> T:
    """Return a member of an answer, if it is an object that has it, and it is of this kind. Raises `Misfit`."""
    value = told.get(name) if isinstance(told, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Misfit(f"{where} answers without {name!r} that is {_WORDS.get(kind, kind.__name__)}")
    return value


_WORDS: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


class Reading:
    """The pages of one log: how many there were, and how long they may still take."""

    def __init__(self, where: str) -> None:
        self._where, self._pages, self._after = where, 0, -1.0
        self._until = asyncio.get_running_loop().time() + IN_ALL_S

    def page(self, events: int, after: Any = None) -> None:
        """Count a page; `after` is where it begins, if it is a number. Raises `Misfit` when there is no end."""
        self._pages += 1
        late = asyncio.get_running_loop().time() > self._until
        if self._pages > PAGES or events > EVENTS or late:
            why = f"within {IN_ALL_S:g} s" if late else f"after {self._pages - 1} pages and {events} events"
            raise Misfit(f"{self._where} has no end {why}")
        if isinstance(after, int | float):
            if after <= self._after:
                raise Misfit(f"{self._where} goes back: the page after {self._after:g} leads to {after:g}")
            self._after = float(after)


async def fetch(request: urllib.request.Request, timeout_s: float) -> tuple[int, Any]:
    """Send a request; return the status and the JSON of the answer. Raises `TargetGone`, which names the host only."""
    line = _Line()
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    found: list[tuple[int, bytes] | Exception] = []

    def work() -> None:
        try:
            found.append(_send(request, timeout_s, line))
        except Exception as error:
            found.append(error)
        with contextlib.suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(done.set)

    # A thread of its own, for which the end of the process does not wait.
    threading.Thread(target=work, daemon=True, name="target").start()
    where = urlsplit(request.full_url).netloc
    try:
        await asyncio.wait_for(done.wait(), timeout_s)
    except TimeoutError:
        raise TargetGone(f"the API at {where} does not answer within {timeout_s:g} s") from None
    finally:
        line.cut()
    if isinstance(found[0], Exception):
        _gone(where, found[0])
    return _read(where, *found[0])


def fetch_now(request: urllib.request.Request, timeout_s: float) -> tuple[int, Any]:
    """Do the same in the calling thread, or greenlet, where `timeout_s` is for each wait on the socket."""
    where = urlsplit(request.full_url).netloc
    try:
        return _read(where, *_send(request, timeout_s, _Line()))
    except TargetGone:
        raise
    except Exception as error:
        _gone(where, error)


def _gone(where: str, error: Exception) -> NoReturn:
    if isinstance(getattr(error, "reason", error), ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        raise Closed(f"the API at {where} does not answer: {error}") from None
    if isinstance(error, TargetGone | OSError | ValueError | http.client.HTTPException | RecursionError):
        said = on_one_line(str(getattr(error, "reason", error)), 200)
        raise TargetGone(f"the API at {where} does not answer: {said or type(error).__name__}") from None
    raise error


def _read(where: str, status: int, data: bytes) -> tuple[int, Any]:
    try:
        told = json.loads(data or b"null", parse_constant=_no_number)
        if _too_deep(told):
            raise ValueError
    except (ValueError, RecursionError):
        if status >= 400:
            return status, {"detail": f"HTTP {status}"}
        raise Unreadable(
            f"the API at {where} does not answer: what it says is not JSON, or nested too deeply"
        ) from None
    return status, told


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _too_deep(told: Any) -> bool:
    level = [told] if isinstance(told, dict | list) else []
    for _ in range(DEPTH + 1):
        inner: list[Any] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one
        level = [one for one in inner if isinstance(one, dict | list)]
    return bool(level)


class _Line:
    """The socket of a request, so that it can be cut off while a thread waits on it."""

    sock: socket.socket | None = None
    over = False

    def take(self, sock: socket.socket) -> None:
        """Note the socket, now that it is connected. Raises `OSError` when nobody waits for it any more."""
        self.sock = sock
        if self.over:
            raise TimeoutError("too late")

    def cut(self) -> None:
        """Let whoever reads or writes on it fail at once."""
        self.over = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would carry the secret somewhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(line: _Line) -> urllib.request.OpenerDirector:
    class Response(http.client.HTTPResponse):
        def _read_status(self) -> Any:  # is called again and again while the answer is 100 Continue
            if line.over:
                raise TimeoutError("too late")
            return super()._read_status()  # type: ignore[misc]

    class Plain(http.client.HTTPConnection):
        response_class = Response

        def connect(self) -> None:
            super().connect()
            line.take(self.sock)

    class Secure(http.client.HTTPSConnection):
        response_class = Response

        def connect(self) -> None:
            super().connect()
            line.take(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Plain, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Secure, req)

    return urllib.request.build_opener(_Stay, PlainHandler, SecureHandler)


def _send(request: urllib.request.Request, timeout_s: float, line: _Line) -> tuple[int, bytes]:
    try:
        answer = _opener(line).open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        data = bytearray()
        while len(data) <= BYTES and not line.over and (chunk := answer.read1(65536)):
            data += chunk
        if len(data) > BYTES:
            raise TargetGone(f"an answer has more than {BYTES} bytes")
        return int(answer.status), bytes(data)
