"""The same world driven by Hypothesis: its rules are what operators, drivers, faults and time can do.

`interlock search` draws schedules of its own; this is for those who prefer Hypothesis' generator and shrinker. A
failure prints the calls that led to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from interlock.csms.domain import commands as do
from interlock.csms.labelled_points import POINTS
from interlock.csms.node import Csms
from interlock.scenarios.judge.invariants import judge
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.runner import csms_class, rules
from interlock.scenarios.spec import Scenario, Step, ask, draw
from interlock.scenarios.world.world import World
from interlock.simulator.personas import PERSONAS

BASE: Scenario = replace(scenarios()["heartbeat-vs-unlock"], steps=(), moments=(), settle_s=60.0, quiet_s=900.0)
CONNECTOR = st.sampled_from((1, 2))
SECONDS = st.sampled_from((0.5, 1.0, 5.0, 20.0, 45.0, 100.0))
NODE = st.sampled_from((1, 2))
FAULTS = st.sampled_from(("cut", "half_open", "silence", "power_cut"))


class Machine(RuleBasedStateMachine):
    """Two nodes, a station with two connectors, and whatever happens to them."""

    design: type[Csms] = Csms
    wanted: str | None = None
    persona: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None

    @initialize(seed=st.integers(0, 1000), persona=st.sampled_from(sorted(PERSONAS)), slots=st.sampled_from((1, 2)))
    def begin(self, seed: int, persona: str, slots: int) -> None:
        persona = self.persona or persona
        self.spec = replace(BASE, nodes=2, connectors=2, slots=slots, persona=persona)
        self.world = World(self.spec, draw(self.spec, seed), seed, self.design)
        self.world.begin()
        self.world.pass_time(10.0)

    def do(self, step: Step) -> None:
        assert self.world is not None
        self.world.do(step)
        self.world.pass_time(0.0)

    # --- operators ---

    @rule(connector=CONNECTOR, node=NODE)
    def unlock(self, connector: int, node: int) -> None:
        self.do(ask(do.Unlock(connector), 0.0, node=node, attempts=3, patience_s=8.0))

    @rule(connector=CONNECTOR, node=NODE)
    def start(self, connector: int, node: int) -> None:
        self.do(ask(do.RemoteStart(connector, "TAG-OPERATOR"), 0.0, node=node))

    @rule(connector=CONNECTOR, node=NODE)
    def stop(self, connector: int, node: int) -> None:
        self.do(Step("ask_stop", 0.0, (("connector", connector), ("node", node))))

    @rule(hard=st.booleans(), node=NODE)
    def reset(self, hard: bool, node: int) -> None:
        self.do(ask(do.Reset(hard), 0.0, node=node))

    @rule(connector=CONNECTOR, operative=st.booleans())
    def availability(self, connector: int, operative: bool) -> None:
        self.do(ask(do.ChangeAvailability(connector, operative), 0.0))

    # --- drivers and stations ---

    @rule(what=st.sampled_from(("plug", "swipe", "unplug")), connector=CONNECTOR)
    def driver(self, what: str, connector: int) -> None:
        self.do(Step(what, 0.0, (("connector", connector),)))

    @rule(count=st.integers(1, 4))
    def heartbeats(self, count: int) -> None:
        self.do(Step("heartbeats", 0.0, (("count", count), ("every_s", 0.3))))

    @rule()
    def reconnect(self) -> None:
        self.do(Step("reconnect", 0.0, ()))

    # --- faults ---

    @rule(name=FAULTS, seconds=SECONDS)
    def fault(self, name: str, seconds: float) -> None:
        self.do(Step(name, 0.0, (("seconds", seconds),)))

    @rule(node=NODE, down_s=st.sampled_from((1.0, 15.0)))
    def crash(self, node: int, down_s: float) -> None:
        self.do(Step("crash", 0.0, (("node", node), ("down_s", down_s))))

    @rule(node=NODE, point=st.sampled_from(sorted(POINTS)))
    def crash_at(self, node: int, point: str) -> None:
        self.do(Step("crash_at", 0.0, (("node", node), ("point", point))))

    @rule(node=NODE)
    def restart(self, node: int) -> None:
        self.do(Step("restart", 0.0, (("node", node), ("down_s", 2.0))))

    @rule(seconds=SECONDS)
    def time(self, seconds: float) -> None:
        assert self.world is not None
        self.world.pass_time(seconds)

    # --- judged ---

    def teardown(self) -> None:
        world = self.world
        if world is None:
            return
        try:
            world.end()
            world.history.run = {"rules": rules(self.spec, world.lossy)}
            world.history.end()
            bad = [found for found in judge(world.history) if found.verdict >= Verdict.FAIL]
        finally:
            world.close()
        if self.wanted is not None:
            bad = [found for found in bad if found.id == self.wanted]
        assert not bad, [(found.id, found.violations[:1], found.reason) for found in bad]


def explore(examples: int, phases: Sequence[Phase] = tuple(Phase), **fixed: object) -> None:
    machine = type("Driven", (Machine,), fixed)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            phases=phases,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_reference_holds_whatever_happens() -> None:
    explore(300)


@pytest.mark.parametrize(("name", "invariant"), [("send-then-append", "I02"), ("intent-does-not-hold", "I13")])
def test_a_wrong_design_is_found(name: str, invariant: str) -> None:
    with pytest.raises(AssertionError, match=invariant):
        explore(200, [Phase.generate], design=csms_class(name), wanted=invariant, persona="accepts-second")
