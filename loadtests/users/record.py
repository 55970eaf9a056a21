"""What one process of a load test records, and how the records of all of them become one run directory.

Each process writes a part as it goes. A worker sends its part to the master when its users have stopped; the master
waits for all of them, merges them by time, asks the CSMS what became of the commands, judges, and writes `run.json`,
`history.jsonl` and `verdict.json`. A part that is missing is said to be: what is not known must not look right.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from interlock.loadtests.users import ask_records, figures
from interlock.loadtests.users.control import Control
from interlock.loadtests.users.figures import Figures
from interlock.loadtests.users.gevent_link import Access, tls_options
from interlock.loadtests.users.shapes import shape_of
from interlock.scenarios.judge import ledger_checks, thresholds, wire
from interlock.scenarios.judge.foreign_run import crowd
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Finding, Verdict, document
from interlock.scenarios.record import openmetrics
from interlock.scenarios.record.history import FILE, line
from interlock.scenarios.record.recorder import Recorder, observations
from interlock.scenarios.record.run_file import RunFile, write_run, write_verdict
from interlock.simulator.network.address import parse

CHUNK = 512 * 1024
"""Bytes of a part that one message carries."""
PARTS = "parts"
HIDDEN = ("password", "headers", "began", "reproduce")
"""What of a plan is no part of what was run, or nobody's business."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, as every process is told. `began` is the Unix time of second 0."""

    url: str
    shape: str
    users: int
    rate: float
    seconds: float
    seed: int
    out: str
    prefix: str
    id_tag: str
    connectors: int
    began: float
    commands: float
    control: str
    password: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    insecure: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    ids: Sequence[str] = ()
    """The stations that the CSMS knows; made of the prefix and numbers where there are none."""
    reproduce: str = ""
    load_shape: str = ""
    """The shape as JSON; the built-in one called `shape` where this is empty."""
    fail_if: Sequence[str] = ()
    """Bounds, as `thresholds.parse` reads them."""


class Record:
    """Of one process, the `index`th."""

    def __init__(self, plan: Plan, index: int, folder: Path, refused: Callable[[str], None]) -> None:
        self.plan, self.index, self.folder = plan, index, folder
        # Counted on the monotonic clock from here on, so that time never runs backwards.
        self._offset = time.time() - plan.began - time.monotonic()
        self._recorder = Recorder(self.now, folder)
        self.observe = self._recorder.observe
        address = parse(plan.url)
        tls = tls_options(plan.ca, plan.cert, plan.key, insecure=plan.insecure) if address.secure else {}
        self.access = Access(address, self._note, plan.password or None, tls, headers_too=plan.headers)
        self.behind_s = 0.0
        self.shape = shape_of(plan.load_shape, plan.shape)
        self.figures = Figures(plan.seconds)
        self.hurried = False
        """Whether the run was interrupted, so that its users have little time to leave."""
        self._stations = 0
        self._refused = refused
        self._open = True
        self.observe = self._note
        self.observe("phase", name="running")

    def now(self) -> float:
        """Return the second of the run."""
        return max(0.0, time.monotonic() + self._offset)

    def stopping(self) -> None:
        """Note that the users are about to be stopped: before the time of the run is over, they have to be quick."""
        self.hurried = is_cut_short(self.plan, self.now())

    def new_station_id(self) -> str:
        """Name the next station of this process."""
        self._stations += 1
        return self._station_id(self._stations)

    def station_ids(self) -> list[str]:
        """Return the ids of the stations of this process."""
        return [self._station_id(number) for number in range(1, self._stations + 1)]

    def _station_id(self, number: int) -> str:
        if self.plan.ids:
            return self.plan.ids[(number - 1) % len(self.plan.ids)]
        return f"{self.plan.prefix}{self.index:02d}-{number:05d}"

    def _note(self, kind: str, **fields: Any) -> None:
        if self._open:
            self._recorder.observe(kind, **fields)

    def cost(
        self,
        environment: Any,
        kind: str,
        name: str,
        answer_s: float,
        due_s: float,
        length: int,
        error: Exception | None,
    ) -> None:
        """Count a call that is over, here and in Locust, whose response times count from when calls were due."""
        if self._open:
            self.figures.add(kind, name, self.now(), answer_s, due_s, None if error is None else str(error))
        environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=1000.0 * due_s,
            response_length=length,
            exception=error,
            context={},
        )

    def broke(self, error: BaseException) -> None:
        """Note that a station of ours broke: of this run nothing is known."""
        self.observe("world.failed", error=f"{type(error).__name__}: {error}"[:300])

    def dialled(self, why: str | None) -> None:
        """Take note of how a dial went; when the very first ones are refused there is no sense in going on."""
        if why is not None and self.access.opened == 0 and self.access.refusals.total() <= 3:
            self._refused(why)

    def alone(self) -> bool:
        """Tell whether nobody was ever let in."""
        return self.access.opened == 0

    def end(self) -> dict[str, Any]:
        """Close the part and say what is in it."""
        if self._open:
            self._open = False
            self._recorder.end()
            self._recorder.__exit__(None, None, None)
        return {
            "index": self.index,
            "stations": self._stations,
            "opened": self.access.opened,
            "refusals": dict(self.access.refusals.most_common(5)),
            "behind_s": round(self.behind_s, 4),
            "observations": self._recorder.count,
            "figures": self.figures.as_json(),
        }

    def chunks(self) -> Iterator[bytes]:
        """Return the part piece by piece, compressed."""
        with open(self._recorder.path, "rb") as file:
            while data := file.read(CHUNK):
                yield zlib.compress(data, 1)


