"""What belongs to feature profiles of 1.6: reservations, local lists, charging profiles, files, groups of cards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from interlock.simulator.v16 import charging
from interlock.simulator.v16.charging import Profile
from interlock.simulator.v16.orders import FEATURES
from interlock.simulator.vehicle import Vehicle

from ..rig import Rig


def at(rig: Rig, seconds: float) -> str:
    """Return a time so many seconds from now, by the station's clock."""
    return (datetime(2026, 1, 1) + timedelta(seconds=rig.env.now + seconds)).isoformat(timespec="milliseconds") + "Z"


def reserve(rig: Rig, connector: int = 1, tag: str = "TAG", number: int = 7, seconds: float = 60.0, **more: Any) -> Any:
    payload = {"connectorId": connector, "idTag": tag, "reservationId": number, "expiryDate": at(rig, seconds), **more}
    return rig.call("ReserveNow", **payload)["status"]


def status(rig: Rig, connector: int = 1) -> str:
    return rig.controller.status(rig.station.evses[connector - 1])


@pytest.mark.parametrize("action", sorted(FEATURES))
def test_what_belongs_to_a_feature_it_lacks_is_not_supported(action: str) -> None:
    rig = Rig(features=()).up()
    assert rig.call(action)[0] == "NotSupported"
    keys = {one["key"] for one in rig.call("GetConfiguration")["configurationKey"]}
    assert not keys & {"LocalAuthListEnabled", "ReserveConnectorZeroSupported", "MaxChargingProfilesInstalled"}


# --- reservations ----------------------------------------------------------------------------------------------------


def test_a_reserved_connector_is_for_its_tag_only() -> None:
    rig = Rig().up()
    assert reserve(rig) == "Accepted"
    assert status(rig) == "Reserved"
    assert reserve(rig, number=8) == "Occupied"
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="OTHER") == {"status": "Rejected"}
    rig.station.plug(1)
    rig.station.swipe(1, "OTHER")
    rig.run(5)
    assert (rig.said("StartTransaction"), status(rig)) == ([], "Reserved")
    rig.station.swipe(1, "tag")
    rig.run(5)
    assert [one.payload["reservationId"] for one in rig.said("StartTransaction")] == [7]
    assert rig.call("CancelReservation", reservationId=7) == {"status": "Rejected"}


def test_a_reservation_expires_and_a_start_that_is_awaited_is_none_of_it() -> None:
    rig = Rig(connection_timeout_s=30.0).up()
    assert reserve(rig, seconds=-1.0) == "Rejected"
    assert reserve(rig, seconds=10.0) == "Accepted"
    rig.station.swipe(1, "TAG")
    rig.run(15)
    assert status(rig) == "Preparing"
    rig.station.plug(1)
    rig.run(5)
    (start,) = rig.said("StartTransaction")
    assert "reservationId" not in start.payload
    assert reserve(rig, 2, seconds=10.0) == "Accepted"
    rig.run(12)
    assert status(rig, 2) == "Available"


def test_a_reservation_outlives_a_reboot_and_the_same_id_changes_it() -> None:
    rig = Rig().up()
    assert reserve(rig, seconds=120.0) == "Accepted"
    rig.station.reboot()
    rig.run(20)
    assert status(rig) == "Reserved"
    assert reserve(rig, connector=2, seconds=60.0) == "Accepted"
    assert (status(rig), status(rig, 2)) == ("Available", "Reserved")
    rig.run(70)
    assert status(rig, 2) == "Available"


def test_a_reservation_of_any_connector_keeps_one_free() -> None:
    rig = Rig().up()
    assert reserve(rig, connector=0) == "Accepted"
    assert reserve(rig, connector=0, number=8, tag="OTHER") == "Accepted"
    assert reserve(rig, connector=0, number=9) == "Occupied"
    rig.station.plug(2)
    rig.station.swipe(2, "OTHER")
    rig.run(5)
    assert [one.payload["reservationId"] for one in rig.said("StartTransaction")] == [8]


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_list_goes_before_the_cache_and_can_expire() -> None:
    rig = Rig(offline_unknown=False).up()
    entries = [
        {"idTag": "IN", "idTagInfo": {"status": "Accepted", "expiryDate": at(rig, 30.0)}},
        {"idTag": "OUT", "idTagInfo": {"status": "Blocked"}},
    ]
    rig.controller.known_tokens["OUT"] = True
    sent = rig.call("SendLocalList", listVersion=3, updateType="Full", localAuthorizationList=entries)
    assert sent == {"status": "Accepted"}
    assert (rig.controller.accepts_offline("in"), rig.controller.accepts_offline("OUT")) == (True, False)
    rig.run(40)
    assert not rig.controller.accepts_offline("IN")
    gone = [{"idTag": "OUT"}]
    update = rig.call("SendLocalList", listVersion=4, updateType="Differential", localAuthorizationList=gone)
    assert (update, rig.call("GetLocalListVersion")) == ({"status": "Accepted"}, {"listVersion": 4})
    assert rig.controller.accepts_offline("OUT")
    rig.call("ChangeConfiguration", key="authorizationcacheENABLED", value="false")
    assert not rig.controller.accepts_offline("OUT")
    assert rig.call("ClearCache") == {"status": "Rejected"}
    rig.call("ChangeConfiguration", key="LocalAuthListEnabled", value="false")
    assert rig.call("GetLocalListVersion") == {"listVersion": -1}


