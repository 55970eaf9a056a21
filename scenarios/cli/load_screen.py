"""What a terminal shows of a load test."""

from __future__ import annotations

import importlib.metadata
import json
import math
import time as wall
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

EVERY_S = 5.0
"""Between lines of progress."""


class Screen:
    """The lines of one load test."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._told = -math.inf
        self._read = 0
        self._judged: dict[str, Any] | None = None

    def line(self, text: str) -> None:
        """Say something."""
        if not self.quiet:
            print(f"  {text}", flush=True)

    def begin(
        self, url: str, control: str, users: int, shape: str, seconds: float, seed: int, *, ours: bool, page: int | None
    ) -> None:
        """Say what is about to happen."""
        if not self.quiet:
            version = importlib.metadata.version("ocpp-interlock")
            one = "station" if users == 1 else "stations"
            print(f"interlock {version}   {users} {one}, {shape}   seed {seed}   {seconds:g} s")
            self.line(url + (" (ours, started for this)" if ours else ""))
            if control:
                self.line(f"operators at {control}")
        if page is not None:
            print(f"  http://127.0.0.1:{page} shows it, and its verdict; Ctrl-C ends", flush=True)

    def judged(self, path: Path) -> None:
        """Tell each verdict as it comes, of a run that may be started again in the web interface."""
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return
        if found != self._judged:
            self._judged = found
            self.line(f"{found['verdict']}: judged; Ctrl-C ends, or start another run in the web interface")

    def look(self, said: Path, ours: str) -> None:
        """Show how it goes, now and then."""
        if self.quiet or wall.monotonic() - self._told < EVERY_S:
            return
        last = None
        with said.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if line.startswith(b'{"progress"') and line.endswith(b"\n"):
                    last = json.loads(line)["progress"]
            self._read = file.tell()
        if last is None:
            return
        self._told = wall.monotonic()
        self.line(
            f"{last['users']:>6} at work   {last['rps']:>7} requests/s   p95 {last['p95'] or 0:.0f} ms   "
            f"{last['requests']} done, {last['failures']} failed{ours}"
        )

    def end(
        self, out: Path, summary: dict[str, Any], table: list[dict[str, Any]], page: Path, changed: Iterable[str]
    ) -> None:
        """Say how fast it was and whether it was right."""
        document = json.loads((out / "verdict.json").read_text("utf-8"))
        if not self.quiet:
            print()
            for text in (*_table(table), f"this side was up to {summary['behind_ms']:.0f} ms late", ""):
                print(f"  {text}".rstrip())
            for text in (*_findings(document, summary), *changed):
                print(f"  {text}")
        failed = f" {', '.join(summary['failed'])}" if summary["failed"] else ""
        total = next((row for row in table if row["name"] == "all"), {"calls": 0})
        one = "station" if summary["stations"] == 1 else "stations"
        print(
            f"{summary['verdict']}:{failed} {summary['stations']} {one}, {_count(total['calls'], 'call')}, "
            f"{_count(summary['commands'], 'command')}   run: {out}   report: {page}"
        )


def _table(table: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what calls cost: to the answer since they were sent, and since they were due."""
    yield f"{'':<30}{'':>7}{'':>7}{'answer, ms':>16}{'from due, ms':>17}"
    yield f"{'':<30}{'calls':>7}{'failed':>7}{'p50':>8}{'p95':>8}{'p50':>9}{'p95':>8}"
    for row in table:
        times = [row[figure][name] for figure in ("answer", "due") for name in ("p50_ms", "p95_ms")]
        shown = "".join(f"{time:>{width}.1f}" for time, width in zip(times, (8, 8, 9, 8), strict=True))
        yield f"{row['type']:<5}{row['name'][:24]:<25}{row['calls']:>7}{row['failed']:>7}{shown}"


def _findings(document: dict[str, Any], summary: dict[str, Any]) -> Iterator[str]:
    """Yield what did not hold, what could not be told, and how much did hold."""
    from interlock.reports.run import clean

    if summary["not_asked"]:
        yield f"{summary['not_asked']} commands and stations too many to ask for: they were judged by the wire"
    for one in document["invariants"]:
        if one["verdict"] in ("FAIL", "ERROR", "INCONCLUSIVE"):
            first = one["violations"][0] if one["violations"] else {"message": one["reason"], "found": ""}
            told = clean(": ".join(part for part in (first["message"], first["found"]) if part))
            more = f" (and {len(one['violations']) - 1} more)" if len(one["violations"]) > 1 else ""
            yield f"{one['verdict']:<13}{one['id']} {one['name']}: {told}{more}"
    held = [one for one in document["invariants"] if one["verdict"] == "PASS"]
    yield f"{_count(len(held), 'check')} held ({_count(sum(one['checked'] for one in held), 'thing')} looked at)"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
