"""Messages of every kind that a 1.6 station may send, in words that the simulated one never chooses by itself.

Statuses with every member, readings in other units, places, phases and formats, notices, cards in other letters, vendor
data, sessions told long after they were: each is kept member by member as it was told, and answered as the standard has
it. At the end the station says how its connectors stand.
"""

import json
from typing import Any

from interlock.scenarios.spec import Scenario, step

_OLD, _OLDER, _NOW = "2025-12-31T20:00:00Z", "2025-12-31T19:00:00+01:00", "2026-01-01T00:02:00Z"


def _status(connector: int, status: str, code: str = "NoError", **more: str) -> tuple[str, str]:
    return "StatusNotification", json.dumps({"connectorId": connector, "status": status, "errorCode": code, **more})


def _meter(connector: int, *readings: dict[str, str], at: str = "NOW", **more: int) -> tuple[str, str]:
    values = [{"timestamp": at, "sampledValue": list(readings)}]
    return "MeterValues", json.dumps({"connectorId": connector, "meterValue": values, **more})


def _value(register: str, at: str = "NOW", **how: str) -> dict[str, Any]:
    return {"timestamp": at, "sampledValue": [{"value": register, **how}]}


def _say(action: str, /, **payload: Any) -> tuple[str, str]:
    return action, json.dumps(payload)


_REGISTER, _POWER = "Energy.Active.Import.Register", "Power.Active.Import"
_READINGS = (
    _meter(1, {"value": "1500"}),
    _meter(1, {"value": "1.25", "measurand": _REGISTER, "unit": "kWh"}, at=_OLD),
    _meter(2, {"value": "3.68", "measurand": _POWER, "unit": "kW"}, {"value": "231.5", "measurand": "Voltage"}),
    _meter(2, {"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A", "location": "Outlet"}),
    _meter(0, {"value": "7", "measurand": _REGISTER, "context": "Sample.Clock", "location": "Inlet"}),
    _meter(1, {"value": "QUJD", "measurand": _REGISTER, "format": "SignedData"}, {"value": "50", "measurand": "SoC"}),
    _meter(1, *({"value": "100", "measurand": _POWER, "phase": phase, "unit": "W"} for phase in ("L1", "L2", "L3"))),
    _meter(1, *({"value": "70", "measurand": _POWER, "phase": phase} for phase in ("L1", "L1-N", "L2"))),
    _meter(1, {"value": "-7.5", "measurand": _POWER, "unit": "W"}, {"value": "1e2", "measurand": "Voltage"}),
    _meter(1, *({"value": value, "measurand": _POWER, "phase": f"L{n}"} for n, value in enumerate("135", 1))),
    _meter(1, *({"value": value, "measurand": "Voltage", "phase": f"L{n}-N"} for n, value in ((1, "231"), (2, "0")))),
    _meter(2, {"value": "500", "measurand": _POWER, "location": "Inlet"}, {"value": "1", "measurand": "Frequency"}),
    _meter(2, {"value": "40", "context": "Transaction.Begin"}, {"value": "30", "context": "Sample.Periodic"}),
    _say("MeterValues", connectorId=1, meterValue=[_value("1", at=_OLDER), _value("2", at=_OLD), _value("3")]),
    _meter(2, {"value": "9"}, transactionId=4711),
    _meter(2, {"value": "9", "context": "Trigger"}, transactionId=4711, at=_OLD),
)
_NOTICES = (
    _say("FirmwareStatusNotification", status="Downloading"),
    _say("DiagnosticsStatusNotification", status="Uploaded"),
    _say("LogStatusNotification", status="Uploading", requestId=3),
    _say("SecurityEventNotification", type="TamperDetectionActivated", timestamp=_OLD, techInfo="door"),
    _say("SignedFirmwareStatusNotification", status="Installed", requestId=4),
    _say("SignCertificate", csr="x"),
    _say("DataTransfer", vendorId="com.example", messageId="m", data="d"),
    _say("BootNotification", chargePointVendor="V", chargePointModel="M", firmwareVersion="2.1", iccid="8"),
)
_CARDS = (
    _say("Authorize", idTag="tag-driver"),
    _say("Authorize", idTag="TAG-NOBODY-KNOWS"),
    _say("Authorize", idTag="tag-blocked"),
    _say("StopTransaction", transactionId=4712, meterStop=9, timestamp=_OLD, idTag="TAG-BLOCKED", reason="Other"),
    _say("StopTransaction", transactionId=4713, meterStop=9, timestamp=_OLDER, transactionData=[]),
    _say(
        "StopTransaction", transactionId=4714, meterStop=9, timestamp=_OLD, transactionData=[_value("7"), _value("9")]
    ),
)
_GROUPED = (
    _say("Authorize", idTag="tag-grouped"),
    _say("Authorize", idTag="TAG-LONG"),
    _say("Authorize", idTag="TAG-EXACT"),
    _say("StopTransaction", transactionId=4715, meterStop=9, timestamp=_OLD, idTag="TAG-GROUPED"),
)
_SESSION = (
    _say("StartTransaction", connectorId=2, idTag="TAG-GROUPED", meterStart=10, timestamp=_OLD, reservationId=8),
    _say("StartTransaction", connectorId=1, idTag="TAG-BLOCKED", meterStart=10, timestamp=_OLD),
    _say("StartTransaction", connectorId=2, idTag="", meterStart=10, timestamp=_OLD),
    _say("Authorize", idTag=""),
)
_ONE_MEMBER_APART = (
    _say("StartTransaction", connectorId=2, idTag="TAG-BLOCKED", meterStart=12, timestamp=_OLDER),
    _say("StartTransaction", connectorId=2, idTag="TAG-BLOCKED", meterStart=11, timestamp=_OLDER),
    _say("StartTransaction", connectorId=1, idTag="TAG-BLOCKED", meterStart=11, timestamp=_OLDER),
    _say("StartTransaction", connectorId=1, idTag="TAG-OTHER", meterStart=11, timestamp=_OLDER),
    _say("StartTransaction", connectorId=1, idTag="TAG-OTHER", meterStart=11, timestamp=_OLD),
    _status(1, "Faulted", "OtherError", info="hot", timestamp=_NOW),
    _status(1, "Faulted", "OtherError", info="hotter", timestamp=_NOW),
    _status(1, "Faulted", "HighTemperature", info="hotter", timestamp=_NOW),
    _status(1, "Unavailable", "HighTemperature", info="hotter", timestamp=_NOW),
    _status(2, "Unavailable", "HighTemperature", info="hotter", timestamp=_NOW),
)
"""Each differs from the one before it in one member: none is that one told again."""
_STATUSES = (
    _status(0, "Faulted", "OtherError", info="hot", vendorId="v", vendorErrorCode="17", timestamp="NOW"),
    _status(0, "Available", timestamp="NOW"),
    _status(1, "Faulted", "OtherError", info="hot", timestamp=_OLD),
    _status(1, "Faulted", "OtherError", info="hotter", timestamp=_OLD),
    _status(1, "Faulted", "HighTemperature", info="hotter", timestamp=_OLD),
    _status(1, "Faulted", "HighTemperature", info="hotter", timestamp=_OLD),
)

