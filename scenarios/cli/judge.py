"""`interlock judge`: judge what was recorded elsewhere, or judge a run again."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from interlock.scenarios.cli.judge_cases import judge_cases
from interlock.scenarios.cli.places import check_file, check_folder
from interlock.scenarios.judge import fleet_checks, foreign_run, ledger_checks, wire
from interlock.scenarios.judge.foreign_run import MOST_ROWS, crowd
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.invariants import judge as judge_from_inside
from interlock.scenarios.judge.verdict import Finding, Verdict, document
from interlock.scenarios.judge.wire import About, Judgement
from interlock.scenarios.record import trace
from interlock.scenarios.record.domain_view import EPOCH, Observation, Row
from interlock.scenarios.record.history import FILE, History, run_of, stream
from interlock.scenarios.record.recorder import Recorder
from interlock.scenarios.record.run_file import RunFile, write_run, write_verdict
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.runner import Job, Outcome, uncollected, write

SHOWN_BEFORE, SHOWN_BEHIND = 60, 20
"""Observations kept around what a violation points at, to show what led there."""
WHOLE = 20_000
"""Observations that are kept to be shown; of a longer record only those around violations."""


def judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A trace or log, or a run directory.")],
    about: Annotated[str, typer.Option(help="Who is judged: station, csms or both.")] = "both",
    out: Annotated[Path | None, typer.Option(help="Keep it here as a run directory, for `report`.")] = None,
    write_trace: Annotated[
        Path | None, typer.Option("--write", help="Write it here as a trace for other tools.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
    case: Annotated[list[str] | None, typer.Option("--case", help="Judge these conformance cases on it.")] = None,
) -> None:
    """Judge a recorded exchange: a trace in the Open OCPP Trace format, a log with frames, or a run directory of ours.

    What another tool recorded, and what a fleet saw, is judged by what both sides said, in bounded memory; what we
    recorded beside the CSMS's log by all that the run was judged by, all of it in memory.
    Read are JSON lines, one JSON array, lists of frames, log lines of the `ocpp` package and tables, plain or gzipped.
    """
    if about not in get_args(About):
        raise Refused(f"--about is station, csms or both, not {about!r}")
    side: About = about  # type: ignore[assignment]
    if file.is_dir() and not (file / "run.json").exists():
        raise Refused(f"{file} is no run directory, for it has no run.json; give one, or a trace or log", UNTOLD)
    if out is not None:
        check_folder("--out", out)
    check_file("--write", write_trace)
    try:
        if (found := _of_cases(file, case or [])) is not None:
            history, cases = found
            raise typer.Exit(judge_cases(history, cases, as_json=as_json, quiet=quiet))
        with uncollected():
            inside = _from_inside(file)
            verdict = _inside(inside, out, write_trace) if inside is not None else None
        rows: list[dict[str, Any]] = []
        if verdict is None:
            verdict, rows, last = _outside(file, side, out, write_trace)
        else:
            assert inside is not None
            if any(one["violations"] for one in verdict["invariants"]):
                rows = inside.as_json()  # to show what led there
            last = _last(len(inside.of("frame")), len({seen["station"] for seen in inside.of("frame")}), file, [])
    except trace.NotATrace as error:
        raise Refused(str(error), UNTOLD) from None
    if as_json:
        typer.echo(json.dumps(verdict, indent=1, sort_keys=True))
    else:
        _show(verdict, rows, last, out, quiet=quiet)
    raise typer.Exit(Verdict[verdict["verdict"]].exit_code)


def _of_cases(file: Path, case: list[str]) -> tuple[History, list[str]] | None:
    """Return the history to judge conformance cases on, and which: those asked for, or those of a check's own run."""
    if not case and not file.is_dir():
        return None
    if not case and not str(run_of(file).get("scenario", "")).startswith("check-"):
        return None
    history = History.read(file) if file.is_dir() else trace.read(file).history()
    if not case:
        case = list(dict.fromkeys(str(seen["case"]) for seen in history.of("case.begun")))
    return (history, case) if case else None


# --- what we recorded with the CSMS's own log ------------------------------------------------------------------------


