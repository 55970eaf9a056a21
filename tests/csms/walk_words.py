"""What stations and operators of a walk say, drawn from small pools."""

from __future__ import annotations

import random
from typing import Any

TOKENS = ("ALPHA", "alpha", "BRAVO", "CHARLIE", "NOBODY")
TIMES = ("2026-01-01T00:00:10Z", "2026-01-01T00:05:00Z", "2025-12-31T23:00:00Z", "1970-01-01T00:00:00Z")
METERS = (0, 100, 101, 5000)


class Draw:
    """What is drawn. `newer`: in the words of 2.0.1."""

    def __init__(self, name: str, *, newer: bool) -> None:
        self.rng, self.newer = random.Random(name), newer

    def numbers(self) -> list[int]:
        """Return the numbers of the transactions in the log, the oldest first."""
        return []

    def one(self, *among: Any) -> Any:
        """Draw one."""
        return self.rng.choice(among[0] if len(among) == 1 else among)

    def some(self, **members: Any) -> dict[str, Any]:
        """Draw which members are there: one that is a tuple is drawn from; of `name_`, half of them are left out."""
        drawn = {name: self.one(value) if isinstance(value, tuple) else value for name, value in members.items()}
        kept = {name: self.rng.random() < 0.5 for name in drawn}
        return {name.rstrip("_"): value for name, value in drawn.items() if not name.endswith("_") or kept[name]}

    def number(self) -> int:
        """Return the number of a transaction, of the newest ones, or of none."""
        back, known = self.one(1, 1, 1, 2, 3, 9), self.numbers()
        return known[-back] if len(known) >= back else 4711

    def boot(self) -> dict[str, Any]:
        if not self.newer:
            return self.some(chargePointVendor="V", chargePointModel="M", firmwareVersion_=("1", "2"))
        of = self.some(vendorName="V", model="M", serialNumber_=("s", "t"))
        return {"reason": self.one("PowerUp", "RemoteReset", "ScheduledReset"), "chargingStation": of}


# --- OCPP 1.6 --------------------------------------------------------------------------------------------------------