@pytest.mark.parametrize(("group", "ends"), [("FAMILY", True), ("OTHERS", False), (None, False)])
def test_a_card_of_the_same_group_ends_a_session(group: str | None, ends: bool) -> None:
    rig = Rig().up()
    parents = {"ONE": "FAMILY", "TWO": group}

    def authorize(payload: dict[str, Any]) -> dict[str, Any]:
        parent = parents.get(payload["idTag"])
        return {"idTagInfo": {"status": "Accepted", **({"parentIdTag": parent} if parent else {})}}

    rig.peer.script["Authorize"] = authorize
    rig.peer.script["StartTransaction"] = lambda p: {"transactionId": 1, **authorize(p)}
    rig.station.plug(1)
    rig.station.swipe(1, "ONE")
    rig.run(5)
    rig.station.swipe(1, "TWO")
    rig.run(5)
    assert [one.payload["idTag"] for one in rig.said("StopTransaction")] == (["TWO"] if ends else [])


# --- charging profiles -----------------------------------------------------------------------------------------------


def profile(number: int, *limits: float, level: int = 0, unit: str = "W", **more: Any) -> dict[str, Any]:
    periods = [{"startPeriod": 60 * n, "limit": limit} for n, limit in enumerate(limits)]
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods, "startSchedule": "2026-01-01T00:00:00Z"}
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {**schedule, **more.pop("schedule", {})},
        **more,
    }


def test_a_profile_limits_what_really_flows() -> None:
    rig = Rig().up()
    rig.station.plug(1, Vehicle(max_power_w=7_000.0))
    rig.station.swipe(1, "TAG")
    rig.run(5)
    evse = rig.station.evses[0]
    assert evse.read().power_w == 7_000.0
    start = {"schedule": {"startSchedule": at(rig, 0.0)}}
    answer = rig.call("SetChargingProfile", connectorId=0, csChargingProfiles=profile(1, 2_000.0, 0.0, **start))
    assert answer == {"status": "Accepted"}
    assert evse.read().power_w == 2_000.0
    before = evse.meter.register_wh
    rig.run(70)
    assert (evse.read().power_w, status(rig)) == (0.0, "SuspendedEVSE")
    assert 31 <= evse.meter.register_wh - before <= 34
    assert rig.call("ClearChargingProfile") == {"status": "Accepted"}
    assert (evse.read().power_w, status(rig)) == (7_000.0, "Charging")
    assert rig.call("ClearChargingProfile") == {"status": "Unknown"}


