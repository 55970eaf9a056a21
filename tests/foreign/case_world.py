"""The cases of a CSMS on a foreign brain in virtual time: no socket, no server, an hour of waiting costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.scenarios.cases.language import Case
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.hand import CannotDo
from interlock.scenarios.judge.cases import Outcome
from interlock.scenarios.world.csms_case_world import CsmsCaseWorld
from interlock.simulator.network.links import Socket
from tests.foreign.brain import Brain, HangUp
from tests.foreign.operated import Operated


class ForeignCaseWorld(CsmsCaseWorld):
    """A brain in place of the node. What it raises closes the connection, as it does in most servers."""

    def __init__(self, brain: Brain, declared: Declaration, out: Path) -> None:
        super().__init__(declared, out)
        self.brain = brain
        brain.clock = lambda: self.tester.now

    def _dialled(self, socket: Socket) -> bool:
        brain, station = self.brain, socket.station_id

        async def line(text: str) -> None:
            socket.send_down(text)

        def answer(text: str) -> None:
            try:
                texts = brain.take(station, text)
            except (HangUp, RecursionError, ValueError, KeyError, TypeError) as error:
                socket.close("csms", type(error).__name__)
                gone("")
                return
            for one in texts:
                delay = getattr(brain, "delay_s", 0.0)
                self.loop.call_later(delay, socket.send_down, one)

        def gone(_: str) -> None:
            if lines.get(station) is line:
                del lines[station]
            brain.gone(station)

        lines: dict[str, Any] = getattr(brain, "lines", {})
        lines[station] = line
        brain.came(station)
        socket.on_up, socket.on_csms_closed = answer, gone
        return True

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Ask its operator for a CALL."""
        if deed != "ask" or not isinstance(self.brain, Operated):
            raise CannotDo(f"nobody can {deed} here")
        self._asked += 1
        answer, _ = self.brain.ask(names["station"], names["action"], names["payload"], f"check-{self._asked}")
        if answer != "accepted":
            raise CannotDo(answer)

    async def _run(self, cases: list[Case]) -> dict[str, Outcome]:
        return await self._work(cases)
