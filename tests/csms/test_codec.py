"""The storage format: what is written can be read, what was written once stays readable, damage is one error."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

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
    (ev.CameOnline, "CameOnline", f'{{"at":{T},"epoch":1,"node":"n","protocol":"ocpp1.6"}}'),
    (ev.WentOffline, "WentOffline", f'{{"at":{T},"epoch":1,"last_seen":{T}}}'),
    (ev.HeartbeatReceived, "HeartbeatReceived", f'{{"at":{T}}}'),
    (
        ev.Booted,
        "Booted",
        f'{{"at":{T},"vendor":"v","model":"m","serial":null,"firmware":"f","registration":"Accepted"}}',
    ),
    (
        ev.StatusReported,
        "StatusReported/2",
        f'{{"at":{T},"evse":1,"connector":1,"status":"Available","error_code":"NoError","info":null,'
        f'"reported_at":{T}}}',
    ),
    (
        ev.CommandRequested,
        "CommandRequested/2",
        f'{{"at":{T},{_COMMAND}{{"kind":"Unlock","evse":1,"connector":1}},"forced":null}}',
    ),
    (
        ev.CommandAccepted,
        "CommandAccepted",
        f'{{"at":{T},"command_id":"c","status":"Accepted","detail":null,"answer":{{"status":"Accepted"}}}}',
    ),
    (
        ev.CommandRejected,
        "CommandRejected",
        f'{{"at":{T},"command_id":"c","status":"Rejected","answer":{{"status":"Rejected"}}}}',
    ),
    (ev.CommandInDoubt, "CommandInDoubt", f'{{"at":{T},"command_id":"c","why":"timeout"}}'),
    (ev.CommandConfirmed, "CommandConfirmed", f'{{"at":{T},"command_id":"c","evidence":"e"}}'),
    (ev.CommandRefuted, "CommandRefuted", f'{{"at":{T},"command_id":"c","evidence":"e"}}'),
    (ev.CommandUnknown, "CommandUnknown", f'{{"at":{T},"command_id":"c","why":"w"}}'),
    (ev.CommandLapsed, "CommandLapsed", f'{{"at":{T},"command_id":"c","evidence":"e"}}'),
    (ev.CommandClosed, "CommandClosed", f'{{"at":{T},"command_id":"c","statement":"s"}}'),
    (
        ev.ContradictingEvidence,
        "ContradictingEvidence",
        f'{{"at":{T},"command_id":"c","recorded":"rejected","observed":"Accepted"}}',
    ),
    (
        ev.TransactionStarted,
        "TransactionStarted/2",
        f'{{"at":{T},"transaction_id":"7","evse":1,"id_token":"A","meter_start_wh":5,"started_at":null,'
        '"status":"Accepted","command_id":null,"connector":1,"seq_no":0,"remote_start_id":9,'
        '"charging_state":"Charging","offline":false,"late":false,"repeats":null}',
    ),
    (
        ev.TransactionUpdated,
        "TransactionUpdated",
        f'{{"at":{T},"transaction_id":"7","seq_no":1,"trigger":"ChargingStateChanged","updated_at":{T},"evse":1,'
        '"id_token":"A","status":"Accepted","charging_state":"Charging","command_id":"c","connector":1,'
        '"offline":true}',
    ),
    (
        ev.TransactionStopped,
        "TransactionStopped/2",
        f'{{"at":{T},"transaction_id":"7","evse":1,"meter_stop_wh":9,"stopped_at":{T},"reason":"Local",'
        '"id_token":null,"seq_no":2,"offline":false}',
    ),
    (
        ev.NoticeReceived,
        "NoticeReceived",
        f'{{"at":{T},"action":"FirmwareStatusNotification","payload":{{"status":"Idle"}},"reported_at":null}}',
    ),
    (ev.AnomalyRecorded, "AnomalyRecorded", f'{{"at":{T},"what":"w","detail":"d"}}'),
    (
        ev.DeviationRecorded,
        "DeviationRecorded",
        f'{{"at":{T},"action":"StopTransaction","member":"reason","rule":"enum","clause":"OCPP 1.6 4.10",'
        '"example":"\\"Foo\\""}',
    ),
    (
        ev.MeterSampled,
        "MeterSampled/2",
        f'{{"at":{T},"evse":1,"transaction_id":null,"sampled_at":{T},"energy_wh":5,"power_w":7.5,"voltage_v":null}}',
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

Whoever renames a class, or a field, changes the left column; the others move to `OLD`, with an upcaster for them.
"""