def _from_inside(file: Path) -> History | None:
    """Return the history of a run that is judged by its log; None for what was seen from the stations only."""
    if file.is_dir():
        seen_from = run_of(file).get("rules", {}).get("seen_from")
        return None if seen_from == "station" else History.read(file)
    recorded = trace.Stream(file)
    for _ in recorded:
        break
    if recorded.run is None or recorded.run.get("rules", {}).get("seen_from") == "station":
        return None
    return trace.read(file).history()


def _inside(history: History, out: Path | None, write_trace: Path | None) -> dict[str, Any]:
    run = dict(history.run)
    if history.rules.get("seen_from") == "outside":
        verdict = foreign_run.document(run, foreign_run.judge(history))
    else:
        verdict = document(run, judge_from_inside(history))
    if write_trace is not None:
        trace.write(history.rows(), write_trace, began=_began(run) or EPOCH, run=run)
    if out is not None:
        write(Outcome(Job(run["scenario"], 0), verdict, run, history), out)
    return verdict


def _began(run: dict[str, Any]) -> datetime | None:
    spec = run.get("spec")
    text = spec.get("began") if isinstance(spec, dict) else None
    return datetime.fromisoformat(text) if isinstance(text, str) else None


# --- what was seen from the stations ---------------------------------------------------------------------------------


class _Source:
    """Rows of a record that can be gone through more than once, none of them kept."""

    def __init__(self, file: Path) -> None:
        self.stream = None if file.is_dir() else trace.Stream(file)
        self._file = file
        self.run: dict[str, Any] = run_of(file) if file.is_dir() else {}

    def rows(self) -> Iterable[Row]:
        """Iterate over the rows."""
        if self._file.is_dir():
            yield from (row for row in stream(self._file / FILE, self.run) if row[1] != "end")
            return
        self.stream = recorded = trace.Stream(self._file)
        yield from recorded
        self.run = dict(recorded.run or {})


def _outside(
    file: Path, about: About, out: Path | None, write_trace: Path | None
) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    source = _Source(file)
    rows = source.rows()
    first = next(iter(rows_ := iter(rows)), None)
    recorded = source.stream
    if first is None:
        raise recorded.nothing() if recorded is not None else trace.NotATrace(f"{file} holds no message")
    run = dict(source.run or (recorded.run if recorded is not None else None) or {})
    fleet = run.get("rules", {}).get("fleet")
    work = Judgement("csms" if fleet is not None else about, _began(run))
    facts = fleet_checks.Facts()
    count = 0
    for count, (t, kind, fields) in enumerate(_chain(first, rows_), 1):
        seen = Observation(count - 1, round(t, 6), kind, fields)
        work.see(seen)
        if fleet is not None:
            facts.see(seen)
    findings = work.findings()
    if fleet is not None:
        findings = fleet_checks.complete(_of_load(source, run) + findings + _of_crowd(source, run), work, facts, run)
    findings += wire.hidden({one.id: (one.name, one.level) for one in INVARIANTS.values()})
    run = run or _described(file, about)
    if out is not None:
        run = _keep(source.rows(), run, out)
    if write_trace is not None:
        trace.write(source.rows(), write_trace, began=_began(run) or EPOCH, run=run)
    verdict = document(run, findings)
    if out is not None:
        write_verdict(out, verdict)
    shown, findings = _around(source, findings, count)
    last = _last(work.frames, work.stations, file, [*_notes(work), *_aside(source)])
    if count > WHOLE:
        return {**verdict, "invariants": document(run, findings)["invariants"]}, shown, last
    return verdict, shown, last


def _of_load(source: _Source, run: dict[str, Any]) -> list[Finding]:
    """Return what the checks of a load test say, where it was one."""
    if not str(run.get("scenario")).startswith("load-"):
        return []
    seen = [Observation(i, round(t, 6), kind, fields) for i, (t, kind, fields) in enumerate(source.rows())]
    known = any(one.kind in ("command.state", "csms.transaction") for one in seen)
    return ledger_checks.judge(seen, ledger_checks.Answers(known=known), 0)


