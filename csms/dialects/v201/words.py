"""What OCPP 2.0.1 fixes in tables: schemas, error codes, and which side sends what."""

from __future__ import annotations

from interlock.csms.dialects.schemas import Schemas
from interlock.csms.ocppj import Codes

SUBPROTOCOL = "ocpp2.0.1"
CODES = Codes(
    not_a_call="RpcFrameworkError", ambiguous="FormatViolation", other_type="MessageTypeNotSupported", no_id="-1"
)
"""Part 4 sections 4.2.3 and 4.3: an id that cannot be read is answered as -1."""
SCHEMAS = Schemas(
    "v201",
    "Request",
    {
        "required": "OccurrenceConstraintViolation",
        "minItems": "OccurrenceConstraintViolation",
        "maxItems": "OccurrenceConstraintViolation",
        "type": "TypeConstraintViolation",
        "enum": "PropertyConstraintViolation",
        "maxLength": "PropertyConstraintViolation",
        "minLength": "PropertyConstraintViolation",
        "minimum": "PropertyConstraintViolation",
        "maximum": "PropertyConstraintViolation",
    },
    "FormatViolation",
    {
        "TransactionEvent": {
            "seqNo": {"minimum": 0},
            "evse.id": {"minimum": 0},
            "transactionInfo.transactionId": {"minLength": 1},
        },
        "StatusNotification": {"evseId": {"minimum": 0}, "connectorId": {"minimum": 0}},
        "MeterValues": {"evseId": {"minimum": 0}},
    },
)
NOT_DONE = frozenset(
    {
        "NotImplemented",
        "NotSupported",
        "MessageTypeNotSupported",
        "FormatViolation",
        "FormationViolation",
        "TypeConstraintViolation",
        "PropertyConstraintViolation",
        "OccurrenceConstraintViolation",
        "OccurenceConstraintViolation",
        "SecurityError",
    }
)
"""Errors about the message itself, raised before anything is done; stations send the 1.6 spellings, too. Not here are
InternalError, GenericError, ProtocolError and RpcFrameworkError, which leave open how far the station got."""

FROM_STATION = frozenset(
    {
        "Authorize",
        "BootNotification",
        "ClearedChargingLimit",
        "DataTransfer",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyReport",
        "PublishFirmwareStatusNotification",
        "ReportChargingProfiles",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "StatusNotification",
        "TransactionEvent",
    }
)
"""What a station sends; DataTransfer goes both ways."""
REPORTS = frozenset({"NotifyReport", "NotifyMonitoringReport"})
"""Messages that deliver a requested report; allowed also while the registration is Pending."""
FROM_CSMS = (SCHEMAS.actions - FROM_STATION) | {"DataTransfer"}
