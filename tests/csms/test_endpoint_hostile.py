"""Whatever a peer sends: nothing escapes, nothing grows, nothing is settled by mistake, and no good frame is lost.

Ids S.. and E.. in the examples name the attack or the edge case they stand for: broken JSON from real stations, odd
types, floods, reflection, unsolicited answers.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms import ocppj
from interlock.csms.codec import decode, decode_state, encode, encode_state
from interlock.csms.dialects import NotAcceptable, v16
from interlock.csms.dialects.dialect import moment
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Station
from interlock.csms.ocppj import (
    DEPTH_LIMIT,
    DESCRIPTION_LIMIT,
    FRAME_LIMIT,
    ID_LIMIT,
    Answered,
    CallReceived,
    Endpoint,
    Failed,
    Malformed,
    TimedOut,
)

from .test_node import Bench, play
from .values import ANY_COMMAND, AT, COMMANDS, folded, steady

CODES = {
    "NotImplemented",
    "NotSupported",
    "InternalError",
    "ProtocolError",
    "SecurityError",
    "FormationViolation",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
    "TypeConstraintViolation",
    "GenericError",
}
"""The error codes of 1.6-J (section 4.2.3), in its own spelling."""

TIME = "2026-01-01T00:00:00Z"
GOOD: dict[str, dict[str, Any]] = {
    "BootNotification": {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"},
    "Heartbeat": {},
    "StatusNotification": {"connectorId": 1, "status": "Available", "errorCode": "NoError", "timestamp": TIME},
    "Authorize": {"idTag": "A"},
    "StartTransaction": {"connectorId": 1, "idTag": "A", "meterStart": 5, "timestamp": TIME},
    "StopTransaction": {"transactionId": 7, "meterStop": 9, "timestamp": TIME, "reason": "Local", "idTag": "A"},
    "MeterValues": {
        "connectorId": 1,
        "transactionId": 7,
        "meterValue": [{"timestamp": TIME, "sampledValue": [{"value": "5.5", "unit": "kWh"}]}],
    },
    "DataTransfer": {"vendorId": "V", "data": "{}"},
}


def strictly(frame: str) -> Any:
    """Read JSON as the RFC has it: Python's own reader lets NaN and Infinity pass."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    return json.loads(frame, parse_constant=refuse)


class Peer:
    """An endpoint with the dialect behind it, as a connection joins them; keeps what was written."""

    def __init__(self) -> None:
        self.endpoint = Endpoint()
        self.written: list[list[Any]] = []
        self.called: list[str | None] = []

    def hear(self, frame: str) -> ocppj.Notice | None:
        notice = self.endpoint.receive(frame, 0.0)
        if isinstance(notice, CallReceived):
            try:
                report = v16.report(notice.action, notice.payload)
            except NotAcceptable as error:
                self.endpoint.fail(notice.message_id, error.code, error.why)
            else:
                payload = v16.reply(report, rp.Reply("Accepted", 7), lambda: AT, 300)
                self.endpoint.answer(notice.message_id, payload)
        self.flush()
        return notice

    def flush(self) -> None:
        for called, frame in self.endpoint.frames_to_send(0.0):
            self.called.append(called)
            self.written.append(strictly(frame))
            if called is None:
                legal(frame)

    def call(self, message_id: str) -> None:
        self.endpoint.call(message_id, "ClearCache", {}, 10.0)
        self.flush()

    def kept(self) -> int:
        """Count everything the endpoint remembers."""
        return len(self.endpoint._outbox) + len(self.endpoint._waiting) + (self.endpoint._outstanding is not None)


def legal(frame: str) -> None:
    """Check an answer as the standard has it, and that it is no louder than what it answers deserves."""
    kind, message_id, *rest = strictly(frame)
    assert type(message_id) is str
    assert 0 < len(message_id) <= ID_LIMIT
    assert len(frame) < 1000
    if kind == 3:
        assert len(rest) == 1
        assert type(rest[0]) is dict
    else:
        code, description, details = rest
        assert kind == 4
        assert code in CODES
        assert len(description) <= DESCRIPTION_LIMIT
        assert details == {}


