"""Rules that are judged in more than one place, from inside and from outside, as one function each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.domain_view import Observation


def opened_twice(
    what: str, connector: int, unlocked: Sequence[Observation], may: int = 1, also: Sequence[Observation] = ()
) -> Iterator[Violation]:
    """A lock opens at most `may` times for what was asked: I02 and L01. `also` is what led there."""
    if len(unlocked) > may:
        moves = ", ".join(f"{seen.t:.3f} s" for seen in unlocked[:10])
        yield Violation(
            what,
            f"at most {'one unlock' if may == 1 else f'{may} unlocks'}",
            f"the lock of connector {connector} was opened {len(unlocked)} times, at {moves}",
            unlocked[0]["station"],
            tuple(sorted({seen.i for seen in (*also, *unlocked)})[-12:]),
        )


def bill_differs(delivered_wh: int, meter_wh: int | None, start_wh: int, stop_wh: int) -> tuple[str, str] | None:
    """Compare a session that ended with the transaction on record: I24 and L04; return what was expected and found.

    `meter_wh` is the register at its end, None where it is not known.
    """
    energy_wh = stop_wh - start_wh
    if energy_wh == delivered_wh and energy_wh >= 0 and meter_wh in (None, stop_wh):
        return None
    at = "" if meter_wh is None else f", meter at {meter_wh} Wh"
    return f"{delivered_wh} Wh{at}", f"{energy_wh} Wh, {stop_wh} Wh"
