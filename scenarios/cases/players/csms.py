"""The scripted CSMS: a WebSocket server that admits one station and follows the script of a case.

Another station, or a faulty handshake, is refused, with a sentence in `refused`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import http
import logging
import ssl
from collections import Counter
from typing import Any
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response

from interlock.scenarios.cases.players.outgoing import Outgoing
from interlock.scenarios.cases.players.tester import AsCsms

SUBPROTOCOL = "ocpp1.6"
FRAME_BYTES = 1 << 20
STRANGER = "somebody connected who does not speak WebSocket (plain TCP, or TLS on one side only)"
HANDSHAKE_S = 5.0
TWINS, TWINS_S = 4, 10.0
"""This many connections that replace an open one, in this many seconds, mean two stations with one id."""
BOOTS, BOOTS_S = 6, 120.0
"""This many boots without a request, in this many seconds, mean a station that keeps rebooting."""


class ScriptedCsms:
    """Listens for a station; `station` is its id, or None for the first that connects."""

    def __init__(self, tester: AsCsms, station: str | None, tls: ssl.SSLContext | None = None) -> None:
        self.tester, self.station, self._tls = tester, station, tls
        self.refused: Counter[str] = Counter()
        self.strangers: set[ServerConnection] = set()
        """Connections that have not sent a handshake yet."""
        self.shut = False
        """Whether no connection is accepted."""
        self._server: Server | None = None
        self._number = 0
        self._replaced: list[float] = []
        self._booted: list[float] = []

    # --- its life ---

    async def listen(self, host: str, port: int) -> int:
        """Listen; return the port. Raises `OSError` where that cannot be."""
        quiet = logging.Logger("station", logging.CRITICAL)
        self._server = await serve(
            self._serve,
            host,
            port,
            ssl=self._tls,
            compression=None,
            select_subprotocol=self._select,
            process_request=self._let_in,
            max_size=FRAME_BYTES,
            ping_interval=None,
            open_timeout=HANDSHAKE_S,
            logger=quiet,
            create_connection=_watched(self),
        )
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def close(self) -> None:
        """Close every connection and stop listening."""
        if self._server is not None:
            for connection in list(self.strangers):
                connection.transport.abort()
            self._server.close()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Close the connection and accept no other."""
        self.shut = True
        if self.tester.line is not None:
            self.tester.line.close(1001, "the tester closed it")

    def allow(self) -> None:
        """Accept the station again."""
        self.shut = False

    def may_boot(self) -> None:
        """Take note that the station has a reason to boot."""
        self._booted.clear()

    # --- the handshake ---

    def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        self.strangers.discard(connection)
        if self.shut:
            return _no(http.HTTPStatus.SERVICE_UNAVAILABLE, "not now")
        station = _named(request.path)
        if not station:
            return self._no(connection, 404, "a station connected without its id at the end of the URL")
        if self.station is not None and station != self.station:
            return self._no(connection, 404, f"a station called {station[:48]!r} came, not {self.station!r}")
        if "sec-websocket-key" in request.headers and not _offered(request.headers):
            return self._no(connection, 400, f"station {station[:48]!r} offers no subprotocol; {SUBPROTOCOL} is needed")
        return None

    def _no(self, connection: ServerConnection, status: int, why: str) -> Response:
        self.refuse(why)
        return _no(http.HTTPStatus(status), why)

    def refuse(self, why: str) -> None:
        """Record a refused connection."""
        self.refused[why] += 1
        self.tester.book.observe("dial.failed", why=why)

    def _select(self, connection: ServerConnection, offered: Any) -> Any:
        if SUBPROTOCOL in offered:
            return SUBPROTOCOL
        words = ", ".join(map(str, offered))[:80]
        self.refuse(f"the station speaks {words or 'no subprotocol'}, and this check is for {SUBPROTOCOL}")
        raise NegotiationError("no common subprotocol")

    # --- a connection ---

    async def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        self._number += 1
        socket = Outgoing(self._number, connection)
        tester = self.tester
        if self.station is None:
            self.station = _named(request.path)
        tester.book.station = tester.peer.station = self.station
        tester.peer.protocol = connection.subprotocol or ""
        if tester.line is not None:
            self._twins(tester.line)
        tester.opened(socket, self._headers(request.headers))
        why = "closed"
        try:
            async for text in connection:
                tester.arrived(socket, text if isinstance(text, str) else f"<{len(text)} bytes>")
                self._loops(text)
                if tester.trouble is not None:
                    connection.transport.abort()
                    break
                await asyncio.sleep(0)  # a peer that floods must not block other tasks
        except ConnectionClosed as gone:
            why = str(gone)[:200]
        finally:
            socket.sending.cancel()
            tester.closed(socket, why)

    def _headers(self, headers: Headers) -> dict[str, Any]:
        found: dict[str, Any] = {"tls": self._tls is not None, "subprotocol": SUBPROTOCOL}
        password = _password(headers.get("authorization", ""))
        if password is not None:
            # The password itself is not written down.
            found["password"] = "new" if password == self.tester.bound["password"] else "other"
        return found

    def _twins(self, older: Any) -> None:
        now = self.tester.book.now
        self._replaced = [at for at in (*self._replaced, now) if now - at < TWINS_S]
        older.close(1008, "replaced by another connection")
        if len(self._replaced) >= TWINS:
            self.tester.trouble = f"two stations use the id {self.station!r}: each connection replaces the other's"

    def _loops(self, text: Any) -> None:
        if not isinstance(text, str) or '"BootNotification"' not in text[:200]:
            return
        now = self.tester.book.now
        self._booted = [at for at in (*self._booted, now) if now - at < BOOTS_S]
        if len(self._booted) >= BOOTS:
            self.tester.trouble = f"the station boots again and again: {len(self._booted)} times in {BOOTS_S:g} s"


def _watched(csms: ScriptedCsms) -> type[ServerConnection]:
    """Return connections that tell of those that never said what WebSocket begins with."""

    class Watched(ServerConnection):
        def connection_made(self, transport: Any) -> None:
            csms.strangers.add(self)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            if self in csms.strangers:
                csms.strangers.discard(self)
                csms.refuse(STRANGER)
            super().connection_lost(exc)

    return Watched


def _named(path: str) -> str:
    return unquote(path.split("?")[0].rstrip("/").rsplit("/", 1)[-1])


def _offered(headers: Headers) -> list[str]:
    return [one for value in headers.get_all("sec-websocket-protocol") for one in value.split(",") if one.strip()]


def _password(header: str) -> str | None:
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value).decode("utf-8", "replace").partition(":")[2]
    except (ValueError, binascii.Error):
        return None


def _no(status: http.HTTPStatus, why: str) -> Response:
    body = f"{why}\n".encode()
    headers = Headers([("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("Connection", "close")])
    return Response(status.value, status.phrase, headers, body)
