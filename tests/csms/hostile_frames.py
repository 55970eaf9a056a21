"""Frames and payloads that a hostile or broken peer sends, picked by hand, and how an endpoint's replies are checked.

Ids S.. and E.. name the attack or the edge case they stand for: broken JSON from real stations, odd types, floods,
reflection, unsolicited answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from interlock.csms import ocppj
from interlock.csms.dialects import NotAcceptable, v16
from interlock.csms.domain import reports as rp
from interlock.csms.ocppj import (
    DESCRIPTION_LIMIT,
    FRAME_LIMIT,
    ID_LIMIT,
    Answered,
    CallReceived,
    Endpoint,
    Failed,
    Malformed,
)

from .values import AT

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
