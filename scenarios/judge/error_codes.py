"""CALLERROR codes of each version, as it spells them: OCPP-J 1.6 section 4.2.3, OCPP 2.0.1 part 4 section 4.3."""

from __future__ import annotations

from interlock.scenarios.record.versions import Version, names

_SHARED = names(
    "GenericError InternalError NotImplemented NotSupported PropertyConstraintViolation ProtocolError SecurityError "
    "TypeConstraintViolation"
)
_NEWER = _SHARED | names("FormatViolation MessageTypeNotSupported OccurrenceConstraintViolation RpcFrameworkError")
CODES: dict[Version, frozenset[str]] = {
    "1.6": _SHARED | names("FormationViolation OccurenceConstraintViolation"),
    "2.0.1": _NEWER,
    "2.1": _NEWER,
}
NEVER_FOR_VALID = names(
    "FormationViolation FormatViolation MessageTypeNotSupported OccurenceConstraintViolation "
    "OccurrenceConstraintViolation PropertyConstraintViolation ProtocolError RpcFrameworkError "
    "TypeConstraintViolation"
)
"""Codes that say that the request was wrong."""
DESCRIPTION_LENGTH = 255
