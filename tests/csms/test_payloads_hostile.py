"""Hostile payloads behind a valid frame: refused with a code of the standard, or stored and read back as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms.codec import decode, decode_state, encode, encode_state
from interlock.csms.dialects import v16
from interlock.csms.dialects.dialect import moment
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Station
from interlock.csms.ocppj import Answered, CallReceived, Endpoint

from .hostile_draws import MOMENTS, VALUES, payloads
from .hostile_frames import GOOD, refused, strictly
from .values import ANY_COMMAND, AT, COMMANDS, folded, steady


@given(payloads())
@steady(500)
def test_a_report_is_refused_with_a_legal_code_or_can_be_stored(drawn: tuple[str, Any]) -> None:
    action, payload = drawn
    notice = Endpoint().receive(json.dumps([2, "1", action, payload]), 0.0)
    if not isinstance(notice, CallReceived):
        return
    report = refused(lambda: v16.report(notice.action, notice.payload))
    if report is None:
        return
    found: list[Any]
    if isinstance(report, rp.Meter):
        found = [
            ev.MeterSampled(
                AT, report.evse, report.transaction_id, one.sampled_at, one.energy_wh, one.power_w, one.voltage_v
            )
            for one in report.samples
        ]
        state = Station()
    else:
        found, reply = facts.reported(
            Station(), report, AT, registration="Accepted", authorization="Accepted", new_transaction_id="7"
        )
        strictly(json.dumps(v16.reply(report, reply, lambda: AT, 300)))
        state = folded(found)
    assert [decode(*encode(event)) for event in found] == found
    assert decode_state(encode_state(state)) == state


@given(st.sampled_from(MOMENTS) | st.text(max_size=30) | st.datetimes().map(datetime.isoformat))
@steady(300)
def test_a_time_is_utc_or_none(text: str) -> None:
    at = moment(text)
    assert at is None or at.tzinfo is UTC


def test_good_payloads_are_good() -> None:
    """Or all that is drawn from them would be refused for one and the same reason."""
    for action, payload in GOOD.items():
        assert v16.report(action, payload)


def test_poison_times_are_read_as_well_as_they_can_be() -> None:
    read = {text: moment(text) for text in MOMENTS}
    assert read["2024-01-01T00:00:00"] == read["2024-01-01 00:00:00"] == datetime(2024, 1, 1, tzinfo=UTC)
    assert read["2024-01-01T00:00:00+02"] == datetime(2023, 12, 31, 22, tzinfo=UTC)
    assert read["2024-01-01T00:00:00.1234567Z"] == datetime(2024, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert read["2024-01-01T23:59:60Z"] == datetime(2024, 1, 2, tzinfo=UTC)  # a leap second
    assert moment("2024-01-01T24:00:00+01:00") == datetime(2024, 1, 1, 23, tzinfo=UTC)  # the end of a day
    for text in ("", "1000000", "2024-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "now"):
        assert read[text] is None


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_every_command_has_a_schema_and_a_good_answer(kind: type) -> None:
    command = {
        do.RemoteStart: do.RemoteStart(1, "A"),
        do.RemoteStop: do.RemoteStop("7"),
        do.Unlock: do.Unlock(1),
        do.Reset: do.Reset(False),
        do.ChangeAvailability: do.ChangeAvailability(0, True),
        do.Probe: do.Probe(1),
        do.SetPassword: do.SetPassword("0123456789abcdef"),
        do.Reserve: do.Reserve(1, "A", 7, details={"expiryDate": "2026-01-01T01:00:00Z"}),
        do.Relay: do.Relay("GetConfiguration", {"key": ["k"]}),
    }[kind]
    action, payload = v16.call(command)
    v16.SCHEMAS.request(action, payload)
    status = "Unlocked" if kind is do.Unlock else "Accepted"
    good = {} if kind is do.Relay else {"status": status}
    assert v16.answer(command, good).accepted


@given(ANY_COMMAND, VALUES.filter(lambda one: isinstance(one, dict)) | st.builds(dict, status=VALUES | st.sampled_from(
    ["Accepted", "Rejected", "Unlocked", "UnlockFailed", "NotSupported", "Scheduled", "RebootRequired", "accepted"]
)))  # fmt: skip
@steady(400)
def test_an_answer_is_yes_only_in_so_many_words(command: do.Command, payload: dict[str, Any]) -> None:
    notice = Endpoint().receive(json.dumps([3, "1", payload]), 0.0)
    if not isinstance(notice, Answered):
        return
    answer = refused(lambda: v16.answer(command, notice.payload, strict=True))
    if answer is None:
        return
    assert answer.payload == notice.payload
    yes = {"Accepted", "Scheduled", "RebootRequired"} if not isinstance(command, do.Unlock) else {"Unlocked"}
    assert answer.accepted is (notice.payload["status"] in yes)
    assert answer.status == notice.payload["status"]
