"""`interlock judge FILE --case ID`: conformance cases on anybody's recording."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer

from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.language import Case
from interlock.scenarios.judge.cases import Outcome, Word, judge
from interlock.scenarios.record.history import History
from interlock.scenarios.refused import Refused, on_one_line


def judge_cases(history: History, ids: Sequence[str], *, as_json: bool, quiet: bool) -> int:
    """Judge cases on a recording, for each of its stations that did them; return the exit code."""
    found = []
    for name in ids:
        wanted = catalogue.chosen("station", [name]) + catalogue.chosen("csms", [name])
        if not wanted:
            raise Refused(f"there is no case {name!r}; `interlock list cases` shows them")
        found += [_worst(history, case) for case in wanted]
    if as_json:
        typer.echo(json.dumps([_shown(one) for one in found], indent=1))
    else:
        for one in found:
            typer.echo(f"{one.word.name}: {one.case}" + (f": {one.reason}" if one.reason else ""))
            for looked in () if quiet else one.looked:
                typer.echo(f"  {looked.state:<8}{looked.words}" + (f": {looked.why}" if looked.why else ""))
                for frame in looked.frames:
                    typer.echo(f"          {frame.t:9.3f} s  {on_one_line(frame.text, 300)}")
    words = [one.word for one in found if one.word is not Word.NOT_APPLICABLE]
    return max(words).exit_code if words else 3


def _worst(history: History, case: Case) -> Outcome:
    """Return the worst verdict among the stations of which the recording tells something of the case."""
    stations = dict.fromkeys(str(seen["station"]) for seen in history.of("frame"))
    outcomes = [judge(history.observations, case, station) for station in stations]
    told = [one for one in outcomes if one.word is not Word.NOT_APPLICABLE]
    if told:
        return max(told, key=lambda one: one.word)
    return outcomes[0] if outcomes else Outcome(case.id, Word.NOT_APPLICABLE, "the recording holds no frame")


def _shown(one: Outcome) -> dict[str, object]:
    return {
        "case": one.case,
        "verdict": one.word.name,
        "reason": one.reason,
        "looked": [
            {"words": look.words, "state": look.state, "why": look.why, "frames": [frame.text for frame in look.frames]}
            for look in one.looked
        ],
    }