class Parts:
    """The parts of all processes, in the master or in the one process there is."""

    def __init__(self, out: Path) -> None:
        self.folder = out / PARTS
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._files: dict[int, BinaryIO] = {}
        self.done: dict[int, dict[str, Any]] = {}
        """What each process said of its part, by its index."""

    def take(self, index: int, data: bytes) -> None:
        """Take a piece of a worker's part."""
        if index not in self._files:
            folder = self.of(index)
            folder.mkdir(parents=True, exist_ok=True)
            self._files[index] = open(folder / FILE, "wb")  # noqa: SIM115 - closed by `finish`
        self._files[index].write(zlib.decompress(data))

    def finish(self, summary: dict[str, Any]) -> None:
        """Take note that a part is complete."""
        file = self._files.pop(summary["index"], None)
        if file is not None:
            file.close()
        self.done[summary["index"]] = summary

    def of(self, index: int) -> Path:
        """Return where the part of a process is."""
        return self.folder / f"process-{index}"


def merge(
    parts: list[Path], path: Path, more: Callable[[Path], Iterator[tuple[str, dict[str, Any]]]]
) -> tuple[str, int]:
    """Write the observations of all parts to `path` in the order of time; return the digest and the count.

    `more` is shown what was written and says what else was found out, at the end of the run.
    """
    digest, count, last = hashlib.sha256(), 0, 0.0
    with open(path, "wb") as file:

        def put(text: bytes) -> None:
            nonlocal count
            digest.update(text)
            file.write(text)
            count += 1

        for t, text in heapq.merge(*map(_lines, parts), key=lambda one: one[0]):
            put(b'{"i":%d%b' % (count, text))
            last = max(last, t)
        file.flush()
        for kind, fields in more(path):
            put(line(count, last, kind, fields))
        put(line(count, last, "end", {"count": count}))
    return digest.hexdigest(), count


def _lines(path: Path) -> Iterator[tuple[float, bytes]]:
    """Iterate over (second, the line from its time on) of a part, without its end."""
    with open(path, "rb") as file:
        for text in file:
            start = text.index(b',"t":')
            stop = text.index(b",", start + 5)
            if text.startswith(b',"kind":"end"', stop):
                return
            yield float(text[start + 5 : stop]), text[start:]


