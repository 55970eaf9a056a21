"""Commands of 2.0.1: asked for and answered by the schemas, and what became of them is judged word by word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.csms.domain import commands as do
from interlock.scenarios.judge import payloads
from interlock.scenarios.judge.race_checks import judge
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.live.line_201 import ANSWERS
from interlock.scenarios.live.race_dialect_201 import answer, orders
from interlock.scenarios.record.frames import Frame
from interlock.scenarios.targets.wording import worded
from tests.scenarios.race_tales import RUN, Tale

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _worded() -> list[tuple[str, dict[str, Any]]]:
    return [worded(command, "2.0.1") for kind, command in orders(NOW) if kind != "RemoteStart"]


def test_what_is_asked_for_and_answered_holds_the_schemas() -> None:
    for action, payload in _worded():
        assert payloads.of_call("2.0.1", action, payload, "csms") is None, (action, payload)
        frame = Frame(2, "m", action, payload)
        for refusing in (False, True):
            said = answer(frame, refusing=refusing) or ANSWERS.get(action)
            if said is not None:
                assert payloads.of_answer("2.0.1", action, said) is None, (action, said)


def test_each_is_asked_for_once() -> None:
    told = [(action, str(payload)) for action, payload in _worded()]
    assert len({*told}) == len(told) > 20
    assert {type(command).__name__ for _, command in orders(NOW)} <= {kind for kind, _ in orders(NOW)}
    assert isinstance([*orders(NOW)][-1][1], do.Reset)


def _variables(*words: str) -> dict[str, Any]:
    about = {"component": {"name": "C"}, "variable": {"name": "V"}}
    return {"setVariableResult": [{"attributeStatus": word, **about} for word in words]}


def _recorded(action: str, said: dict[str, Any], state: str) -> Verdict:
    payload = dict(_worded())[action]
    tale = Tale()
    tale.note("socket.opened", station="A", socket=1, node="csms", subprotocol="ocpp2.0.1")
    tale.ask(action, payload, "r1")
    tale.frame("station.received", "A", [2, "c1", action, payload], 0.0)
    tale.frame("station.sent", "A", [3, "c1", said], 0.0)
    tale.note("command.state", command_id="c", state=state, request_id="r1", station="A")
    [found] = [one for one in judge(tale.rows, RUN) if one.id == "R24"]
    return found.verdict


@pytest.mark.parametrize(
    ("action", "said", "wrong", "right"),
    [
        ("TriggerMessage", {"status": "NotImplemented"}, "accepted", "rejected"),
        ("ReserveNow", {"status": "Occupied"}, "accepted", "rejected"),
        ("SendLocalList", {"status": "VersionMismatch"}, "accepted", "rejected"),
        ("UnlockConnector", {"status": "OngoingAuthorizedTransaction"}, "accepted", "rejected"),
        ("Reset", {"status": "Scheduled"}, "rejected", "accepted"),
        ("SetVariables", _variables("Rejected", "UnknownVariable"), "accepted", "rejected"),
        ("SetVariables", _variables("Accepted", "Accepted"), "rejected", "accepted"),
        ("SetVariables", _variables(), "accepted", "unknown"),
    ],
)
def test_a_no_on_record_as_a_yes_is_found(action: str, said: dict[str, Any], wrong: str, right: str) -> None:
    assert _recorded(action, said, wrong) is Verdict.FAIL
    assert _recorded(action, said, right) is Verdict.PASS


def test_what_was_done_in_part_may_be_called_either() -> None:
    for state in ("accepted", "rejected"):
        for words in (("Accepted", "Rejected"), ("Accepted", "RebootRequired")):
            assert _recorded("SetVariables", _variables(*words), state) is Verdict.PASS
