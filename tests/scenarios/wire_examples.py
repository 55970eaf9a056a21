"""Exchanges for the checks of the wire: for each check id some that break it, and some that are nearly the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.scenarios.judge.verdict import Finding
from interlock.scenarios.judge.wire import About, judge
from interlock.scenarios.judge.wire_check import PATIENCE_S, STATION_PATIENCE_S
from interlock.scenarios.record.history import History

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
STARTED = {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}
REFUSED = {"status": "Invalid"}
AVAILABLE = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def booted(seconds: float = 0.0, status: str = "Accepted", interval: int = 60) -> dict[str, Any]:
    return {"status": status, "currentTime": at(seconds), "interval": interval}


METERED_201 = {"evseId": 1, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": 1}]}]}


class Wire:
    """An exchange, told in a line each."""

    def __init__(self, opened: bool = True, version: str | None = None) -> None:
        self.t = 0.0
        self.history = History(lambda: self.t)
        self.socket = 1 if opened else 0
        self.version = version
        if opened:
            self.history.observe("socket.opened", station="CP01", socket=1, node="csms")

    def wait(self, seconds: float) -> Wire:
        self.t += seconds
        return self

    def _frame(self, edge: str, message: Any) -> Wire:
        text = message if isinstance(message, str) else json.dumps(message)
        more = {"ocpp": self.version} if self.version else {}
        self.history.observe("frame", edge=edge, station="CP01", socket=self.socket, node="csms", text=text, **more)
        return self.wait(0.1)

    def up(self, *message: Any) -> Wire:
        return self._frame("station.sent", list(message))

    def down(self, *message: Any) -> Wire:
        return self._frame("station.received", list(message))

    def raw(self, text: str) -> Wire:
        return self._frame("station.received", text)

    def raw_up(self, text: str) -> Wire:
        return self._frame("station.sent", text)

    def silent(self) -> Wire:
        """The station hears nothing on this connection any more."""
        self.history.observe("socket.silent", station="CP01", socket=self.socket, node="csms", why="half-open")
        return self

    def close(self, why: str = "x") -> Wire:
        self.history.observe("socket.closed", station="CP01", socket=self.socket, node="csms", edge="station", why=why)
        return self

    def next(self, why: str = "x") -> Wire:
        self.close(why)
        self.socket += 1
        self.history.observe("socket.opened", station="CP01", socket=self.socket, node="csms")
        return self

    def boot(self, **answer: Any) -> Wire:
        return self.up(2, "b", "BootNotification", BOOT).down(3, "b", {**booted(self.t), **answer})

    def start(self, name: str, meter: int, connector: int = 1, **answer: Any) -> Wire:
        asked = {"connectorId": connector, "idTag": "T", "meterStart": meter, "timestamp": at(0)}
        return self.up(2, name, "StartTransaction", asked).down(3, name, {**STARTED, **answer})

    def stop(self, name: str, meter: int, number: int = 7, seconds: float = 60.0) -> Wire:
        asked = {"transactionId": number, "meterStop": meter, "timestamp": at(seconds)}
        return self.up(2, name, "StopTransaction", asked).down(3, name, {})

    def status(self, name: str, status: str, connector: int = 1) -> Wire:
        asked = {**AVAILABLE, "status": status, "connectorId": connector}
        return self.up(2, name, "StatusNotification", asked).down(3, name, {})

    def meter(self, name: str, seconds: float, *values: str, number: int = 7, connector: int = 1) -> Wire:
        samples = [{"value": value} for value in values]
        reading = {"timestamp": at(seconds), "sampledValue": samples}
        asked = {"connectorId": connector, "transactionId": number, "meterValue": [reading]}
        return self.up(2, name, "MeterValues", asked).down(3, name, {})

    def event(
        self,
        name: str,
        kind: str,
        number: int,
        seconds: float,
        transaction: str = "tx",
        answer: Any = None,
        **more: Any,
    ) -> Wire:
        asked = {
            "eventType": kind,
            "timestamp": at(seconds),
            "triggerReason": "MeterValuePeriodic",
            "seqNo": number,
            "transactionInfo": {"transactionId": transaction},
            **more,
        }
        return self.up(2, name, "TransactionEvent", asked).down(3, name, answer or {})

    def findings(self, about: About = "both") -> dict[str, Finding]:
        self.history.end()
        return {one.id: one for one in judge(self.history.observations, about=about, began=BEGAN)}


def wire(**options: Any) -> Wire:
    return Wire(**options)


def newer() -> Wire:
    return Wire(version="ocpp2.0.1")


def hung_up(action: str, payload: dict[str, Any], why: str) -> Wire:
    told = wire()
    for number in range(3):
        told.up(2, f"m{number}", action, payload).next(why)
    return told


def good() -> Wire:
    """A whole session, from boot to the next boot, in which nothing is wrong."""
    told = wire().boot().status("s0", "Available", 0).status("s1", "Available").status("s2", "Preparing")
    told.up(2, "a", "Authorize", {"idTag": "T"}).down(3, "a", {"idTagInfo": {"status": "Accepted"}})
    told.start("s", 10).status("s3", "Charging").meter("m1", 5, "11").meter("m2", 10, "12")
    told.down(2, "u", "UnlockConnector", {"connectorId": 1}).up(3, "u", {"status": "Unlocked"})
    told.stop("e", 20).status("s4", "Finishing").status("s5", "Available")
    told.up(2, "h", "Heartbeat", {}).down(3, "h", {"currentTime": at(told.t)})
    return told


TOKEN = {"idToken": "T", "type": "ISO14443"}
INVALID = {"connectorId": 1, "status": "Available"}
PERIOD = {"startPeriod": 5, "limit": 16.0}
PROFILE = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfileKind": "Absolute"}
LIMITED = {
    **PROFILE,
    "chargingProfilePurpose": "TxProfile",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [PERIOD]},
}


def periods(*starts: int) -> dict[str, Any]:
    """A charging profile of one session whose periods begin at these seconds."""
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{**PERIOD, "startPeriod": one} for one in starts]}
    return {**LIMITED, "chargingSchedule": schedule}


def local_list(how: str, *cards: dict[str, Any]) -> dict[str, Any]:
    """A local list."""
    return {"listVersion": 2, "updateType": how, "localAuthorizationList": list(cards)}


REGISTERED = {"idTag": "T", "idTagInfo": {"status": "Blocked"}}
UNNAMED = {"triggerReason": "CablePluggedIn", "timestamp": at(0)}

BREAKS: list[tuple[str, Wire]] = [
    ("W01", wire().up(2, "h", "Heartbeat", {}).wait(PATIENCE_S + 1).down(3, "h", {"currentTime": at(31)})),
    ("W01", wire().up(2, "h", "Heartbeat", {}).wait(PATIENCE_S + 1)),
    ("W01", wire().up(2, "h", "Heartbeat", {}).wait(PATIENCE_S + 1).close()),
    ("W01", wire(opened=False).up(2, "1", "Heartbeat", {}).up(2, "2", "Heartbeat", {})
        .up(2, "3", "Heartbeat", {}).wait(90)),
    ("W02", wire().down(3, "x", {})),
    ("W02", wire().boot().down(3, "b", booted())),
    ("W02", wire().up(2, "b", "BootNotification", BOOT).next().down(3, "b", booted())),
    ("W02", wire(opened=False).boot().down(3, "nobody", {})),
    ("W03", wire().up(2, "b", "BootNotification", BOOT).down(3, "b", {"status": "Accepted"})),
    ("W03", wire().boot(currentTime="2026-01-01T00:00:00")),
    ("W03", wire().boot(currentTime="2026-02-30T00:00:00Z")),
    ("W03", newer().up(2, "h", "Heartbeat", {}).down(3, "h", {})),
    ("W04", wire().down(2, "u", "UnlockConnector", {})),
    ("W04", wire().down(2, "u", "OpenSesame", {})),
    ("W04", wire().down(2, "u", "BootNotification", BOOT)),
    ("W04", newer().down(2, "u", "UnlockConnector", {"connectorId": 1})),
    ("W04", wire(opened=False).up(2, "m", "MeterValues", METERED_201).down(2, "u", "UnlockConnector", {})),
    ("W04", wire(opened=False).up(2, "a", "Authorize", {"idTag": "A"}).down(2, "u", "Reset", {"type": "Immediate"})),
    ("W05", wire().down(2, "u", "ClearCache", {}).down(2, "v", "ClearCache", {})),
    ("W05", wire(opened=False).down(2, "u", "ClearCache", {}).down(2, "v", "ClearCache", {})
        .up(3, "u", {"status": "Accepted"})),
    ("W06", wire().down(2, "u", "ClearCache", {}).up(3, "u", {}).down(2, "u", "ClearCache", {})),
    ("W07", wire().start("a", 10).start("b", 20)),
    ("W07", wire().start("a", 10).start("b", 10, connector=2)),
    ("W08", wire().raw("nonsense")),
    ("W08", wire().raw("[2]")),
    ("W08", wire().raw('[2,"u","ClearCache",[]]')),
    ("W08", wire().raw('{"a":1}')),
    ("W08", wire().raw('[6,"u","ClearCache",{}]')),
    ("W09", wire().boot().up(2, "e", "StopTransaction", {"transactionId": 7, "meterStop": 1, "timestamp": at(1)})
        .down(4, "e", "InternalError", "", {})),
    ("W10", wire().down(2, "x" * 37, "ClearCache", {})),
    ("W10", wire().down(2, "", "ClearCache", {})),
    ("W11", hung_up("Heartbeat", {}, "closed by the CSMS: 1011")),
    ("W12", wire().down(2, "u", "UnlockConnector", {"connectorId": 0})),
    ("W12", wire().down(2, "u", "RemoteStartTransaction", {"idTag": "T", "connectorId": 0})),
    ("W12", wire().down(2, "u", "ChangeAvailability", {"connectorId": -1, "type": "Operative"})),
    ("W12", wire().start("a", 10, transactionId=2**31)),
    ("W12", wire().boot(interval=-5)),
    ("W12", wire().down(2, "u", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": LIMITED})),
    ("W12", newer().down(2, "u", "RequestStartTransaction",
        {"remoteStartId": 1, "evseId": 0, "idToken": {"idToken": "T", "type": "Central"}})),
    ("W12", newer().event("e", "Started", 0, 1, idToken=TOKEN)),
    ("W12", newer().event("e", "Updated", 1, 1, answer={"totalCost": 0.5}, idToken=TOKEN)),
    ("W12", wire().down(2, "p", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": periods(0, 60, 60)})),
    ("W12", wire().down(2, "r", "RemoteStartTransaction",
        {"idTag": "T", "connectorId": 1, "chargingProfile": {**periods(0), "transactionId": 5}})),
    ("W12", wire().down(2, "l", "SendLocalList", local_list("Full", {"idTag": "T"}))),
    ("W12", wire().down(2, "k", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "often"})),
    ("W12", wire().down(2, "k", "ChangeConfiguration", {"key": "LocalPreAuthorize", "value": "1"})),
    ("W13", wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "FormatViolation", "", {})),
    ("W13", wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "OccurrenceConstraintViolation", "", {})),
    ("W13", wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "FormationViolation", "")),
    ("W13", wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "FormationViolation", None, {})),
    ("W13", newer().up(2, "h", "Heartbeat", {"x": 1}).down(4, "h", "FormationViolation", "", {})),
    ("W14", wire().up(2, "b", "BootNotification", BOOT).down(4, "b", "GenericError", "", {})),
    ("W14", wire().boot().up(2, "h", "Heartbeat", {}).down(4, "h", "InternalError", "", {})),
    ("W14", wire().up(2, "s", "StatusNotification", AVAILABLE).down(4, "s", "FormationViolation", "", {})),
    ("W15", wire().start("a", 10).start("a", 10, transactionId=8)),
    ("W15", wire(opened=False).start("a", 10).wait(60).start("b", 10, transactionId=8)),
    ("W16", wire().boot(status="Pending").down(2, "r", "RemoteStartTransaction", {"idTag": "T", "connectorId": 1})),
    ("W17", wire().boot(currentTime=at(7200))),
    ("W17", wire().boot(currentTime=at(-3600))),
    ("W17", wire().boot().wait(600).up(2, "h", "Heartbeat", {}).down(3, "h", {"currentTime": at(0)})),
    ("W18", wire().close("the CSMS sent what OCPP-J does not allow (1003)")),
    ("W19", wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "TypeConstraintViolation", "", {})),
    ("W19", wire().up(2, "s", "Nothing", {}).down(4, "s", "TypeConstraintViolation", "", {})),
    ("W19", newer().up(2, "s", "Heartbeat", {"x": 1}).down(4, "s", "NotImplemented", "", {})),
    ("S19", wire().down(2, "u", "UnlockConnector", {}).up(4, "u", "NotSupported", "", {})),
    ("S01", wire().down(2, "u", "ClearCache", {}).wait(STATION_PATIENCE_S + 1)),
    ("S02", wire().up(3, "x", {})),
    ("S02", wire().down(2, "u", "ClearCache", {}).up(3, "u", {"status": "Accepted"})
        .up(3, "u", {"status": "Accepted"})),
    ("S03", wire().down(2, "u", "UnlockConnector", {"connectorId": 1}).up(3, "u", {"status": "Opened"})),
    ("S04", wire().up(2, "s", "StatusNotification", INVALID).down(3, "s", {})),
    ("S04", wire().up(2, "s", "Reset", {"type": "Hard"}).down(3, "s", {"status": "Accepted"})),
    ("S04", wire().up(2, "a", "Authorize", {"idTag": "T" * 21}).down(3, "a", {"idTagInfo": {"status": "Invalid"}})),
    ("S04", newer().up(2, "b", "BootNotification", BOOT).down(3, "b", booted())),
    ("S05", wire().up(2, "h", "Heartbeat", {}).up(2, "i", "Heartbeat", {})),
    ("S06", wire().up(2, "h", "Heartbeat", {}).down(3, "h", {"currentTime": at(0)})
        .up(2, "h", "Authorize", {"idTag": "T"})),
    ("S07", wire().start("a", 10).stop("e", 9)),
    ("S07", wire().start("a", 10).stop("e", 20).stop("f", 21)),
    ("S07", wire().start("a", 10).meter("m", 5, "11", connector=2)),
    ("S07", wire().start("a", 10).start("b", 20, transactionId=8)),
    ("S08", wire().raw_up("nonsense")),
    ("S09", wire().status("a", "Available").status("b", "Finishing")),
    ("S09", wire(opened=False).status("a", "Charging").status("b", "Preparing")),
    ("S10", wire().up(2, "x" * 37, "Heartbeat", {})),
    ("S11", wire().start("a", 10).meter("m", 5, "12").meter("n", 6, "11")),
    ("S11", wire().start("a", 10).meter("m", 5, "30").stop("e", 20)),
    ("S16", wire().boot(status="Pending").status("s", "Available")),
    ("S12", wire().start("a", 10, connector=0)),
    ("S12", wire().status("a", "Charging", 0)),
    ("S12", wire().meter("m", 1, "n/a")),
    ("S12", wire().start("a", 2**31)),
    ("S13", wire().down(2, "u", "ClearCache", {}).up(4, "u", "Unsupported", "", {})),
    ("S14", wire().down(2, "u", "UnlockConnector", {"connectorId": 1}).up(4, "u", "InternalError", "", {})),
    ("S14", wire().down(2, "u", "GetDiagnostics", {"location": "ftp://h/x"}).up(4, "u", "FormationViolation", "", {})),
    ("S16", wire().boot(status="Rejected", interval=60).wait(10).boot()),
    ("S16", wire().boot(status="Rejected", interval=60).status("s", "Available")),
    ("S16", wire().boot(status="Pending", interval=60).start("s", 10)),
    ("S20", newer().event("1", "Started", 0, 0).event("2", "Updated", 2, 5).event("3", "Ended", 3, 9)),
    ("S20", newer().event("1", "Started", 0, 0).event("2", "Updated", 1, 5).event("3", "Updated", 1, 6)),
    ("S21", newer().event("1", "Started", 0, 0).event("2", "Ended", 1, 5).event("3", "Updated", 2, 6)),
    ("S21", newer().event("1", "Updated", 0, 0).event("2", "Started", 1, 5)),
    ("S21", newer().event("1", "Started", 0, 0).event("2", "Started", 1, 5)),
]  # fmt: skip

HOLDS: list[tuple[str, Wire]] = [
    *((id, good()) for id in ("W01", "W02", "W03", "W04", "W05", "W06", "W08", "W10", "W12", "W14", "W17")),
    *((id, good()) for id in ("S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10", "S11",
        "S12", "S14")),
    ("W01", wire().up(2, "h", "Heartbeat", {}).wait(PATIENCE_S - 1).down(4, "h", "InternalError", "", {})),
    ("W02", wire().up(2, "h", "Heartbeat", {}).up(2, "h", "Heartbeat", {}).down(3, "h", {}).down(3, "h", {})),
    ("W03", wire().boot(currentTime="2026-01-01T01:00:00+01:00")),
    ("W04", wire(opened=False).up(2, "m", "MeterValues", METERED_201)
        .down(2, "u", "UnlockConnector", {"evseId": 1, "connectorId": 1})),
    ("W05", wire().down(2, "u", "ClearCache", {}).up(3, "u", {}).down(2, "v", "ClearCache", {})),
    ("W05", wire().down(2, "u", "ClearCache", {}).wait(20).down(2, "v", "ClearCache", {})),
    ("W05", wire().down(2, "u", "ClearCache", {}).next().down(2, "v", "ClearCache", {})),
    ("W05", wire(opened=False).down(2, "u", "ClearCache", {}).down(2, "v", "ClearCache", {}).up(3, "v", {})),
    ("W05", wire().down(2, "u", "ClearCache", {}).up(2, "h", "Heartbeat", {}).up(3, "u", {}).down(3, "h", {})),
    ("W06", wire().down(2, "u", "ClearCache", {}).next().down(2, "u", "ClearCache", {})),
    ("W07", wire().start("a", 10).start("b", 20, transactionId=8)),
    ("W07", wire().start("a", 10).next().start("b", 10)),
    ("W07", wire().start("a", 10).start("b", 20, transactionId=7, idTagInfo=REFUSED).start("c", 30, transactionId=9)),
    ("W09", wire().meter("m", 1, "5")),
    ("W11", wire().up(2, "m", "Heartbeat", {}).next("closed by the CSMS: 1012")
        .up(2, "m", "Heartbeat", {}).down(3, "m", {"currentTime": at(0)})),
    ("W12", newer().event("e", "Started", 0, 1, answer={"idTokenInfo": {"status": "Invalid"}}, idToken=TOKEN)),
    ("W12", newer().event("e", "Started", 0, 1)),
    ("W12", newer().event("e", "Ended", 2, 1, idToken=TOKEN)),
    ("W12", wire().down(2, "p", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": periods(0, 60, 90)})),
    ("W12", wire().down(2, "l", "SendLocalList", local_list("Differential", {"idTag": "T"}))),
    ("W12", wire().down(2, "l", "SendLocalList", local_list("Full", REGISTERED))),
    ("W12", wire().down(2, "k", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "600"})),
    ("W12", wire().down(2, "k", "ChangeConfiguration", {"key": "LocalPreAuthorize", "value": "True"})),
    ("W12", wire().down(2, "k", "ChangeConfiguration", {"key": "VendorKey", "value": "often"})),
    ("W12", wire().down(2, "u", "ChangeAvailability", {"connectorId": 0, "type": "Operative"})),
    ("W13", wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "OccurenceConstraintViolation", "", {})),
    ("W13", newer().up(2, "h", "Heartbeat", {"x": 1}).down(4, "h", "OccurrenceConstraintViolation", "", {})),
    ("W14", wire().boot().up(2, "s", "StatusNotification", INVALID).down(4, "s", "FormationViolation", "", {})),
    ("W15", wire().start("a", 10).start("b", 10)),
    ("W15", wire().start("a", 10).start("c", 10).stop("e", 20).start("b", 10, transactionId=8)
        .start("b", 10, transactionId=8)),
    ("W16", wire().boot(status="Pending").down(2, "g", "GetConfiguration", {}).up(3, "g", {})),
    ("W17", wire().boot(currentTime=at(20))),
    ("W18", wire().close("closed by the CSMS: 1000")),
    ("S02", wire().down(2, "u", "ClearCache", {}).up(3, "u", {"status": "Accepted"})),
    ("W19", wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "OccurenceConstraintViolation", "", {})),
    ("W19", wire().up(2, "s", "Authorize", {"idTag": 1}).down(4, "s", "TypeConstraintViolation", "", {})),
    ("W19", wire().up(2, "s", "Authorize", {"idTag": 1}).down(4, "s", "FormationViolation", "", {})),
    ("W19", wire().up(2, "s", "Nothing", {}).down(4, "s", "NotImplemented", "", {})),
    ("W19", wire().up(2, "s", "Authorize", {"idTag": "T" * 30}).down(4, "s", "PropertyConstraintViolation", "", {})),
    ("S19", wire().down(2, "u", "UnlockConnector", {}).up(4, "u", "OccurenceConstraintViolation", "", {})),
    ("S06", wire().start("a", 10).start("a", 10)),
    ("S07", wire().start("a", 10).stop("e", 20).stop("f", 20)),
    ("S07", wire().start("a", 10).stop("e", 20).start("b", 30, transactionId=8)),
    ("S09", wire().status("a", "Available").status("b", "Charging").next().status("c", "Preparing")
        .status("d", "Charging")),
    ("S11", wire().meter("m", 6, "12").meter("n", 5, "11").meter("o", 7, "13")),
    ("S13", wire().down(2, "u", "GetLog", {}).up(4, "u", "NotImplemented", "", {})),
    ("S14", wire().down(2, "u", "UnlockConnector", {"connectorId": 1}).up(3, "u", {"status": "NotSupported"})),
    ("S16", wire().boot(status="Rejected", interval=60).wait(60).boot()),
    ("S16", wire().boot(status="Pending").down(2, "t", "TriggerMessage", {"requestedMessage": "StatusNotification"})
        .up(3, "t", {"status": "Accepted"}).status("s", "Available")),
    ("S11", wire().start("a", 10).meter("m", 5, "20").stop("e", 20)),
    ("S20", newer().event("1", "Started", 0, 0).event("1", "Started", 0, 0).event("2", "Ended", 1, 5)),
    ("S20", newer().event("2", "Updated", 7, 5).event("3", "Ended", 8, 9)),
    ("S21", newer().event("1", "Started", 0, 0).event("2", "Ended", 1, 5).event("1", "Started", 0, 0)),
]  # fmt: skip

SILENT: list[tuple[str, Wire]] = [
    ("W01", wire().up(2, "h", "Heartbeat", {}).silent().wait(PATIENCE_S + 1).close()),
    ("W06", wire(opened=False).down(2, "1", "ClearCache", {}).up(3, "1", {}).down(2, "1", "ClearCache", {})
        .up(3, "1", {})),
    ("W09", wire().up(2, "m", "MeterValues", {}).down(4, "m", "OccurenceConstraintViolation", "", {})),
    ("W14", wire().up(2, "m", "MeterValues", {}).down(4, "m", "OccurenceConstraintViolation", "", {})),
    ("W14", wire().raw_up('[2,"h","Heartbeat",{"a":1,"a":1}]').down(4, "h", "FormationViolation", "", {})),
    ("W14", wire().up(2, "h" * 40, "Heartbeat", {}).down(4, "h" * 40, "GenericError", "", {})),
    ("W14", wire().boot(status="Pending").up(2, "h", "Heartbeat", {}).down(4, "h", "SecurityError", "", {})),
    ("W14", wire().boot().up(2, "f", "DataTransfer", {"vendorId": "V"}).down(4, "f", "NotSupported", "", {})),
    ("W11", hung_up("Heartbeat", {}, "connection lost")),
    ("W11", hung_up("Heartbeat", {}, "storm")),
    ("W01", wire(opened=False).up(2, "1", "Heartbeat", {}).wait(90)),
    ("S04", wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "OccurenceConstraintViolation", "", {})),
    ("S14", wire().boot(status="Rejected").down(2, "u", "ClearCache", {}).up(4, "u", "SecurityError", "", {})),
    ("S09", wire(opened=False).status("a", "Available").wait(300).status("b", "Finishing")),
    ("S16", wire(opened=False).boot(status="Rejected", interval=60).wait(10).boot()),
    ("W04", wire(version="1.5").down(2, "u", "OpenSesame", {})),
    ("W04", wire(opened=False).down(2, "u", "UnlockConnector", {"evseId": 1, "connectorId": 1})),
    ("W04", wire(opened=False).up(2, "h", "Heartbeat", {}).down(2, "r", "Reset", {"type": "Immediate"})),
]  # fmt: skip
"""What a check must not blame: neither FAIL nor a look that PASSes."""
