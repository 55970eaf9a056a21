"""Names drawn from the system's random numbers.

The same seed gives another history each time: what a search found cannot be shown to anybody.
"""

from __future__ import annotations

import secrets
from typing import Any

from interlock.csms.clock import Ids
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Unseeded(Ids):
    """Names nobody can draw again."""

    def event_id(self) -> str:
        """Name an attempt to append an event."""
        return secrets.token_hex(8)


class RandomNames(Csms):
    """Has such names."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.ids.__class__ = Unseeded


SPECIMEN = Specimen(
    name="random-names",
    title="draws names from the system's random numbers and not from the seed",
    csms=RandomNames,
    caught_by="I25",
    scenario="heartbeat-vs-unlock",
    seen_in="uuid4, wherever it is called deep inside",
)
