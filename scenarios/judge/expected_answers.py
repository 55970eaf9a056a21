"""The answers of a CSMS without vendor extensions, certificate authority and smart charging, apart from any dialect.

`broken` returns the rules that a CALL breaks, `fitting` the CALLERROR codes for them, `fixed` the answer to a CALL that
only has to be acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.scenarios.judge.error_codes import ANY, CODES, FITTING
from interlock.scenarios.judge.expected_facts import NOTICES, NOTICES_201
from interlock.scenarios.judge.payloads import schema_rules
from interlock.scenarios.record.versions import Version

VERSION: Mapping[str, Version] = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1"}
"""The version of each subprotocol whose answers are known here."""
Payload = dict[str, Any]

_UNKNOWN_VENDOR: Payload = {"status": "UnknownVendorId"}
_REJECTED: Payload = {"status": "Rejected"}
_FIXED: Mapping[str, Mapping[str, Payload]] = {
    "ocpp1.6": {
        **{name: {} for name in (*NOTICES, "StatusNotification", "MeterValues")},
        "SignCertificate": _REJECTED,
        "DataTransfer": _UNKNOWN_VENDOR,
    },
    "ocpp2.0.1": {
        **{name: {} for name in (*NOTICES_201, "StatusNotification", "MeterValues", "NotifyEvent")},
        "SignCertificate": _REJECTED,
        "GetCertificateStatus": {"status": "Failed"},
        "Get15118EVCertificate": {"status": "Failed", "exiResponse": ""},
        "NotifyEVChargingNeeds": _REJECTED,
        "NotifyEVChargingSchedule": {"status": "Accepted"},
        "DataTransfer": _UNKNOWN_VENDOR,
    },
}


def fixed(action: str, subprotocol: str) -> Payload | None:
    """Return the payload that answers an action whatever its content; None where it depends on that."""
    return _FIXED.get(subprotocol, {}).get(action)


def broken(action: str, payload: Any, subprotocol: str) -> frozenset[str]:
    """Return the rules of the schema that a station's CALL breaks; none for a version that is not known here.

    Rules that stand only in the text of the standard are left out: both accepting and refusing are right there.
    """
    version = VERSION.get(subprotocol)
    if version is None:
        return frozenset()
    return schema_rules(version, action, payload, "station")


def fitting(rules: frozenset[str], subprotocol: str) -> frozenset[str]:
    """Return the CALLERROR codes that may refuse a CALL which breaks these rules."""
    if "action" in rules:
        return frozenset({"NotImplemented"})
    if "direction" in rules:
        return frozenset({"NotSupported"})
    found = frozenset[str]()
    for rule in rules:
        found |= FITTING.get(rule, frozenset({"PropertyConstraintViolation"}) | ANY)
        if rule in ("additionalProperties", "format"):
            found |= ANY
    return found & CODES[VERSION[subprotocol]]
