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
ANY = names(
    "FormationViolation FormatViolation GenericError InternalError ProtocolError SecurityError RpcFrameworkError"
)
"""Codes that name no rule, or may stand for any."""
_OCCURRENCE = names("OccurenceConstraintViolation OccurrenceConstraintViolation")
_PROPERTY = names("PropertyConstraintViolation")
_TYPE = names("TypeConstraintViolation")
FITTING: dict[str, frozenset[str]] = {
    "action": names("NotImplemented NotSupported"),
    "direction": names("NotImplemented NotSupported"),
    "required": _OCCURRENCE,
    "minItems": _OCCURRENCE,
    "maxItems": _OCCURRENCE,
    "additionalProperties": _OCCURRENCE | _PROPERTY | _TYPE,
    "type": _TYPE,
    "format": _TYPE | _PROPERTY,
}
"""The codes that fit each rule; for a rule that is not listed, those of a wrong property value."""


def fits(rule: str, code: str) -> bool:
    """Whether a code may refuse a request that breaks a rule."""
    if rule in ("action", "direction"):
        return code in FITTING[rule] or code in ANY
    return code in ANY or code in FITTING.get(rule, _PROPERTY | _TYPE)
