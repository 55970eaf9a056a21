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
from interlock.scenarios.judge.invariants.second_reading import Session
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


def told_of(**said: Any) -> Session:
    """A session of 2.0.1, told out of order: the last message first, then the second and the first."""
    found = Session()
    message = {"id_token": None, "status": "", "connector": None, "charging_state": None, "transaction_id": "t"}
    found.take("TransactionUpdated", {**message, "seq_no": 2, "charging_state": "SuspendedEV"})
    found.take("TransactionUpdated", {**message, "seq_no": 1, "charging_state": "Charging", "connector": 1})
    start = {"seq_no": 0, "id_token": "A", "status": "Accepted", "meter_start_wh": 5, "started_at": None}
    found.take("TransactionStarted", {**message, **start, "charging_state": "EVConnected", **said})
    return found


def test_a_session_is_in_the_state_of_its_highest_number() -> None:
    said = told_of().says()
    assert said["charging_state"] == "SuspendedEV"
    assert (said["seen"], said["connector"], said["id_token"], said["ended"]) == ([[0, 2]], 1, "A", False)
    assert "charging_state" not in told_of(seq_no=4).says()  # a start that is not its first: nobody can say
