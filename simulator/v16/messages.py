"""The payloads a station sends in OCPP 1.6, as JSON text, and the schemas of what it receives.

The payloads are written out by hand, for speed and because a station must be able to send what a schema forbids.
"""

from __future__ import annotations

from collections.abc import Sequence

import jsonschema_rs
import msgspec

from interlock.simulator.ocppj.outbox import Entry
from interlock.simulator.ocppj.schemas import Schemas, Spelling
from interlock.simulator.session import EndReason, Reading, Session

SUBPROTOCOL = "ocpp1.6"

_encode = msgspec.json.Encoder().encode

SCHEMAS = Schemas(
    "v16",
    "",
    jsonschema_rs.Draft4Validator,
    Spelling(
        malformed_call="FormationViolation",
        unknown_type=None,
        unreadable="FormationViolation",
        by_keyword={
            "required": "OccurenceConstraintViolation",
            "minItems": "OccurenceConstraintViolation",
            "type": "TypeConstraintViolation",
            "enum": "PropertyConstraintViolation",
            "maxLength": "PropertyConstraintViolation",
            "multipleOf": "PropertyConstraintViolation",
        },
    ),
)

ERROR_CODES = (
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "NoError",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "WeakSignal",
)
"""Every errorCode of a StatusNotification (section 7.6)."""


REASONS: dict[EndReason, str] = {
    "local": "Local",
    "remote": "Remote",
    "unplugged": "EVDisconnected",
    "unlock": "UnlockCommand",
    "reset": "SoftReset",
    "hard reset": "HardReset",
    "reboot": "Reboot",
    "power loss": "PowerLoss",
    "deauthorized": "DeAuthorized",
    "other": "Other",
}
"""The reason of a StopTransaction for each way a session ends."""

UNKNOWN_TRANSACTION = -1
"""The transactionId of a stop whose start was never accepted."""


class TransactionEntry(Entry):
    """A message about a session, in the queue without its transactionId.

    That is put in when the message is sent, so a session that began and ended offline has the id its start was
    answered with.
    """

    __slots__ = ("session",)

    def __init__(self, action: str, body: str, session: Session) -> None:
        super().__init__(action, body, durable=True, expendable=action == "MeterValues")
        self.session = session

    def payload(self) -> str:
        """Write the payload with what is known now."""
        known = self.session.transaction_id
        if self.action == "StartTransaction" or (known is None and self.action != "StopTransaction"):
            return self.body
        return of_transaction(self.body, UNKNOWN_TRANSACTION if known is None else known)


def tag_of(body: str) -> str | None:
    """Return the idTag of a payload, or None where it has none."""
    tag: str | None = msgspec.json.decode(body).get("idTag")
    return tag


def _text(value: object) -> str:
    return _encode(value).decode()


def boot(vendor: str, model: str, serial: str, firmware: str, more: dict[str, str] | None = None) -> str:
    """Write a BootNotification; `more` are optional fields."""
    return _text(
        {
            "chargePointVendor": vendor,
            "chargePointModel": model,
            "chargePointSerialNumber": serial,
            "firmwareVersion": firmware,
            **(more or {}),
        }
    )


def status(connector: int, status: str, error_code: str, at: str, vendor: str | None = None) -> str:
    """Write a StatusNotification, with the vendor's own fields if `vendor` is given."""
    own = "" if vendor is None else f',"info":"as ever","vendorId":{_text(vendor)},"vendorErrorCode":"0x00"'
    return f'{{"connectorId":{connector},"errorCode":"{error_code}","status":"{status}","timestamp":"{at}"{own}}}'


def security_event(kind: str, at: str) -> str:
    """Write a SecurityEventNotification."""
    return f'{{"type":"{kind}","timestamp":"{at}"}}'


def authorize(id_tag: str) -> str:
    """Write an Authorize."""
    return f'{{"idTag":{_text(id_tag)}}}'


def start(connector: int, id_tag: str, meter_wh: int, at: str, reservation: int | None = None) -> str:
    """Write a StartTransaction; `reservation` is the one it uses."""
    used = "" if reservation is None else f',"reservationId":{reservation}'
    return f'{{"connectorId":{connector},"idTag":{_text(id_tag)},"meterStart":{meter_wh},"timestamp":"{at}"{used}}}'


def stop(meter_wh: int, at: str, reason: str, id_tag: str | None, samples: Sequence[str] = ()) -> str:
    """Write a StopTransaction without its transactionId, which may not be known yet; `samples` are meter values."""
    by = "" if id_tag is None else f',"idTag":{_text(id_tag)}'
    data = f',"transactionData":[{",".join(samples)}]' if samples else ""
    return f'{{"meterStop":{meter_wh},"timestamp":"{at}","reason":"{reason}"{by}{data}}}'


def meter_values(connector: int, samples: str) -> str:
    """Write MeterValues of one meter value, without a transactionId, which may not be known yet."""
    return f'{{"connectorId":{connector},"meterValue":[{samples}]}}'


def meter_value(at: str, context: str, reading: Reading, unit: str, measurands: Sequence[str]) -> str:
    """Write a meter value of at least one of `MEASURANDS`; `unit` is that of energy, Wh or kWh."""
    energy_wh, power_w, volts = reading
    said = []
    for measurand in measurands:
        match measurand:
            case "Energy.Active.Import.Register":
                value, of = f"{energy_wh}" if unit == "Wh" else f"{energy_wh / 1000:.3f}", unit
            case "Power.Active.Import":
                value, of = f"{power_w:.1f}", "W"
            case _:
                value, of = f"{volts:.1f}", "V"
        said.append(f'{{"value":"{value}","context":"{context}","measurand":"{measurand}","unit":"{of}"}}')
    return f'{{"timestamp":"{at}","sampledValue":[{",".join(said)}]}}'


def of_transaction(body: str, transaction_id: int | str) -> str:
    """Put a transactionId into a StopTransaction or MeterValues."""
    return f'{{"transactionId":{transaction_id},{body[1:]}'
