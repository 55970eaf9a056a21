"""Histories made by hand: a small world that does everything right until a test leaves a step out or adds one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from interlock.scenarios.judge.expected_calls import expected_call
from interlock.scenarios.record.history import EPOCH, History

STATION, NODE, TOKEN = "CP01", "node1", "TAG"
HEARTBEAT_S = 20.0

UNLOCK: dict[str, Any] = {"kind": "Unlock", "evse": 1, "connector": 1}
START: dict[str, Any] = {"kind": "RemoteStart", "evse": 1, "id_token": TOKEN}
ACTIONS = {
    "SetPassword": "ChangeConfiguration",
    "Unlock": "UnlockConnector",
    "RemoteStart": "RemoteStartTransaction",
    "Reset": "Reset",
    "RemoteStop": "RemoteStopTransaction",
    "Probe": "TriggerMessage",
}
ANSWERED = ("asked", "intent", "answered", "called", "obeyed", "moved", "replied", "outcome")
"""The same with the station's answer on the wire."""
COMMAND = ("asked", "intent", "answered", "called", "obeyed", "moved", "outcome")
"""What happens to a command, in the right order."""
SESSION = ("begun", "started", "sample", "ended", "stopped")
"""What happens to a charging session, in the right order."""

RULES: dict[str, Any] = {
    "stations": {STATION: {"connectors": 2, "slots": 2}},
    "offline_after_s": 60.0,
    "call_timeout_s": 30.0,
    "lateness_s": 120.0,
    "answer_bound_s": 30.0,
    "resolve_bound_s": 100.0,
    "max_down_s": 20.0,
    "recorded": "all",
    "start_window_s": 90.0,
    "answers": {"interval_s": HEARTBEAT_S, "registration": "Accepted", "unknown_tokens": "Accepted"},
}