def understood(notice: ocppj.Notice | None) -> None:
    """Check that a notice is one of those documented, and of bounded size where it is not the payload."""
    match notice:
        case Malformed(why=why):
            assert 0 < len(why) < 300
        case Failed(message_id=message_id, code=code, description=description):
            assert len(message_id) <= ID_LIMIT
            assert len(code) <= DESCRIPTION_LIMIT
            assert len(description) <= DESCRIPTION_LIMIT
        case CallReceived(message_id=message_id, action=action, payload=payload):
            assert 0 < len(message_id) <= ID_LIMIT
            assert type(action) is str
            assert type(payload) is dict
        case Answered(message_id=message_id, payload=payload):
            assert 0 < len(message_id) <= ID_LIMIT
            assert type(payload) is dict
        case _:
            assert notice is None


# --- picked by hand --------------------------------------------------------------------------------------------------

NOTHING = ""
"""Nothing is written."""


def nested(levels: int, decoy: str = "") -> str:
    """Return a Heartbeat with so many more levels in it, each after a text that looks like closing brackets."""
    opened = f'["{decoy}",' if decoy else "["
    return '[2,"1","Heartbeat",{"x":' + opened * levels + "1" + "]" * levels + "}]"


BOOT = '"chargePointVendor":"V","chargePointModel":"M"'
PICKED: list[tuple[str, str, type | None, str]] = [
    (
        "S07 a value missing",
        '[2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]',
        Malformed,
        "FormationViolation",
    ),
    ("S08 empty boot", '[2,"1","BootNotification",{}]', CallReceived, "OccurenceConstraintViolation"),
    ("S09 empty id in a result", '[3,"",{"fileName":"d.log"}]', Malformed, NOTHING),
    ("S10 action is a list", '[2,"1",["Heartbeat"],{}]', Malformed, "FormationViolation"),
    ("S10 action is an object", '[2,"1",{},{}]', Malformed, "FormationViolation"),
    ("S10 action is null", '[2,"1",null,{}]', Malformed, "FormationViolation"),
    ("S10 action is a number", '[2,"1",1e3,{}]', Malformed, "FormationViolation"),
    ("S11 depth bomb", "[" * 1000 + "]" * 1000, Malformed, NOTHING),
    ("S11 deeper", "[" * 100_000 + "]" * 100_000, Malformed, NOTHING),
    ("S11 never closed", "[" * 262_144, Malformed, NOTHING),
    ("S11 objects", '{"a":' * 1000 + "1" + "}" * 1000, Malformed, NOTHING),
    ("S11 behind decoys", nested(300, "]"), Malformed, "FormationViolation"),
    ("S11 behind more decoys", nested(60, '\\"]]]]' * 3), Malformed, "FormationViolation"),
    (
        "S11 behind one long decoy",
        f'[2,"1","Heartbeat",{{"a":"{"]" * 1000}","x":{"[" * 900}{"]" * 900}}}]',
        Malformed,
        "FormationViolation",
    ),
    ("S12 4301 digits", f'[2,"1","Heartbeat",{{"x":{"9" * 4301}}}]', Malformed, "FormationViolation"),
    ("S12 4300 digits", f'[2,"1","Heartbeat",{{"x":{"9" * 4300}}}]', CallReceived, "FormationViolation"),
    ("S12 infinity by exponent", '[2,"1","Heartbeat",{"x":1e999}]', Malformed, "FormationViolation"),
    ("S12 NaN", '[2,"1","Heartbeat",{"x":NaN}]', Malformed, "FormationViolation"),
    ("S12 Infinity", '[2,"1","Heartbeat",{"x":-Infinity}]', Malformed, "FormationViolation"),
    ("S12 NaN as type", '[NaN,"1","Heartbeat",{}]', Malformed, NOTHING),
    ("S12 2^63", f'[2,"1","Authorize",{{"idTag":{2**63}}}]', CallReceived, "TypeConstraintViolation"),
    ("S12 -2^63-1", f'[2,"1","Authorize",{{"idTag":{-(2**63) - 1}}}]', CallReceived, "TypeConstraintViolation"),
    (
        "S12 integer with a point",
        '[2,"1","StatusNotification",{"connectorId":1.0,"status":"Available","errorCode":"NoError"}]',
        CallReceived,
        "TypeConstraintViolation",
    ),
    ("S14 lone surrogate, escaped", '[2,"1","Authorize",{"idTag":"\\ud800"}]', Malformed, "FormationViolation"),
    ("S14 lone surrogate, raw", '[2,"1","Authorize",{"idTag":"\ud800"}]', Malformed, "FormationViolation"),
    ("S14 lone surrogate in the id", '[2,"\\udfff","Heartbeat",{}]', Malformed, NOTHING),
    ("S14 NUL", '[2,"1","Authorize",{"idTag":"a\\u0000b"}]', CallReceived, "result"),
    ("S14 raw NUL", '[2,"1","Authorize",{"idTag":"a\x00b"}]', Malformed, "FormationViolation"),
    ("S14 byte order mark", '\ufeff[2,"1","Heartbeat",{}]', Malformed, NOTHING),
    *[
        (f"S15 shape {shape[:20]}", shape, Malformed, "FormationViolation" if shape.startswith('[2,"1","') else NOTHING)
        for shape in (
            "",
            " ",
            "[]",
            "[2]",
            '[2,"1"]',
            "{}",
            "null",
            '""',
            "2",
            '"2"',
            "[[]]",
            '["2","1","Heartbeat",{}]',
            '[2.0,"1","Heartbeat",{}]',
            '[true,"1","Heartbeat",{}]',
            '[null,"1","Heartbeat",{}]',
            '[[2],"1","Heartbeat",{}]',
            '[2,1,"Heartbeat",{}]',
            '[2,null,"Heartbeat",{}]',
            '[2,[],"Heartbeat",{}]',
            '[2,{},"Heartbeat",{}]',
            '[2,true,"Heartbeat",{}]',
            '[2,"","Heartbeat",{}]',
            '[2,"1","Heartbeat",{}',
            '[2,"1","Heartbeat",{}]]',
            '[2,"1","Heartbeat",{}][2,"1","Heartbeat",{}]',
            "[2,'1','Heartbeat',{}]",
            '[2,"1","Heartbeat",{},]',
            '[02,"1","Heartbeat",{}]',
            '[2,"1","Heartbeat",{}] // ok',
            '[3,"1",[]]',
            '[3,"1",null]',
            '[3,"1",{},{}]',
            '{"0":2,"1":"1","2":"Heartbeat","3":{}}',
        )
    ],
    ("S15 id of 36", f'[2,"{"i" * 36}","Heartbeat",{{}}]', CallReceived, "result"),
    ("S15 id of 37", f'[2,"{"i" * 37}","Heartbeat",{{}}]', Malformed, NOTHING),
    ("S15 id of 200 kB", f'[2,"{"i" * 200_000}","Heartbeat",{{}}]', Malformed, NOTHING),
    ("S15 three elements", '[2,"1","Heartbeat"]', Malformed, "FormationViolation"),
    ("S15 five elements", '[2,"1","Heartbeat",{},{}]', Malformed, "FormationViolation"),
    ("S15 payload a list", '[2,"1","Heartbeat",[]]', Malformed, "FormationViolation"),
    ("S15 payload null", '[2,"1","Heartbeat",null]', Malformed, "FormationViolation"),
    ("S15 payload a text", '[2,"1","Heartbeat","{}"]', Malformed, "FormationViolation"),
    ("type 0", '[0,"1","Heartbeat",{}]', None, NOTHING),
    ("type 1", '[1,"1","Heartbeat",{}]', None, NOTHING),
    ("type 5", '[5,"1",{}]', None, NOTHING),
    ("type 6", '[6,"1","Heartbeat",{}]', None, NOTHING),
    ("type -2", '[-2,"1","Heartbeat",{}]', None, NOTHING),
    ("type 2^70", f'[{2**70},"1","Heartbeat",{{}}]', None, NOTHING),
    (
        "S17 reflection",
        json.dumps([2, "1", "Heartbeat", {f"k{n}": n for n in range(15_000)}]),
        CallReceived,
        "FormationViolation",
    ),
    (
        "S17 a long value",
        json.dumps([2, "1", "Authorize", {"idTag": "x" * 200_000}]),
        CallReceived,
        "PropertyConstraintViolation",
    ),
    ("S17 a long key", json.dumps([2, "1", "Authorize", {"x" * 200_000: 1}]), CallReceived, "FormationViolation"),
    ("S18 unknown action", '[2,"1","FooBar",{}]', CallReceived, "NotImplemented"),
    ("S18 case", '[2,"1","heartbeat",{}]', CallReceived, "NotImplemented"),
    ("S18 empty action", '[2,"1","",{}]', CallReceived, "NotImplemented"),
    ("S18 an answer's schema", '[2,"1","HeartbeatResponse",{}]', CallReceived, "NotImplemented"),
    ("S18 a path", '[2,"1","../v16/schemas/Heartbeat",{}]', CallReceived, "NotImplemented"),
    ("S18 a long action", f'[2,"1","{"A" * 200_000}",{{}}]', CallReceived, "NotImplemented"),
    ("S18 of 2.0.1", '[2,"1","TransactionEvent",{}]', CallReceived, "NotImplemented"),
    ("S18 that decides nothing", '[2,"1","FirmwareStatusNotification",{"status":"Idle"}]', CallReceived, "result"),
    ("S18 the other direction", '[2,"1","UnlockConnector",{"connectorId":1}]', CallReceived, "NotSupported"),
    ("S19 unsolicited result", '[3,"zzz",{}]', Answered, NOTHING),
    ("S23 log injection", '[2,\n"1","Heartbeat",\n{}]', CallReceived, "result"),
    ("S23 escapes in the id", '[2,"\\u001b[2J\\r\\nERROR","Heartbeat",{}]', CallReceived, "result"),
    (
        "S36 no time",
        '[2,"1","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":5,"timestamp":""}]',
        CallReceived,
        "result",
    ),
    ("S40 error to an answer", '[4,"zzz","ProtocolError","who are you",{}]', Failed, NOTHING),
    ("error of three", '[4,"zzz","GenericError"]', Failed, NOTHING),
    ("error without a code", '[4,"zzz",{},[],null]', Failed, NOTHING),
    ("error with a long code", f'[4,"zzz","{"E" * 200_000}","{"d" * 50_000}",{{}}]', Failed, NOTHING),
    ("error with an empty id", '[4,"","GenericError","",{}]', Malformed, NOTHING),
    (
        "E22 a number as JSON number",
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"","sampledValue":[{"value":604.213}]}]}]',
        CallReceived,
        "TypeConstraintViolation",
    ),
    (
        "E18 transactionId of 64 bits",
        '[2,"1","MeterValues",{"connectorId":1,"transactionId":9223372036854775807,'
        '"meterValue":[{"timestamp":"x","sampledValue":[{"value":"nan"}]}]}]',
        CallReceived,
        "result",
    ),
    (
        "E20 unknown status",
        '[2,"1","StatusNotification",{"connectorId":1,"status":"Idle","errorCode":"NoError"}]',
        CallReceived,
        "PropertyConstraintViolation",
    ),
    ("S06 over the limit", f'[2,"1","Heartbeat",{{"x":"{"x" * FRAME_LIMIT}"}}]', Malformed, NOTHING),
]
"""What it is, the frame, the notice, and what is written: nothing, a `result`, or the code of a CALLERROR."""
FRAMES = [frame for _, frame, _, _ in PICKED]


