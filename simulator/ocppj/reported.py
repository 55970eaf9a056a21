"""One status that a station reports, and the last report of it that the CSMS acknowledged."""

from __future__ import annotations


class Reported:
    """A status of the station, an EVSE or a connector: a word and, where the version has one, an error code."""

    __slots__ = ("acknowledged", "connector", "error_code", "evse", "queued", "status")

    def __init__(self, evse: int, connector: int, status: str, error_code: str) -> None:
        self.evse, self.connector = evse, connector
        """Whose it is; 0 and 0: the station's."""
        self.status, self.error_code = status, error_code
        self.acknowledged: tuple[str, str] | None = None
        """The status and error code the CSMS has acknowledged last."""
        self.queued = 0
        """Reports of it that have no answer yet."""

    @property
    def now(self) -> tuple[str, str]:
        """The status and error code there are."""
        return self.status, self.error_code