def is_cut_short(plan: Plan, took_s: float | None) -> bool:
    """Tell whether a run of `took_s` seconds was stopped before its time. One without a time never is."""
    return took_s is not None and took_s < 0.95 * plan.seconds


def interrupted(plan: Plan, took_s: float | None) -> Finding | None:
    """Say that a run was not let come to its end: what it would have shown is not known. None: it was."""
    if not is_cut_short(plan, took_s):
        return None
    why = f"interrupted after {took_s:.0f} of {plan.seconds:g} s"
    return Finding("L06", "the run came to its end", "BOOKKEEPING", Verdict.INCONCLUSIVE, 0, why, needed=True)


def finish(
    plan: Plan, parts: Parts, expected: int, control: Control | None, took_s: float | None = None
) -> dict[str, Any]:
    """Merge, ask, judge, write; return the summary. `took_s`: how long it ran, where that was to be `plan.seconds`."""
    out = Path(plan.out)
    files = [parts.of(index) / FILE for index in sorted(parts.done)]
    asked = ledger_checks.Answers()

    def more(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        if control is not None:
            yield from ask_records.ask(path, control, asked, hurried=is_cut_short(plan, took_s))

    digest, count = merge(files, out / FILE, more)
    stations = sum(one["stations"] for one in parts.done.values())
    about = write_run(out, _about(plan, parts, stations).as_json(), digest, count)
    hidden = {one.id: (one.name, one.level) for one in INVARIANTS.values()}
    began = datetime.fromtimestamp(plan.began, UTC)
    findings = wire.judge(observations(out / FILE), hidden, stations, began=began)
    missing = expected - len(parts.done)
    cut = interrupted(plan, took_s)
    judged = ledger_checks.judge(observations(out / FILE), asked, missing, cut=cut is not None)
    split = len(findings) - len(hidden)
    judged += crowd(observations(out / FILE), about, count)
    calls = figures.write(out, [one["figures"] for one in parts.done.values()])
    bounds = thresholds.judge(map(thresholds.parse, plan.fail_if), calls)
    own = [*([cut] if cut else []), *bounds]
    findings = [*own, *ledger_checks.settle([*findings[:split], *judged, *findings[split:]])]
    verdict = document(about, findings)
    write_verdict(out, verdict)
    (out / "metrics.txt").write_text(openmetrics.text(calls, verdict["verdict"]), "utf-8")
    shutil.rmtree(parts.folder, ignore_errors=True)
    summary = {
        "schema": 1,
        "verdict": verdict["verdict"],
        "interrupted": cut is not None,
        "failed": [one["id"] for one in verdict["invariants"] if one["verdict"] in ("FAIL", "ERROR")],
        "stations": stations,
        "processes": len(parts.done),
        "connects": sum(one["opened"] for one in parts.done.values()),
        "behind_ms": round(1000 * max((one["behind_s"] for one in parts.done.values()), default=0.0), 1),
        "commands": asked.commands,
        "not_asked": asked.cut,
        "observations": count,
        "run": str(out),
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", "utf-8")
    return summary


def _about(plan: Plan, parts: Parts, stations: int) -> RunFile:
    spec = {name: value for name, value in asdict(plan).items() if name not in HIDDEN}
    spec["load_shape"] = shape_of(plan.load_shape, plan.shape).as_json()
    spec["began"] = datetime.fromtimestamp(plan.began, UTC).isoformat()
    done = [parts.done[index] for index in sorted(parts.done)]
    spec["processes"] = [{name: value for name, value in one.items() if name != "figures"} for one in done]
    return RunFile(
        scenario=f"load-{plan.shape}",
        title=f"Load: {stations} stations against {plan.url}, shape {plan.shape}",
        csms=parse(plan.url).place,
        seed=plan.seed,
        spec=spec,
        rules={"recorded": "all", "seen_from": "station", "fleet": stations},
        reproduce=plan.reproduce,
    )