@pytest.mark.parametrize(
    ("frame", "meant", "answered"), [one[1:] for one in PICKED], ids=[label for label, *_ in PICKED]
)
def test_each_gets_what_it_deserves_and_the_next_frame_is_answered(
    frame: str, meant: type | None, answered: str
) -> None:
    peer = Peer()
    notice = peer.hear(frame)
    understood(notice)
    assert type(notice) is (type(None) if meant is None else meant)
    shown = ["result" if one[0] == 3 else one[2] for one in peer.written]
    assert shown == ([] if answered == NOTHING else [answered])
    assert peer.kept() == 0
    peer.hear('[2,"next","Heartbeat",{}]')
    assert [one[:2] for one in peer.written[len(shown) :]] == [[3, "next"]]


def test_the_id_is_echoed_as_it_came() -> None:
    for message_id in ("i" * 36, "\u202e", "\x1b[2J\r\n", '"', "\\", "\U0001f50c", " ", "\x00"):
        peer = Peer()
        peer.hear(json.dumps([2, message_id, "Heartbeat", {}]))
        peer.hear(json.dumps([2, message_id, "Nothing", {}]))
        peer.hear(json.dumps([2, message_id, "Nothing", 7]))
        assert [one[1] for one in peer.written] == [message_id] * 3