def _sampled_16(walk: Draw) -> list[dict[str, Any]]:
    def reading() -> dict[str, Any]:
        phases = ("L1", "L1", "L2", "L1-N", "L2-N", "L1-L2", "N")
        what = ("Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "Voltage", "Current.Import")
        how = walk.some(measurand_=what, phase_=phases, unit_=("Wh", "kWh", "W", "kW", "V"))
        contexts = ("Transaction.Begin", "Transaction.End", "Sample.Periodic")
        return {
            "value": walk.one("0", "7", "1.5", "230"),
            **how,
            **walk.some(context_=contexts, location_=("Outlet", "Inlet")),
        }

    return [
        {"timestamp": walk.one(TIMES), "sampledValue": [reading() for _ in range(walk.one(1, 2, 4))]}
        for _ in range(walk.one(1, 1, 2))
    ]


def said_16(walk: Draw) -> tuple[str, dict[str, Any]]:
    action = walk.one(
        *["StatusNotification"] * 4, *["StartTransaction"] * 4, *["StopTransaction"] * 4, *["MeterValues"] * 3,
        "Authorize", "BootNotification", "Heartbeat", "DataTransfer", "FirmwareStatusNotification",
    )  # fmt: skip
    words, codes = ("Available", "Preparing", "Charging", "Faulted"), ("NoError", "OtherError")
    at, token, meter, place = walk.one(TIMES), walk.one(TOKENS), walk.one(METERS), walk.one(1, 1, 2)
    match action:
        case "StatusNotification":
            told = {"connectorId": walk.one(0, 1, 1, 2), "status": walk.one(words), "errorCode": walk.one(codes)}
            return action, {**told, **walk.some(info_=("hot", "cold"), timestamp_=TIMES)}
        case "StartTransaction":
            return action, {"connectorId": place, "idTag": token, "meterStart": meter, "timestamp": at}
        case "StopTransaction":
            told = {"transactionId": walk.number(), "meterStop": meter, "timestamp": at}
            more = walk.some(idTag_=TOKENS, reason_=("Remote", "Local", "EVDisconnected"))
            return action, {**told, **more, **({"transactionData": _sampled_16(walk)} if walk.one(0, 0, 1) else {})}
        case "MeterValues":
            within = {"transactionId": walk.number()} if walk.one(0, 1) else {}
            return action, {"connectorId": walk.one(0, 1, 2), "meterValue": _sampled_16(walk), **within}
        case "Authorize":
            return action, {"idTag": token}
        case "BootNotification":
            return action, walk.boot()
        case "DataTransfer":
            return action, {"vendorId": "v"}
        case "FirmwareStatusNotification":
            return action, {"status": walk.one("Idle", "Downloading")}
    return action, {}


def asked_16(walk: Draw) -> tuple[str, dict[str, Any]]:
    place, token = walk.one(1, 1, 2, 3), walk.one(TOKENS)
    return walk.one(
        ("RemoteStartTransaction", {"connectorId": place, "idTag": token}),
        ("RemoteStartTransaction", {"connectorId": place, "idTag": token}),
        ("RemoteStopTransaction", {"transactionId": walk.number()}),
        ("UnlockConnector", {"connectorId": place}),
        ("Reset", {"type": walk.one("Hard", "Soft")}),
        ("ChangeAvailability", {"connectorId": walk.one(0, 1, 2), "type": walk.one("Operative", "Inoperative")}),
        ("ReserveNow", {"connectorId": place, "idTag": token, "reservationId": 7, "expiryDate": TIMES[1]}),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
        ("GetLocalListVersion", {}),
        ("ClearCache", {"odd": 1}),
    )


# --- OCPP 2.0.1 ------------------------------------------------------------------------------------------------------

TRANSACTIONS = ("tx-1", "tx-1", "tx-2", "tx-3")


def _card(walk: Draw) -> dict[str, Any]:
    return {"idToken": walk.one(TOKENS), "type": walk.one("ISO14443", "ISO14443", "Central", "NoAuthorization")}


def _values_201(walk: Draw) -> list[dict[str, Any]]:
    def reading() -> dict[str, Any]:
        what = ("Energy.Active.Import.Register", "Power.Active.Import", "Voltage")
        unit = {"unit": walk.one("Wh", "kWh", "W", "V"), **walk.some(multiplier_=(0, 3))}
        how = walk.some(measurand_=what, phase_=("L1", "L2", "L1-N"), unitOfMeasure_=(unit,))
        return {
            "value": walk.one(0, 7, 1.5, 230),
            **how,
            **walk.some(context_=("Transaction.Begin", "Transaction.End")),
        }

    return [
        {"timestamp": walk.one(TIMES), "sampledValue": [reading() for _ in range(walk.one(1, 2))]}
        for _ in range(walk.one(1, 1, 2, 3))
    ]


def _transaction(walk: Draw) -> dict[str, Any]:
    states = ("EVConnected", "Charging", "SuspendedEV")
    triggers = ("Authorized", "ChargingStateChanged", "RemoteStop", "UnlockCommand", "RemoteStart")
    info = {
        "transactionId": walk.one(TRANSACTIONS),
        **walk.some(chargingState_=states, stoppedReason_=("Remote", "Local")),
    }
    if walk.rng.random() < 0.3:
        info["remoteStartId"] = walk.one(11, 12)
    told = {"eventType": walk.one("Started", "Started", "Updated", "Updated", "Ended"), "timestamp": walk.one(TIMES)}
    place = {"id": walk.one(1, 1, 2), **walk.some(connectorId_=(1, 2))}
    more = walk.some(offline_=(True, False), evse_=(place,), idToken_=(_card(walk),))
    values = {"meterValue": _values_201(walk)} if walk.rng.random() < 0.4 else {}
    return {
        **told,
        "triggerReason": walk.one(triggers),
        "seqNo": walk.one(range(5)),
        "transactionInfo": info,
        **more,
        **values,
    }


def said_201(walk: Draw) -> tuple[str, dict[str, Any]]:
    action = walk.one(
        *["TransactionEvent"] * 9, *["StatusNotification"] * 3, *["MeterValues"] * 2,
        "Authorize", "BootNotification", "Heartbeat", "DataTransfer", "NotifyReport", "SecurityEventNotification",
    )  # fmt: skip
    place, words = {"evseId": walk.one(0, 1, 1, 2), "connectorId": walk.one(0, 1, 1, 2)}, ("Available", "Occupied")
    match action:
        case "TransactionEvent":
            return action, _transaction(walk)
        case "StatusNotification":
            return action, {"timestamp": walk.one(TIMES), "connectorStatus": walk.one(words), **place}
        case "MeterValues":
            return action, {"evseId": walk.one(0, 1, 2), "meterValue": _values_201(walk)}
        case "Authorize":
            return action, {"idToken": _card(walk)}
        case "BootNotification":
            return action, walk.boot()
        case "DataTransfer":
            return action, {"vendorId": "v"}
        case "NotifyReport":
            return action, {"requestId": 1, "generatedAt": TIMES[0], "seqNo": walk.one(0, 1)}
        case "SecurityEventNotification":
            return action, {"type": "Tamper", "timestamp": walk.one(TIMES)}
    return action, {}


def asked_201(walk: Draw) -> tuple[str, dict[str, Any]]:
    evse, token = walk.one(1, 1, 2, 3), {"idToken": walk.one(TOKENS), "type": walk.one("ISO14443", "Central")}
    start = {"evseId": evse, "idToken": token, **walk.some(remoteStartId_=(11, 12))}
    return walk.one(
        ("RequestStartTransaction", start),
        ("RequestStartTransaction", start),
        ("RequestStopTransaction", {"transactionId": walk.one(TRANSACTIONS)}),
        ("UnlockConnector", {"evseId": evse, "connectorId": walk.one(1, 2)}),
        ("Reset", {"type": walk.one("Immediate", "OnIdle"), **walk.some(evseId_=(1, 2))}),
        ("ChangeAvailability", {"operationalStatus": "Operative", **walk.some(evse_=({"id": evse},))}),
        ("ReserveNow", {"id": 7, "expiryDateTime": TIMES[1], "idToken": token, **walk.some(evseId_=(1, 2))}),
        ("TriggerMessage", {"requestedMessage": walk.one("Heartbeat", "SignChargingStationCertificate")}),
        ("GetLocalListVersion", {}),
        ("ClearCache", {"odd": 1}),
    )
