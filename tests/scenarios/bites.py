"""Pairs of histories: one that an invariant must flag, and one nearly the same that it must not."""

from __future__ import annotations

from collections.abc import Callable

from interlock.scenarios.record.history import History

Made = Callable[[], History]

BREAKS: list[tuple[str, Made]] = []
"""An invariant, and a history that breaks it."""
HOLDS: list[tuple[str, Made]] = []
"""An invariant, and a history in which it looks at something and finds it right."""


def breaks(*ids: str) -> Callable[[Made], Made]:
    """Say that a history breaks these invariants."""

    def note(made: Made) -> Made:
        BREAKS.extend((id, made) for id in ids)
        return made

    return note


def holds(*ids: str) -> Callable[[Made], Made]:
    """Say that these invariants hold in a history, and have something to look at."""

    def note(made: Made) -> Made:
        HOLDS.extend((id, made) for id in ids)
        return made

    return note
