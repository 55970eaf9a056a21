"""What cannot be read is refused, and nobody is told.

The station hears that it was refused; in the log there is nothing of it, and a dispute cannot be looked into.
"""

from __future__ import annotations

from typing import Any

from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class OddFramesVanish(Csms):
    """Notes no anomaly."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.handler.noted.anomaly = _nothing  # type: ignore[method-assign]


async def _nothing(station: str, what: str, why: str, detail: str, action: str = "") -> None:
    """Note nothing."""


SPECIMEN = Specimen(
    name="odd-frames-vanish",
    title="keeps no trace of the messages that it refused",
    csms=OddFramesVanish,
    caught_by="I41",
    scenario="odd-frames",
)
