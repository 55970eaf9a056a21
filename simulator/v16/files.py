"""Files that go to and come from the CSMS: diagnostics, logs, firmware (1.6 sections 5.9, 5.19, 4.4, 4.5).

No file is transferred: whether a server is at a location, and whether firmware can be installed, is set in the
station's description. The status messages, their order and their times are as with real transfers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from interlock.simulator.ocppj.outbox import Entry

if TYPE_CHECKING:
    from interlock.simulator.v16.controller import Controller

_encode = msgspec.json.Encoder().encode
IDLE = "Idle"
POLL_S = 1.0


class Files:
    """Transfers under way. `diagnostics`, `log` and `firmware` are the statuses that a trigger asks for."""

    __slots__ = ("_controller", "_number", "diagnostics", "firmware", "log", "log_request", "signed")

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.diagnostics = self.log = self.firmware = IDLE
        self.log_request: int | None = None
        self.signed: int | None = None
        """The request that the last update of signed firmware was; None for one without a signature."""
        self._number = 0

    def _later(self, then: Callable[[], None], seconds: float | None = None) -> None:
        station = self._controller.station
        station.after(station.spec.transfer_s if seconds is None else seconds, then)

    def _reachable(self, location: str) -> bool:
        return not any(part in location for part in self._controller.station.spec.unreachable)

    # --- what is told ---

    def send_diagnostics(self) -> None:
        """Send the status of the diagnostics upload."""
        self._send("DiagnosticsStatusNotification", self.diagnostics)

    def send_firmware(self) -> None:
        """Send the status of the firmware update."""
        signed = self.signed is not None
        action = "SignedFirmwareStatusNotification" if signed else "FirmwareStatusNotification"
        self._send(action, self.firmware, self.signed)

    def send_log(self) -> None:
        """Send the status of the log upload."""
        self._send("LogStatusNotification", self.log, self.log_request)

    def _send(self, action: str, status: str, request: int | None = None) -> None:
        named = {} if request is None or status == IDLE else {"requestId": request}
        body = _encode({"status": status, **named}).decode()
        self._controller.conversation.queue_on_demand(Entry(action, body))

    # --- uploads ---

    def upload_diagnostics(self, location: str) -> str:
        """Begin to upload diagnostics. Return the file's name."""

        def done() -> None:
            self.diagnostics = "Uploaded" if self._reachable(location) else "UploadFailed"
            self.send_diagnostics()
            self.diagnostics = IDLE

        self.diagnostics = "Uploading"
        self._later(self.send_diagnostics, 0.1)
        self._later(done)
        return self._name("diagnostics")

    def upload_log(self, request: int, location: str) -> tuple[str, str]:
        """Begin to upload a log, in the place of one under way. Return the status word and the file's name."""

        def done() -> None:
            if self.log_request == request:
                self.log = "Uploaded" if self._reachable(location) else "UploadFailure"
                self.send_log()
                self.log = IDLE

        word = "Accepted" if self.log == IDLE else "AcceptedCanceled"
        self.log, self.log_request = "Uploading", request
        self._later(self.send_log, 0.1)
        self._later(done)
        return word, self._name("security")

    def _name(self, what: str) -> str:
        self._number += 1
        return f"{what}-{self._controller.station.station_id}-{self._number}.log"[:255]

    # --- firmware ---

    def update_firmware(self, location: str, in_s: float, request: int | None = None, signature: str = "") -> None:
        """Download firmware when it is time, install it when nobody charges, and boot with it.

        With a `request` it is signed: then it is installed only if its signature fits (security extension, L01).
        """
        self._later(lambda: self._download(location, request, signature), max(0.1, in_s))

    def _download(self, location: str, request: int | None, signature: str) -> None:
        if self.firmware != IDLE:
            return  # one at a time
        self.signed = request
        self._tell_firmware("Downloading")
        self._later(lambda: self._downloaded(location, signature))

    def _downloaded(self, location: str, signature: str) -> None:
        if not self._reachable(location):
            self._tell_firmware("DownloadFailed", over=True)
            return
        self._tell_firmware("Downloaded")
        if self.signed is not None:
            if signature in self._controller.station.spec.wrong_signatures:
                self._tell_firmware("InvalidSignature", over=True)
                self._controller.security_event("InvalidFirmwareSignature")
                return
            self._tell_firmware("SignatureVerified")
        self._install(location)

    def _install(self, location: str) -> None:
        station = self._controller.station
        if any(evse.busy for evse in station.evses):
            self._later(lambda: self._install(location), POLL_S)
            return
        self._tell_firmware("Installing")
        self._later(lambda: self._installed(location))

    def _installed(self, location: str) -> None:
        station = self._controller.station
        broken = any(part in location for part in station.spec.broken_firmware)
        self.firmware = "InstallationFailed" if broken else "Installed"
        if not broken:
            self._controller.firmware_version = location.rsplit("/", 1)[-1][:50] or station.spec.firmware
        station.after(POLL_S, self._booted, survives_reboot=True)
        station.reboot("firmware")

    def _booted(self) -> None:
        """Send the result of the installation, once connected."""
        if self._controller.online:
            if self.firmware == "Installed":
                self._controller.security_event("FirmwareUpdated")
            self._tell_firmware(self.firmware, over=True)
        else:
            self._controller.station.after(POLL_S, self._booted, survives_reboot=True)

    def _tell_firmware(self, status: str, *, over: bool = False) -> None:
        self.firmware = status
        self.send_firmware()
        if over:
            self.firmware = IDLE

    def power_off(self) -> None:
        """Drop what a reboot interrupts; the result of an installation is still sent."""
        self.diagnostics = self.log = IDLE
        if self.firmware not in ("Installed", "InstallationFailed"):
            self.firmware = IDLE
