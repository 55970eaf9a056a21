"""Invariants: predicates over a finished history that must hold in every run.

They may import `record` and this room: the history alone, no world, no clock, no live object. They read it with a small
model of their own, written from the promises and not from the CSMS: where the two differ, one of them is wrong.

To add one, write a function with `@invariant` in a module of this package; it is found by walking the package.
"""

from __future__ import annotations

import importlib
import pkgutil

from interlock.scenarios.judge.invariants.campaign import exercise, judge_campaign
from interlock.scenarios.judge.invariants.declare import DECLARED, Invariant
from interlock.scenarios.judge.invariants.run import same_bytes
from interlock.scenarios.judge.verdict import Finding
from interlock.scenarios.record.history import History

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

INVARIANTS: dict[str, Invariant] = dict(sorted(DECLARED.items()))
"""Every invariant by id."""


def judge(history: History) -> list[Finding]:
    """Judge a finished history by every invariant, in the order of their ids, and by those of a user's file."""
    own = [one for id, one in DECLARED.items() if id not in INVARIANTS]
    return [invariant.judge(history) for invariant in (*INVARIANTS.values(), *own)]


__all__ = ["INVARIANTS", "Invariant", "exercise", "judge", "judge_campaign", "same_bytes"]
