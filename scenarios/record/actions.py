"""The actions of each OCPP version, and which of them stations request: by the file names of the `ocpp` package."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from interlock.scenarios.record.versions import Version, names

FOLDERS: dict[Version, tuple[str, str]] = {"1.6": ("v16", ""), "2.0.1": ("v201", "Request"), "2.1": ("v21", "Request")}
"""Where the schemas of a version are, and what a request's file name ends in."""

FROM_STATION: dict[Version, frozenset[str]] = {
    "1.6": names(
        "Authorize BootNotification DataTransfer DiagnosticsStatusNotification FirmwareStatusNotification "
        "Heartbeat LogStatusNotification MeterValues SecurityEventNotification SignCertificate "
        "SignedFirmwareStatusNotification StartTransaction StatusNotification StopTransaction"
    ),
    "2.0.1": names(
        "Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification "
        "Get15118EVCertificate GetCertificateStatus Heartbeat LogStatusNotification MeterValues "
        "NotifyChargingLimit NotifyCustomerInformation NotifyDisplayMessages NotifyEVChargingNeeds "
        "NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport "
        "PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate "
        "SecurityEventNotification SignCertificate StatusNotification TransactionEvent"
    ),
}
"""Actions that stations request; DataTransfer goes both ways, everything else is the CSMS's."""


@cache
def schema_folder(version: Version) -> Path:
    """Return the folder of a version's JSON schemas in the `ocpp` package."""
    found = importlib.util.find_spec("ocpp")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the ocpp package, whose JSON schemas are used, is not installed")
    return Path(found.submodule_search_locations[0]) / FOLDERS[version][0] / "schemas"


@cache
def actions(version: Version) -> frozenset[str]:
    """Return every action a version knows, in either direction."""
    end = FOLDERS[version][1]
    names = (path.stem for path in schema_folder(version).glob("*.json") if not path.stem.endswith("Response"))
    return frozenset(name.removesuffix(end) for name in names)
