"""The scripted station: a WebSocket client that says whatever a case says."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Mapping

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from interlock.scenarios.cases.players.outgoing import Outgoing
from interlock.scenarios.cases.players.tester import AsStation
from interlock.simulator.network.address import Address
from interlock.simulator.network.refusal import explain

SUBPROTOCOL = "ocpp1.6"
PATIENCE_S = 10.0
AGAIN_S = 0.3
"""Before it connects again to a CSMS that has closed its connection."""
FRAME_BYTES = 1 << 20


class Unreachable(Exception):
    """The CSMS did not accept the station: one sentence says why."""


class ScriptedStation:
    """A station that connects to `address` on `dial`, and again after the CSMS has closed its connection."""

    def __init__(
        self,
        tester: AsStation,
        address: Address,
        station: str,
        password: str | None,
        tls: ssl.SSLContext | None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.tester, self.address, self.station = tester, address, station
        self._tls, self._headers, tester.password = tls, headers or {}, password
        self.away = False
        self._number = 0
        self._reading: asyncio.Task[None] | None = None
        self._dialling = asyncio.Lock()
        tester.book.station = tester.peer.station = station

    async def dial(self) -> None:
        """Connect unless it is connected, or raise `Unreachable`.

        A reconnection and a `dial` of the script may coincide: a second connection would end the first, with what a
        case has just sent on it.
        """
        async with self._dialling:
            if self.tester.line is None:
                await self._dial()

    async def _dial(self) -> None:
        headers = dict(self._headers)
        if self.tester.password is not None:
            pair = base64.b64encode(f"{self.station}:{self.tester.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        try:
            async with asyncio.timeout(PATIENCE_S):
                socket = await connect(
                    self.address.url(self.station),
                    subprotocols=[Subprotocol(SUBPROTOCOL)],
                    additional_headers=headers,
                    ssl=self._tls,
                    compression=None,
                    max_size=FRAME_BYTES,
                    ping_interval=None,
                    proxy=None,
                )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise Unreachable(explain(error, self.address, PATIENCE_S, SUBPROTOCOL)) from None
        if socket.subprotocol != SUBPROTOCOL:
            await socket.close()
            raise Unreachable(f"{self.address.place} did not agree to the subprotocol {SUBPROTOCOL}")
        if self.away:  # since it began to dial
            await socket.close()
            return
        self._number += 1
        line = Outgoing(self._number, socket)
        self.tester.peer.protocol = SUBPROTOCOL
        self.tester.opened(line, {"subprotocol": socket.subprotocol, "tls": self._tls is not None})
        self._reading = asyncio.get_running_loop().create_task(self._read(line, socket))

    async def _read(self, line: Outgoing, socket: ClientConnection) -> None:
        why = "closed"
        try:
            async for text in socket:
                self.tester.arrived(line, text if isinstance(text, str) else f"<{len(text)} bytes>")
        except ConnectionClosed as gone:
            why = str(gone)[:200]
        finally:
            line.sending.cancel()
            self.tester.closed(line, why)
        await self._again()

    async def _again(self) -> None:
        """Connect again, as a station does whose connection was closed."""
        while not self.away and self.tester.line is None:
            await asyncio.sleep(AGAIN_S)
            with contextlib.suppress(Unreachable):
                if not self.away and self.tester.line is None:
                    await self.dial()

    def cut(self) -> None:
        """Close the connection and stay away."""
        self.away = True
        if self.tester.line is not None:
            self.tester.line.close(1001, "away")
            self.tester.line = None

    async def allow(self) -> None:
        """Connect again."""
        self.away = False
        await self.dial()

    async def close(self) -> None:
        """Close the connection for good."""
        reading = self._reading
        self.cut()
        if reading is not None:
            await asyncio.wait([reading], timeout=5.0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
