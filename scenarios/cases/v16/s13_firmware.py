"""Firmware updates and diagnostics (1.6 sections 5.9, 5.19)."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.cases.language import PRESENT, Answered, In, Item, Never, Ref, Say, one_of
from interlock.scenarios.cases.v16._words import BOOTS, ask, csms, in_order, order, station, tell, tell_status

_PROFILE = "FirmwareManagement"
_UPDATE, _LOG = "FirmwareStatusNotification", "DiagnosticsStatusNotification"


def _update(location: str) -> tuple[Item, ...]:
    return ask("UpdateFirmware", {"location": Ref(location), "retrieveDate": In(0)}, {})


def _upload(location: str) -> tuple[Item, ...]:
    return ask("GetDiagnostics", {"location": Ref(location)}, {})


def _told(action: str, *words: str) -> tuple[Item, ...]:
    return tuple(item for word in words for item in tell(action, {"status": word}))


def _case(id: str, title: str, *script: Item, server: bool = True, clause: str = "5.19") -> Any:
    features = ("firmware", "file_server") if server else ("firmware",)
    return station(id, title, clause, *script, profile=_PROFILE, features=features)


def _of_csms(id: str, title: str, *script: Item, clause: str = "5.19") -> Any:
    return csms(id, title, clause, *script, profile=_PROFILE, features=("firmware",))


_ASKED = order(
    "UpdateFirmware", {"location": Ref("firmware"), "retrieveDate": In(0)}, {},
    fields={"location": PRESENT, "retrieveDate": PRESENT},
)  # fmt: skip
_ASKED_LOG = order(
    "GetDiagnostics", {"location": Ref("location")}, {"fileName": "log.txt"}, fields={"location": PRESENT}
)

CASES = (
    _case(
        "TC_044_1_CS", "Firmware is updated",
        *_update("firmware"), *in_order(_UPDATE, "Downloading", "Downloaded", "Installing", "Installed"),
    ),
    _case(
        "TC_044_2_CS", "Firmware cannot be downloaded",
        *_update("bad_location"), *in_order(_UPDATE, "Downloading", "DownloadFailed", optional=("Downloading",)),
        Never(_UPDATE, {"status": one_of("Installing", "Downloaded", "Installed")}),
        server=False,
    ),
    _case(
        "TC_044_3_CS", "Firmware cannot be installed",
        *_update("bad_firmware"),
        *in_order(
            _UPDATE, "Downloading", "Downloaded", "Installing", "InstallationFailed", optional=("Installing",)
        ),
    ),
    _case(
        "TC_045_1_CS", "Diagnostics are uploaded",
        Say("GetDiagnostics", {"location": Ref("location")}),
        Answered("GetDiagnostics", {"fileName": PRESENT}, level="should"), Answered("GetDiagnostics", {}),
        *in_order(_LOG, "Uploading", "Uploaded"),
        clause="5.9",
    ),
    _case(
        "TC_045_2_CS", "Diagnostics cannot be uploaded",
        *_upload("bad_location"), *in_order(_LOG, "Uploading", "UploadFailed", optional=("Uploading",)),
        Never(_LOG, {"status": "Uploaded"}),
        server=False, clause="5.9",
    ),
    _of_csms(
        "TC_044_1_CSMS", "Firmware is updated", *_ASKED, *_told(_UPDATE, "Downloading", "Downloaded"),
        *tell_status("Unavailable"), *_told(_UPDATE, "Installing"), *BOOTS, *tell_status("Available"),
        *_told(_UPDATE, "Installed"),
    ),
    _of_csms(
        "TC_044_2_CSMS", "Firmware cannot be downloaded", *_ASKED, *_told(_UPDATE, "Downloading", "DownloadFailed"),
    ),
    _of_csms(
        "TC_044_3_CSMS", "Firmware cannot be installed", *_ASKED, *_told(_UPDATE, "Downloading", "Downloaded"),
        *tell_status("Unavailable"), *_told(_UPDATE, "Installing"), *BOOTS, *tell_status("Available"),
        *_told(_UPDATE, "InstallationFailed"),
    ),
    _of_csms(
        "TC_045_1_CSMS", "Diagnostics are uploaded", *_ASKED_LOG, *_told(_LOG, "Uploading", "Uploaded"), clause="5.9",
    ),
    _of_csms(
        "TC_045_2_CSMS", "Diagnostics cannot be uploaded", *_ASKED_LOG, *_told(_LOG, "Uploading", "UploadFailed"),
        clause="5.9",
    ),
)  # fmt: skip