@pytest.mark.parametrize(
    ("connector", "change"),
    [
        (3, {}),
        (1, {"chargingProfilePurpose": "ChargePointMaxProfile"}),
        (1, {"chargingProfilePurpose": "TxProfile"}),
        (1, {"stackLevel": 11}),
        (1, {"chargingProfileKind": "Recurring"}),
        (1, {"schedule": {"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 1.0}]}}),
        (1, {"schedule": {"startSchedule": "soon"}}),
    ],
)
def test_a_profile_that_cannot_be_is_rejected(connector: int, change: dict[str, Any]) -> None:
    rig = Rig().up()
    schedule = change.pop("schedule", {})
    made = {**profile(1, 6.0, schedule=schedule), **change}
    assert rig.call("SetChargingProfile", connectorId=connector, csChargingProfiles=made) == {"status": "Rejected"}


def simple(purpose: str, limit: float, level: int = 0, connector: int = 1, **more: Any) -> Profile:
    values = {"start": 0.0, **more}
    return Profile(level, connector, purpose, level, "W", ((0.0, limit),), **values)


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ([], None),
        ([simple("TxDefaultProfile", 5.0), simple("TxDefaultProfile", 9.0, 1)], 9.0),
        ([simple("TxDefaultProfile", 5.0), simple("TxDefaultProfile", 9.0, 1, duration=50.0)], 5.0),
        ([simple("TxDefaultProfile", 5.0, connector=0), simple("TxDefaultProfile", 9.0)], 9.0),
        ([simple("TxDefaultProfile", 5.0), simple("TxProfile", 9.0)], 9.0),
        ([simple("TxDefaultProfile", 5.0, valid_to=99.0)], None),
        ([simple("TxDefaultProfile", 5.0, valid_from=102.0)], None),
        ([simple("TxProfile", 5.0, start=None)], 5.0),
        ([simple("TxDefaultProfile", 5.0, recurs=90.0, duration=20.0)], 5.0),
        ([simple("TxDefaultProfile", 5.0, recurs=90.0, duration=9.0)], None),
    ],
)
def test_which_profile_holds(profiles: list[Profile], expected: float | None) -> None:
    assert charging.limit_at(profiles, 1, 100.0, begun=40.0) == expected


def test_what_recurs_changes_each_time() -> None:
    daily = simple("TxDefaultProfile", 5.0, recurs=100.0, duration=10.0)
    assert charging.changes([daily], 5.0, 250.0, []) == [10.0, 100.0, 110.0, 200.0, 210.0]


# --- files -----------------------------------------------------------------------------------------------------------


def firmware(rig: Rig, location: str) -> list[str]:
    rig.call("UpdateFirmware", location=location, retrieveDate=at(rig, 0.0))
    rig.run(40)
    return [one.payload["status"] for one in rig.said("FirmwareStatusNotification")]


def test_firmware_waits_for_a_session_and_is_told_after_the_boot() -> None:
    rig = Rig().up()
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert firmware(rig, "http://files/new-2.bin") == ["Downloading", "Downloaded"]
    rig.station.unplug(1)
    rig.run(40)
    told = [one.payload["status"] for one in rig.said("FirmwareStatusNotification")]
    assert told == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert rig.said("BootNotification")[-1].payload["firmwareVersion"] == "new-2.bin"


@pytest.mark.parametrize(
    ("location", "end"),
    [("ftp://127.0.0.1:1/x", "DownloadFailed"), ("http://files/broken.bin", "InstallationFailed")],
)
def test_firmware_that_fails(location: str, end: str) -> None:
    rig = Rig().up()
    assert firmware(rig, location)[-1] == end
    assert rig.said("BootNotification")[-1].payload["firmwareVersion"] == "1.0.0"


def test_signed_firmware_logs_and_security_events() -> None:
    rig = Rig(features=("Security",)).up()
    firmware = {"location": "http://files/new.bin", "retrieveDateTime": at(rig, 0.0), "signingCertificate": "C"}
    wrong = {"requestId": 3, "firmware": {**firmware, "signature": "d3Jvbmc="}}
    assert rig.call("SignedUpdateFirmware", **wrong) == {"status": "Accepted"}
    rig.run(20)
    right = {"requestId": 4, "firmware": {**firmware, "signature": "c2lnbmF0dXJl"}}
    assert rig.call("SignedUpdateFirmware", **right) == {"status": "Accepted"}
    rig.run(40)
    told = [(one.payload["requestId"], one.payload["status"]) for one in rig.said("SignedFirmwareStatusNotification")]
    begun = ("Downloading", "Downloaded")
    assert told == [(3, word) for word in (*begun, "InvalidSignature")] + [
        (4, word) for word in (*begun, "SignatureVerified", "Installing", "Installed")
    ]
    log = {"logType": "SecurityLog", "requestId": 5, "log": {"remoteLocation": "ftp://127.0.0.1:1/x"}}
    assert rig.call("GetLog", **log)["status"] == "Accepted"
    rig.run(5)
    assert [one.payload["status"] for one in rig.said("LogStatusNotification")] == ["Uploading", "UploadFailure"]
    kinds = [one.payload["type"] for one in rig.said("SecurityEventNotification")]
    startup = "StartupOfTheDevice"
    assert kinds == [startup, "InvalidFirmwareSignature", startup, "FirmwareUpdated"]
    triggered = rig.call("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert triggered == {"status": "NotImplemented"}


# --- readings --------------------------------------------------------------------------------------------------------


def test_readings_by_the_clock_and_with_the_stop() -> None:
    rig = Rig(meter_interval_s=0.0).up()
    for key, value in (
        ("ClockAlignedDataInterval", "30"),
        ("MeterValuesAlignedData", "Voltage"),
        ("StopTxnAlignedData", "Voltage"),
        ("StopTxnSampledData", "Energy.Active.Import.Register"),
    ):
        assert rig.call("ChangeConfiguration", key=key, value=value) == {"status": "Accepted"}
    assert rig.call("ChangeConfiguration", key="StopTxnSampledData", value="Nonsense") == {"status": "Rejected"}
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(65)
    rig.station.swipe(1, "TAG")
    rig.run(3)
    values = [one for one in rig.said("MeterValues") if one.payload["connectorId"] == 1]
    assert len(values) >= 2
    assert {one.payload["meterValue"][0]["timestamp"][17:19] for one in values} <= {"00", "30"}
    (stop,) = rig.said("StopTransaction")
    contexts = [one["sampledValue"][0]["context"] for one in stop.payload["transactionData"]]
    assert (contexts[0], {*contexts[1:-1]}, contexts[-1]) == ("Transaction.Begin", {"Sample.Clock"}, "Transaction.End")


def test_a_refused_session_may_go_on_without_energy() -> None:
    rig = Rig().up()
    rig.call("ChangeConfiguration", key="StopTransactionOnInvalidId", value="false")
    rig.peer.script["StartTransaction"] = lambda _: {"transactionId": 1, "idTagInfo": {"status": "Invalid"}}
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert (status(rig), rig.station.evses[0].contactor.closed) == ("SuspendedEVSE", False)
    assert (rig.station.evses[0].contactor.closed, rig.said("StopTransaction")) == (False, [])
