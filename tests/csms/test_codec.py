"""The storage format: what is written can be read, what was written once stays readable, damage is one error."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms import codec
from interlock.csms.codec import CodecError, decode, decode_state, digest, encode, encode_state
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Connector, Station

from .values import (
    ANY_COMMAND,
    ANY_EVENT,
    AT,
    COMMANDS,
    EVENTS,
    SEQUENCES,
    STATION_EVENTS,
    built,
    folded,
    keys,
    steady,
)

T = '"2026-01-01T00:00:00Z"'
_COMMAND = f'"command_id":"c","request_id":"r","node":"n","epoch":1,"deadline":{T},"command":'

STORED: list[tuple[type, str, str]] = [
    (ev.CameOnline, "CameOnline", f'{{"at":{T},"epoch":1,"node":"n"}}'),
    (ev.WentOffline, "WentOffline", f'{{"at":{T},"epoch":1,"last_seen":{T}}}'),
    (ev.HeartbeatReceived, "HeartbeatReceived", f'{{"at":{T}}}'),
    (
        ev.Booted,
        "Booted",
        f'{{"at":{T},"vendor":"v","model":"m","serial":null,"firmware":"f","registration":"Accepted"}}',
    ),
    (
        ev.StatusReported,
        "StatusReported",
        f'{{"at":{T},"connector":1,"status":"Available","error_code":"NoError","info":null,"reported_at":{T}}}',
    ),
    (ev.CommandRequested, "CommandRequested", f'{{"at":{T},{_COMMAND}{{"kind":"Unlock","connector":1}}}}'),
    (ev.CommandAccepted, "CommandAccepted", f'{{"at":{T},"command_id":"c","status":"Accepted","detail":null}}'),
    (ev.CommandRejected, "CommandRejected", f'{{"at":{T},"command_id":"c","status":"Rejected"}}'),
    (ev.CommandInDoubt, "CommandInDoubt", f'{{"at":{T},"command_id":"c","why":"timeout"}}'),
    (ev.CommandConfirmed, "CommandConfirmed", f'{{"at":{T},"command_id":"c","evidence":"e"}}'),
    (ev.CommandRefuted, "CommandRefuted", f'{{"at":{T},"command_id":"c","evidence":"e"}}'),
    (ev.CommandUnknown, "CommandUnknown", f'{{"at":{T},"command_id":"c","why":"w"}}'),
    (ev.CommandLapsed, "CommandLapsed", f'{{"at":{T},"command_id":"c","evidence":"e"}}'),
    (
        ev.ContradictingEvidence,
        "ContradictingEvidence",
        f'{{"at":{T},"command_id":"c","recorded":"rejected","observed":"Accepted"}}',
    ),
    (
        ev.TransactionStarted,
        "TransactionStarted",
        f'{{"at":{T},"transaction_id":7,"connector":1,"id_token":"A","meter_start_wh":5,"started_at":null,'
        '"status":"Accepted","command_id":null}',
    ),
    (
        ev.TransactionStopped,
        "TransactionStopped",
        f'{{"at":{T},"transaction_id":7,"connector":1,"meter_stop_wh":9,"stopped_at":{T},"reason":"Local",'
        '"id_token":null}',
    ),
    (ev.AnomalyRecorded, "AnomalyRecorded", f'{{"at":{T},"what":"w","detail":"d"}}'),
    (
        ev.MeterSampled,
        "MeterSampled",
        f'{{"at":{T},"connector":1,"transaction_id":null,"sampled_at":{T},"energy_wh":5,"power_w":7.5,'
        '"voltage_v":null}',
    ),
    (ev.TokenRegistered, "TokenRegistered", f'{{"at":{T},"id_token":"A","status":"Blocked","parent":null}}'),
    (ev.KeySet, "KeySet", f'{{"at":{T},"station":"CP01","salt":"00ff","digest":"a1b2"}}'),
    (ev.KeyRemoved, "KeyRemoved", f'{{"at":{T},"station":"CP01"}}'),
    (
        ev.KeyOffered,
        "KeyOffered",
        f'{{"at":{T},"station":"CP01","key_id":"k1","salt":"00ff","digest":"a1b2"}}',
    ),
    (ev.KeyWithdrawn, "KeyWithdrawn", f'{{"at":{T},"station":"CP01","key_id":"k1"}}'),
    (ev.KeyUsed, "KeyUsed", f'{{"at":{T},"station":"CP01","key_id":""}}'),
    (ev.ProfileReached, "ProfileReached", f'{{"at":{T},"station":"CP01","profile":2}}'),
]
"""Every event class, the name it is stored under and bytes of it. A log has these: they may be added to, not changed.

