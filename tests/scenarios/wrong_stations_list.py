"""Every wrong station, by what it does wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .wrong_promises import PROMISES
from .wrong_stations import (
    ACCEPTED,
    LET_IN,
    Message,
    Odd,
    Wire,
    answers,
    believes,
    calls,
    everywhere,
    ignores,
    member,
    no_status,
    says,
    silent,
    texts,
    twice,
    with_,
    without,
)


def _boots_once(wire: Wire, message: Message) -> list[Message]:
    if message[0] == 2 and message[2] == "BootNotification":
        wire.kept["boots"] = wire.kept.get("boots", 0) + 1
        if wire.kept["boots"] > 1:
            wire.hear([3, message[1], {**ACCEPTED, "currentTime": "2026-01-01T00:00:00Z", "interval": 300}])
            return []
    return [message]


def _two_at_once(wire: Wire, message: Message) -> list[Message]:
    return [message, [2, wire.fresh(), "Heartbeat", {}]] if message[0] == 2 and message[2] != "Heartbeat" else [message]


def _same_id(wire: Wire, message: Message) -> list[Message]:
    """The CSMS sees one id for all CALLs; the station is told its own."""
    if message[0] != 2:
        return [message]
    wire.kept["real"] = message[1]
    return [[2, "1", *message[2:]]]


def _own_id(wire: Wire, message: Message) -> list[Message]:
    return [[message[0], wire.kept["real"], *message[2:]]] if message[0] in (3, 4) and message[1] == "1" else [message]


def _long_id(wire: Wire, message: Message) -> list[Message]:
    return [[2, f"{message[1]}-".ljust(40, "0"), *message[2:]]] if message[0] == 2 else [message]


def _short_id(wire: Wire, message: Message) -> list[Message]:
    whole = str(message[1])
    known = next((one for one in wire.called if f"{one}-".ljust(40, "0") == whole), whole)
    return [[message[0], known, *message[2:]]] if message[0] in (3, 4) else [message]


def _errors_as_results(wire: Wire, message: Message) -> list[Message]:
    return [[3, message[1], {}]] if message[0] == 4 else [message]


def _silent_errors(wire: Wire, message: Message) -> list[Message]:
    return [] if message[0] == 4 else [message]


def _code_of_201(wire: Wire, message: Message) -> list[Message]:
    return [[4, message[1], "RpcFrameworkError", "", {}]] if message[0] == 4 else [message]


def _answers_twice(wire: Wire, message: Message) -> list[Message]:
    return [message, message] if message[0] == 3 else [message]


def _lower_ids(wire: Wire, message: Message) -> list[Message]:
    return [[message[0], str(message[1]).lower(), *message[2:]]] if message[0] in (3, 4) else [message]


def _number_ids(wire: Wire, message: Message) -> list[Message]:
    digits = message[0] in (3, 4) and str(message[1]).isdigit()
    return [[message[0], int(message[1]), *message[2:]]] if digits else [message]


def _hour_ahead(value: Any) -> Any:
    return (datetime.fromisoformat(value) + timedelta(hours=1)).isoformat()


def _hour_behind(value: Any) -> Any:
    return f"1970-01-01T{str(value)[11:]}" if isinstance(value, str) else value


def _two_hours_behind(value: Any) -> Any:
    return (datetime.fromisoformat(value) - timedelta(hours=2)).isoformat() if isinstance(value, str) else value


def _kilo(value: Any) -> Any:
    return "kWh" if value == "Wh" else value


def _energy_alone(told: dict[str, Any]) -> dict[str, Any]:
    energy = {"value": "1000", "measurand": "Energy.Active.Import.Register"}
    return {**told, "meterValue": [{**row, "sampledValue": [energy]} for row in told["meterValue"]]}


ODD: tuple[Odd, ...] = (
    # Answers.
    Odd("unlocks-anything", "unlocks connectors that it does not have", says("UnlockConnector", "Unlocked"),
        cases=("TC_031_CS",)),
    Odd("never-unlocks", "says UnlockFailed and has unlocked", says("UnlockConnector", "UnlockFailed", "Unlocked"),
        cases=("TC_017_1_CS", "TC_018_1_CS")),
    Odd("knows-every-key", "accepts keys that it does not have",
        says("ChangeConfiguration", "Accepted", "NotSupported"), cases=("TC_040_1_CS",)),
    Odd("rejects-unknown-keys", "a key it does not have is Rejected",
        says("ChangeConfiguration", "Rejected", "NotSupported"), cases=("TC_040_1_CS",)),
    Odd("takes-every-value", "a value that cannot be is accepted",
        says("ChangeConfiguration", "Accepted", "Rejected"), cases=("TC_040_2_CS",)),
    Odd("unknown-keys-untold", "keys it does not have are left out of the answer",
        answers("GetConfiguration", without("unknownKey")), cases=("IL_243_CS",)),
    Odd("values-as-numbers", "configuration values are numbers",
        answers("GetConfiguration", lambda told: {**told, "configurationKey": [
            {**one, "value": int(one["value"]) if one["value"].isdigit() else one["value"]}
            for one in told["configurationKey"]]}), found=("N04",)),
    Odd("stops-anything", "a stop of a transaction that it does not have is Accepted",
        says("RemoteStopTransaction", "Accepted"), cases=("TC_028_CS",)),
    Odd("starts-when-busy", "a remote start at a busy connector is Accepted",
        says("RemoteStartTransaction", "Accepted"), cases=("TC_026_CS",)),
    Odd("starts-nothing", "a remote start is Accepted and forgotten",
        down=ignores("RemoteStartTransaction", ACCEPTED), cases=("TC_010_CS",)),
    Odd("stops-nothing", "a remote stop is Accepted and forgotten",
        down=ignores("RemoteStopTransaction", ACCEPTED), cases=("TC_012_CS",)),
    Odd("resets-nothing", "a reset is Accepted and forgotten", down=ignores("Reset", ACCEPTED), cases=("TC_013_CS",)),
    Odd("never-resets", "resets are Rejected", down=ignores("Reset", {"status": "Rejected"}), cases=("TC_013_CS",)),
    Odd("keeps-its-cache", "the cache cannot be cleared", says("ClearCache", "Rejected"), cases=("TC_061_CS",)),
    Odd("stays-available", "a change of availability is Accepted and forgotten",
        down=ignores("ChangeAvailability", ACCEPTED), cases=("TC_014_CS",)),
    Odd("never-scheduled", "what is scheduled is called Accepted",
        says("ChangeAvailability", "Accepted", "Scheduled"), cases=("IL_109_CS",)),
    Odd("reserves-anything", "what cannot be reserved is reserved",
        says("ReserveNow", "Accepted"), cases=("TC_048_2_CS",)),
    Odd("cancels-anything", "an unknown reservation is cancelled",
        says("CancelReservation", "Accepted"), cases=("TC_052_CS",)),
    Odd("list-without-version", "the local list has version 0 for ever",
        answers("GetLocalListVersion", with_(listVersion=0)), cases=("TC_043_2_CS",)),
    Odd("takes-every-list", "a differential list of another version is taken",
        says("SendLocalList", "Accepted", "VersionMismatch", "Failed"), cases=("TC_043_2_CS",)),
    Odd("triggers-anything", "a message that cannot be triggered is Accepted",
        says("TriggerMessage", "Accepted"), cases=("TC_055_CS",)),
    Odd("triggers-nothing", "a trigger is Accepted and forgotten",
        down=ignores("TriggerMessage", ACCEPTED), cases=("TC_054_CS",)),
    Odd("clears-anything", "a profile that is not there is cleared",
        says("ClearChargingProfile", "Accepted"), cases=("IL_248_CS",)),
    Odd("composite-without-schedule", "the composite schedule is accepted and empty",
        answers("GetCompositeSchedule", lambda _: ACCEPTED), cases=("TC_066_CS",)),
    Odd("limits-forgotten", "profiles are accepted, and the schedule is the old one",
        down=ignores("SetChargingProfile", ACCEPTED), cases=("TC_066_CS",)),
    Odd("answers-in-small-letters", "statuses of answers are in small letters",
        lambda _, message: [[3, message[1], {**message[2], "status": message[2]["status"].lower()}]]
        if message[0] == 3 and "status" in message[2] else [message], cases=("TC_010_CS",), found=("N04",)),
    Odd("ids-in-small-letters", "message ids are answered in small letters", _lower_ids, cases=("IL_246_CS",)),
    Odd("ids-as-numbers", "message ids of digits are answered as numbers", _number_ids, cases=("IL_247_CS",)),
    Odd("answers-twice", "each answer is sent twice", _answers_twice, cases=("TC_010_CS",), found=("N07",)),
    Odd("errors-as-results", "errors are told as an empty CALLRESULT", _errors_as_results, cases=("IL_231_CS",)),
    Odd("silent-errors", "what it does not know it does not answer", _silent_errors, cases=("IL_231_CS",)),
    Odd("code-of-201", "error codes are those of OCPP 2.0.1", _code_of_201, found=("N10",)),
    Odd("fifth-element", "an answer has an element more",
        lambda _, message: [[*message, "x"]] if message[0] == 3 else [message], found=("N01",)),
    # What it says itself.
    Odd("boots-without-model", "no model in the boot", calls("BootNotification", without("chargePointModel")),
        found=("N03",)),
    Odd("boots-once", "no boot behind a reset", _boots_once, cases=("TC_013_CS",)),
    Odd("never-heartbeats", "no heartbeats", silent("Heartbeat", {"currentTime": "2026-01-01T00:00:00Z"}),
        cases=("TC_001_CS",)),
    Odd("never-asks", "cards are let in without a question", silent("Authorize", LET_IN), cases=("TC_004_1_CS",)),
    Odd("lets-everybody-in", "a refused card charges", down=believes("Authorize", with_(**LET_IN)),
        cases=("TC_023_CS",)),
    Odd("goes-on-refused", "a start that is refused goes on", down=believes("StartTransaction", with_(**LET_IN)),
        cases=("IL_120_CS",)),
    Odd("no-preparing", "Preparing is not told", no_status("Preparing"), cases=("TC_003_CS",)),
    Odd("no-charging", "Charging is not told", no_status("Charging"), cases=("TC_003_CS",)),
    Odd("no-finishing", "Finishing is not told", no_status("Finishing"), cases=("TC_012_CS",)),
    Odd("no-reserved", "Reserved is not told", no_status("Reserved"), cases=("TC_046_1_CS",)),
    Odd("no-faulted", "Faulted is not told", no_status("Faulted"), cases=("TC_041_CS",)),
    Odd("no-unavailable", "Unavailable is not told", no_status("Unavailable"), cases=("TC_014_CS",)),
    Odd("statuses-of-connector-1", "statuses of all connectors are told of connector 1",
        calls("StatusNotification", with_(connectorId=1)), cases=("IL_249_CS",)),
    Odd("available-in-capitals", "AVAILABLE, not Available",
        calls("StatusNotification", lambda told: {**told, "status": told["status"].upper()}), found=("N03",)),
    Odd("faulted-without-error", "a fault has the error code NoError",
        calls("StatusNotification", with_(errorCode="NoError")), cases=("TC_024_CS",)),
    Odd("reason-is-local", "every session ends with the reason Local", calls("StopTransaction", with_(reason="Local")),
        cases=("TC_012_CS",)),
    Odd("reason-of-its-own", "a reason that is none", calls("StopTransaction", with_(reason="UserStopped")),
        found=("N03",)),
    Odd("own-transaction", "stops bear a number of its own", calls("StopTransaction", with_(transactionId=1)),
        cases=("TC_012_CS",)),
    Odd("stops-twice", "the end is told twice", twice("StopTransaction"), cases=("TC_012_CS",)),
    Odd("starts-twice", "the beginning is told twice", twice("StartTransaction"), cases=("TC_010_CS",)),
    Odd("meter-as-text", "the meter is a text",
        calls("StopTransaction", lambda told: {**told, "meterStop": str(told["meterStop"])}), found=("N03",)),
    Odd("meter-stands-at-zero", "the meter at the end is 0, below that of the beginning",
        calls("StopTransaction", with_(meterStop=-1)), found=("N12",)),
    Odd("another-card", "starts bear the card of the first driver",
        calls("StartTransaction", with_(idTag="00000000")), cases=("TC_010_CS",)),
    Odd("starts-at-zero", "starts are told of connector 0", calls("StartTransaction", with_(connectorId=0)),
        cases=("TC_010_CS",)),
    Odd("no-zone", "times have no zone", member("timestamp", lambda value: str(value).rstrip("Z")[:19]),
        found=("N09",)),
    Odd("an-hour-ahead", "local time is said to be UTC", member("timestamp", _hour_ahead), found=("N11",)),
    Odd("the-year-1970", "the clock was never set", member("timestamp", _hour_behind), found=("N11",)),
    Odd("no-meter-values", "no meter values", silent("MeterValues", {}), cases=("TC_070_CS",)),
    Odd("meter-values-of-nothing", "meter values bear no transaction", calls("MeterValues", without("transactionId")),
        cases=("IL_113_CS",)),
    Odd("readings-as-numbers", "readings are numbers",
        calls("MeterValues", lambda told: everywhere(told, "value", lambda _: 1.5)), found=("N03",)),
    Odd("unit-of-its-own", "the unit is none", member("unit", lambda _: "wh"), found=("N03",)),
    Odd("one-id-for-all", "each CALL has the message id 1", _same_id, _own_id, found=("N06",)),
    Odd("ids-of-40", "message ids of 40 characters", _long_id, _short_id, found=("N06",)),
    Odd("two-at-once", "a heartbeat while another CALL is not answered", _two_at_once,
        cases=("TC_002_CS",)),
    Odd("forgets-reservation", "a start at a reserved connector bears no reservationId",
        calls("StartTransaction", without("reservationId")), cases=("TC_046_1_CS",)),
    Odd("no-installing", "Installing is not told",
        silent("FirmwareStatusNotification", {}, lambda told: told["status"] == "Installing"), cases=("TC_044_1_CS",)),
    Odd("no-uploaded", "Uploaded is not told",
        silent("DiagnosticsStatusNotification", {}, lambda told: told["status"] == "Uploaded"),
        cases=("TC_045_1_CS",)),
    Odd("downloads-anything", "a download that failed is Downloaded",
        calls("FirmwareStatusNotification", with_(status="Downloaded"),
              lambda told: told["status"] == "DownloadFailed"),
        cases=("TC_044_2_CS",)),
    Odd("null-members", "what is not there is null", calls("StatusNotification", with_(info=None)), found=("N03",)),
    Odd("more-members", "members of its own", calls("StatusNotification", with_(vendorStatus="x")), found=("N03",)),
    Odd("type-as-text", "the message type is a text", texts(lambda message: [str(message[0]), *message[1:]]),
        found=("N01",)),
    Odd("read-only-keys-change", "a key that is read only is Accepted",
        up=answers("ChangeConfiguration", with_(status="Accepted"), ("Rejected",)), cases=("IL_301_CS",)),
    Odd("stops-without-samples", "the samples of a session are not in its stop",
        calls("StopTransaction", without("transactionData")), cases=("IL_302_CS",)),
    Odd("energy-alone", "whatever is configured, energy is sampled", calls("MeterValues", _energy_alone),
        cases=("IL_303_CS",)),
    Odd("watt-hours-as-kilowatt-hours", "readings in Wh are said to be in kWh", member("unit", _kilo), found=("N12",)),
    Odd("two-hours-behind", "the time that the CSMS gives is not kept", member("timestamp", _two_hours_behind),
        found=("N11",)),
    *PROMISES,
)  # fmt: skip
"""All of them."""
