"""A station's deviations on the wire from usual behaviour, as one frozen value: some legal, some not.

A campaign draws such values; every deviation that breaks a rule is recorded (`deviated`) when it happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Deviations:
    """Shares are probabilities, from 0 to 1. A deviation with share 0 consumes no random number."""

    late: float = 0.0
    """Share of answers that come `late_s` after the effect, whatever the order was."""
    late_s: tuple[float, float] = (35.0, 90.0)
    twice: float = 0.0
    """Share of answers that are sent twice."""
    crossed: float = 0.0
    """Share of answers that are sent under the id of the order before, and then under their own."""
    error_first: float = 0.0
    """Share of orders that are answered with a CALLERROR and not carried out."""
    error_after: float = 0.0
    """Share of orders that are carried out and answered with a CALLERROR all the same."""
    broken: float = 0.0
    """Share of answers whose payload breaks its schema."""
    energy_unit: Literal["Wh", "kWh"] = "Wh"
    """The unit of energy in meter values; legal."""
    vendor_fields: bool = False
    """Whether messages carry the vendor's own fields, where the version has a place for them; legal."""
    seq_no_runs_on: bool = False
    """Whether the events of an EVSE are numbered through all its transactions, not from 0 in each (2.0.1); legal."""
    statuses_shuffled: bool = False
    """Whether statuses that are due together are reported in any order; legal."""


USUAL = Deviations()
