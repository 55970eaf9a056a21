"""`interlock judge`: judge what was recorded elsewhere, or judge a run again."""

from __future__ import annotations

import json
import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.scenarios.judge import wire as outside
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.invariants import judge as judge_from_inside
from interlock.scenarios.judge.verdict import Finding, Verdict, document
from interlock.scenarios.judge.wire_checks import CHECKS
from interlock.scenarios.record import trace
from interlock.scenarios.record.domain_view import EPOCH
from interlock.scenarios.record.history import History
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.runner import Job, Outcome, versions, write


def judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A trace (JSON lines), or a run directory.")],
    out: Annotated[Path | None, typer.Option(help="Keep it here as a run directory, for `report`.")] = None,
    write_trace: Annotated[
        Path | None, typer.Option("--write", help="Write it here as a trace for other tools.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
    case: Annotated[list[str] | None, typer.Option("--case", help="Judge these conformance cases on it.")] = None,
) -> None:
    """Judge a recorded exchange: a trace in the Open OCPP Trace format, or a run directory of ours.

    A trace of another tool is judged by what the CSMS said; one that we wrote by all that the run was judged by.
    """
    history, skipped, ocpp = _read(file)
    if not case and str(history.run.get("scenario", "")).startswith("check-"):
        case = list(dict.fromkeys(str(seen["case"]) for seen in history.of("case.begun")))
    if case:
        from interlock.scenarios.cli.judge_cases import judge_cases

        raise typer.Exit(judge_cases(history, case, as_json=as_json, quiet=quiet))
    about, findings = _judged(file, history, ocpp)
    verdict = document(about, findings)
    history.run = about
    if write_trace is not None:
        began = about.get("spec", {}).get("began") if isinstance(about.get("spec"), dict) else None
        trace.write(history.rows(), write_trace, began=datetime.fromisoformat(began) if began else EPOCH, run=about)
    if out is not None:
        write(Outcome(Job(about["scenario"], 0), verdict, about, history), out)
    if as_json:
        typer.echo(json.dumps(verdict, indent=1, sort_keys=True))
    else:
        _show(file, history, verdict, skipped, out, quiet=quiet)
    raise typer.Exit(Verdict[verdict["verdict"]].exit_code)


def _read(file: Path) -> tuple[History, int, set[str]]:
    """Return the history, how many records were of no use, and the OCPP versions it names."""
    if file.is_dir():
        return History.read(file), 0, {"1.6"}
    try:
        found = trace.read(file)
    except trace.NotATrace as error:
        raise Refused(str(error), UNTOLD) from None
    return found.history(), found.skipped, found.ocpp


def _judged(file: Path, history: History, ocpp: set[str]) -> tuple[dict[str, Any], list[Finding]]:
    """Return what run.json says of it, and the findings."""
    about = dict(history.run)
    if about and about.get("rules", {}).get("seen_from") != "station":
        return about, judge_from_inside(history)
    hidden = {one.id: (one.name, one.level) for one in INVARIANTS.values()}
    findings = outside.judge(history.observations, hidden, about.get("rules", {}).get("fleet"))
    other = sorted(version for version in ocpp if not version.lower().removeprefix("ocpp").startswith("1.6"))
    if other:
        reason = f"the trace is of OCPP {', '.join(other)[:60]}"
        findings = [
            Finding(one.id, one.name, one.level, Verdict.NOT_APPLICABLE, 0, reason)
            if one.id in CHECKS and CHECKS[one.id].dialect
            else one
            for one in findings
        ]
    if about:
        return about, findings
    return {
        "schema": 1,
        "scenario": file.name,
        "title": f"A trace: {file.name}",
        "csms": "recorded",
        "seed": 0,
        "spec": {},
        "drawn": {},
        "versions": versions(),
        "rules": {"recorded": "all", "seen_from": "station"},
        "reproduce": shlex.join(["interlock", "judge", str(file)]),
    }, findings


def _show(
    file: Path, history: History, verdict: dict[str, Any], skipped: int, out: Path | None, *, quiet: bool
) -> None:
    from interlock import reports

    if not quiet:
        typer.echo(reports.text(verdict, history.as_json()))
    frames = len(history.of("frame"))
    held = sum(one["verdict"] == "PASS" for one in verdict["invariants"])
    stations = len({seen["station"] for seen in history.of("frame")})
    aside = f", {skipped} records of SOAP left out" if skipped else ""
    kept = f"   run: {out}" if out is not None else ""
    typer.echo(
        f"{verdict['verdict']}: {held} checks held over {frames} frames of {stations} "
        f"station{'s' * (stations != 1)} in {file}{aside}{kept}"
    )
