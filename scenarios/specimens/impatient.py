"""A doubt is given up at the deadline.

Stations were seen to answer after a minute. What is unknown by then was only late, and the connector is free while its
lock still moves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Impatient(Csms):
    """Has no time for what comes late."""

    def __init__(self, *args: Any, **named: Any) -> None:
        name, store, clock, ids, settings, *rest = args
        super().__init__(name, store, clock, ids, replace(settings, lateness_s=0.0), *rest, **named)


SPECIMEN = Specimen(
    name="impatient",
    title="gives a doubt up at the deadline",
    csms=Impatient,
    caught_by="I39",
    scenario="answer-lost",
)
