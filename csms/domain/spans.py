"""Numbers that were seen, as stretches without a gap: the messages of a transaction, mostly one stretch."""

from __future__ import annotations

SPANS_KEPT = 64
"""Stretches that are remembered, the newest."""

Spans = tuple[tuple[int, int], ...]
"""Stretches from a first to a last number, in order, with a gap between any two."""


def includes(spans: Spans, number: int) -> bool:
    """Tell whether a number was seen."""
    return any(first <= number <= last for first, last in spans)


def including(spans: Spans, number: int) -> Spans:
    """Return the stretches with one more number."""
    if spans and spans[-1][1] + 1 == number:  # nearly always
        return (*spans[:-1], (spans[-1][0], number))
    joined: list[tuple[int, int]] = []
    for first, last in sorted((*spans, (number, number))):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined[-SPANS_KEPT:])
