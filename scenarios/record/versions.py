"""The OCPP version that a record names, in any usual spelling."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from interlock.scenarios.record.frames import Frame

Version = Literal["1.6", "2.0.1", "2.1"]

VERSIONS: tuple[Version, ...] = ("1.6", "2.0.1", "2.1")
_SPELT: dict[str, Version] = {"16": "1.6", "160": "1.6", "201": "2.0.1", "21": "2.1", "210": "2.1"}
NAME_LENGTH = 100
"""Characters of a text within which the name of a version is looked for."""
_DIGITS = re.compile(r"(\d)[\s._-]*(\d)(?:[\s._-]*(\d))?(?!\d)")


def names(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


_ONLY_16 = names(
    """ChangeConfiguration DiagnosticsStatusNotification ExtendedTriggerMessage GetConfiguration GetDiagnostics
    RemoteStartTransaction RemoteStopTransaction SignedFirmwareStatusNotification SignedUpdateFirmware StartTransaction
    StopTransaction"""
)
_ONLY_2 = names(
    """ClearDisplayMessage ClearVariableMonitoring ClearedChargingLimit CostUpdated CustomerInformation
    Get15118EVCertificate GetBaseReport GetCertificateStatus GetChargingProfiles GetDisplayMessages GetMonitoringReport
    GetReport GetTransactionStatus GetVariables NotifyChargingLimit NotifyCustomerInformation NotifyDisplayMessages
    NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport PublishFirmware
    PublishFirmwareStatusNotification ReportChargingProfiles RequestStartTransaction RequestStopTransaction
    ReservationStatusUpdate SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetNetworkProfile
    SetVariableMonitoring SetVariables TransactionEvent UnpublishFirmware"""
)
_MEMBERS: dict[str, tuple[str, str]] = {
    "BootNotification": ("chargePointVendor", "chargingStation"),
    "Authorize": ("idTag", "idToken"),
    "StatusNotification": ("errorCode", "connectorStatus"),
    "MeterValues": ("connectorId", "evseId"),
}
"""What a station sends in every version: a member that it has in 1.6 only, and one that it has since 2.0.1 only."""


def spelt(text: str) -> Version | None:
    """Return the version a text names (`OCPP-1.6J`, `ocpp16`, `v2.0.1`, `2.1`), None for one that is not known here."""
    return _spelt(text[:NAME_LENGTH])


@lru_cache(maxsize=64)
def _spelt(text: str) -> Version | None:
    found = _DIGITS.search(text)
    return _SPELT.get("".join(part for part in found.groups() if part)) if found else None


def shown_by(frame: Frame) -> Version | None:
    """Return the version that a CALL can only be of, None where it could be any."""
    if frame.action in _ONLY_16:
        return "1.6"
    if frame.action in _ONLY_2:
        return "2.0.1"
    if frame.action not in _MEMBERS:
        return None
    old, new = (frame.field(member) is not None for member in _MEMBERS[frame.action])
    return None if old == new else "1.6" if old else "2.0.1"
