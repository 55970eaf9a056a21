"""Reads the meter values that a CSMS keeps of the sessions that were told, where its control file says how."""

from __future__ import annotations

from interlock.scenarios.live.race_session import Session
from interlock.scenarios.targets.target import TargetGone

MOST = 150
"""Sessions whose meter values are read."""


async def read_samples(session: Session, told: list[tuple[str, str]]) -> None:
    """Read those of these sessions, each a station and the transaction's id, and note them."""
    target = session.target
    if target is None or not getattr(target, "has_samples", False):
        return
    step = max(1, -(-len(told) // MOST))
    for station, transaction in told[::step]:
        try:
            found = await target.samples(station, transaction)  # type: ignore[attr-defined]
        except TargetGone as error:
            session.observe("control.failed", station=station, why=str(error))
            return
        session.observe("csms.samples", station=station, transaction_id=transaction, samples=found)
