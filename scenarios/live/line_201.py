"""What a scripted station says in OCPP 2.0.1: the parts of a check are written in the words of 1.6, and put here.

A start, a meter value of a session and a stop are one TransactionEvent each, whose transaction id and seqNo are the
station's; connector n is EVSE n with one connector. Answers are read back into the words of 1.6, so that one part says
the same in both versions. Nothing here knows what a CSMS should answer.
"""

from __future__ import annotations

import json
import random
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from interlock.scenarios.record.frames import CALLRESULT, Frame

Payload = dict[str, Any]
OLD_S = 60.0
"""What happened longer ago than this was told offline."""
CARD = "ISO14443"
NOT_OCCUPIED = ("Available", "Unavailable", "Faulted", "Reserved")
REASONS = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset", "UnlockCommand": "Other"}
"""Reasons to stop that 2.0.1 calls otherwise."""
TRIGGERS = {"DeAuthorized": "Deauthorized", "EVDisconnected": "EVDeparted", "Remote": "RemoteStop"}
"""What such a stop was triggered by; others are stopped by a card, or abnormally."""
UNITS: tuple[Payload | None, ...] = (None, {"unit": "kWh"}, {"unit": "Wh", "multiplier": 3}, None)
"""Units of the registers that stations tell, of which each has one; None: none is said, so it is Wh."""
ONLY_16 = ("Temperature", "RPM")
"""Measurands that 2.0.1 does not know."""


class AsIs(dict[str, Any]):
    """A payload that is in the words of 2.0.1 already."""


@dataclass(slots=True)
class Transaction:
    """One of a station's transactions, and the seqNo of each thing that was told of it."""

    id: str
    evse: int
    told: dict[str, int] = field(default_factory=dict)

    def seq_no(self, what: str) -> int:
        """Return the seqNo of something told, the same where it is told again."""
        return self.told.setdefault(what, len(self.told))


@dataclass(slots=True)
class Book:
    """The transactions of all stations of a check, by the number that its parts call them by."""

    rng: random.Random
    of: dict[int, Transaction] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)

    def begin(self, start: str, evse: int) -> int:
        """Return the number of a session by what its start says."""
        number = self.starts.get(start)
        if number is None:
            number = self.starts[start] = len(self.of) + 1
            self.of[number] = Transaction(str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), evse)
        return number

    def get(self, number: int) -> Transaction:
        """Return a transaction; one that no station began has an id that nobody knows."""
        return self.of.get(number) or Transaction(f"unknown-{number}", 1)


@dataclass(slots=True)
class Newer:
    """The words of one station. `now` reads the clock."""

    station: str
    book: Book
    now: Callable[[], datetime]

    def call(self, action: str, payload: Payload) -> tuple[str, Payload]:
        """Return what is sent in the place of a CALL of 1.6."""
        writer = _WRITERS.get(action) if not isinstance(payload, AsIs) else None
        return writer(self, payload) if writer is not None else (action, payload)

    def answer(self, action: str, payload: Payload, frame: Frame) -> Frame:
        """Return an answer in the words of 1.6; `action` and `payload` are those of the CALL in 1.6."""
        if frame.kind != CALLRESULT or not isinstance(frame.payload, dict):
            return frame
        found = dict(frame.payload)
        if "idTokenInfo" in found:
            found["idTagInfo"] = found.pop("idTokenInfo")
        if action == "StartTransaction":
            found["transactionId"] = self.book.begin(self._start(payload), payload["connectorId"])
        return replace(frame, payload=found)

    # --- each message ---

    def _boot(self, p: Payload) -> tuple[str, Payload]:
        station = {"vendorName": p["chargePointVendor"], "model": p["chargePointModel"]}
        if "firmwareVersion" in p:
            station["firmwareVersion"] = p["firmwareVersion"]
        return "BootNotification", {"reason": "PowerUp", "chargingStation": station}

    def _authorize(self, p: Payload) -> tuple[str, Payload]:
        return "Authorize", {"idToken": token(p["idTag"])}

    def _status(self, p: Payload) -> tuple[str, Payload]:
        if p.get("connectorId") == 0:
            return "Heartbeat", {}  # there is no status of a whole station
        at = p.get("timestamp") or _text(self.now())
        place = {"evseId": p["connectorId"], "connectorId": 1}
        return "StatusNotification", {"timestamp": at, "connectorStatus": status_201(p["status"]), **place}

    def _meter(self, p: Payload) -> tuple[str, Payload]:
        values = [_meter_value(one) for one in p["meterValue"]]
        if "transactionId" not in p:
            return "MeterValues", {"evseId": p["connectorId"], "meterValue": values}
        one = self.book.get(p["transactionId"])
        about = {"transactionId": one.id, "chargingState": "Charging"}
        return self._event("Updated", one, p, values[0]["timestamp"], "MeterValuePeriodic", about, values)

    def _start(self, p: Payload) -> str:
        return json.dumps(
            [self.station, *(p.get(name) for name in ("connectorId", "idTag", "meterStart", "timestamp"))]
        )

    def _begin(self, p: Payload) -> tuple[str, Payload]:
        one = self.book.get(self.book.begin(self._start(p), p["connectorId"]))
        about = {"transactionId": one.id, "chargingState": "Charging"}
        values = [self._register(p["meterStart"], p["timestamp"], "Transaction.Begin")]
        return self._event("Started", one, p, p["timestamp"], "Authorized", about, values)

    def _end(self, p: Payload) -> tuple[str, Payload]:
        one, reason = self.book.get(p["transactionId"]), p.get("reason", "Local")
        about = {"transactionId": one.id, "stoppedReason": REASONS.get(reason, reason)}
        trigger = TRIGGERS.get(reason, "StopAuthorized" if "idTag" in p else "AbnormalCondition")
        values = [_meter_value(value) for value in p.get("transactionData", ())]
        values.append(self._register(p["meterStop"], p["timestamp"], "Transaction.End"))
        return self._event("Ended", one, p, p["timestamp"], trigger, about, values)

    def _register(self, wh: int, at: str, context: str) -> Payload:
        """Return the meter's register, in the unit that this station has."""
        unit = UNITS[zlib.crc32(self.station.encode()) % len(UNITS)]
        value = {"value": wh / 1000, "unitOfMeasure": unit} if unit is not None else {"value": wh}
        return {"timestamp": at, "sampledValue": [{**value, "context": context}]}

    def _event(
        self, kind: str, one: Transaction, p: Payload, at: str, trigger: str, about: Payload, values: list[Payload]
    ) -> tuple[str, Payload]:
        event: Payload = {"eventType": kind, "timestamp": at, "triggerReason": trigger}
        event |= {"seqNo": one.seq_no(json.dumps([kind, p])), "transactionInfo": about, "meterValue": values}
        if "idTag" in p:
            event["idToken"] = token(p["idTag"])
        if kind == "Started":
            event["evse"] = {"id": one.evse, "connectorId": 1}
        if (self.now() - datetime.fromisoformat(at)).total_seconds() > OLD_S:
            event["offline"] = True
        return "TransactionEvent", event


