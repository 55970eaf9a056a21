"""Configuration keys: read, changed, refused (1.6 sections 5.3, 5.8, 9.1)."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.cases.language import ABSENT, PRESENT, Some, Where, one_of
from interlock.scenarios.cases.v16._words import ask, csms, order, station

_WRITABLE = (
    "ClockAlignedDataInterval", "ConnectionTimeOut", "HeartbeatInterval", "LocalAuthorizeOffline",
    "LocalPreAuthorize", "MeterValuesAlignedData", "MeterValuesSampledData", "MeterValueSampleInterval",
    "ResetRetries", "StopTransactionOnInvalidId", "StopTxnAlignedData", "StopTxnSampledData",
    "TransactionMessageAttempts", "TransactionMessageRetryInterval",
)  # fmt: skip
_EITHER = (
    "AuthorizeRemoteTxRequests", "ConnectorPhaseRotation", "StopTransactionOnEVSideDisconnect",
    "UnlockConnectorOnEVSideDisconnect",
)  # fmt: skip
_READONLY = ("GetConfigurationMaxKeys", "NumberOfConnectors", "SupportedFeatureProfiles")
"""The keys every station has, by whether they may be changed (section 9.1)."""


def _complete(keys: Any) -> bool:
    readonly = {one["key"]: one["readonly"] for one in keys}
    return (
        all(readonly.get(name) is False for name in _WRITABLE)
        and all(name in readonly for name in _EITHER)
        and all(readonly.get(name) is True for name in _READONLY)
    )


def _keys(*, without: str | None = None) -> list[dict[str, Any]]:
    names = [name for name in (*_WRITABLE, *_EITHER, *_READONLY) if name != without]
    return [{"key": name, "readonly": name in _READONLY, "value": "1"} for name in names]


_ALL = Where("every required key with its accessibility", _complete, _keys(), _keys(without="ResetRetries"))
_PROFILES = "SupportedFeatureProfiles"
_INTERVAL = "MeterValueSampleInterval"
_REFUSED = ("PropertyConstraintViolation", "TypeConstraintViolation", "FormationViolation")

CASES = (
    station(
        "TC_019_CS", "Configuration is read", "5.8",
        *ask("GetConfiguration", {"key": [_PROFILES]}, {
            "configurationKey": Some({"key": _PROFILES, "value": PRESENT}),
            "unknownKey": one_of(ABSENT, []),
        }),
        *ask("GetConfiguration", {}, {"configurationKey": _ALL}),
    ),
    station(
        "TC_021_CS", "Configuration is changed", "5.3",
        *ask("ChangeConfiguration", {"key": _INTERVAL, "value": "{sample}"}),
        *ask("GetConfiguration", {"key": [_INTERVAL]}, {
            "configurationKey": Some({"key": _INTERVAL, "value": "{sample}"}),
        }),
        writable=(_INTERVAL,),
    ),
    station(
        "TC_040_1_CS", "An unknown key", "5.3",
        *ask("ChangeConfiguration", {"key": "NoSuchKey", "value": "1"}, {"status": "NotSupported"}),
    ),
    station(
        "TC_040_2_CS", "A value that cannot be", "5.3",
        *ask("ChangeConfiguration", {"key": _INTERVAL, "value": "-1"}, {"status": "Rejected"}, errors=_REFUSED),
    ),
    csms(
        "TC_019_1_CSMS", "All keys are read", "5.8",
        *order("GetConfiguration", {}, {"configurationKey": _keys()}, fields={"key": one_of(ABSENT, [])}),
    ),
    csms(
        "TC_019_2_CSMS", "One key is read", "5.8",
        *order("GetConfiguration", {"key": [_PROFILES]}, {
            "configurationKey": [{"key": _PROFILES, "readonly": True, "value": "Core"}],
        }),
    ),
    csms("TC_021_CSMS", "A key is changed", "5.3", *order("ChangeConfiguration", {"key": _INTERVAL, "value": "60"})),
    csms(
        "TC_040_1_CSMS", "An unknown key", "5.3",
        *order("ChangeConfiguration", {"key": "NoSuchKey", "value": "1"}, {"status": "NotSupported"}),
    ),
    csms(
        "TC_040_2_CSMS", "A value that cannot be", "5.3",
        *order("ChangeConfiguration", {"key": _INTERVAL, "value": "-1"}, {"status": "Rejected"}),
    ),
)  # fmt: skip