def _of_crowd(source: _Source, run: dict[str, Any]) -> list[Finding]:
    """Return what a fleet's or a load test's stations and operators were told beside the wire, in OCPP 1.6."""
    if any(one != "1.6" for one in run.get("spec", {}).get("ocpp", ("1.6",))):
        return []
    rows = (Observation(i, round(t, 6), kind, fields) for i, (t, kind, fields) in enumerate(source.rows()))
    few = list(itertools.islice(rows, MOST_ROWS + 1))
    return crowd(few, run, len(few))


def _chain(first: Row, rest: Iterable[Row]) -> Iterable[Row]:
    yield first
    yield from rest


def _described(file: Path, about: About) -> dict[str, Any]:
    again = ["interlock", "judge", str(file), *([] if about == "both" else ["--about", about])]
    return RunFile(
        scenario=file.name,
        title=f"A trace: {file.name}",
        csms="recorded",
        seed=0,
        rules={"recorded": "all", "seen_from": "station"},
        reproduce=shlex.join(again),
    ).as_json()


def _keep(rows: Iterable[Row], run: dict[str, Any], out: Path) -> dict[str, Any]:
    """Write a run directory as the rows pass; return what run.json says."""
    now = [0.0]
    with Recorder(lambda: now[0], out) as recorder:
        for now[0], kind, fields in rows:
            recorder.observe(kind, **fields)
        digest = recorder.end()
    return write_run(out, run, digest, recorder.count)


def _around(source: _Source, findings: list[Finding], count: int) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return the observations that are shown, and the findings that point into them."""
    wanted: set[int] | None = None
    if count > WHOLE:
        at = [i for one in findings for violation in one.violations[:1] for i in violation.at]
        wanted = {i for one in at for i in range(one - SHOWN_BEFORE, one + SHOWN_BEHIND)}
    if not any(one.violations for one in findings):
        return [], findings
    kept: list[dict[str, Any]] = []
    place: dict[int, int] = {}
    for i, (t, kind, fields) in enumerate(source.rows()):
        if wanted is None or i in wanted:
            place[i] = len(kept)
            kept.append({"i": len(kept), "t": round(t, 6), "kind": kind, **fields})
    if wanted is None:
        return kept, findings
    return kept, [
        replace(
            one,
            violations=tuple(
                replace(violation, at=tuple(place[i] for i in violation.at if i in place))
                for violation in one.violations
            ),
        )
        for one in findings
    ]


# --- what is said ----------------------------------------------------------------------------------------------------


def _notes(work: Judgement) -> list[str]:
    found = [
        f"{count} frames of OCPP {name[:40]}, which is not known here, were judged by OCPP-J alone"
        for name, count in work.unknown.most_common()
    ]
    if work.assumed:
        shown = ", ".join(sorted(work.taken_as))
        found.append(f"no version is named: judged {f'as OCPP {shown}' if shown else 'by what all have in common'}")
    return found


def _aside(source: _Source) -> list[str]:
    stream, found = source.stream, []
    if stream is not None and stream.skipped:
        found.append(f"{stream.skipped} records of SOAP left out")
    if stream is not None and stream.unplaced:
        found.append(f"{stream.unplaced} messages left out, of which nothing says who sent them")
    return found


def _last(frames: int, stations: int, file: Path, notes: list[str]) -> str:
    aside = "".join(f", {note}" for note in notes)
    return f"over {frames} frames of {stations} station{'s' * (stations != 1)} in {file}{aside}"


def _show(verdict: dict[str, Any], rows: list[dict[str, Any]], last: str, out: Path | None, *, quiet: bool) -> None:
    from interlock import reports

    if not quiet:
        typer.echo(reports.text(verdict, rows))
        for one in verdict["invariants"]:
            if one["verdict"] == "INCONCLUSIVE" and one["id"][0] in "SWF":
                typer.echo(f"  {one['id']} {one['name']}: {one['verdict']}, {one['reason']}")
    held = sum(one["verdict"] == "PASS" for one in verdict["invariants"])
    bad = [one["id"] for one in verdict["invariants"] if one["verdict"] in ("FAIL", "ERROR")]
    broken = f"{', '.join(bad)} did not hold; " if bad else ""
    kept = f"   run: {out}" if out is not None else ""
    typer.echo(f"{verdict['verdict']}: {broken}{held} check{'s' * (held != 1)} held {last}{kept}")
