"""Messages of OCPP 2.0.1 read in the words of 1.6, so that what is asked of a session is written once.

A TransactionEvent is a start, a reading or a stop; its transaction is named by the station, in the answer to a start
as in the CALL. An EVSE is a connector. Frames that have no like in 1.6 stay as they are.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from interlock.scenarios.record.frames import CALLRESULT, Frame

Payload = dict[str, Any]
KINDS = {"Started": "StartTransaction", "Updated": "MeterValues", "Ended": "StopTransaction"}
CONTEXTS = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}
REGISTER = "Energy.Active.Import.Register"


def called(frame: Frame) -> Frame:
    """Return a CALL of a station in the words of 1.6."""
    payload: Payload = frame.payload
    token, evse = payload.get("idToken"), payload.get("evse")
    found: Payload = {}
    if isinstance(token, dict):
        found = {"idTag": token.get("idToken"), "idTagType": token.get("type")}
    found |= {"timestamp": payload["timestamp"]} if "timestamp" in payload else {}
    if frame.action == "Authorize":
        return replace(frame, payload=found)
    if frame.action == "StatusNotification":
        place = {"connectorId": payload.get("evseId"), "status": payload.get("connectorStatus")}
        return replace(frame, payload={**found, **place})
    kind, info = payload.get("eventType"), payload.get("transactionInfo")
    if frame.action != "TransactionEvent" or kind not in KINDS or not isinstance(info, dict):
        return frame
    found |= {"transactionId": info.get("transactionId"), "seqNo": payload.get("seqNo")}
    if isinstance(evse, dict):
        found["connectorId"] = evse.get("id")
    if kind in CONTEXTS:
        found["meterStart" if kind == "Started" else "meterStop"] = register_wh(payload, CONTEXTS[kind])
    return replace(frame, action=KINDS[kind], payload=found)


def answered(frame: Frame, call: Frame) -> Frame:
    """Return the answer to a CALL in the words of 1.6; `call` is in them."""
    if frame.kind != CALLRESULT or not isinstance(frame.payload, dict):
        return frame
    found = dict(frame.payload)
    if "idTokenInfo" in found:
        info = found["idTagInfo"] = found.pop("idTokenInfo")
        if isinstance(info, dict) and "cacheExpiryDateTime" in info:
            found["idTagInfo"] = {**info, "expiryDate": info["cacheExpiryDateTime"]}
    if call.action == "StartTransaction":
        found["transactionId"] = call.field("transactionId")
    return replace(frame, payload=found)


def register_wh(payload: Payload, context: str) -> float | int | None:
    """Return the meter's register in an event's readings, in Wh: that of this context, else the only one there is.

    Phases, and readings taken elsewhere than at the outlet, are not the register.
    """
    of_context: list[float] = []
    others: list[float] = []
    for value in payload.get("meterValue") or ():
        for one in value.get("sampledValue") or () if isinstance(value, dict) else ():
            wh = _wh(one) if isinstance(one, dict) else None
            if wh is not None:
                (of_context if one.get("context") == context else others).append(wh)
    if not of_context and len(others) != 1:
        return None
    wh = round((of_context or others)[-1], 3)
    return int(wh) if wh == int(wh) else wh


def _wh(one: Payload) -> float | None:
    """Return a sample of the register in Wh; None where it is of something else."""
    number, unit = one.get("value"), one.get("unitOfMeasure")
    elsewhere = "phase" in one or one.get("location", "Outlet") != "Outlet"
    if elsewhere or one.get("measurand", REGISTER) != REGISTER or not isinstance(number, int | float):
        return None
    unit = unit if isinstance(unit, dict) else {}
    return float(number * 10.0 ** int(unit.get("multiplier", 0)) * (1000 if unit.get("unit") == "kWh" else 1))
