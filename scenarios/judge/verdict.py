"""The five verdicts on a run, and the exit code of each.

The words are ordered, worst last, and merging takes the worst:

==============  =========================================================================  =========
verdict         said of one invariant                                                      exit code
==============  =========================================================================  =========
NOT_APPLICABLE  what it speaks of cannot occur in this run (no unlock was asked for)       0
PASS            it looked at something, and all of it was right                            0
INCONCLUSIVE    what it speaks of was asked for, but the run was cut short of an answer    3
FAIL            it found a violation                                                       1
ERROR           it could not do its work; nothing is known                                 3
==============  =========================================================================  =========

A run is judged by many invariants, most of which find nothing to look at in a small scenario. So one that could not
judge does not change the verdict of a run in which others could:

==============  ============  ====================  ==============
any ERROR       any FAIL      any MUST that PASSed  the run
==============  ============  ====================  ==============
yes             -             -                     ERROR
no              yes           -                     FAIL
no              no            yes                   PASS
no              no            no                    INCONCLUSIVE
==============  ============  ====================  ==============

"Did not look" is never green: nothing to merge is INCONCLUSIVE, and so is a run in which no MUST had anything to see,
and one in which something that is `needed` (stations accepted, sessions told) could not be seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, Literal

Level = Literal["MUST", "SHOULD", "BOOKKEEPING"]
"""MUST: a promise, or a clause of the standard. SHOULD: a bound that is ours. BOOKKEEPING: about the run itself."""

SCHEMA = 1
"""The version of `verdict.json`."""


def as_text(value: Any, length: int = 120) -> str:
    """Return a value as a line of at most `length` characters: texts as they are, `nothing` for None, else JSON."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:length]


class Verdict(IntEnum):
    """Whether it was right. Greater is worse."""

    NOT_APPLICABLE = 0
    PASS = 1
    INCONCLUSIVE = 2
    FAIL = 3
    ERROR = 4

    @property
    def exit_code(self) -> int:
        """What a command line returns for it."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.NOT_APPLICABLE: 0,
    Verdict.PASS: 0,
    Verdict.INCONCLUSIVE: 3,
    Verdict.FAIL: 1,
    Verdict.ERROR: 3,
}


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of several verdicts; of none, INCONCLUSIVE."""
    return max(verdicts, default=Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Violation:
    """A breach. `at` are the observations that led to it; the last is the moment of the breach."""

    message: str
    expected: str
    found: str
    station: str | None = None
    at: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one invariant says about a run: how many things it `checked`, and why it says what it says."""

    id: str
    name: str
    level: Level
    verdict: Verdict
    checked: int = 0
    reason: str | None = None
    violations: tuple[Violation, ...] = ()
    needed: bool = False
    """Whether a run is not green where this one could not tell."""


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Return the verdict of a run, by the second table above."""
    findings = list(findings)
    worst = merge(finding.verdict for finding in findings)
    if worst >= Verdict.FAIL:
        return worst
    if any(finding.needed and finding.verdict is Verdict.INCONCLUSIVE for finding in findings):
        return Verdict.INCONCLUSIVE
    if any(finding.level == "MUST" and finding.verdict is Verdict.PASS for finding in findings):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE


def document(run: Mapping[str, Any], findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what `verdict.json` holds, for the run that `run.json` describes."""
    return {
        "schema": SCHEMA,
        "verdict": verdict_of(findings).name,
        "scenario": run.get("scenario"),
        "csms": run.get("csms"),
        "seed": run.get("seed"),
        "reproduce": run.get("reproduce"),
        "invariants": [_shown(finding) for finding in findings],
    }


def _shown(finding: Finding) -> dict[str, Any]:
    shown = asdict(finding)
    shown["verdict"] = finding.verdict.name
    if not finding.needed:
        del shown["needed"]
    shown["violations"] = [{**violation, "at": list(violation["at"])} for violation in shown["violations"]]
    return shown
