"""A reservation under way holds its EVSE; afterwards the station knows what it keeps. In both versions' words."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from interlock.csms.dialects import NotAcceptable, v16, v201
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Accept, Refusal, Rules, Station, decide

from .values import AT, folded

RULES = Rules(2, 2)
RESERVE, START = do.Reserve(1, "A", 7), do.RemoteStart(1, "B")
UNTIL = "2026-01-01T00:00:00Z"
HELD = Refusal("EVSE 1 is held by command c1")


def asked(command: do.Command) -> Station:
    return folded([ev.CommandRequested(AT, "c1", "r1", "n", 1, AT, command)], Station(online=True, epoch=1, node="n"))


def test_a_reservation_and_a_start_exclude_each_other_until_the_answer() -> None:
    held = asked(RESERVE)
    assert decide(START, "r2", held, RULES) == HELD
    assert decide(do.Reserve(1, "B", 8), "r2", held, RULES) == HELD
    assert decide(RESERVE, "r2", asked(START), RULES) == HELD
    for elsewhere in (do.RemoteStart(2, "B"), do.Reserve(2, "B", 8), do.Reserve(0, "B", 8)):
        assert isinstance(decide(elsewhere, "r2", held, RULES), Accept)
    for answer in (facts.Answer(True, "Accepted"), facts.Answer(False, "Occupied")):
        after = folded(facts.answered(held, "c1", answer, AT), held)
        assert isinstance(decide(START, "r2", after, RULES), Accept)


def test_a_reservation_in_doubt_holds_until_somebody_gives_it_up() -> None:
    doubt = folded(facts.doubted(asked(RESERVE), "c1", "timeout", AT), asked(RESERVE))
    assert decide(START, "r2", doubt, RULES) == HELD
    given_up = folded(facts.gave_up(doubt, "c1", "no evidence", AT), doubt)
    assert given_up.commands["c1"].phase.value == "unknown"
    assert isinstance(decide(START, "r2", given_up, RULES), Accept)


def test_what_is_charging_or_not_there_cannot_be_reserved() -> None:
    given: dict[str, Any] = {"registration": "", "authorization": "Accepted", "new_transaction_id": "1"}
    charging = folded(facts.reported(Station(), rp.Start(1, "B", 0, AT), AT, **given)[0])
    assert decide(RESERVE, "r", charging, RULES) == Refusal("EVSE 1 is in transaction 1")
    assert decide(do.Reserve(3, "A", 7), "r", Station(), RULES) == Refusal("there is no EVSE 3")


@pytest.mark.parametrize(
    ("dialect", "command", "payload"),
    [
        (
            v16,
            do.Reserve(0, "A", 7, {"expiryDate": UNTIL, "parentIdTag": "P"}),
            {"connectorId": 0, "idTag": "A", "reservationId": 7, "expiryDate": UNTIL, "parentIdTag": "P"},
        ),
        (
            v201,
            do.Reserve(2, "A", 7, {"expiryDateTime": UNTIL}),
            {"evseId": 2, "id": 7, "idToken": {"idToken": "A", "type": "ISO14443"}, "expiryDateTime": UNTIL},
        ),
        (
            v201,
            do.Reserve(0, "A", 7, {"expiryDateTime": UNTIL, "idToken": {"type": "Central"}}),
            {"id": 7, "idToken": {"idToken": "A", "type": "Central"}, "expiryDateTime": UNTIL},
        ),
    ],
)
def test_the_request_and_the_command_are_one(dialect: ModuleType, command: do.Reserve, payload: dict[str, Any]) -> None:
    assert dialect.command("ReserveNow", payload) == command
    assert dialect.call(command) == ("ReserveNow", payload)
    with pytest.raises(NotAcceptable):
        dialect.call(do.Reserve(1, "A", 7))
    assert [dialect.answer(command, {"status": word}).accepted for word in ("Accepted", "Occupied")] == [True, False]


def test_every_request_a_csms_may_make_in_1_6_can_be_asked_for() -> None:
    from_station = {*v16._REPORTS}
    assert {*v16.SCHEMAS.actions} - {*v16.ACTIONS} == from_station - {"DataTransfer"}


def test_the_group_of_a_card_is_in_its_answer() -> None:
    reply = rp.Reply("Accepted", None, "GROUP")
    asked_for = rp.Authorize("A")
    assert v16.reply(asked_for, reply, lambda: AT, 1.0) == {"idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}}
    assert v201.reply(asked_for, reply, lambda: AT, 1.0)["idTokenInfo"]["groupIdToken"]["idToken"] == "GROUP"
    too_long = rp.Reply("Accepted", None, "G" * 21)
    assert v16.reply(asked_for, too_long, lambda: AT, 1.0) == {"idTagInfo": {"status": "Accepted"}}