def test_of_two_equal_keys_the_last_counts() -> None:
    """S13. Like Python's own reader; what was read is what is checked against the schema and what is stored."""
    frame = '[2,"1","StopTransaction",{"transactionId":1,"meterStop":1,"timestamp":"","transactionId":2}]'
    notice = Endpoint().receive(frame, 0.0)
    assert isinstance(notice, CallReceived)
    assert notice.payload == json.loads(frame)[3]
    report = v16.report(notice.action, notice.payload)
    assert isinstance(report, rp.Stop)
    assert report.transaction_id == "2"


# --- depth -----------------------------------------------------------------------------------------------------------


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max([depth(one) for one in value.values()], default=0)
    if isinstance(value, list):
        return 1 + max([depth(one) for one in value], default=0)
    return 0


@given(
    st.lists(
        st.tuples(st.booleans(), st.text('[]{}\\",:a', max_size=6), st.text("[{]}", max_size=40)),
        min_size=DEPTH_LIMIT - 6,
        max_size=DEPTH_LIMIT + 4,
    )
)
@steady(200)
def test_what_counts_is_the_depth_of_values_and_not_the_brackets_in_texts(levels: list[tuple[bool, str, str]]) -> None:
    value: Any = 1
    for is_object, key, decoy in levels:
        value = {key: value} if is_object else [decoy, value, decoy]
    message = [2, "1", "Heartbeat", {"x": value}]
    notice = Endpoint().receive(json.dumps(message), 0.0)
    assert isinstance(notice, CallReceived if depth(message) <= DEPTH_LIMIT else Malformed)


