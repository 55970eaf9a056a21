"""`interlock prove --cases`: conformance cases bite, by machine. Case x mutants x killed, variations x passed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.proof import Proved, prove
from interlock.scenarios.cli.places import check_folder
from interlock.scenarios.record.history import History, HistoryDamaged
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.runner import nearest

VARIATIONS = 20
"""Variations every case is to have at least."""


def prove_cases(names: Sequence[str], out: Path, *, as_json: bool, quiet: bool) -> int:
    """Prove cases by id, or all, from their own values or, with run directories, from what was recorded there."""
    runs = [Path(name) for name in names if Path(name).is_dir()]
    ids = [name for name in names if not Path(name).is_dir()]
    known = catalogue.cases()
    for name in ids:
        if name not in known:
            raise Refused(f"there is no case {name!r}{nearest(name, known, 'interlock list cases')}")
    check_folder("--out", out)
    chosen = [known[name] for name in ids] or list(known.values())
    proved = [one for run in runs for one in _recorded(run, ids)] if runs else [prove(case) for case in chosen]
    if not proved:
        raise Refused("no case passed in what was recorded, so there is nothing to prove", UNTOLD)
    document = [_shown(one) for one in proved]
    (out / "cases.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    (out / "cases.md").write_text(_markdown(proved), "utf-8")
    if as_json:
        typer.echo(json.dumps(document, indent=1))
    elif not quiet:
        for one in proved:
            typer.echo("  " + _line(one))
    broken = [one for one in proved if not one.holds]
    if not as_json:
        killed = sum(one.mutants - len(one.surviving) for one in proved)
        passed = sum(one.variations - len(one.failing) for one in proved)
        typer.echo(
            f"{'FAIL' if broken else 'PASS'}: {len(proved)} cases, {killed} of {sum(one.mutants for one in proved)} "
            f"mutants killed, {passed} of {sum(one.variations for one in proved)} variations passed   "
            f"{out / 'cases.md'}"
        )
    return 1 if broken else 0


def _recorded(run: Path, ids: Sequence[str]) -> list[Proved]:
    """Prove each case that passed in a run of `check`, from its own recording."""
    try:
        history = History.read(run)
    except HistoryDamaged as error:
        raise Refused(f"{run} is no readable run directory: {error}", UNTOLD) from None
    return [prove(case, rows) for case, rows in recorded(history) if not ids or case.id in ids]


def recorded(history: History) -> list[tuple[Any, list[Any]]]:
    """Return the cases that passed in a run, each with its part of the recording."""
    from interlock.scenarios.cases.exemplar import Seen
    from interlock.scenarios.judge.cases import Word, judge

    found = []
    rows: list[Seen] = []
    for seen in history.observations:
        if seen.kind == "case.begun":
            rows = []
        rows.append(Seen(len(rows), seen.t, seen.kind, seen.fields))
        if seen.kind == "case.ended":
            case = catalogue.cases().get(str(seen["case"]))
            if case is not None and judge(rows, case).word is Word.PASS:
                found.append((case, rows))
    return found


def _shown(one: Proved) -> dict[str, Any]:
    return {
        "case": one.case,
        "good": one.good.word.name,
        "mutants": one.mutants,
        "surviving": one.surviving,
        "variations": one.variations,
        "failing": one.failing,
    }


def _line(one: Proved) -> str:
    line = f"{one.case:<16}{one.mutants - len(one.surviving):>4} of {one.mutants:>3} mutants killed"
    line += f"{one.variations - len(one.failing):>5} of {one.variations:>3} variations passed"
    if one.good.word.name != "PASS":
        line += f"   its good run is {one.good.word.name}: {one.good.reason[:120]}"
    return (
        line
        + "".join(f"\n      survives  {name}" for name in one.surviving)
        + "".join(f"\n      fails     {name}" for name in one.failing)
    )


def _markdown(proved: Sequence[Proved]) -> str:
    lines = ["# Conformance cases: mutants and variations", ""]
    lines += ["| case | mutants | killed | variations | passed |", "|---|---:|---:|---:|---:|"]
    for one in proved:
        killed, passed = one.mutants - len(one.surviving), one.variations - len(one.failing)
        lines.append(f"| {one.case} | {one.mutants} | {killed} | {one.variations} | {passed} |")
    return "\n".join(lines) + "\n"
