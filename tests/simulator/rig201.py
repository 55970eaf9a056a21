"""A station that speaks OCPP 2.0.1, and a peer that answers by script and checks every frame against its schema."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from interlock.simulator.network.links import Socket
from interlock.simulator.v201 import SCHEMAS, Controller
from tests.simulator.rig import Answer, Peer, Rig, Said

NOW = "2026-01-01T00:00:00.000Z"


PEERS: list[Peer201] = []
"""Every peer of the test that runs."""


class Peer201(Peer):
    """Answers every CALL at once. What the station sends and breaks its schema is in `illegal`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.illegal: list[str] = []
        self._called: dict[str, str] = {}
        PEERS.append(self)

    def hear(self, socket: Socket, text: str) -> None:
        self._check(text)
        super().hear(socket, text)

    def _check(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        if message[0] == 2:
            wrong = SCHEMAS.wrong_with(message[2], message[3]) if message[2] in SCHEMAS.actions else "no such action"
            if wrong is not None or len(message[1]) > 36:
                self.illegal.append(f"{wrong}: {text}")
        elif message[0] == 3 and message[1] in self._called:
            if not SCHEMAS.valid_answer(self._called[message[1]], message[2]):
                self.illegal.append(text)
        elif message[0] == 4 and (len(message) != 5 or len(message[3]) > 255):
            self.illegal.append(text)

    def call(self, action: str, payload: dict[str, Any], message_id: str | None = None) -> str:
        message_id = super().call(action, payload, message_id)
        if action in SCHEMAS.actions:
            self._called[message_id] = action
        return message_id

    def _usual(self, action: str) -> Callable[[dict[str, Any]], Answer]:
        def answer(payload: dict[str, Any]) -> Answer:
            match action:
                case "BootNotification":
                    return {"status": "Accepted", "currentTime": NOW, "interval": self.interval}
                case "Heartbeat":
                    return {"currentTime": NOW}
                case "Authorize":
                    return {"idTokenInfo": {"status": "Accepted"}}
                case "TransactionEvent" if "idToken" in payload:
                    return {"idTokenInfo": {"status": "Accepted"}}
            return {}

        return answer


class Rig201(Rig):
    """One 2.0.1 station on a bench."""

    controller: Controller  # type: ignore[assignment]
    controller_class = Controller
    peer_class = Peer201
    peer: Peer201

    def __init__(self, seed: int = 1, latency_s: tuple[float, float] = (0.01, 0.05), **spec: Any) -> None:
        self._remote_starts = itertools.count(1)
        super().__init__(seed, latency_s, ocpp="2.0.1", **spec)

    def start(self, evse: int | None = 1, token: str = "OP", **more: Any) -> Any:
        """Have the CSMS start, and return the answer."""
        where = {} if evse is None else {"evseId": evse}
        id_token = {"idToken": token, "type": "Central"}
        remote_start_id = next(self._remote_starts)
        return self.call("RequestStartTransaction", idToken=id_token, remoteStartId=remote_start_id, **where, **more)

    def events(self) -> list[dict[str, Any]]:
        """Return the payload of each TransactionEvent, in order."""
        return [said.payload for said in self.said("TransactionEvent")]

    def steps(self) -> list[tuple[str, str, str | None]]:
        """Return type, trigger and charging state of each TransactionEvent but the periodic ones."""
        return [
            (event["eventType"], event["triggerReason"], event["transactionInfo"].get("chargingState"))
            for event in self.events()
            if event["triggerReason"] != "MeterValuePeriodic"
        ]

    def statuses(self, connector: int = 1) -> list[str]:
        """Return what the CSMS was told of an EVSE's first connector."""
        return [
            said.payload["connectorStatus"]
            for said in self.said("StatusNotification")
            if said.payload["evseId"] == connector
        ]

    def get(self, component: str, variable: str, **where: Any) -> Any:
        """Read a variable: its value, or why there is none."""
        data = _element(component, variable, where)
        result = self.call("GetVariables", getVariableData=[data])["getVariableResult"][0]
        return result.get("attributeValue", result["attributeStatus"])

    def set(self, component: str, variable: str, value: str, **where: Any) -> Any:
        """Set a variable and return the status."""
        data = {**_element(component, variable, where), "attributeValue": value}
        return self.call("SetVariables", setVariableData=[data])["setVariableResult"][0]["attributeStatus"]


def _element(component: str, variable: str, where: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"component": {"name": component}, "variable": {"name": variable}}
    if "evse" in where:
        found["component"]["evse"] = where["evse"]
    if "instance" in where:
        found["variable"]["instance"] = where["instance"]
    if "attribute" in where:
        found["attributeType"] = where["attribute"]
    return found


def complete(said: list[Said]) -> dict[str, list[dict[str, Any]]]:
    """Return the events of each transaction, sorted and without repeats, if none is missing; fail otherwise."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for one in said:
        if one.action == "TransactionEvent":
            of = found.setdefault(one.payload["transactionInfo"]["transactionId"], {})
            assert of.setdefault(one.payload["seqNo"], one.payload) == one.payload, "a repeat differs"
    books = {name: [of[number] for number in sorted(of)] for name, of in found.items()}
    for events in books.values():
        assert [event["seqNo"] for event in events] == list(range(len(events)))
        assert next(event["eventType"] for event in events) == "Started"
        assert [event["eventType"] for event in events[:-1]].count("Ended") == 0
    return books