def test_a_bracket_is_counted_in_linear_time() -> None:
    """Texts that never end, and nothing but escapes, are where such scans go quadratic."""
    bombs = [
        '"' * FRAME_LIMIT,
        '\\"' * (FRAME_LIMIT // 2),
        '"\\' * (FRAME_LIMIT // 2),
        "[" * 40 + '"' + '\\"' * 131_000,
    ]
    bombs += ["[]" * (FRAME_LIMIT // 2), '["]",' * (FRAME_LIMIT // 5)]
    begun = time.perf_counter()
    for bomb in bombs:
        assert isinstance(Endpoint().receive("[" * 33 + bomb[:-33], 0.0), Malformed)
    assert time.perf_counter() - begun < 5.0


# --- drawn -----------------------------------------------------------------------------------------------------------

SPICE: list[Any] = [
    None, True, False, 0, -1, 1.0, 2, 2**31, 2**63, -(2**63) - 1, 2**70, 10**400, 1e308, -0.0, 0.1,
    "", "a", "a" * 21, "a" * 300, "\x00", "\u202e", "\U0001f50c", "nan", "inf", "1e400", "-1", "1_0", "0x10",
    "9" * 5000,
    [], [[]], [{}], {}, {"a": {}}, {"": 1}, [1] * 100,
]  # fmt: skip
MOMENTS = [
    "", "1000000", "222222017-01-01T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T23:59:60Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01", "9999-12-31T23:59:59.999999Z",
    "2024-01-01T00:00:00", "2024-01-01T00:00:00+02", "2024-01-01T00:00:00+02:00:30.5", "2024-01-01T00:00:00.1234567Z",
    "2024-W01-1", "20240101T000000Z", "2024-01-01 00:00:00", "now", "\x00", "2024-01-01T00:00:00\u0660", "-1", "NaN",
    "1970-01-01T00:00:00Z", "2024-01-01T00:00:00+24:00", "2024-01-01T24:00:00Z", "\u0662\u0660\u0662\u0664-01-01",
]  # fmt: skip
VALUES = st.recursive(
    st.sampled_from(SPICE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.integers()
    | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
WORDS = [
    "Available", "Charging", "Faulted", "NoError", "OtherError", "Local", "EVDisconnected", "kWh", "kW", "W", "Wh", "V",
    "Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "L1", "SignedData", "Outlet", "12.5", "1e9",
]  # fmt: skip


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        found += places(one, (*here, key))
    return found


def replaced(value: Any, where: tuple[Any, ...], new: Any) -> Any:
    if not where:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[where[0]] = replaced(copy[where[0]], where[1:], new)
    return copy


@st.composite
def payloads(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw an action and a payload that is nearly right."""
    action = draw(st.sampled_from(sorted(GOOD)))
    payload: Any = GOOD[action]
    odd = st.sampled_from(MOMENTS) | st.sampled_from(WORDS) | st.sampled_from(SPICE) | VALUES
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from(places(payload)[1:] or [()]))
        payload = replaced(payload, where, draw(odd)) if where else {**payload, draw(st.text(max_size=5)): draw(odd)}
    if draw(st.booleans()) and isinstance(payload, dict) and payload:
        payload = {key: one for key, one in payload.items() if key != draw(st.sampled_from(sorted(payload)))}
    return action, payload


IDS = st.sampled_from(["ours", "waits", "ours ", "1"]) | st.text(max_size=38) | VALUES
MESSAGES = st.tuples(st.sampled_from([2, 2, 2, 3, 4, 5, "2", 2.0, True, None]), IDS, payloads())
ANSWERS = st.tuples(st.sampled_from([3, 4, 3.0]), IDS, VALUES | st.just({"status": "Accepted"}))
LINES = MESSAGES.map(lambda one: json.dumps([one[0], one[1], *one[2]])) | ANSWERS.map(json.dumps)
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from('"[]{},:\\é') | st.sampled_from(["\\u", "\\ud83d", "\ud800", "\x00", "1e9", "NaN", ""])
        | st.text(max_size=2),
        st.integers(0, 5),
    ),
    max_size=3,
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a valid frame with a few characters put in or taken out."""
    frame: str = draw(LINES | st.sampled_from([one for one in FRAMES if len(one) < 300]))
    for where, put, drop in draw(CHANGES):
        at = int(where * len(frame))
        frame = frame[:at] + put + frame[at + drop :]
    return frame


HOSTILE = mutated() | LINES | st.text(max_size=60) | st.text('[]{}",:\\u234 ', max_size=60) | VALUES.map(json.dumps)


def addressee(frame: str) -> Any:
    """Return the message id of an answer, read without any code under test."""
    message = json.loads(frame)
    assert type(message[0]) is int
    assert message[0] == 4 or (len(message) == 3 and isinstance(message[2], dict))
    return message[1]


@given(st.lists(HOSTILE, max_size=12))
@steady(300)
def test_nothing_escapes_grows_or_is_lost(frames: list[str]) -> None:
    peer = Peer()
    calls = ["ours", "waits", "last"]
    for call in calls:
        peer.call(call)
    settled = 0
    for n, frame in enumerate(frames):
        written = len(peer.written)
        notice = peer.hear(frame)
        understood(notice)
        if isinstance(notice, Answered | Failed):
            assert notice.message_id == addressee(frame)
            assert notice.late is (settled == 3 or notice.message_id != calls[settled])
            settled += not notice.late
        # An answer is not answered; whatever else came in has one answer at most.
        assert [one for one in peer.called if one] == calls[: settled + 1]
        assert len(peer.written) - written <= 1
        assert peer.kept() == 3 - settled
        peer.hear(f'[2,"good{n}","Heartbeat",{{}}]')
        assert peer.written[-1][:2] == [3, f"good{n}"]
    for call in calls[settled:]:
        assert peer.hear(json.dumps([3, call, {}])) == Answered(call, {}, late=False)
    assert peer.kept() == 0


def refused(read: Callable[[], Any]) -> Any:
    """Return what was read, or None when it was refused as the dialect may."""
    found, refusal = None, None
    try:
        found = read()
    except NotAcceptable as error:
        refusal = error
    if refusal is not None:
        assert refusal.code in CODES
        assert len(refusal.why) <= DESCRIPTION_LIMIT
    return found


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


# --- many ------------------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_hostile_frames_leave_nothing_behind() -> None:
    """S19, S30, S40: and an endpoint that hears them all still knows what it asked."""
    peer = Peer()
    peer.call("ours")
    for n in range(3):
        peer.call(f"waits{n}")
    small = [frame for frame in FRAMES if len(frame) < 6000]
    assert len(small) > 70
    meant: Counter[str] = Counter()
    for n, frame in enumerate(islice(cycle(small), 100_000)):
        meant[type(peer.endpoint.receive(frame, 0.0)).__name__] += 1
        if n % 50 == 0:
            # What was refused is answered when it is fetched, and then it is gone.
            assert len(peer.endpoint._outbox) <= 50
            peer.flush()
            peer.written.clear()
            assert peer.kept() == 4
    peer.flush()
    assert peer.kept() == 4
    assert len(meant) == 5
    assert [called for called in peer.called if called] == ["ours"]
    assert peer.hear('[3,"ours",{}]') == Answered("ours", {}, late=False)
    assert [called for called in peer.called if called] == ["ours", "waits0"]


@pytest.mark.parametrize("frame", ['[3,"zzz",{}]', '[4,"zzz","GenericError","",{}]', "[2", '[7,"1",{}]'])
def test_a_flood_of_answers_to_nothing_is_never_answered(frame: str) -> None:
    peer = Peer()
    for _ in range(10_000):
        peer.endpoint.receive(frame, 0.0)
    assert peer.kept() == 0
    peer.flush()
    assert peer.written == []


def test_a_hundred_thousand_calls_are_sent_one_by_one_and_answered_by_their_own_id() -> None:
    endpoint = Endpoint()
    count = 100_000
    for n in range(count):
        endpoint.call(f"c{n}", "ClearCache", {}, 10.0)
    for n in range(count):
        [(called, _)] = endpoint.frames_to_send(0.0)
        assert called == f"c{n}"
        if n % 1000 == 0:
            for other in (f"c{n - 1}", f"c{n + 1}", f"c{count - 1}", "c", f"C{n}", f" c{n}"):
                if other == called:
                    continue
                notice = endpoint.receive(json.dumps([3, other, {}]), 0.0)
                assert isinstance(notice, Answered)
                assert notice.late
                assert endpoint.frames_to_send(0.0) == []
        assert endpoint.receive(f'[3,"c{n}",{{}}]', 0.0) == Answered(f"c{n}", {}, late=False)
    assert endpoint.frames_to_send(0.0) == []
    assert endpoint.next_deadline() is None


def test_a_hundred_thousand_calls_run_out_of_time_at_once() -> None:
    """Half of them, behind the half that does not: taking each out of the middle would take minutes."""
    endpoint = Endpoint()
    half = 50_000
    for n in range(2 * half):
        endpoint.call(f"c{n}", "ClearCache", {}, 10.0 if n < half else 5.0)
    begun = time.perf_counter()
    assert endpoint.expired(5.0) == [TimedOut(f"c{n}", False) for n in range(half, 2 * half)]
    assert time.perf_counter() - begun < 5.0
    assert endpoint.next_deadline() == 10.0
    endpoint.frames_to_send(6.0)
    assert endpoint.abandon() == [TimedOut(f"c{n}", n == 0) for n in range(half)]
    assert endpoint.next_deadline() is None


# --- a model of the calls --------------------------------------------------------------------------------------------

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.integers(1, 9)),
        st.tuples(st.just("answer"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("answer it"), st.just(0), st.booleans()),
        st.tuples(st.just("garbage"), st.sampled_from([one for one in FRAMES if len(one) < 300])),
        st.tuples(st.just("later"), st.integers(1, 3)),
    ),
    min_size=10,
    max_size=50,
)


@given(OPERATIONS)
@steady(300)
def test_every_call_ends_exactly_once(operations: list[tuple[Any, ...]]) -> None:
    endpoint, now = Endpoint(), 0.0
    waiting: list[tuple[str, float]] = []
    outstanding: tuple[str, float] | None = None
    calls = 0
    ends: Counter[str] = Counter()
    for operation in operations:
        match operation:
            case "call", life:
                waiting.append((f"c{calls}", now + life))
                endpoint.call(*(waiting[-1][0], "ClearCache", {}, waiting[-1][1]))
                calls += 1
            case "answer" | "answer it", n, positive:
                about = outstanding[0] if outstanding and operation[0] == "answer it" else f"c{n}"
                frame = [3, about, {}] if positive else [4, about, "GenericError", "", {}]
                notice = endpoint.receive(json.dumps(frame), now)
                assert isinstance(notice, Answered | Failed)
                assert notice.message_id == about
                assert notice.late is (outstanding is None or about != outstanding[0])
                if not notice.late:
                    ends[about] += 1
                    outstanding = None
            case "garbage", frame:
                endpoint.receive(frame, now)
            case "later", by:
                now += by
                gone = [(outstanding[0], True)] if outstanding and outstanding[1] <= now else []
                gone += [(name, False) for name, until in waiting if until <= now]
                assert endpoint.expired(now) == [TimedOut(name, sent) for name, sent in gone]
                outstanding = None if outstanding and outstanding[1] <= now else outstanding
                waiting = [one for one in waiting if one[1] > now]
                ends.update(name for name, _ in gone)
        sent = [called for called, _ in endpoint.frames_to_send(now) if called]
        expected = [waiting[0][0]] if outstanding is None and waiting else []
        assert sent == expected
        if expected:
            outstanding = waiting.pop(0)
        deadlines = [until for _, until in waiting] + ([outstanding[1]] if outstanding else [])
        assert endpoint.next_deadline() == min(deadlines, default=None)
    ends.update(one.message_id for one in endpoint.abandon())
    assert ends == Counter(f"c{n}" for n in range(calls))


# --- behind a node ---------------------------------------------------------------------------------------------------


def test_a_node_hears_it_all_and_serves_on() -> None:
    """Through a real connection, its log included: each frame in its turn, a heartbeat after each."""

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for n, frame in enumerate(FRAMES):
            await connection.receive(frame)
            await connection.receive(f'[2,"good{n}","Heartbeat",{{}}]')
            assert bench.written[-1][:2] == [3, f"good{n}"]
        decision = await bench.node.operate("CP1", do.Unlock(1), "r1")
        assert decision.command_id
        assert bench.closed == []
        await connection.receive('[3,"zzz",{"status":"Unlocked"}]')
        await connection.receive(json.dumps([3, decision.command_id, {"status": "Unlocked"}]))
        assert await bench.node.phase("CP1", decision.command_id) == "accepted"
        longest = max(len(stored.data) for stored in await bench.store.read("station-CP1"))
        assert longest < 1000
        await bench.events()  # everything stored can be read

    play(scene)
