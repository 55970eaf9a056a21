"""The `--ocpp` option that several commands share."""

from __future__ import annotations

from enum import StrEnum

from interlock.scenarios.spec import VERSIONS
from interlock.simulator.spec import OcppVersion


class Spoken(StrEnum):
    """What a user may ask for."""

    V16 = "1.6"
    V201 = "2.0.1"
    BOTH = "both"


def asked(choice: Spoken | None) -> tuple[OcppVersion, ...]:
    """Return the versions asked for, the oldest first; none if the user did not say."""
    return tuple(one for one in VERSIONS if choice in (Spoken.BOTH, one))
