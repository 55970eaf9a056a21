"""Conformance cases in virtual time: what the worlds of a station and of a CSMS share.

The same cases, the same runner, the same judge as over sockets (`live.check`); hours of waiting cost nothing, and the
same seed gives the same bytes.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from interlock.scenarios.cases.exemplar import bound_of
from interlock.scenarios.cases.language import LIMITS, Case
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.notebook import Notebook
from interlock.scenarios.cases.players.runner import Runner, Setting
from interlock.scenarios.cases.players.tester import Tester
from interlock.scenarios.judge.cases import Facts, Outcome
from interlock.scenarios.world.loop import Clock, SimLoop
from interlock.simulator.network.links import Network, Socket

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of day at which virtual time begins."""
LATENCY_S = (0.001, 0.003)
CALLBACKS = 80_000_000
"""Callbacks of the loop after which a run is given up, over all its cases."""
Done = Callable[[Case, Outcome, float], None]
Player = TypeVar("Player", bound=Tester)


class SimulatedLine:
    """The tester's end of a simulated socket: `side` is which of its two ends that is."""

    def __init__(self, socket: Socket, side: Literal["station", "csms"]) -> None:
        self.number, self._socket, self._side = socket.number, socket, side
        self.send = socket.send_up if side == "station" else socket.send_down

    def close(self, code: int, why: str) -> None:
        """Close it."""
        self._socket.close(self._side, why)


class CaseWorld(ABC, Generic[Player]):
    """One clock, a notebook and a scripted player; a subclass has the peer under test and connects the two.

    `cut`, `allow` and `may_boot` are what a runner asks of its gate. `digest` is of the recorded bytes, after `run`.
    """

    CUT_WHY: ClassVar[str]
    runner: Runner
    setting: Setting

    def __init__(
        self,
        tested: Literal["station", "csms"],
        player: Callable[[Notebook, dict[str, Any], datetime], Player],
        declared: Declaration,
        out: Path,
        seed: str,
    ) -> None:
        self.env = Clock()
        self.loop = SimLoop(self.env)
        self.declared = declared
        self.limits = {**LIMITS, **declared.limits}
        self.book = Notebook(tested, lambda: self.env.now, out)
        self.tester = player(self.book, {**bound_of(self.limits), **declared.values}, BEGAN)
        self.network = Network(self.env, random.Random(seed), ignore, self._dialled, record_frames=False)
        self.network.latency_s = LATENCY_S
        self.shut, self.digest = False, ""

    def prepare(self, facts: Facts, hand: Any) -> None:
        """Set the runner up: with what is known of the peer, and with who does what no message does."""
        self.setting = Setting(facts)
        self.runner = Runner(self.tester, self, hand, self.setting)

    @abstractmethod
    def _dialled(self, socket: Socket) -> bool:
        """Connect a socket that the station's side has opened; False to refuse it."""

    @abstractmethod
    async def _run(self, cases: list[Case]) -> dict[str, Outcome]: ...

    # --- the gate ---

    def cut(self) -> None:
        """Close the connection, and open none until `allow`."""
        self.shut = True
        line, self.tester.line = self.tester.line, None
        if line is not None:
            line.close(1001, self.CUT_WHY)
            self.tester.closed(line, self.CUT_WHY)

    def allow(self) -> None:
        """Let there be a connection again."""
        self.shut = False

    def may_boot(self) -> None:
        """Take note that a station has a reason to boot."""

    # --- running ---

    def run(self, cases: Iterable[Case], done: Done = lambda *_: None) -> dict[str, Outcome]:
        """Run cases one after another; return their outcomes by id. `done` gets each: case, outcome, seconds."""
        self.done = done
        self.loop.limit = CALLBACKS
        with self.book.recorder:
            try:
                return self.loop.run_until_complete(self._run(list(cases)))
            finally:
                self.digest = self.book.recorder.end()
                self.loop.close()

    async def each(self, cases: Iterable[Case]) -> dict[str, Outcome]:
        """Run cases one after another; return their outcomes by id."""
        found = {}
        for case in cases:
            before = self.book.now
            found[case.id] = await self.runner.run(case)
            self.done(case, found[case.id], self.book.now - before)
        return found


def ignore(*_: Any, **__: Any) -> None:
    """Observe nothing."""