STORED_COMMANDS: list[tuple[do.Command, str]] = [
    (
        do.RemoteStart(1, "A", 9, {"chargingProfile": {"chargingProfileId": 1}}),
        '{"kind":"RemoteStart","evse":1,"id_token":"A","remote_start_id":9,'
        '"details":{"chargingProfile":{"chargingProfileId":1}}}',
    ),
    (do.RemoteStop("7"), '{"kind":"RemoteStop","transaction_id":"7"}'),
    (
        do.Reserve(1, "A", 7, {"expiryDate": "2026-01-01T00:00:00Z"}),
        '{"kind":"Reserve","evse":1,"id_token":"A","reservation_id":7,"details":{"expiryDate":"2026-01-01T00:00:00Z"}}',
    ),
    (do.Unlock(1, 2), '{"kind":"Unlock","evse":1,"connector":2}'),
    (do.ChangeAvailability(1, False), '{"kind":"ChangeAvailability","evse":1,"operative":false,"connector":0}'),
    (do.Reset(True), '{"kind":"Reset","hard":true,"evse":0}'),
    (do.SetPassword("key:1"), '{"kind":"SetPassword","secret":"key:1"}'),
    (do.Probe(1), '{"kind":"Probe","evse":1}'),
    (do.Relay("ClearCache", {}), '{"kind":"Relay","action":"ClearCache","payload":{}}'),
]

OLD: list[tuple[str, str, Any]] = [
    (
        "DeviationRecorded",
        f'{{"at":{T},"action":"StopTransaction","member":"reason","rule":"enum","clause":"OCPP 1.6 4.10"}}',
        ev.DeviationRecorded(AT, "StopTransaction", "reason", "enum", "OCPP 1.6 4.10"),
    ),
    ("CameOnline", f'{{"at":{T},"epoch":1,"node":"n"}}', ev.CameOnline(AT, 1, "n", "")),
    (
        "StatusReported",
        f'{{"at":{T},"connector":2,"status":"Available","error_code":"NoError","info":null,"reported_at":{T}}}',
        ev.StatusReported(AT, 2, 1, "Available", "NoError", None, AT),
    ),
    (
        "StatusReported",
        f'{{"at":{T},"connector":0,"status":"Available","error_code":"NoError","info":null,"reported_at":{T}}}',
        ev.StatusReported(AT, 0, 0, "Available", "NoError", None, AT),
    ),
    (
        "CommandAccepted",
        f'{{"at":{T},"command_id":"c","status":"Accepted","detail":null}}',
        ev.CommandAccepted(AT, "c", "Accepted"),
    ),
    (
        "CommandRejected",
        f'{{"at":{T},"command_id":"c","status":"Rejected"}}',
        ev.CommandRejected(AT, "c", "Rejected"),
    ),
    (
        "TransactionStarted",
        f'{{"at":{T},"transaction_id":7,"connector":2,"id_token":"A","meter_start_wh":5,"started_at":null,'
        '"status":"Accepted","command_id":null}',
        ev.TransactionStarted(AT, "7", 2, "A", 5, None, "Accepted", None, 1),
    ),
    (
        "TransactionStopped",
        f'{{"at":{T},"transaction_id":7,"connector":1,"meter_stop_wh":9,"stopped_at":{T},"reason":"Local",'
        '"id_token":null}',
        ev.TransactionStopped(AT, "7", 1, 9, AT, "Local", None),
    ),
    (
        "MeterSampled",
        f'{{"at":{T},"connector":1,"transaction_id":null,"sampled_at":{T},"energy_wh":5,"power_w":7.5,'
        '"voltage_v":null}',
        ev.MeterSampled(AT, 1, None, AT, 5, 7.5, None),
    ),
]
"""Bytes of earlier versions, and what they are read as."""

