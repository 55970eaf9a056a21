"""Whose an error is: by the file in which it was raised."""

from __future__ import annotations

from pathlib import Path

from interlock import csms
from interlock.scenarios import specimens

ROOMS = tuple(Path(place).resolve() for package in (csms, specimens) for place in package.__path__)
"""Where the code of a CSMS is: the reference, and the designs that differ in a part of it."""


def of_the_csms(filename: str) -> bool:
    """Tell whether a file is part of a CSMS."""
    path = Path(filename).resolve()
    return any(path.is_relative_to(room) for room in ROOMS)
