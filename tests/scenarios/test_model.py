"""The judges' own reading of a log and the fold of the CSMS agree, whatever stations tell and operators ask."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from interlock.csms import codec
from interlock.csms.domain.inflight import PHASES
from interlock.csms.domain.station import Accept, Rules, Station, decide, evolve
from interlock.scenarios.judge.invariants.model import OPEN, Model
from interlock.scenarios.record.domain_view import OUTCOMES, STEPS
from tests.csms.test_conflicts import askable, candidates

RULES = Rules(2, 1)


def test_the_judges_words_are_those_of_the_domain() -> None:
    words = {event.__name__: phase.value for event, phase in PHASES.items()}
    assert {name: STEPS[name] for name in words if name != "CommandRequested"} == {
        name: word for name, word in words.items() if name != "CommandRequested"
    }
    assert tuple(phase.value for phase in PHASES.values() if phase.open) == OPEN
    assert set(OUTCOMES.values()) == {phase.value for phase in PHASES.values() if not phase.open}


@pytest.mark.parametrize("seed", range(12))
def test_the_second_reading_agrees_with_the_fold(seed: int) -> None:
    rng = random.Random(seed)
    state = Station(online=True, epoch=1, node="n")
    model = Model({"connectors": 2, "slots": 1})
    model.online, model.epoch = True, 1
    for n in range(40):
        for event in rng.choice(candidates(state, RULES, rng, seed * 100 + n + 1)):
            name, data = codec.encode(event)
            model.take(codec.kind(name), codec.plain(name, data))
            state = evolve(state, event)
        running = {one.transaction_id: one.evse for one in state.transactions.values() if one.open}
        assert model.transactions == running
        assert model.online is state.online
        assert {name for name in model.phases if name in state.commands} == set(state.commands)
        for command_id, pending in state.commands.items():
            assert model.phases[command_id] == pending.phase.value
            holding = {*model.starts, *model.unlocks, *model.reservings}
            assert (command_id in holding) is pending.holds
        for command in askable(state):
            shown: Any = msgspec.to_builtins(command)
            objection = model.objection({"kind": type(command).__name__, **shown}, "new")
            if not state.online:
                continue
            accepted = isinstance(decide(command, "new", state, RULES), Accept)
            assert accepted is (objection is None), (command, objection)