OLD_COMMANDS: list[tuple[str, str, do.Command]] = [
    ("r", '{"kind":"RemoteStart","connector":1,"id_token":"A"}', do.RemoteStart(1, "A")),
    ("r", '{"kind":"RemoteStop","transaction_id":7}', do.RemoteStop("7")),
    ("r", '{"kind":"Unlock","connector":2}', do.Unlock(2, 1)),
    ("r", '{"kind":"Reset","hard":true}', do.Reset(True)),
    ("r", '{"kind":"ChangeAvailability","connector":1,"operative":false}', do.ChangeAvailability(1, False)),
    (
        "r",
        '{"kind":"Trigger","message":"Heartbeat","connector":null}',
        do.Relay("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ),
    (
        "r",
        '{"kind":"Trigger","message":"StatusNotification","connector":2}',
        do.Relay("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2}),
    ),
    ("probe:c1:1", '{"kind":"Trigger","message":"StatusNotification","connector":2}', do.Probe(2)),
    (
        "r",
        '{"kind":"Configure","key":"k","value":"v"}',
        do.Relay("ChangeConfiguration", {"key": "k", "value": "v"}),
    ),
    ("r", '{"kind":"Configure","key":"authorizationKEY","value":"key:1"}', do.SetPassword("key:1")),
    ("r", '{"kind":"ReadConfiguration","keys":["k"]}', do.Relay("GetConfiguration", {"key": ["k"]})),
    ("r", '{"kind":"ReadConfiguration","keys":[]}', do.Relay("GetConfiguration", {})),
    ("r", '{"kind":"ClearCache"}', do.Relay("ClearCache", {})),
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


def test_a_reading_is_stored_without_what_was_not_said() -> None:
    data = (
        f'{{"at":{T},"evse":1,"transaction_id":null,"sampled_at":{T},"energy_wh":5,"power_w":null,'
        '"voltage_v":null,"readings":[{"value":"0.005","unit":"kWh"},{"value":"x","format":"SignedData"}]}'
    ).encode()
    event = decode("MeterSampled/2", data)
    assert isinstance(event, ev.MeterSampled)
    assert [(one.value, one.unit, one.format) for one in event.readings] == [
        ("0.005", "kWh", None),
        ("x", None, "SignedData"),
    ]
    assert encode(event) == ("MeterSampled/2", data)


@pytest.mark.parametrize(("command", "data"), STORED_COMMANDS, ids=[type(one).__name__ for one, _ in STORED_COMMANDS])
def test_old_bytes_of_commands_are_read_and_written_as_they_are(command: do.Command, data: str) -> None:
    stored = f'{{"at":{T},{_COMMAND}{data},"forced":null}}'.encode()
    assert decode("CommandRequested/2", stored) == request(command)
    assert encode(request(command)) == ("CommandRequested/2", stored)


@pytest.mark.parametrize(("name", "data", "event"), OLD, ids=[name for name, _, _ in OLD])
def test_bytes_of_earlier_versions_are_read_as_the_newest(name: str, data: str, event: ev.Event) -> None:
    assert decode(name, data.encode()) == event
    assert codec.kind(encode(event)[0]) == name


@pytest.mark.parametrize(("request_id", "data", "command"), OLD_COMMANDS, ids=[data for _, data, _ in OLD_COMMANDS])
def test_commands_of_earlier_versions_are_read_as_the_newest(request_id: str, data: str, command: do.Command) -> None:
    stored = f'{{"at":{T},{_COMMAND}{data}}}'.replace('"request_id":"r"', f'"request_id":"{request_id}"').encode()
    assert decode("CommandRequested", stored) == dataclasses.replace(request(command), request_id=request_id)


def test_every_upcaster_has_bytes_it_is_for() -> None:
    assert set(codec.UPCASTERS) <= {name for name, _, _ in OLD} | {"CommandRequested"}


@pytest.mark.parametrize(("kind", "name", "data"), STORED, ids=[name for _, name, _ in STORED])
def test_the_plain_json_of_an_event_has_the_newest_shape(kind: type, name: str, data: str) -> None:
    assert codec.plain(name, data.encode()) == json.loads(data)
    assert codec.kind(name) == kind.__name__
    for old, stored, event in OLD:
        if codec.kind(old) == kind.__name__:
            known = {field: value for field, value in json.loads(encode(event)[1]).items() if value is not None}
            shown = codec.plain(old, stored.encode())
            assert {field: shown[field] for field in known if field in shown} == {
                field: value for field, value in known.items() if field in shown
            }


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", "Nothing", "cameonline", "CameOnline/2", "CommandRequested/3", "Command", "object", "_Requested"]
)
def test_an_unknown_type_is_an_error(name: str) -> None:
    with pytest.raises(CodecError, match="no event is called"):
        decode(name, b"{}")


WRONG: dict[str, list[Any]] = {
    "int": ["7", 7.5, True, [], {}],
    "str": [7, True, [], {}],
    "bool": ["true", 1, [], {}],
    "float": ["7", True, [], {}],
    "tuple[Reading, ...]": ["5", 7, True, {}, [7], [{}], [{"value": 7}]],
    "datetime": ["yesterday", 7, True, "2026-13-01T00:00:00Z", [], {}],
    "dict[str, Any]": ["7", 7, True, []],
    "AnyCommand": ["Unlock", 7, [], {}, {"kind": "Nothing"}, {"kind": []}, {"kind": {}}, {"kind": None}],
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
            default = next(one.default for one in dataclasses.fields(kind) if one.name == field)
            assert getattr(decode(name, shorter), field) == default
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
    required = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
    for field in [*required, "kind"]:
        shown = {key: value for key, value in stored["command"].items() if key != field}
        with pytest.raises(CodecError, match="CommandRequested"):
            decode(name, json.dumps({**stored, "command": shown}).encode())
    for one in dataclasses.fields(kind):
        damage: Any = ["a"] if "dict" in str(one.type) else {"a": 1}
        with pytest.raises(CodecError, match="CommandRequested"):
            decode(name, json.dumps({**stored, "command": {**stored["command"], one.name: damage}}).encode())


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
        decode("CommandRequested/2", f'{{"at":{T},{_COMMAND}'.encode() + DEEP + b"}")


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

    monkeypatch.setitem(codec.UPCASTERS, "CommandAsked", ("CommandRequested/2", add_epoch))
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
    events = [ev.StatusReported(AT, one, one, "Available", "NoError", None, None) for one in connectors]
    events += [ev.TransactionStarted(AT, "1", one, "A", one, None, "Accepted", None) for one in connectors]
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
        ev.CameOnline(AT, 1, "n", "ocpp1.6"),
        ev.StatusReported(AT, 1, 1, "Available", "NoError", None, None),
        *(dataclasses.replace(request(one), command_id=f"c{n}") for n, (one, _) in enumerate(STORED_COMMANDS)),
        ev.TransactionStarted(AT, "7", 1, "A", 5, AT, "Accepted", "c0", seq_no=1),
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
    for part, key in (("connectors", "1.1"), ("commands", "c0"), ("transactions", "7")):
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
    assert decode_state(encode_state(RICH)).connectors[1, 1] == Connector("Available", "NoError", None, None)
    assert [one.command for one in decode_state(encode_state(RICH)).commands.values()] == [
        one for one, _ in STORED_COMMANDS
    ]
