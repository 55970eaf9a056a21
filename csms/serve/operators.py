"""The operators' port: HTTP/1.1 for the API, one request after another, each part bounded in bytes and time.

uvicorn's protocol serves the requests. Added here: the head of each request is checked before it is parsed (`head`),
what takes too long is ended, a client that does not read is disconnected, and connections without a valid token are
limited (`admission`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from interlock.csms.serve import head
from interlock.csms.serve.admission import Admission, Crowd, Slot
from interlock.csms.serve.listener import Listener, release

CROWD = Crowd(connections=512, unproven=128, unproven_of_address=64)


@dataclass(frozen=True, slots=True)
class OperatorLimits:
    """What an operator's connection may cost. Times are seconds."""

    head_s: float = 10.0
    body_s: float = 20.0
    idle_s: float = 5.0
    """Between two requests."""
    unread_s: float = 10.0
    """A client that reads nothing for this long is disconnected."""
    closing_s: float = 2.0
    send_buffer: int = 64 * 1024
    """Bytes of the kernel's for what was not read."""


class Operators:
    """The door on one port. `app` is the ASGI application."""

    def __init__(
        self,
        app: Any,
        now: Callable[[], float],
        alarm: Callable[[str], None],
        limits: OperatorLimits | None = None,
        crowd: Crowd = CROWD,
    ) -> None:
        self.limits, self.now = limits or OperatorLimits(), now
        self.admission = Admission(crowd)
        self.config = uvicorn.Config(
            app,
            http=H11Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # they would let a local client pass for another address
            timeout_keep_alive=max(1, int(self.limits.idle_s)),
            h11_max_incomplete_event_size=head.HEAD_BYTES,
        )
        self.config.load()
        self.state = uvicorn.server.ServerState()
        self.ended = 0
        """Connections that were ended because something took too long."""
        self._listener = Listener(self.admission, lambda slot: OperatorSocket(self, slot), alarm, now=now)

    async def listen(self, host: str, port: int) -> int:
        """Listen, and return the port. Raises `OSError`."""
        return await self._listener.listen(host, port)

    def close(self) -> None:
        """Take no new connections, and no more requests on those there are."""
        self._listener.close()
        for connection in list(self.state.connections):
            cast(OperatorSocket, connection).shutdown()

    async def stop(self, within_s: float) -> None:
        """Wait for the answers that are under way, and no longer than `within_s`; then cut off who is left."""
        if self.state.tasks:
            await asyncio.wait(self.state.tasks, timeout=within_s)
        for connection in list(self.state.connections):
            cast(OperatorSocket, connection).transport.abort()
        for task in list(self.state.tasks):
            task.cancel()


class OperatorSocket(H11Protocol):
    """One connection of an operator."""

    def __init__(self, door: Operators, slot: Slot) -> None:
        super().__init__(config=door.config, server_state=door.state, app_state={})
        self._door, self._slot = door, slot
        self._gathered: bytearray | None = bytearray()
        """The head of the next request so far; None while a request has its body or its answer to come."""
        self._due: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    # --- what the loop does with it ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        super().connection_made(transport)
        self._slot.end = transport.abort
        own = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._door.limits.send_buffer)
        self._expect(self._door.limits.head_s)

    def data_received(self, data: bytes) -> None:
        """Take bytes: of a head until it is whole, then of its body."""
        if self._gathered is None and self.conn.their_state is h11.IDLE:
            self._gathered = bytearray()  # the rest of a body that was answered before it was whole is through
        if self._gathered is None:
            if self.conn.their_state is not h11.SEND_BODY:
                self._refuse(head.BadHead(400, "requests come one after another: wait for the answer"))
                return
        else:
            if not self._gathered and self.timeout_keep_alive_task is not None:
                self._expect(self._door.limits.head_s)
            self._gathered += data
            try:
                end = head.end_of(self._gathered)
                if not end:
                    self._unset_keepalive_if_required()
                    return
                head.check(bytes(self._gathered[:end]))
            except head.BadHead as refused:
                self._refuse(refused)
                return
            data, self._gathered = bytes(self._gathered), None
            self._expect(self._door.limits.body_s)
        super().data_received(data)
        if self.scope is not None:
            cast(Any, self.scope)["prove"] = self._prove  # the application starts in the next turn of the loop
        if self.conn.their_state is not h11.SEND_BODY:
            self._expect(None)
            if self.conn.trailing_data[0]:
                self.transport.abort()

    def on_response_complete(self) -> None:
        """Expect the next request."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self._gathered = bytearray()

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that it is gone."""
        self._door.admission.leave(self._slot, self._door.now())
        self._expect(None)
        self.resume_writing()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.cycle = self.scope = None  # type: ignore[assignment]  # both refer to this connection
        release(self.transport)

    def pause_writing(self) -> None:
        """The peer does not read: give it a while."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._door.limits.unread_s, self._cut_off)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    # --- inside ---

    def _prove(self) -> None:
        self._door.admission.prove(self._slot)

    def _expect(self, within_s: float | None) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = None if within_s is None else self.loop.call_later(within_s, self._late)

    def _late(self) -> None:
        self._door.ended += 1
        self._refuse(head.BadHead(408, "the request did not come in time"))

    def _refuse(self, refused: head.BadHead) -> None:
        if self.transport.is_closing():
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(head.answer(refused))
        self._leave()

    def _cut_off(self) -> None:
        """End an answer that nobody reads. Events get a last one, for when the follower reads on after all."""
        self._unread = None
        self._door.ended += 1
        words = cast(Any, self.scope or {}).get("last_words")
        if words is not None and self.conn.our_state is h11.SEND_BODY:
            for event in (h11.Data(data=words), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self._leave()

    def _leave(self) -> None:
        """Close once what was written is gone, and soon in any case."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_writing()
        self.transport.close()
        self.loop.call_later(self._door.limits.closing_s, self.transport.abort)
