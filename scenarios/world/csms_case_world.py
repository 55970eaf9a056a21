"""Conformance cases of a CSMS in virtual time: the scripted station and one node of ours on one clock, no socket.

What needs a server process (passwords, TLS) is not declared here, and so not applicable; `interlock check csms` has it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from interlock.csms.clock import Ids
from interlock.csms.dialects import NotAcceptable, v16
from interlock.csms.domain.station import Rules
from interlock.csms.node import Csms
from interlock.csms.settings import Settings
from interlock.csms.store import MemoryStore
from interlock.scenarios.cases.language import Case
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.hand import CannotDo
from interlock.scenarios.cases.players.meeting import meet_csms
from interlock.scenarios.cases.players.tester import AsStation
from interlock.scenarios.judge.cases import Facts, Outcome, Word
from interlock.scenarios.world.case_world import CaseWorld, SimulatedLine
from interlock.scenarios.world.world import SimClock
from interlock.simulator.network.links import Socket

STATION = "INTERLOCK-01"
FEATURES = dict.fromkeys(
    (
        *("cache", "offline_start", "local_list", "firmware", "file_server", "reservation", "reserve_zero"),
        *("remote_trigger", "smart_charging", "security", "expired", "blocked", "group"),
    ),
    True,
)
"""What the reference has."""
CARDS = {
    "TAG-VALID": ("Accepted", "TAG-PARENT"),
    "TAG-OTHER": ("Accepted", None),
    "TAG-GROUP": ("Accepted", "TAG-PARENT"),
    "TAG-BLOCKED": ("Blocked", None),
    "TAG-EXPIRED": ("Expired", None),
}
"""The cards that cases show, as they are registered."""


class CsmsCaseWorld(CaseWorld[AsStation]):
    """One node of `csms_class` and the scripted station, which is its own hand and its operator's."""

    CUT_WHY = "away"

    def __init__(
        self, declared: Declaration, out: Path, csms_class: type[Csms] = Csms, settings: Settings | None = None
    ) -> None:
        super().__init__("csms", AsStation, declared, out, "network")
        self.node = csms_class(
            "node1",
            MemoryStore(),
            SimClock(self.env),
            Ids("node1", random.Random("node1")),
            settings or Settings(acceptance="strict"),
            lambda station: Rules(2, 2),
        )
        self.prepare(Facts(self.limits, {}, declared.told({})), self)
        self._asked = 0

    # --- the connection ---

    def _dialled(self, socket: Socket) -> bool:
        node = self.node

        def hang_up(why: str) -> None:
            socket.close("csms", why)
            connection.hang_up(why)

        connection = node.connect(socket.station_id, socket.send_down, hang_up, node.dialects["ocpp1.6"])
        connection.proven = True
        connection.ping = lambda: socket.ping(lambda: connection.alive(self.env.now))
        socket.on_up, socket.on_csms_closed = connection.offer, connection.hang_up
        node.serve(connection, hang_up)
        return True

    def dial(self) -> None:
        """Connect the station."""
        socket = self.network.open(STATION, "ocpp1.6")
        assert socket is not None
        line, tester = SimulatedLine(socket, "station"), self.tester
        socket.on_down = lambda text: tester.arrived(line, text)
        socket.on_station_closed = lambda why: self._lost(line, why)
        tester.opened(line, {"subprotocol": "ocpp1.6", "tls": False})

    def _lost(self, line: SimulatedLine, why: str) -> None:
        self.tester.closed(line, why)
        self.loop.call_later(0.3, lambda: self.dial() if self.tester.line is None and not self.shut else None)

    def allow(self) -> None:
        """Connect again."""
        super().allow()
        if self.tester.line is None:
            self.dial()

    # --- its operator ---

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Ask the node for a CALL, or raise `CannotDo` with its reason."""
        if deed != "ask":
            raise CannotDo(f"nobody can {deed} here")
        try:
            command = v16.command(names["action"], names["payload"])
        except NotAcceptable as error:
            raise CannotDo(error.why) from None
        self._asked += 1
        decided = await self.node.operate(STATION, command, f"check-{self._asked}")
        if decided.command_id is None:
            raise CannotDo(f"it does not take this {names['action']}: {decided.reason}")

    # --- running ---

    async def _run(self, cases: list[Case]) -> dict[str, Outcome]:
        await self.node.start()
        for card, (word, parent) in CARDS.items():
            await self.node.register_token(card, word, parent)
        found = await self._work(cases)
        await self.node.stop()
        return found

    async def _work(self, cases: list[Case]) -> dict[str, Outcome]:
        self.book.station = self.tester.peer.station = STATION
        self.dial()
        seen, why = await meet_csms(self.runner, "the CSMS")
        if why is not None:
            return {case.id: Outcome(case.id, Word.ERROR, why) for case in cases}
        self.setting.facts = replace(self.setting.facts, features=self.declared.told({}, seen))
        found = await self.each(cases)
        self.cut()
        return found