def status_201(word: str) -> str:
    """Return what 2.0.1 calls a status of 1.6."""
    return word if word in NOT_OCCUPIED else "Occupied"


def token(card: str) -> Payload:
    """Return the IdToken of a card."""
    return {"idToken": card, "type": CARD}


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _meter_value(value: Payload) -> Payload:
    samples = [_sample(one) for one in value["sampledValue"] if one.get("measurand") not in ONLY_16]
    return {"timestamp": value["timestamp"], "sampledValue": samples}


def _sample(sample: Payload) -> Payload:
    kept = {name: one for name, one in sample.items() if name not in ("value", "unit", "format")}
    unit = {"unitOfMeasure": {"unit": sample["unit"]}} if "unit" in sample else {}
    return {"value": float(sample["value"]), **kept, **unit}


_WRITERS: dict[str, Callable[[Newer, Payload], tuple[str, Payload]]] = {
    "BootNotification": Newer._boot,
    "Authorize": Newer._authorize,
    "StatusNotification": Newer._status,
    "MeterValues": Newer._meter,
    "StartTransaction": Newer._begin,
    "StopTransaction": Newer._end,
    "DiagnosticsStatusNotification": lambda _, p: ("LogStatusNotification", {"status": p["status"]}),
}


# --- what it answers -------------------------------------------------------------------------------------------------

_YES = {"status": "Accepted"}
ANSWERS: dict[str, Payload] = {
    **dict.fromkeys(
        (
            *(
                "CancelReservation",
                "ChangeAvailability",
                "ClearCache",
                "ClearChargingProfile",
                "GetBaseReport",
                "GetLog",
            ),
            *("RequestStartTransaction", "RequestStopTransaction", "ReserveNow", "Reset", "SendLocalList"),
            *("SetChargingProfile", "SetMonitoringBase", "SetMonitoringLevel", "SetNetworkProfile", "UpdateFirmware"),
        ),
        _YES,
    ),
    "UnlockConnector": {"status": "Unlocked"},
    "GetLocalListVersion": {"versionNumber": 0},
    "GetTransactionStatus": {"messagesInQueue": False},
    "GetReport": {"status": "EmptyResultSet"},
    "GetMonitoringReport": {"status": "EmptyResultSet"},
    "GetCompositeSchedule": {"status": "Rejected"},
    "TriggerMessage": {"status": "Rejected"},
    "DataTransfer": {"status": "UnknownVendorId"},
}
"""What a station answers that does as it is told; other actions are not implemented."""
LEAST: dict[str, Payload] = {
    **{action: {"status": "Rejected"} for action, answer in ANSWERS.items() if answer is _YES},
    "CancelReservation": {"status": "Rejected"},
    "ClearChargingProfile": {"status": "Unknown"},
    "SendLocalList": {"status": "Failed"},
    "UnlockConnector": {"status": "UnknownConnector"},
    "DataTransfer": {"status": "UnknownMessageId"},
}
"""The shortest or most unwelcome valid answer to each CALL."""


def of_variables(frame: Frame) -> Payload | None:
    """Answer what reads or sets variables: one by one, as a station that does not know them; None for anything else."""
    for action, asked, told in (
        ("GetVariables", "getVariableData", "getVariableResult"),
        ("SetVariables", "setVariableData", "setVariableResult"),
    ):
        wanted = frame.field(asked)
        if frame.action == action and isinstance(wanted, list):
            return {told: [_unknown(one) for one in wanted if isinstance(one, dict)]}
    return None


def _unknown(one: Payload) -> Payload:
    kept: Payload = {name: one[name] for name in ("component", "variable", "attributeType") if name in one}
    return {"attributeStatus": "UnknownComponent", **kept}
