"""Conformance cases of a station in virtual time: the scripted CSMS and our simulated station, no socket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.scenarios.cases.language import Case
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.simulated import QUICK, StationHand, skew_s
from interlock.scenarios.cases.players.tester import AsCsms
from interlock.scenarios.judge.cases import Facts, Outcome
from interlock.scenarios.world.case_world import BEGAN, CaseWorld, SimulatedLine, ignore
from interlock.simulator.assembly import build_station
from interlock.simulator.clock import ClockSpec
from interlock.simulator.network.links import Socket
from interlock.simulator.randomness import SmallDraws
from interlock.simulator.spec import StationSpec


class StationCaseWorld(CaseWorld[AsCsms]):
    """One simulated station and the scripted CSMS. `changes` are fields of `StationSpec`."""

    CUT_WHY = "the tester closed it"

    def __init__(self, declared: Declaration, out: Path, seed: int = 0, **changes: Any) -> None:
        super().__init__("station", AsCsms, declared, out, f"{seed}:network")
        spec = StationSpec("SIM", **{**QUICK, "clock": ClockSpec(skew_s(BEGAN)), **changes})
        self.station = build_station(self.env, spec, SmallDraws(f"{seed}:SIM"), self.network, ignore)
        self.prepare(Facts(self.limits), StationHand(self.station))

    def _dialled(self, socket: Socket) -> bool:
        if self.shut:
            return False
        line, tester = SimulatedLine(socket, "csms"), self.tester
        socket.node = "tester"
        socket.on_up = lambda text: tester.arrived(line, text)
        socket.on_csms_closed = lambda why: tester.closed(line, why)
        self.book.station = tester.peer.station = socket.station_id
        tester.opened(line, {"subprotocol": socket.subprotocol, "tls": False})
        return True

    async def _run(self, cases: list[Case]) -> dict[str, Outcome]:
        self.station.start()
        await self.book.until(lambda: self.tester.peer.boots, 60.0)
        answer = await self.runner.ask("GetConfiguration", {})
        told = answer.get("configurationKey", ()) if isinstance(answer, dict) else ()
        keys: Mapping[str, str] = {one["key"]: str(one["value"]) for one in told}
        self.setting.keys.update(keys)
        self.setting.facts = Facts(self.setting.facts.limits, {}, self.declared.told(keys))
        return await self.each(cases)