Whoever renames a class, or a field, changes the left column; the others stay, with a name or an upcaster for them.
"""

STORED_COMMANDS: list[tuple[do.Command, str]] = [
    (do.RemoteStart(1, "A"), '{"kind":"RemoteStart","connector":1,"id_token":"A"}'),
    (do.RemoteStop(7), '{"kind":"RemoteStop","transaction_id":7}'),
    (do.Unlock(1), '{"kind":"Unlock","connector":1}'),
    (do.Reset(True), '{"kind":"Reset","hard":true}'),
    (do.ChangeAvailability(1, False), '{"kind":"ChangeAvailability","connector":1,"operative":false}'),
    (do.Trigger("Heartbeat"), '{"kind":"Trigger","message":"Heartbeat","connector":null}'),
    (do.Configure("k", "v"), '{"kind":"Configure","key":"k","value":"v"}'),
    (do.ReadConfiguration(("k",)), '{"kind":"ReadConfiguration","keys":["k"]}'),
    (do.ClearCache(), '{"kind":"ClearCache"}'),
]


def request(command: do.Command) -> ev.CommandRequested:
    return ev.CommandRequested(AT, "c", "r", "n", 1, AT, command)


def example(kind: type) -> tuple[str, dict[str, Any]]:
    return next((name, json.loads(data)) for stored, name, data in STORED if stored is kind)


# --- round trips -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_survives(kind: type) -> None:
    @given(built(kind, pooled=False))
    @steady(40)
    def survives(event: ev.Event) -> None:
        name, data = encode(event)
        back = decode(name, data)
        assert type(back) is kind
        assert back == event
        assert encode(back) == (name, data)

    survives()


@given(ANY_COMMAND)
@steady(100)
def test_every_command_survives_inside_its_intent(command: do.Command) -> None:
    back = decode(*encode(request(command)))
    assert isinstance(back, ev.CommandRequested)
    assert type(back.command) is type(command)
    assert back.command == command


@given(ANY_EVENT, ANY_EVENT)
@steady(200)
def test_different_events_have_different_bytes(one: ev.Event, other: ev.Event) -> None:
    assert (encode(one) == encode(other)) is (one == other)


# --- the format is pinned --------------------------------------------------------------------------------------------


def test_each_event_and_command_has_a_name_of_its_own_and_a_pinned_example() -> None:
    assert [kind for kind, _, _ in STORED] == list(EVENTS)
    assert set(STATION_EVENTS) < set(EVENTS)
    assert len({name for _, name, _ in STORED}) == len(STORED)
    assert [type(command) for command, _ in STORED_COMMANDS] == list(COMMANDS)
    assert set(codec._TYPES) == {name for _, name, _ in STORED}
    assert set(codec._COMMANDS) == {json.loads(data)["kind"] for _, data in STORED_COMMANDS}


@pytest.mark.parametrize(("kind", "name", "data"), STORED, ids=[name for _, name, _ in STORED])
def test_old_bytes_are_read_and_written_as_they_are(kind: type, name: str, data: str) -> None:
    event = decode(name, data.encode())
    assert type(event) is kind
    assert encode(event) == (name, data.encode())


@pytest.mark.parametrize(("command", "data"), STORED_COMMANDS, ids=[type(one).__name__ for one, _ in STORED_COMMANDS])
def test_old_bytes_of_commands_are_read_and_written_as_they_are(command: do.Command, data: str) -> None:
    stored = f'{{"at":{T},{_COMMAND}{data}}}'.encode()
    assert decode("CommandRequested", stored) == request(command)
    assert encode(request(command)) == ("CommandRequested", stored)


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "Nothing", "cameonline", "CameOnline/2", "Command", "object", "_Requested"])
def test_an_unknown_type_is_an_error(name: str) -> None:
    with pytest.raises(CodecError, match="no event is called"):
        decode(name, b"{}")


WRONG: dict[str, list[Any]] = {
    "int": ["7", 7.5, True, [], {}],
    "str": [7, True, [], {}],
    "bool": ["true", 1, [], {}],
    "float": ["7", True, [], {}],
    "datetime": ["yesterday", 7, True, "2026-13-01T00:00:00Z", [], {}],
    "Command": ["Unlock", 7, [], {}, {"kind": "Nothing"}, {"kind": []}, {"kind": {}}, {"kind": None}],
}


def wrong(kind: type) -> list[tuple[str, Any]]:
    """Every field of a kind with every value it cannot have."""
    found: list[tuple[str, Any]] = []
    for field in dataclasses.fields(kind):
        hint, nullable = str(field.type).removesuffix(" | None"), str(field.type).endswith(" | None")
        found += [(field.name, value) for value in WRONG[hint] + ([] if nullable else [None])]
    return found


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_a_missing_field_a_wrong_type_and_a_cut_are_the_same_error(kind: type) -> None:
    name, fields = example(kind)
    optional = {field.name for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING}
    for field in fields:
        shorter = json.dumps({key: value for key, value in fields.items() if key != field}).encode()
        if field in optional:
            assert getattr(decode(name, shorter), field) is None
            continue
        with pytest.raises(CodecError, match=f"{name}: .*{field}"):
            decode(name, shorter)
    for field, value in wrong(kind):
        with pytest.raises(CodecError, match=name):
            decode(name, json.dumps({**fields, field: value}).encode())
    data = json.dumps(fields).encode()
    for end in range(len(data)):
        with pytest.raises(CodecError):
            decode(name, data[:end])


@pytest.mark.parametrize("command", [one for one, _ in STORED_COMMANDS], ids=lambda one: type(one).__name__)
def test_a_damaged_command_is_the_same_error(command: do.Command) -> None:
    name, data = encode(request(command))
    stored = json.loads(data)
    kind = type(command)
    hints = get_type_hints(kind)
    required = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
    for field in [*required, "kind"]:
        shown = {key: value for key, value in stored["command"].items() if key != field}
        with pytest.raises(CodecError, match="CommandRequested"):
            decode(name, json.dumps({**stored, "command": shown}).encode())
    for field in hints:
        with pytest.raises(CodecError, match="CommandRequested"):
            decode(name, json.dumps({**stored, "command": {**stored["command"], field: {"a": 1}}}).encode())


DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3), st.integers(0, 4)), max_size=4)


def damaged(data: bytes, changes: list[tuple[float, bytes, int]]) -> bytes:
    for where, put, drop in changes:
        at = int(where * len(data))
        data = data[:at] + put + data[at + drop :]
    return data


@given(st.sampled_from(STORED), DAMAGE)
@steady(600)
def test_damaged_bytes_are_an_event_of_the_type_or_an_error(
    stored: tuple[type, str, str], changes: list[tuple[float, bytes, int]]
) -> None:
    kind, name, data = stored
    try:
        event = decode(name, damaged(data.encode(), changes))
    except CodecError:
        return
    assert type(event) is kind
    assert decode(*encode(event)) == event


DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b'"a"', b"\xff", b'"\xff"', b"NaN", DEEP, DEEP[:25000]])
def test_bytes_that_are_no_object_are_an_error(data: bytes) -> None:
    for _, name, _ in STORED:
        with pytest.raises(CodecError):
            decode(name, data)
    with pytest.raises(CodecError):
        decode_state(data)


def test_bytes_inside_a_text_that_are_no_text_are_an_error() -> None:
    with pytest.raises(CodecError):
        decode("AnomalyRecorded", f'{{"at":{T},"what":"'.encode() + b'\xff","detail":""}')
    with pytest.raises(CodecError):
        decode("CommandRequested", f'{{"at":{T},{_COMMAND}'.encode() + DEEP + b"}")


# --- upcasters -------------------------------------------------------------------------------------------------------


def test_an_older_version_is_read_as_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(old: dict[str, Any]) -> dict[str, Any]:
        return {"at": old["at"], "command_id": old["id"], "why": old["why"]}

    def explain(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "why": old.get("why", "timeout")}

    monkeypatch.setitem(codec.UPCASTERS, "CommandTimedOut", ("CommandTimedOut/2", explain))
    monkeypatch.setitem(codec.UPCASTERS, "CommandTimedOut/2", ("CommandInDoubt", rename))
    expected = ev.CommandInDoubt(AT, "c", "timeout")
    assert decode("CommandTimedOut", f'{{"at":{T},"id":"c"}}'.encode()) == expected
    assert decode("CommandTimedOut/2", f'{{"at":{T},"id":"c","why":"timeout"}}'.encode()) == expected
    # What is written from now on has the newest name.
    assert encode(expected)[0] == "CommandInDoubt"


def test_an_intent_of_an_older_version_is_read_as_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_epoch(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "epoch": 0}

    monkeypatch.setitem(codec.UPCASTERS, "CommandAsked", ("CommandRequested", add_epoch))
    name, data = encode(request(do.Unlock(1)))
    old = {key: value for key, value in json.loads(data).items() if key != "epoch"}
    assert decode("CommandAsked", json.dumps(old).encode()) == dataclasses.replace(request(do.Unlock(1)), epoch=0)
    with pytest.raises(CodecError):
        decode(name, json.dumps(old).encode())


@pytest.mark.parametrize(
    ("newer", "data"),
    [
        ("CommandInDoubt", b"{}"),
        ("CommandInDoubt", b"[]"),
        ("CommandInDoubt", b"null"),
        ("CommandInDoubt", b"{"),
        ("CommandInDoubt", b'{"id":7}'),
        ("Nothing", b'{"id":"c"}'),
        ("CommandTimedOut", b'{"id":"c"}'),
    ],
)
def test_damage_below_an_upcaster_is_the_same_error(newer: str, data: bytes) -> None:
    upcasters = {"CommandTimedOut": (newer, lambda old: {"id": old["id"]})}
    with pytest.raises(CodecError):
        decode("CommandTimedOut", data, upcasters)


# --- snapshots -------------------------------------------------------------------------------------------------------


@given(SEQUENCES)
@steady(100)
def test_a_folded_state_survives(events: list[Any]) -> None:
    state = folded(events)
    data = encode_state(state)
    back = decode_state(data)
    assert back == state
    assert keys(back) == keys(state)
    assert encode_state(back) == data
    assert digest(back) == digest(state)


@given(st.lists(st.sampled_from([-(2**70), -1, 0, 1, 2**31, 2**63, 2**70, 10**400]), max_size=4))
@steady(30)
def test_a_station_may_choose_any_number(connectors: list[int]) -> None:
    events = [ev.StatusReported(AT, connector, "Available", "NoError", None, None) for connector in connectors]
    events += [ev.TransactionStarted(AT, 1, one, "A", one, None, "Accepted", None) for one in connectors]
    state = folded([decode(*encode(event)) for event in events])
    assert decode_state(encode_state(state)) == state == folded(events)


@given(SEQUENCES, SEQUENCES)
@steady(70)
def test_a_digest_names_content_and_not_order(one: list[Any], other: list[Any]) -> None:
    first, second = folded(one), folded(other)
    assert (digest(first) == digest(second)) is (first == second)
    turned = dataclasses.replace(
        first,
        connectors=dict(reversed(first.connectors.items())),
        commands=dict(reversed(first.commands.items())),
        transactions=dict(reversed(first.transactions.items())),
    )
    assert digest(turned) == digest(first)


RICH = folded(
    [
        ev.CameOnline(AT, 1, "n"),
        ev.StatusReported(AT, 1, "Available", "NoError", None, None),
        *(dataclasses.replace(request(one), command_id=f"c{n}") for n, (one, _) in enumerate(STORED_COMMANDS)),
        ev.TransactionStarted(AT, 7, 1, "A", 5, AT, "Accepted", "c0"),
    ]
)


def test_a_snapshot_with_a_field_missing_or_of_another_type_is_an_error() -> None:
    shown = json.loads(encode_state(RICH))
    for field in shown:
        with pytest.raises(CodecError, match="snapshot of a station"):
            decode_state(json.dumps({key: value for key, value in shown.items() if key != field}).encode())
        for value in (7.5, [1], {"x": 1}, {"1": 1}, {"a": {"command": 1}}):
            with pytest.raises(CodecError):
                decode_state(json.dumps({**shown, field: value}).encode())
    for part, key in (("connectors", "1"), ("commands", "c0"), ("transactions", "7")):
        for field in shown[part][key]:
            for value in ({"x": 1}, [1], 7.5):
                inner = {**shown[part][key], field: value}
                with pytest.raises(CodecError):
                    decode_state(json.dumps({**shown, part: {**shown[part], key: inner}}).encode())


@given(DAMAGE)
@steady(300)
def test_a_damaged_snapshot_is_a_state_or_an_error(changes: list[tuple[float, bytes, int]]) -> None:
    try:
        state = decode_state(damaged(encode_state(RICH), changes))
    except CodecError:
        return
    assert decode_state(encode_state(state)) == state


def test_a_snapshot_holds_everything() -> None:
    assert {field.name for field in dataclasses.fields(Station)} == set(json.loads(encode_state(RICH)))
    assert decode_state(encode_state(RICH)).connectors[1] == Connector("Available", "NoError", None, None)
    assert [one.command for one in decode_state(encode_state(RICH)).commands.values()] == [
        one for one, _ in STORED_COMMANDS
    ]
