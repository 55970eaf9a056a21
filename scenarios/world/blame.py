"""Whether an error is the CSMS's or the harness's, by the file in which it was raised."""

from __future__ import annotations

from pathlib import Path

from interlock import csms
from interlock.scenarios import specimens

ROOMS = tuple(Path(place).resolve() for package in (csms, specimens) for place in package.__path__)
"""The folders of CSMS code: the reference and the specimens."""


def of_the_csms(filename: str) -> bool:
    """Whether a file is part of a CSMS."""
    path = Path(filename).resolve()
    return any(path.is_relative_to(room) for room in ROOMS)
