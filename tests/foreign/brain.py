"""What a right OCPP 1.6 CSMS answers, without sockets: `Brain.take(station, text)` returns the texts to send.

A wrong one is a subclass with one part that differs, see `wrong.py`. Nothing here comes from the reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Payload = dict[str, Any]
KNOWN = {
    *("Authorize", "BootNotification", "DataTransfer", "Heartbeat"),
    *("MeterValues", "StartTransaction", "StatusNotification", "StopTransaction"),
}
NEEDED = {
    "Authorize": {"idTag": str},
    "StartTransaction": {"connectorId": int, "idTag": str, "meterStart": int, "timestamp": str},
    "StopTransaction": {"transactionId": int, "meterStop": int, "timestamp": str},
    "StatusNotification": {"connectorId": int, "errorCode": str, "status": str},
    "MeterValues": {"connectorId": int, "meterValue": list},
    "BootNotification": {"chargePointVendor": str, "chargePointModel": str},
}


class Refused(Exception):
    """A CALLERROR: code."""


class Silent(Exception):
    """No answer at all."""


class HangUp(Exception):
    """The connection is closed."""


class Brain:
    """A right CSMS. All its state is here; a station is known by its id."""

    interval = 300
    blocked = ("TAG-BLOCKED",)
    concurrent = True
    """Whether a card may run one session only."""
    clock: Callable[[], datetime] = staticmethod(lambda: datetime.now(UTC))

    def __init__(self) -> None:
        self.sessions: dict[int, Payload] = {}
        self.starts: dict[Any, int] = {}
        self.statuses: dict[tuple[str, int], str] = {}
        self.counted = 0

    # --- frames ---

    def take(self, station: str, text: str) -> list[str]:
        """Return what is sent back for a text of a station."""
        try:
            message = json.loads(text)
        except ValueError:
            return []
        if not isinstance(message, list) or len(message) < 3 or message[0] != 2 or not isinstance(message[1], str):
            return []
        name, action, payload = message[1], message[2], message[3] if len(message) > 3 else {}
        try:
            answer = self.answer(station, name, action, payload)
        except Refused as error:
            return [self.error(name, str(error))]
        except Silent:
            return []
        return self.result(station, name, action, answer)

    def error(self, name: str, code: str) -> str:
        """Write a CALLERROR."""
        return json.dumps([4, name, code, "", {}])

    def result(self, station: str, name: str, action: str, answer: Payload) -> list[str]:
        """Write a CALLRESULT."""
        return [json.dumps([3, name, answer])]

    def came(self, station: str) -> None:
        """A socket of this station opened."""

    def gone(self, station: str) -> None:
        """A socket of this station is gone."""

    # --- requests ---

    def answer(self, station: str, name: str, action: str, payload: Payload) -> Payload:
        """Answer one request."""
        if action not in KNOWN:
            raise Refused("NotImplemented")
        self.check(action, payload)
        method = getattr(self, f"on_{action}")
        found: Payload = method(station, payload) if action != "StartTransaction" else method(station, payload, name)
        return found

    def check(self, action: str, payload: Payload) -> None:
        """Refuse what is not valid."""
        for field, kind in NEEDED.get(action, {}).items():
            if field not in payload:
                raise Refused("OccurenceConstraintViolation")
            if not isinstance(payload[field], kind):
                raise Refused("TypeConstraintViolation")

    def now(self) -> str:
        """The time."""
        return self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def on_BootNotification(self, station: str, payload: Payload) -> Payload:
        return {"status": "Accepted", "currentTime": self.now(), "interval": self.interval}

    def on_Heartbeat(self, station: str, payload: Payload) -> Payload:
        return {"currentTime": self.now()}

    def on_DataTransfer(self, station: str, payload: Payload) -> Payload:
        return {"status": "UnknownVendorId"}

    def on_StatusNotification(self, station: str, payload: Payload) -> Payload:
        self.statuses[station, payload["connectorId"]] = payload["status"]
        return {}

    def on_MeterValues(self, station: str, payload: Payload) -> Payload:
        return {}

    def card(self, card: str) -> str:
        """How a card is registered."""
        return "Blocked" if card.upper() in self.blocked else "Accepted"

    def on_Authorize(self, station: str, payload: Payload) -> Payload:
        return {"idTagInfo": {"status": self.card(payload["idTag"])}}

    def key(self, station: str, payload: Payload, name: str) -> Any:
        """What makes a start the same start."""
        return station, payload["connectorId"], payload["timestamp"], payload["meterStart"], payload["idTag"]

    def new_id(self, station: str) -> int:
        """A number for a session."""
        self.counted += 1
        return self.counted

    def running(self, card: str) -> bool:
        """Whether a session of this card runs."""
        return any(one["card"].upper() == card.upper() and one["stop"] is None for one in self.sessions.values())

    def on_StartTransaction(self, station: str, payload: Payload, name: str) -> Payload:
        key = self.key(station, payload, name)
        number = self.starts.get(key)
        if number is not None:
            return self.started(number)
        status = self.card(payload["idTag"])
        if status == "Accepted" and self.concurrent and self.running(payload["idTag"]):
            status = "ConcurrentTx"
        number = self.starts[key] = self.new_id(station)
        stop = None if status == "Accepted" else 0
        about = {"station": station, "card": payload["idTag"], "stop": stop, "status": status}
        self.sessions[number] = {**about, "connector": payload["connectorId"], "start": payload["meterStart"]}
        self.sessions[number]["at"] = payload["timestamp"]
        return self.started(number)

    def started(self, number: int) -> Payload:
        """The answer to a start."""
        return {"transactionId": number, "idTagInfo": {"status": self.sessions[number]["status"]}}

    def on_StopTransaction(self, station: str, payload: Payload) -> Payload:
        one = self.sessions.get(payload["transactionId"])
        if one is not None and one["station"] == station and one["stop"] is None:
            one["stop"] = payload["meterStop"]
        return {}