class Story:
    """One station and one node. Steps take a tenth of a second; `wait` lets heartbeats pass, `silence` does not."""

    def __init__(self, slots: int = 2, **rules: Any) -> None:
        self.now = self.heard = 0.0
        stations = {STATION: {"connectors": 2, "slots": slots}}
        self.history = History(lambda: self.now, {"rules": {**RULES, "stations": stations, **rules}})
        self.log: list[dict[str, Any]] = []
        self.positions = 0
        self.frames = 0
        self.epoch = 0
        self.see("phase", name="faults")
        self.see("node.started", node=NODE, incarnation=1)
        self.online()

    # --- time ---

    def see(self, kind: str, **fields: Any) -> None:
        """Observe something, a tenth of a second later."""
        self.now += 0.1
        self.history.observe(kind, **fields)

    def iso(self, t: float | None = None) -> str:
        return (EPOCH + timedelta(seconds=self.now if t is None else t)).isoformat()

    def wait(self, seconds: float) -> Story:
        until = self.now + seconds
        while self.now + HEARTBEAT_S < until:
            self.now += HEARTBEAT_S
            self.report("Heartbeat", {}, {})
        self.now = until
        return self

    def silence(self, seconds: float) -> Story:
        self.now += seconds
        return self

    # --- the wire ---

    def frame(self, edge: str, message: list[Any]) -> None:
        text = json.dumps(message, separators=(",", ":"))
        self.see("frame", edge=edge, station=STATION, socket=self.epoch, node=NODE, text=text)
        if edge == "csms.received":
            self.heard = self.now

    def report(self, action: str, payload: dict[str, Any], reply: dict[str, Any], *facts: tuple[str, Any]) -> None:
        """Let the station tell something; `facts` are stored before it is answered."""
        self.frames += 1
        if action == "Heartbeat" and not reply:
            reply = {"currentTime": self.iso()}
        self.frame("csms.received", [2, f"s{self.frames}", action, payload])
        if facts:
            self.append(*facts)
        self.frame("csms.sent", [3, f"s{self.frames}", reply])

    def online(self) -> None:
        self.epoch += 1
        self.see("socket.opened", station=STATION, socket=self.epoch, node=NODE)
        came = {"epoch": self.epoch, "node": NODE}
        booted = {"vendor": "v", "model": "m", "serial": None, "firmware": None, "registration": "Accepted"}
        told = {"chargePointVendor": "v", "chargePointModel": "m"}
        reply = {"status": "Accepted", "currentTime": self.iso(self.now + 0.5), "interval": int(HEARTBEAT_S)}
        self.report("BootNotification", told, reply, ("CameOnline", came), ("Booted", booted))
        self.status(1, "Available")
        self.status(2, "Available")

    def status(self, connector: int, status: str) -> None:
        self.see("status", station=STATION, connector=connector, status=status, error_code="NoError")
        payload = {"connectorId": connector, "status": status, "errorCode": "NoError"}
        fact = {
            "evse": connector,
            "connector": 1,
            "status": status,
            "error_code": "NoError",
            "info": None,
            "reported_at": None,
        }
        self.report("StatusNotification", payload, {}, ("StatusReported", fact))

    # --- the log ---

    def append(
        self,
        *facts: tuple[str, Any],
        stream: str = f"station-{STATION}",
        acked: bool = True,
        ids: Sequence[str] = (),
        at: float | None = None,
    ) -> list[dict[str, Any]]:
        """Store a batch and acknowledge it; return what the log holds."""
        batch = []
        for number, (type, data) in enumerate(facts):
            self.positions += 1
            version = 1 + max((event["version"] for event in self.log if event["stream"] == stream), default=0)
            event = {
                "stream": stream,
                "version": version,
                "id": ids[number] if ids else f"e{self.positions}",
                "type": type,
                "data": {"at": self.iso(at), **data},
            }
            self.log.append(event)
            batch.append(event)
            self.see("stored", position=self.positions, node=NODE, **event)
        shown = [{key: event[key] for key in ("id", "type", "data")} for event in batch]
        if acked:
            self.see("append.acked", node=NODE, stream=stream, version=batch[-1]["version"], events=shown)
        else:
            self.see("append.unconfirmed", node=NODE, stream=stream, ids=[event["id"] for event in batch])
        return batch

    def lost_race(self) -> None:
        head = len(self.log)
        self.see("append.refused", node=NODE, stream=f"station-{STATION}", expected=head - 1, head=head)

    def offline(self, at: float | None = None, last_seen: float | None = None) -> None:
        """Store that the station fell silent, last seen with its latest frame unless it is said otherwise."""
        seen = self.heard if last_seen is None else last_seen
        fact = {"epoch": self.epoch, "last_seen": self.iso(seen)}
        self.append(("WentOffline", fact), at=at)

    # --- commands ---

    def command(
        self,
        command_id: str = "c1",
        request_id: str = "r1",
        asked: dict[str, Any] | None = None,
        steps: Sequence[str] = COMMAND,
        *,
        attempt: int = 1,
        outcome: str = "CommandAccepted",
        status: str = "",
        answer: str = "accepted",
        reason: str | None = None,
        deadline_s: float = 30.0,
    ) -> Story:
        """Carry out a command, step by step, in the order and with the repetitions given."""
        asked = asked or UNLOCK
        connector: int = asked.get("evse", 1)
        about = {"request_id": request_id, "attempt": attempt, "node": NODE, "station": STATION}
        called = {"command_id": command_id, "request_id": request_id, "message_id": command_id}
        accepting = "Unlocked" if asked["kind"] == "Unlock" else "Accepted"
        action = ACTIONS[asked["kind"]]
        for step in steps:
            match step:
                case "asked":
                    self.see("request.asked", **about, command=asked)
                case "intent":
                    intent = {
                        "command_id": command_id,
                        "request_id": request_id,
                        "node": NODE,
                        "epoch": self.epoch,
                        "deadline": self.iso(self.now + deadline_s),
                        "command": asked,
                    }
                    self.append(("CommandRequested", intent))
                case "answered":
                    known = command_id if answer in ("accepted", "known") else None
                    self.see("request.answered", **about, answer=answer, command_id=known, reason=reason)
                case "called":
                    self.see("call", node=NODE, station=STATION, **called, action=action)
                    expected = expected_call(asked, "ocpp1.6")
                    self.frame("csms.sent", [2, command_id, action, expected[1] if expected else {}])
                case "obeyed":
                    word = status or accepting
                    self.see("obeyed", station=STATION, message_id=command_id, action=action, status=word)
                case "moved" if asked["kind"] == "Unlock":
                    self.ledger("lock", "unlocked", command_id, connector)
                case "moved":
                    pass
                case "replied":
                    self.frame("csms.received", [3, command_id, {"status": status or accepting}])
                case "outcome":
                    self.outcome(outcome, command_id, status or accepting)
                case other:
                    raise ValueError(other)
        return self

    def ledger(self, part: str, action: str, message_id: str | None, connector: int = 1, by: str = "remote") -> None:
        about = {"station": STATION, "connector": connector, "part": part, "action": action}
        self.see("ledger", **about, by=by, message_id=message_id)

    def outcome(self, type: str, command_id: str = "c1", status: str = "x") -> None:
        self.append((type, {"command_id": command_id, "status": status, "why": "x", "evidence": "x"}))

    # --- charging ---

    def charge(
        self,
        session: str = "s1",
        steps: Sequence[str] = SESSION,
        *,
        transaction: int = 7,
        connector: int = 1,
        meter_wh: int = 1000,
        energy_wh: int = 500,
        message_id: str | None = None,
        stop_wh: int | None = None,
        samples: Sequence[int] = (1100, 1300),
    ) -> Story:
        """Carry out a charging session, step by step."""
        where = {"station": STATION, "connector": connector, "session": session}
        end_wh = meter_wh + energy_wh
        for step in steps:
            match step:
                case "begun":
                    self.see("session.begun", **where, id_token=TOKEN, meter_wh=meter_wh, message_id=message_id)
                    self.session = session
                case "started":
                    start = {
                        "transaction_id": str(transaction),
                        "evse": connector,
                        "id_token": TOKEN,
                        "meter_start_wh": meter_wh,
                        "started_at": f"2026-01-01T00:00:{transaction:02d}+00:00",
                        "status": "Accepted",
                        "command_id": message_id,
                    }
                    payload = {"connectorId": connector, "idTag": TOKEN, "meterStart": meter_wh}
                    payload |= {"timestamp": start["started_at"]}
                    reply = {"transactionId": transaction, "idTagInfo": {"status": "Accepted"}}
                    self.report("StartTransaction", payload, reply, ("TransactionStarted", start))
                case "sample":
                    for energy in samples:
                        self.sample(connector, transaction, energy, {"value": str(energy)})
                case "ended":
                    self.see("session.ended", **where, meter_wh=end_wh, energy_wh=energy_wh, reason="Local")
                case "stopped":
                    stop = {
                        "transaction_id": str(transaction),
                        "evse": connector,
                        "meter_stop_wh": end_wh if stop_wh is None else stop_wh,
                        "stopped_at": self.iso(),
                        "reason": "Local",
                        "id_token": TOKEN,
                    }
                    payload = {"transactionId": transaction, "meterStop": stop["meter_stop_wh"], "idTag": TOKEN}
                    payload |= {"timestamp": stop["stopped_at"]}
                    reply = {"idTagInfo": {"status": "Accepted"}}
                    self.report("StopTransaction", payload, reply, ("TransactionStopped", stop))
                case other:
                    raise ValueError(other)
        return self

    def sample(self, connector: int, transaction: int, energy_wh: int, reading: dict[str, Any], **kept: Any) -> None:
        """Let the station tell one reading; `kept` is what the log has of it in another way."""
        value = {"timestamp": self.iso(), "sampledValue": [reading]}
        taken = {
            "evse": connector,
            "transaction_id": str(transaction),
            "sampled_at": value["timestamp"],
            "energy_wh": energy_wh,
            "power_w": None,
            "voltage_v": None,
            "readings": [reading],
            **kept,
        }
        payload = {"connectorId": connector, "transactionId": transaction, "meterValue": [value]}
        self.frames += 1
        self.frame("csms.received", [2, f"s{self.frames}", "MeterValues", payload])
        self.append(("MeterSampled", taken), stream=f"meter-{STATION}-{transaction}")
        self.frame("csms.sent", [3, f"s{self.frames}", {}])

    # --- its end ---

    def rest(
        self,
        *,
        quiet_s: float = 400.0,
        truth: dict[str, Any] | None = None,
        belief: dict[str, Any] | None = None,
        pending: int = 0,
        tasks: int = 1,
        sockets: int = 1,
        again: str | None = None,
        log: Sequence[dict[str, Any]] | None = None,
    ) -> History:
        """Heal, come to rest and look; `truth` and `belief` say what differs on connector 1."""
        self.see("phase", name="healed")
        self.wait(quiet_s)
        self.see("phase", name="rest")
        kept = self.log if log is None else log
        for event in kept:
            self.see("log", **event)
        for event in kept:
            if event["stream"] == f"station-{STATION}":
                digest = f"{STATION}@{event['version']}"
                version = event["version"]
                self.see("fold", station=STATION, version=version, digest=digest, own=digest, again=again or digest)
        where = {"station": STATION, "connector": 1}
        true = {
            "status": "Available",
            "plugged": False,
            "locked": False,
            "charging": False,
            "session": None,
            "transaction_id": None,
            "online": True,
        }
        believed = {"status": "Available", "transaction_id": None, "held": False, "online": True}
        self.see("truth", **where, **(true | (truth or {})))
        self.see("belief", node=NODE, **where, **(believed | (belief or {})))
        self.see("outbox", station=STATION, pending=pending)
        self.see("rest", node=NODE, tasks=tasks, expected_tasks=1, sockets=sockets, expected_sockets=1, open_calls=0)
        self.history.end()
        return self.history
