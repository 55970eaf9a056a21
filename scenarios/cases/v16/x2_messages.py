"""Interlock's own: what a station or a CSMS does with messages that are odd, wrong, or no messages at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.scenarios.cases.language import (
    PRESENT,
    TAG,
    TX,
    Allow,
    Answered,
    Ask,
    C,
    Case,
    Connects,
    Cut,
    In,
    Item,
    Other,
    Raw,
    Ref,
    Reply,
    Say,
    Sent,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED
from interlock.scenarios.cases.v16._words import ask, csms, order, station, tell, tell_start, tell_status, tell_stop

UNKNOWN = ("NotImplemented", "NotSupported")
BROKEN = (
    *("OccurrenceConstraintViolation", "OccurenceConstraintViolation", "FormationViolation", "FormatViolation"),
    *("ProtocolError", "TypeConstraintViolation", "PropertyConstraintViolation", "GenericError"),
)
"""What a receiver may say of a payload that is not as it must be: which of them is a matter of taste."""


def _again(script: tuple[Item, ...]) -> tuple[Item, ...]:
    """What is said, said again on the next connection if need be."""
    return tuple(replace(item, again=True) if isinstance(item, Say) else item for item in script)


_ALIVE_STATION = ask("GetConfiguration", {"key": ["HeartbeatInterval"]}, {"configurationKey": PRESENT})
_ALIVE_CSMS = tell("Heartbeat", {}, {"currentTime": PRESENT})
_STATION_SPEAKS = _again(_ALIVE_STATION)
_CSMS_SPEAKS = _again(_ALIVE_CSMS)
"""The same behind what may make a peer close the connection: then on the next one."""
_J = "OCPP-J 4"

GARBAGE = {
    "no JSON": "hello",
    "an empty text": "",
    "an empty list": "[]",
    "an object": '{"a":1}',
    "a number": "5",
    "nothing": "null",
    "a message type that is none": '[9,"{id}","Heartbeat",{}]',
    "an answer to nothing": '[3,"nobody-asked-this",{}]',
    "an error for nothing": '[4,"nobody-asked-this","GenericError","",{}]',
    "a CALL without a payload": '[2,"{id}"]',
    "brackets that do not end": "[" * 2000,
    "half a message": '[2,"{id}","Hear',
}
"""Texts after which a peer has to go on, though behind what is no message it may close the connection first."""
IGNORED = ("a message type that is none", "an answer to nothing", "an error for nothing")
"""Those that are messages, and change nothing: an unknown type is to be ignored, and answers come late (OCPP-J 4.1)."""
ODD_TEXTS = {"letters of other scripts": "Ärger-日本", "an emoji": "\N{ELECTRIC PLUG}", "a control character": "a\x01b"}


def _raw(action: str, payload: str) -> Raw:
    return Raw(f'[2,"{{id}}","{action}",{payload}]')


def _errors(action: str, payload: str, taken: Any = None) -> tuple[Item, ...]:
    """A CALL that breaks its schema: it must be answered, and should be by a CALLERROR with a code for that.

    OCPP-J 4.2.3 has the code and does not forbid to read what can be read. `taken` is what a lenient peer may answer.
    """
    return (
        _raw(action, payload),
        Answered(action, {}, BROKEN, only_errors=True, to="raw", level="should"),
        Answered(action, taken or {}, ("*",), to="raw"),
    )


def _unknown(action: str) -> tuple[Item, ...]:
    """A CALL of an action that nobody knows: a CALLERROR, and it should have the code for that."""
    return (
        _raw(action, "{}"),
        Answered(action, {}, UNKNOWN, only_errors=True, to="raw", level="should"),
        Answered(action, {}, ("*",), only_errors=True, to="raw"),
    )


def _survives() -> list[Case]:
    found = []
    for n, (what, text) in enumerate(GARBAGE.items()):
        speaks = (_ALIVE_STATION, _ALIVE_CSMS) if what in IGNORED else (_STATION_SPEAKS, _CSMS_SPEAKS)
        found.append(station(f"IL_{201 + n}_CS", f"After {what}", _J, Raw(text), *speaks[0]))
        found.append(csms(f"IL_{201 + n}_CSMS", f"After {what}", _J, Raw(text), *speaks[1]))
    return found


def _texts() -> list[Case]:
    found = []
    for n, (what, text) in enumerate(ODD_TEXTS.items()):
        found.append(station(
            f"IL_{221 + n}_CS", f"A tag with {what}", "7.28",
            *ask("RemoteStopTransaction", {"transactionId": 1 << 30}, {"status": "Rejected"}),
            *ask("ChangeConfiguration", {"key": text, "value": text}, {"status": "NotSupported"}, errors=BROKEN),
            *ask("DataTransfer", {"vendorId": text, "data": text}, {"status": PRESENT}, errors=BROKEN), *_ALIVE_STATION,
        ))  # fmt: skip
        found.append(csms(
            f"IL_{221 + n}_CSMS", f"A tag with {what}", "7.28",
            *tell("Authorize", {"idTag": text}, {"idTagInfo": {"status": PRESENT}}, errors=BROKEN),
            *tell("StatusNotification", {
                "connectorId": C, "errorCode": "OtherError", "status": "Available",
                "info": text, "vendorErrorCode": text,
            }, errors=BROKEN),
            *_ALIVE_CSMS,
        ))  # fmt: skip
    return found


def _values(value: Any, **more: Any) -> dict[str, Any]:
    sampled = {"value": value, **more}
    return {"connectorId": C, "meterValue": [{"timestamp": In(0), "sampledValue": [sampled]}]}


def _session(*middle: Item) -> tuple[Item, ...]:
    return (*tell_start(), *middle, *tell_stop("Local"))


_AWAY: tuple[Item, ...] = (Cut(), Allow(), Connects())
_REJECTED = {"status": "Rejected"}
_REPEATED = {"connectorId": C, "idTag": TAG, "meterStart": 77, "timestamp": "2026-02-03T04:05:06Z"}
_STOPPED = {"transactionId": TX, "meterStop": 1234, "timestamp": "2026-02-03T05:05:06Z", "reason": "Local"}

CASES = (
    *_survives(),
    *_texts(),
    station(
        "IL_231_CS", "An action that nobody knows", f"{_J}.2.3",
        *_unknown("MakeCoffee"), *_ALIVE_STATION,
    ),
    station(
        "IL_232_CS", "A field is missing", f"{_J}.2.3",
        *_errors("ChangeConfiguration", '{"key":"x"}', {"status": one_of("Rejected", "NotSupported")}), *_ALIVE_STATION,
    ),
    station(
        "IL_233_CS", "A field of another type", f"{_J}.2.3",
        *_errors("RemoteStopTransaction", '{"transactionId":"seven"}', _REJECTED), *_ALIVE_STATION,
    ),
    station(
        "IL_234_CS", "A word that is none of its kind", f"{_J}.2.3",
        *_errors("Reset", '{"type":"Warm"}', _REJECTED), *_ALIVE_STATION,
    ),
    station(
        "IL_235_CS", "A tag that is too long", "7.28",
        *ask("RemoteStartTransaction", {"connectorId": C, "idTag": "T" * 21}, _REJECTED, errors=BROKEN),
    ),
    station(
        "IL_236_CS", "A message id of 36 characters", f"{_J}.1.4",
        Raw('[2,"0123456789abcdef0123456789a-{id}","GetConfiguration",{"key":["HeartbeatInterval"]}]'),
        Answered("GetConfiguration", {"configurationKey": PRESENT}, to="raw"), *_ALIVE_STATION,
    ),
    station(
        "IL_237_CS", "White space and another order", "JSON",
        Raw(' [ 2 ,\n "{id}" , "UnlockConnector" , { "connectorId" : 99 } ] '),
        Answered("UnlockConnector", {"status": "NotSupported"}, to="raw"), *_ALIVE_STATION,
    ),
    station(
        "IL_238_CS", "Connector -1", "5.18",
        *ask("UnlockConnector", {"connectorId": -1}, {"status": "NotSupported"}, errors=BROKEN),
    ),
    station(
        "IL_239_CS", "Connector 2147483647", "5.18",
        *ask("UnlockConnector", {"connectorId": 2147483647}, {"status": "NotSupported"}, errors=BROKEN),
    ),
    station(
        "IL_240_CS", "Transaction -1", "5.12",
        *ask("RemoteStopTransaction", {"transactionId": -1}, _REJECTED, errors=BROKEN),
    ),
    station(
        "IL_241_CS", "Much data", "5.6",
        *ask("DataTransfer", {"vendorId": Ref("vendor"), "data": "x" * 20_000}, {"status": PRESENT}, errors=("*",)),
        *_ALIVE_STATION,
    ),
    station(
        "IL_242_CS", "A value that is too long", "5.3",
        *ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "9" * 400}, _REJECTED, errors=BROKEN),
        writable=("HeartbeatInterval",),
    ),
    station(
        "IL_243_CS", "Twenty keys, some of them unknown", "5.8",
        *ask(
            "GetConfiguration", {"key": ["HeartbeatInterval", *(f"Unknown{n}" for n in range(19))]},
            {"configurationKey": PRESENT, "unknownKey": PRESENT},
        ),
    ),
    station(
        "IL_244_CS", "Availability of a connector that is not there", "5.2",
        *ask(
            "ChangeAvailability", {"connectorId": Ref("unknown_connector"), "type": "Inoperative"}, _REJECTED,
            errors=BROKEN,
        ),
    ),
    station(
        "IL_245_CS", "A trigger that is not known", "5.17",
        *_errors(
            "TriggerMessage", '{"requestedMessage":"Everything"}', {"status": one_of("Rejected", "NotImplemented")},
        ),
        *_ALIVE_STATION,
        profile="RemoteTrigger", features=("remote_trigger",),
    ),
    csms(
        "IL_231_CSMS", "An action that nobody knows", f"{_J}.2.3",
        *_unknown("MakeCoffee"), *_ALIVE_CSMS,
    ),
    csms(
        "IL_232_CSMS", "A field is missing", f"{_J}.2.3",
        *_errors("Authorize", "{}", {"idTagInfo": PRESENT}),
        Answered("Authorize", {"idTagInfo": {"status": Other("Accepted")}}, ("*",), to="raw", when="invalid"),
        *_ALIVE_CSMS,
    ),
    csms(
        "IL_233_CSMS", "A field of another type", f"{_J}.2.3",
        *_errors("Authorize", '{"idTag":7}', {"idTagInfo": {"status": PRESENT}}), *_ALIVE_CSMS,
    ),
    csms(
        "IL_234_CSMS", "A word that is none of its kind", f"{_J}.2.3",
        *_errors("StatusNotification", '{"connectorId":1,"errorCode":"NoError","status":"Dreaming"}'), *_ALIVE_CSMS,
    ),
    csms(
        "IL_236_CSMS", "A message id of 36 characters", f"{_J}.1.4",
        Raw('[2,"0123456789abcdef0123456789a-{id}","Heartbeat",{}]'),
        Answered("Heartbeat", {"currentTime": PRESENT}, to="raw"), *_ALIVE_CSMS,
    ),
    csms(
        "IL_237_CSMS", "White space", "JSON",
        Raw(' [ 2 ,\n "{id}" , "Heartbeat" , { } ] '), Answered("Heartbeat", {"currentTime": PRESENT}, to="raw"),
        *_ALIVE_CSMS,
    ),
    csms(
        "IL_238_CSMS", "Status of connector 0", "4.9", *tell_status("Available", connector=0), *_ALIVE_CSMS,
    ),
    csms(
        "IL_239_CSMS", "The end of a transaction nobody knows", "4.10",
        *tell("StopTransaction", {**_STOPPED, "transactionId": Ref("unknown_transaction")}), *_ALIVE_CSMS,
    ),
    csms(
        "IL_240_CSMS", "The end is told twice", "4.10",
        *tell_start(), *tell("StopTransaction", _STOPPED), *tell("StopTransaction", _STOPPED), *_ALIVE_CSMS,
    ),
    csms(
        "IL_241_CSMS", "The beginning is told twice: one number", "4.8",
        *tell("StartTransaction", _REPEATED, {"transactionId": TX, "idTagInfo": ACCEPTED}),
        *tell(
            "StartTransaction", _REPEATED,
            {"transactionId": TX, "idTagInfo": {"status": one_of("Accepted", "ConcurrentTx")}},
        ),
        *tell_stop("Local"),
        level="should",
    ),
    csms(
        "IL_242_CSMS", "Two sessions, two numbers", "4.8",
        *_session(),
        *tell_start({"transactionId": Ref("second_transaction"), "idTagInfo": ACCEPTED}),
        *tell_stop("Local", transactionId=Ref("second_transaction")),
    ),
    csms("IL_243_CSMS", "A start with a tag nobody knows is a fact", "4.8", *tell(
        "StartTransaction", {"connectorId": C, "idTag": "NOBODY", "meterStart": 1, "timestamp": In(0)},
        {"transactionId": TX, "idTagInfo": {"status": PRESENT}},
    ), *tell_stop("DeAuthorized")),
    csms("IL_244_CSMS", "Meter values of no transaction", "4.7", *tell("MeterValues", _values("5"))),
    csms(
        "IL_245_CSMS", "Meter values of a transaction nobody knows", "4.7",
        *tell("MeterValues", {**_values("5"), "transactionId": Ref("unknown_transaction")}), *_ALIVE_CSMS,
    ),
    csms("IL_246_CSMS", "A negative reading", "4.7", *tell("MeterValues", _values("-12.5", unit="W")), *_ALIVE_CSMS),
    csms(
        "IL_247_CSMS", "A signed reading", "4.7",
        *tell("MeterValues", _values("MEUC", format="SignedData")), *_ALIVE_CSMS,
    ),
    csms("IL_248_CSMS", "A huge reading", "4.7", *tell("MeterValues", _values("1e308")), *_ALIVE_CSMS),
    csms(
        "IL_249_CSMS", "The meter ran backwards", "4.10",
        *tell_start(), *tell("StopTransaction", {**_STOPPED, "meterStop": -5}), *_ALIVE_CSMS,
    ),
    csms(
        "IL_250_CSMS", "A clock that is years behind", "4.8",
        *tell_start(timestamp="2001-01-01T00:00:00Z"), *tell_stop("Local", timestamp="2001-01-01T01:00:00Z"),
    ),
    csms(
        "IL_251_CSMS", "A clock that is years ahead", "4.8",
        *tell_start(timestamp="2065-01-01T00:00:00Z"), *tell_stop("Local", timestamp="2065-01-01T01:00:00Z"),
    ),
    csms("IL_252_CSMS", "Reconnected before the start", "OCPP-J 5.3", *_AWAY, *_session()),
    csms("IL_253_CSMS", "Reconnected in a session", "OCPP-J 5.3", *_session(*_AWAY)),
    csms("IL_254_CSMS", "Reconnected after a session", "OCPP-J 5.3", *_session(), *_AWAY, *_ALIVE_CSMS),
    csms("IL_255_CSMS", "A fault with a vendor's code", "4.9", *tell("StatusNotification", {
        "connectorId": C, "errorCode": "OtherError", "status": "Faulted", "vendorId": "x", "vendorErrorCode": "E" * 50,
    }), *tell_status("Available")),
    csms(
        "IL_256_CSMS", "A command answered by a CALLERROR", "5.18",
        Reply("GetConfiguration", None, code="InternalError"),
        Ask("GetConfiguration", {"key": ["HeartbeatInterval"]}), Sent("GetConfiguration"), *_ALIVE_CSMS,
    ),
    csms(
        "IL_257_CSMS", "Rejected, then asked again", "5.18",
        *order("UnlockConnector", {"connectorId": C}, {"status": "UnlockFailed"}),
        *_ALIVE_CSMS,  # what it answers comes behind the refusal, which it knows by then
        *order("UnlockConnector", {"connectorId": C}, {"status": "Unlocked"}),
    ),
    csms(
        "IL_259_CSMS", "Two sessions never have one number", "4.8",
        *_session(), Say("StartTransaction", {"connectorId": C, "idTag": TAG, "meterStart": 2000, "timestamp": In(0)}),
        Answered("StartTransaction", {"transactionId": Other(TX)}),
    ),
    csms(
        "IL_258_CSMS", "Status notifications in a row", "4.9",
        *(item for word in ("Preparing", "Charging", "SuspendedEV", "Charging", "Finishing", "Available")
          for item in tell_status(word)),
    ),
)  # fmt: skip