LOOSE = ("as_text", "in_small_letters", "with_more", "without_lists", "with_nulls")
"""Ways to say the same that break the schema."""

SCENARIO = Scenario(
    name="everything-a-station-says",
    title="Messages of every kind, in words of the station's own",
    covers="What is stored is what was told, whatever was told.",
    absent_in=(("2.0.1", "its messages are those of 1.6: everything-a-station-says-2-0-1 has the others"),),
    steps=(
        step("register", at=5.0, token="TAG-BLOCKED", status="Blocked"),
        step("register", at=6.0, token="TAG-GROUPED", status="Accepted", parent="The-Group"),
        step("register", at=7.0, token="TAG-LONG", status="Accepted", parent="A-Group-Of-A-Long-Name"),
        step("register", at=8.0, token="TAG-EXACT", status="Accepted", parent="A-Group-Of-20-Letter"),
        step("say", at=20.0, messages=_READINGS, number="meter"),
        step("say", at=40.0, messages=_NOTICES, number="notice"),
        step("say", at=60.0, messages=_CARDS, number="card"),
        step("say", at=66.0, messages=_GROUPED, number="group"),
        step("say", at=70.0, messages=_SESSION, number="session"),
        step("register", at=74.0, token="TAG-GROUPED", status="Blocked", parent="Another"),
        step("register", at=74.0, token="TAG-BLOCKED", status="Accepted"),
        step("say", at=80.0, messages=_STATUSES, number="status"),
        step("say", at=84.0, messages=_SESSION, number="resent"),
        step("say", at=90.0, messages=_GROUPED, number="changed"),
        step("register", at=94.0, token="TAG-GROUPED", status="Accepted"),
        step("say", at=95.0, messages=_GROUPED, number="alone"),
        step("say", at=100.0, messages=_READINGS, number="again"),
        step("say", at=102.0, messages=(*_READINGS, *_SESSION, *_NOTICES), number="twin", station=2),
        step("say", at=125.0, messages=_ONE_MEMBER_APART, number="apart"),
        step("statuses", at=140.0, connector=1),
        step("statuses", at=142.0, connector=2),
    ),
    stations=2,
    fiction=True,
    retold=("spaced", "reordered", "western", "kilowatt_hours", *LOOSE, "told_twice", "other_ids", "heartbeats"),
    faults_s=150.0,
    quiet_s=60.0,
)
