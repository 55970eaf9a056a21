"""Conformance cases of a station in virtual time: the scripted CSMS and our simulated station on one clock, no socket.

The same cases, the same runner, the same judge as over sockets (`live.check`); hours of waiting cost nothing, and the
same seed gives the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interlock.scenarios.cases.exemplar import bound_of
from interlock.scenarios.cases.language import LIMITS, Case
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.notebook import Notebook
from interlock.scenarios.cases.players.runner import Runner, Setting
from interlock.scenarios.cases.players.simulated import QUICK, StationHand, skew_s
from interlock.scenarios.cases.players.tester import AsCsms
from interlock.scenarios.judge.cases import Facts, Outcome
from interlock.scenarios.world.loop import Clock, SimLoop
from interlock.simulator.assembly import build_station
from interlock.simulator.clock import ClockSpec
from interlock.simulator.network.links import Network, Socket
from interlock.simulator.randomness import SmallDraws
from interlock.simulator.spec import StationSpec

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LATENCY_S = (0.001, 0.003)
CALLBACKS_A_CASE = 200_000
Done = Callable[[Case, Outcome, float], None]


class _Line:
    """The CSMS's end of a simulated socket."""

    def __init__(self, socket: Socket) -> None:
        self.number, self._socket = socket.number, socket

    def send(self, text: str) -> None:
        self._socket.send_down(text)

    def close(self, code: int, why: str) -> None:
        self._socket.close("csms", why)


class CaseWorld:
    """One simulated station and the scripted CSMS. `changes` are fields of `StationSpec`."""

    def __init__(self, declared: Declaration, out: Path, seed: int = 0, **changes: Any) -> None:
        self.env = Clock()
        self.loop = SimLoop(self.env)
        self.declared = declared
        limits = {**LIMITS, **declared.limits}
        self.book = Notebook("station", lambda: self.env.now, out)
        self.tester = AsCsms(self.book, {**bound_of(limits), **declared.values}, BEGAN)
        self.shut, self.digest = False, ""
        network = Network(self.env, random.Random(f"{seed}:network"), _ignore, self._dialled, record_frames=False)
        network.latency_s = LATENCY_S
        spec = StationSpec("SIM", **{**QUICK, "clock": ClockSpec(skew_s(BEGAN)), **changes})
        self.station = build_station(self.env, spec, SmallDraws(f"{seed}:SIM"), network, _ignore)
        self.setting = Setting(Facts(limits))
        self.runner = Runner(self.tester, self, StationHand(self.station), self.setting)

    # --- the gate ---

    def cut(self) -> None:
        """Close the connection and let nobody in."""
        self.shut = True
        line, self.tester.line = self.tester.line, None
        if line is not None:
            line.close(1001, "the tester closed it")
            self.tester.closed(line, "the tester closed it")

    def allow(self) -> None:
        """Let the station in again."""
        self.shut = False

    def may_boot(self) -> None:
        """Take note that the station has a reason to boot."""

    def _dialled(self, socket: Socket) -> bool:
        if self.shut:
            return False
        line, tester = _Line(socket), self.tester
        socket.node = "tester"
        socket.on_up = lambda text: tester.arrived(line, text)
        socket.on_csms_closed = lambda why: tester.closed(line, why)
        self.book.station = tester.peer.station = socket.station_id
        tester.opened(line, {"subprotocol": socket.subprotocol, "tls": False})
        return True

    # --- running ---

    def run(self, cases: Iterable[Case], done: Done = lambda *_: None) -> dict[str, Outcome]:
        """Run cases, one behind the other; return what came of each. `done` is told: case, outcome, seconds."""
        self.done = done
        self.loop.limit = CALLBACKS_A_CASE * 400
        with self.book.recorder:
            try:
                return self.loop.run_until_complete(self._run(list(cases)))
            finally:
                self.digest = self.book.recorder.end()
                self.loop.close()

    async def _run(self, cases: list[Case]) -> dict[str, Outcome]:
        self.station.start()
        await self.book.until(lambda: self.tester.peer.boots, 60.0)
        answer = await self.runner.ask("GetConfiguration", {})
        told = answer.get("configurationKey", ()) if isinstance(answer, dict) else ()
        keys: Mapping[str, str] = {one["key"]: str(one["value"]) for one in told}
        self.setting.keys.update(keys)
        self.setting.facts = Facts(self.setting.facts.limits, {}, self.declared.told(keys))
        return await each(self.runner, cases, self.done)


async def each(runner: Runner, cases: Iterable[Case], done: Done) -> dict[str, Outcome]:
    """Run cases, one behind the other; return what came of each."""
    found = {}
    for case in cases:
        before = runner.book.now
        found[case.id] = await runner.run(case)
        done(case, found[case.id], runner.book.now - before)
    return found


def _ignore(*_: Any, **__: Any) -> None:
    pass
