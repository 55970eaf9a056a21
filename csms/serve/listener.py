"""Listening sockets, and a connection up to its protocol: accepting, refusing, the TLS handshake.

asyncio's own accept loop, out of file descriptors, logs a traceback for each of 4096 attempts and cannot refuse a
connection. Here a few are accepted at a time, some descriptors are reserved for everything else, and refusals are
counted and reported now and then. A TLS handshake has a time limit, and counts as unproven meanwhile.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
import ssl
from collections.abc import Callable
from typing import Any

from interlock.csms.serve import open_files
from interlock.csms.serve.admission import Admission, Slot

BACKLOG = 4096
AT_ONCE = 64
"""Connections accepted in one turn of the loop."""
RESERVE = 64
"""File descriptors kept free: for the store, for files opened late, for an operator."""
REST_S = 0.2
"""Pause in accepting when the process or the machine is out of descriptors or memory."""
SAID_EVERY_S = 60.0
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Listener:
    """One door. `protocol` makes a connection's protocol; `alarm` gets a sentence about refusals now and then."""

    def __init__(
        self,
        admission: Admission,
        protocol: Callable[[Slot], asyncio.BaseProtocol],
        alarm: Callable[[str], None],
        *,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float],
        handshake_s: float = 10.0,
        files: int | None = None,
    ) -> None:
        self.admission, self._protocol, self._alarm = admission, protocol, alarm
        self._tls, self._now, self._handshake_s = tls, now, handshake_s
        self._files = files if files is not None else open_files.limit()
        self._sockets: list[socket.socket] = []
        self._resting: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self.exhausted = 0
        """Connections that were not served because descriptors or memory ran out."""
        self._said_at: float | None = None
        self._said = 0

    async def listen(self, host: str, port: int) -> int:
        """Listen on every address of a host, and return the port. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, kind, proto, _, address in dict.fromkeys(found):
                one = socket.socket(family, kind, proto)
                self._sockets.append(one)
                one.setblocking(False)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                one.bind(address)
                one.listen(BACKLOG)
        except OSError:
            self.close()
            raise
        self._resume()
        return int(self._sockets[0].getsockname()[1])

    def close(self) -> None:
        """Accept no more; connections go on."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        self._pause()
        for one in self._sockets:
            one.close()
        self._sockets.clear()
        for task in list(self._opening):
            task.cancel()

    def _resume(self) -> None:
        self._resting = None
        for one in self._sockets:
            asyncio.get_running_loop().add_reader(one.fileno(), self._accept, one)

    def _pause(self) -> None:
        for one in self._sockets:
            if one.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(one.fileno())

    def _accept(self, listening: socket.socket) -> None:
        now = self._now()
        for _ in range(AT_ONCE):
            try:
                accepted, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._rest()
                    return
                continue  # an error of that one connection, which accept passes on
            # Descriptors are given out from the lowest: this number says how many are in use.
            if accepted.fileno() >= self._files - RESERVE:
                accepted.close()
                self._rest()
                return
            slot = self.admission.enter(str(peer[0]), now)
            if slot is None:
                accepted.close()
                self._say(now)
                continue
            accepted.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._open(accepted, slot))
            slot.end = functools.partial(_cancel, task)
            self._opening.add(task)
            task.add_done_callback(functools.partial(self._opened, accepted, slot))

    async def _open(self, accepted: socket.socket, slot: Slot) -> None:
        def protocol() -> asyncio.BaseProtocol:
            slot.served = True
            return self._protocol(slot)

        secure: dict[str, Any] = {}
        if self._tls is not None:
            secure = {"ssl": self._tls, "ssl_handshake_timeout": self._handshake_s}
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().connect_accepted_socket(protocol, accepted, **secure)

    def _opened(self, accepted: socket.socket, slot: Slot, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        now = self._now()
        if not slot.served:
            accepted.close()
        if task.cancelled():
            self.admission.leave(slot, now)
        elif (error := task.exception()) is not None:  # it ended before a request
            self.admission.leave(slot, now)
            if not isinstance(error, OSError):
                self._alarm(f"a connection was not opened: {type(error).__name__} {error}")

    def _rest(self) -> None:
        self.exhausted += 1
        if self._resting is None:
            loop = asyncio.get_running_loop()
            self._pause()
            self._resting = loop.call_later(REST_S, self._resume)
            self._say(self._now())

    def _say(self, now: float) -> None:
        if self._said_at is not None and now - self._said_at < SAID_EVERY_S:
            return
        self._said_at = now
        turned = self.exhausted + self.admission.refused + self.admission.evicted
        more, self._said = turned - self._said, turned
        why = "the process has no file descriptors to spare" if self.exhausted else "there are too many unproven ones"
        self._alarm(
            f"connections are turned away, {more} since this was said last: {why} "
            f"({self.admission.count} open, {self.admission.unproven} of them unproven)"
        )


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def release(transport: asyncio.BaseTransport | None) -> None:
    """Let a lost transport of asyncio be freed at once: it refers to itself by its method that reads.

    Otherwise each connection that comes and goes is left for the garbage collector, whose passes over thousands of them
    hold up everybody.
    """
    if getattr(transport, "_read_ready_cb", None) is not None:
        transport._read_ready_cb = None  # type: ignore[union-attr]
