"""The core of each message of an OCPP 2.0.1 station, and the use case of part 2 that defines it."""

from __future__ import annotations

from interlock.csms.dialects.v201.words import FROM_STATION

_SAMPLED = tuple(
    f"meterValue.sampledValue.{name}"
    for name in (
        *("value", "measurand", "phase", "location", "context"),
        *("unitOfMeasure", "unitOfMeasure.unit", "unitOfMeasure.multiplier"),
    )
)
_DECIDES: dict[str, frozenset[str]] = {
    "BootNotification": frozenset({"chargingStation."}),
    "StatusNotification": frozenset({"evseId", "connectorId", "connectorStatus"}),
    "Authorize": frozenset({"idToken.idToken"}),
    "TransactionEvent": frozenset(
        {
            *("eventType=", "transactionInfo.transactionId", "seqNo?", "evse.id?", "idToken.", "idToken.idToken?"),
            *_SAMPLED,
        }
    ),
    "MeterValues": frozenset({"evseId", "meterValue", *_SAMPLED}),
    "NotifyEvent": frozenset({"eventData", "*."}),
    "FirmwareStatusNotification": frozenset({"status"}),
    "LogStatusNotification": frozenset({"status"}),
    "SecurityEventNotification": frozenset({"type"}),
    "ReservationStatusUpdate": frozenset({"reservationId", "reservationUpdateStatus"}),
}
CORE: dict[str, frozenset[str]] = {action: _DECIDES.get(action, frozenset({"*."})) for action in sorted(FROM_STATION)}
"""For each action of a station, its core (see `lenient`); of a sampled value, all that qualifies its number."""
_CASES = {
    "Authorize": "C01",
    "BootNotification": "B01",
    "ClearedChargingLimit": "K13",
    "DataTransfer": "P01",
    "FirmwareStatusNotification": "L01",
    "Get15118EVCertificate": "M01",
    "GetCertificateStatus": "M06",
    "Heartbeat": "G02",
    "LogStatusNotification": "N01",
    "MeterValues": "J01",
    "NotifyChargingLimit": "K12",
    "NotifyCustomerInformation": "N09",
    "NotifyDisplayMessages": "O03",
    "NotifyEVChargingNeeds": "K15",
    "NotifyEVChargingSchedule": "K15",
    "NotifyEvent": "N07",
    "NotifyMonitoringReport": "N02",
    "NotifyReport": "B07",
    "PublishFirmwareStatusNotification": "L03",
    "ReportChargingProfiles": "K09",
    "ReservationStatusUpdate": "H04",
    "SecurityEventNotification": "A04",
    "SignCertificate": "A02",
    "StatusNotification": "G01",
    "TransactionEvent": "E01 to E15",
}
CLAUSES = {action: f"OCPP 2.0.1 {case}" for action, case in _CASES.items()}
"""The use case that defines each."""
