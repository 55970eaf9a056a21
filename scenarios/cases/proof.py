"""Proof that cases detect faults and accept correct peers: every mutant of a good run fails, every variation passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.scenarios.cases.exemplar import Seen, compose
from interlock.scenarios.cases.language import Case, Expectation, Ref, Say, Sent
from interlock.scenarios.cases.mutants import Met, mutants
from interlock.scenarios.cases.variations import variations
from interlock.scenarios.judge import cases as judged
from interlock.scenarios.judge.exchange import EDGES


@dataclass(slots=True)
class Proved:
    """The verdicts on the mutants and variations of one case."""

    case: str
    good: judged.Outcome
    mutants: int = 0
    variations: int = 0
    surviving: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every mutant fails and every variation passes."""
        return self.good.word is judged.Word.PASS and not self.surviving and not self.failing and self.mutants > 0


def prove(case: Case, rows: Sequence[Seen] | None = None) -> Proved:
    """Prove a case on a good run: one that was recorded, or the one its own value describes."""
    good_rows = list(rows) if rows is not None else compose(case)
    good = judged.judge(good_rows, case)
    proved = Proved(case.id, good)
    if good.word is not judged.Word.PASS:
        return proved
    met = _met(good_rows, case, good)
    theirs = EDGES[case.role][0]
    for name, level, mutant in mutants(good_rows, case, met, theirs):
        proved.mutants += 1
        word = judged.judge(mutant, case).word
        softly = level == "should" or case.level == "should"
        if word is not judged.Word.FAIL and not (softly and word is judged.Word.PARTIAL):
            proved.surviving.append(f"{name}: {word.name}")
    for name, variation in variations(good_rows, case, met, theirs):
        proved.variations += 1
        found = judged.judge(variation, case)
        if found.word is not judged.Word.PASS:
            proved.failing.append(f"{name}: {found.word.name} {found.reason}")
    return proved


def _met(rows: Sequence[Seen], case: Case, good: judged.Outcome) -> list[Met]:
    begun: dict[str, Any] = {}
    bound: dict[str, Any] = {}
    for row in rows:
        if row.fields.get("case") == case.id and row.kind in ("case.begun", "case.ready"):
            begun = row.fields if row.kind == "case.begun" else begun
            bound = row.fields["bound"] if row.kind == "case.ready" else bound
    facts = judged.facts_of(begun)
    found = []
    known = set(bound)
    for looked in good.looked:
        item = case.script[looked.number]
        known |= {name for one in case.script[: looked.number] for name in _refs(one)}
        when = getattr(item, "when", None)
        if looked.state == "met" and isinstance(item, Expectation) and (when is None or facts.holds(when)):
            frames = tuple(frame.i for frame in looked.frames)
            found.append(Met(item, frames, looked.since, looked.deadline, good.bound, frozenset(known)))
    return found


def _refs(item: object) -> Iterable[str]:
    """Return the Refs an item of a script binds."""
    if isinstance(item, Sent):
        values = [*item.fields.values(), *item.given.values()]
    elif isinstance(item, Say):
        values = list(item.payload.values())
    else:
        values = list(getattr(item, "fields", {}).values())
    for value in values:
        if isinstance(value, Ref):
            yield value.name
