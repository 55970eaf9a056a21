"""What is read of messages that break their schema: the core as it was, one bad member set aside, nothing lost.

For 2.0.1 its schemas are enough: what is tested here is read from any schema by the same rules.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms.anomalies import KINDS
from interlock.csms.dialects import NotAcceptable, page, v16, v201
from interlock.csms.dialects.lenient import RULES, Unreadable, readable
from interlock.csms.domain import reports as rp
from interlock.csms.settings import Settings

from .hostile_frames import refused
from .schemas import ANYTHING, members, plain, valid, with_one
from .test_node import Bench, play
from .values import steady

MESSAGES: list[tuple[str, Any, frozenset[str]]] = [
    *((action, v16.document(action), core) for action, core in v16.CORE.items()),
    *((action, v201.document(action), core) for action, core in v201.CORE.items()),
]
NAMED = [f"{'2.0.1' if 'definitions' in schema else '1.6'} {action}" for action, schema, _ in MESSAGES]


def at(payload: Any, path: str) -> Any:
    """Return what is at a path; None where nothing is."""
    for name in path.rstrip("=?").split("."):
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def sure(schema: Any, core: frozenset[str]) -> list[str]:
    """Name the core outside of lists: what is in a list may go with its item."""
    return [path for path in core if "sampledValue" not in path and path not in ("meterValue", "eventData", "idToken.")]


@pytest.mark.parametrize(("action", "schema", "core"), MESSAGES, ids=NAMED)
def test_any_one_optional_member_may_be_broken_in_any_way(action: str, schema: Any, core: frozenset[str]) -> None:
    compiled = jsonschema_rs.validator_for(schema, validate_formats=True)
    decisive = {path.rstrip("=.?") for path in core}
    around = {path.rsplit(".", 1)[0] for path in decisive if "." in path}

    @given(valid(schema), st.data())
    @steady(60)
    def holds(payload: Any, data: st.DataObject) -> None:
        assert compiled.is_valid(payload)
        paths = [path for path in members(payload) if plain(path) not in decisive | around] + [("another",)]
        path = data.draw(st.sampled_from(paths))
        broken = with_one(payload, path, data.draw(ANYTHING))
        read, deviations = readable(broken, schema, core)
        for one in sure(schema, core):
            assert at(read, one) == at(payload, one)
        if not compiled.is_valid(broken):
            assert deviations
            assert all(one.rule in RULES for one in deviations)
        for name, value in payload.items():  # and all beside it
            if name != path[0]:
                assert read[name] == value
        assert readable(read, schema, core)[0] == read

    holds()


@pytest.mark.parametrize("action", v16.CORE)
def test_what_holds_its_schema_is_read_by_the_schema_alone(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csms.dialects.lenient.readable", lambda *_: pytest.fail("this was valid"))

    @given(valid(v16.document(action)))
    @steady(30)
    def fast(payload: Any) -> None:
        found, deviations = v16.accepted(action, payload)
        assert found == v16.report(action, payload)
        assert {one.rule for one in deviations} <= {"number", "unit"}  # of what a schema does not say of readings

    fast()


@pytest.mark.parametrize("action", v16.CORE)
def test_any_payload_is_read_or_refused(action: str) -> None:
    """Never anything else: what is read makes a report."""

    @given(st.dictionaries(st.sampled_from(sorted(v16.document(action)["properties"]) or ["x"]), ANYTHING))
    @steady(100)
    def either(payload: Any) -> None:
        read = refused(lambda: v16.accepted(action, payload))  # with a legal code
        if read is not None:
            assert isinstance(read[0], rp.Report)
            assert all(one.clause for one in read[1])

    either()


START = {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": "2026-05-04T10:00:00Z"}
STOP = {"transactionId": 7, "meterStop": 9, "timestamp": "2026-05-04T11:00:00Z"}


@pytest.mark.parametrize(
    ("action", "payload", "change", "deviates"),
    [
        ("StartTransaction", START, {"idTag": "X" * 21}, {("idTag", "maxLength")}),
        ("StartTransaction", START, {"idTag": 4711}, {("idTag", "type")}),
        ("StartTransaction", START, {"meterStart": "5"}, {("meterStart", "type")}),
        ("StartTransaction", START, {"meterStart": 5.0}, {("meterStart", "type")}),
        ("StartTransaction", START, {"connectorId": " 1 "}, {("connectorId", "type")}),
        ("StartTransaction", START, {"timestamp": "2026-05-04 10:00:00"}, {("timestamp", "format")}),
        ("StartTransaction", START, {"timestamp": None}, {("timestamp", "null")}),
        ("StopTransaction", STOP, {"reason": "emergency_stop"}, {("reason", "enum")}),
        ("StopTransaction", STOP, {"reason": " "}, {("reason", "enum")}),
        ("StopTransaction", STOP, {"reason": 7}, {("reason", "type"), ("reason", "enum")}),
        ("StopTransaction", STOP, {"idtag": "T"}, {("idtag", "additionalProperties")}),
        ("StopTransaction", STOP, {"transactionData": "none"}, {("transactionData", "type")}),
        (
            "StopTransaction",
            STOP,
            {"transactionId": [7], "meterStop": ["9"]},
            {("transactionId", "type"), ("meterStop", "type")},
        ),
        ("StopTransaction", STOP, {"vendor\nthing": {}}, {("vendor?thing", "additionalProperties")}),
    ],
)
def test_what_can_still_be_read_is_kept(
    action: str, payload: dict[str, Any], change: dict[str, Any], deviates: set[tuple[str, str]]
) -> None:
    found, deviations = v16.accepted(action, {**payload, **change})
    assert {(one.member, one.rule) for one in deviations} == deviates
    kept = {"idTag": str(change.get("idTag", "T"))} if action == "StartTransaction" else {}
    as_sent = {**payload, **kept}
    match found:
        case rp.Start():
            assert (found.connector, found.id_token, found.meter_start_wh) == (1, as_sent["idTag"], 5)
            assert (found.started_at is None) is ("timestamp" in change and change["timestamp"] is None)
        case rp.Stop():
            assert (found.transaction_id, found.meter_stop_wh, found.samples) == ("7", 9, ())
            assert found.reason == {"emergency_stop": "EmergencyStop", 7: "7"}.get(change.get("reason", ""), "Local")
            assert found.id_token == ("T" if "idtag" in change else None)


@pytest.mark.parametrize(
    ("action", "payload", "member", "code"),
    [
        ("StopTransaction", {**STOP, "transactionId": None}, "transactionId", "TypeConstraintViolation"),
        ("StopTransaction", {**STOP, "transactionId": "T-7"}, "transactionId", "TypeConstraintViolation"),
        ("StopTransaction", {**STOP, "transactionId": True}, "transactionId", "TypeConstraintViolation"),
        ("StopTransaction", {"meterStop": 9}, "transactionId", "OccurenceConstraintViolation"),
        ("StartTransaction", {**START, "connectorId": {}}, "connectorId", "TypeConstraintViolation"),
        ("StatusNotification", {"connectorId": 1, "status": ""}, "status", "PropertyConstraintViolation"),
        ("MeterValues", {"connectorId": 1}, "meterValue", "OccurenceConstraintViolation"),
    ],
)
def test_without_its_core_a_message_is_refused(action: str, payload: Any, member: str, code: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        v16.accepted(action, payload)
    assert refused.value.code == code
    assert refused.value.why.startswith(f"{member}: ")


def test_a_word_that_decides_has_to_be_one_of_the_list() -> None:
    schema = v201.document("TransactionEvent")
    payload = {
        "eventType": "Started",
        "timestamp": "2026-05-04T10:00:00Z",
        "triggerReason": "Vendor",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "T1", "chargingState": "Odd", "customData": {"vendorId": "V", "x": 1}},
        "evse": {"connectorId": 1},
    }
    read, deviations = readable(payload, schema, v201.CORE["TransactionEvent"])
    assert read["transactionInfo"] == payload["transactionInfo"]
    assert "evse" not in read  # without its id it names none
    assert {(one.member, one.rule, one.example) for one in deviations} == {
        ("triggerReason", "enum", '"Vendor"'),
        ("transactionInfo.chargingState", "enum", '"Odd"'),
        ("evse.id", "required", ""),
    }
    with pytest.raises(Unreadable):
        readable({**payload, "eventType": "Begun"}, schema, v201.CORE["TransactionEvent"])


def test_one_bad_sample_is_set_aside_alone() -> None:
    good = {"value": "5", "phase": "L1", "unit": "Wh"}
    bad: list[Any] = [{"value": None}, {"unit": "Wh"}, {**good, "measurand": []}, True, None, {**good, "phase": {}}]
    for one in bad:
        payload = {
            "connectorId": 1,
            "meterValue": [{"timestamp": STOP["timestamp"], "sampledValue": [good, one, good]}],
        }
        found, deviations = v16.accepted("MeterValues", payload)
        assert isinstance(found, rp.Meter)
        assert [reading.value for reading in found.samples[0].readings] == ["5", "5"], one
        assert deviations


# --- through a node ---------------------------------------------------------------------------------------------------

_BYTES = st.lists(
    st.binary(max_size=30)
    | ANYTHING.map(lambda value: json.dumps(value).encode())
    | st.tuples(
        st.sampled_from([2, 3, 4, 5]), st.text(max_size=3), st.sampled_from([*v16.CORE, "Nonsense"]), ANYTHING
    ).map(lambda frame: json.dumps(frame).encode()),
    max_size=30,
)


@given(_BYTES)
@steady(60)
def test_any_bytes_lose_nothing_and_grow_nothing(sent: list[bytes]) -> None:
    """Sent once more, they add nothing to the log but what a station may well say twice."""

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for data in sent:
            await connection.receive(data.decode("utf-8", "replace"))
        first = await bench.log()
        for data in sent:
            await connection.receive(data.decode("utf-8", "replace"))
        added = (await bench.log())[len(first) :]
        assert "AnomalyRecorded" not in added
        assert "DeviationRecorded" not in added
        await connection.receive(json.dumps([2, "last", "StartTransaction", START]))
        assert (await bench.log())[-1].startswith("TransactionStarted")

    assert play(scene).written[-1][:2] == [3, "last"]


def test_kinds_are_counted_and_bounded_however_many_a_station_makes_up() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for number in range(5 * KINDS):
            await connection.receive(json.dumps([2, f"h{number}", "Heartbeat", {f"k{number}": 1}]))
            await connection.receive(json.dumps([2, f"n{number}", f"Nonsense{number}", {}]))
        log = await bench.log()
        noted = bench.node.handler.noted.of("CP1")
        assert log.count("DeviationRecorded") + log.count("AnomalyRecorded") == len(noted) == KINDS + 2
        assert sum(noted.values()) == 10 * KINDS

    play(scene)


def test_the_same_kind_after_a_restart_is_known() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive('[2,"h","Heartbeat",{"a":1}]')
        await connection.receive("no JSON")

    first = play(scene)
    second = play(scene, bench=Bench(Settings(), first.store, incarnation=2))
    log = asyncio.run(second.log())
    assert (log.count("DeviationRecorded"), log.count("AnomalyRecorded")) == (1, 1)


def test_strictness_refuses_all_of_it() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        await connection.receive(json.dumps([2, "s", "StartTransaction", {**START, "reservationId": None}]))
        assert not any(one.startswith("TransactionStarted") for one in await bench.log())

    assert play(scene, Settings(acceptance="strict")).written[-1][2] == "TypeConstraintViolation"


def test_the_page_says_what_the_code_does() -> None:
    found = (Path(__file__).parents[2] / "docs" / "deviations.md").read_text("utf-8")
    assert found == page.page(), "write it anew: python -m csms.dialects.page > docs/deviations.md"
