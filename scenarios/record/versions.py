"""Which OCPP version a record means, however it spells it."""

from __future__ import annotations

import re
from typing import Literal

from interlock.scenarios.record.frames import Frame

Version = Literal["1.6", "2.0.1", "2.1"]

VERSIONS: tuple[Version, ...] = ("1.6", "2.0.1", "2.1")
_SPELT: dict[str, Version] = {"16": "1.6", "160": "1.6", "201": "2.0.1", "21": "2.1", "210": "2.1"}
_DIGITS = re.compile(r"(\d)[\s._-]*(\d)(?:[\s._-]*(\d))?(?!\d)")
_ONLY_16 = frozenset(("StartTransaction", "StopTransaction", "RemoteStartTransaction", "RemoteStopTransaction"))
_ONLY_2 = frozenset(("TransactionEvent", "NotifyReport", "RequestStartTransaction", "RequestStopTransaction"))
_ONLY_2 |= {"GetVariables", "SetVariables", "GetBaseReport", "NotifyEvent"}


def names(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


def spelt(text: str) -> Version | None:
    """Return the version a text names (`OCPP-1.6J`, `ocpp16`, `v2.0.1`, `2.1`), None for one that is not known here."""
    found = _DIGITS.search(text)
    return _SPELT.get("".join(part for part in found.groups() if part)) if found else None


def shown_by(frame: Frame) -> Version | None:
    """Return the version that a CALL can only be of, None where it could be any."""
    if frame.action in _ONLY_16:
        return "1.6"
    if frame.action in _ONLY_2:
        return "2.0.1"
    if frame.action == "BootNotification":
        return "2.0.1" if frame.field("chargingStation") else "1.6" if frame.field("chargePointVendor") else None
    return None
