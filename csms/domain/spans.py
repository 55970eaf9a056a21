"""A set of numbers as runs without a gap: those of a transaction's messages, mostly a single run."""

from __future__ import annotations

SPANS_KEPT = 64
"""Runs that are kept, the newest."""

Spans = tuple[tuple[int, int], ...]
"""Runs from a first to a last number, in order, with a gap between any two."""


def includes(spans: Spans, number: int) -> bool:
    """Whether a number is in the set."""
    return any(first <= number <= last for first, last in spans)


def including(spans: Spans, number: int) -> Spans:
    """Return the runs with one more number."""
    if spans and spans[-1][1] + 1 == number:  # nearly always
        return (*spans[:-1], (spans[-1][0], number))
    joined: list[tuple[int, int]] = []
    for first, last in sorted((*spans, (number, number))):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined[-SPANS_KEPT:])
