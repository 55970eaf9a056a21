"""The lines that `interlock serve` prints about its stations, and the run directory it writes with `--record`.

Both only observe: a subclass of the CSMS's connection reports frames, and the server its refusals. The record has the
form of a fleet's, seen from the CSMS's end, so `judge`, `report` and `explain` read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interlock.csms.node import Csms
from interlock.scenarios.judge import wire
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import document
from interlock.scenarios.record.recorder import Recorder, observations
from interlock.scenarios.record.run_file import RunFile, write_run, write_verdict
from interlock.scenarios.refused import Refused, on_one_line

FORMATS = ("text", "json")
MOST_A_SECOND = 20
"""Lines of the console in a second: a storm of stations is counted, not told one by one."""
TO_STATION, FROM_STATION = "station.received", "station.sent"


class Console:
    """Says on standard output who comes, goes, is turned away or breaks a schema, and why."""

    def __init__(self, form: str, clock: Callable[[], float], write: Callable[[str], None]) -> None:
        if form not in FORMATS:
            raise Refused(f"--log-format is {' or '.join(FORMATS)}, not {form!r}")
        self._json, self._clock = form == "json", clock
        self._write = write
        self._second, self._told, self._untold = 0, 0, 0

    def tell(self, what: str, **about: str) -> None:
        """Print a line, unless there were too many in this second: then say how many were not printed."""
        now = self._clock()
        if int(now) != self._second:
            untold, self._second, self._told, self._untold = self._untold, int(now), 0, 0
            if untold:
                self._line("more", now, {"lines": str(untold), "why": "too many in a second to print"})
        if self._told >= MOST_A_SECOND:
            self._untold += 1
            return
        self._told += 1
        self._line(what, now, about)

    def turned_away(self, address: str, path: str, why: str) -> None:
        """Tell of one that was not let in."""
        self.tell("refused", path=path, address=address, why=why)

    def _line(self, what: str, now: float, about: dict[str, str]) -> None:
        safe = {name: on_one_line(value, 200) for name, value in about.items() if value}
        at = datetime.fromtimestamp(now, UTC)
        if self._json:
            self._write(json.dumps({"at": at.isoformat(timespec="milliseconds"), "event": what, **safe}))
            return
        who = safe.pop("station", safe.pop("path", ""))
        rest = "   ".join(value if name == "why" else f"{name} {value}" for name, value in safe.items())
        self._write(f"{at:%H:%M:%S}  {what:<8} {who:<20} {rest}".rstrip())


class Record:
    """The run directory of `--record DIR`: every frame, as the CSMS sent and received it."""

    def __init__(self, folder: Path, csms: str, clock: Callable[[], float]) -> None:
        try:
            if any((folder / name).exists() for name in ("run.json", "history.jsonl")):
                raise Refused(f"--record {folder} holds a run already: give it a folder of its own")
            self.folder, self._csms = folder, csms
            self._began = clock()
            self._recorder = Recorder(lambda: clock() - self._began, folder)
        except OSError as error:
            raise Refused(f"--record {folder} cannot be written: {error.strerror or error}") from None
        self._stations: set[str] = set()
        self.observe = self._recorder.observe
        self.observe("phase", name="running")

    def came(self, station: str, number: int, subprotocol: str) -> None:
        """Note a connection."""
        self._stations.add(station)
        self.observe("socket.opened", station=station, socket=number, node="csms", subprotocol=subprotocol)

    def frame(self, station: str, number: int, edge: str, text: str) -> None:
        """Note a frame."""
        self.observe("frame", station=station, socket=number, node="csms", edge=edge, text=text)

    def went(self, station: str, number: int, why: str) -> None:
        """Note that a connection is gone."""
        self.observe("socket.closed", station=station, socket=number, node="csms", edge="station", why=why)

    def end(self) -> None:
        """Write the rest of the directory."""
        digest = self._recorder.end()
        self._recorder.__exit__(None, None, None)
        about = RunFile(
            scenario="serve",
            title=f"What {len(self._stations)} stations said to the CSMS, and it to them",
            csms=self._csms,
            seed=0,
            spec={"began": datetime.fromtimestamp(self._began, UTC).isoformat()},
            rules={"recorded": "all", "seen_from": "station"},
            reproduce=f"interlock judge {self.folder}",
        )
        written = write_run(self.folder, about.as_json(), digest, self._recorder.count)
        hidden = {one.id: (one.name, one.level) for one in INVARIANTS.values()}
        seen = observations(self._recorder.path)
        began = datetime.fromtimestamp(self._began, UTC)
        write_verdict(self.folder, document(written, wire.judge(seen, hidden, len(self._stations), began=began)))


def watched(design: type[Csms], console: Console | None, record: Record | None) -> type[Csms]:
    """Return a CSMS of this design whose connections are told of and recorded."""
    if console is None and record is None:
        return design
    numbers: dict[str, int] = {}

    class Watched(design.connection_class):  # type: ignore[name-defined, misc]
        """A connection that is told of."""

        def __init__(self, node: Csms, station: str, write: Callable[[str], None], *rest: Any) -> None:
            number = numbers[station] = numbers.get(station, 0) + 1
            self._number = number

            def sent(text: str) -> None:
                if record is not None:
                    record.frame(station, number, TO_STATION, text)
                write(text)

            super().__init__(node, station, write if record is None else sent, *rest)
            subprotocol = self.dialect.SUBPROTOCOL
            if record is not None:
                record.came(station, number, subprotocol)
            if console is not None:
                console.tell("comes", station=station, protocol=subprotocol)

        def offer(self, frame: str) -> None:
            """Take a frame from the transport."""
            if record is not None:
                record.frame(self.station, self._number, FROM_STATION, frame)
            super().offer(frame)

        def hang_up(self, why: str) -> None:
            """Note that the transport is gone."""
            if record is not None:
                record.went(self.station, self._number, why)
            if console is not None:
                console.tell("goes", station=self.station, why=why)
            super().hang_up(why)

    class Told(design):  # type: ignore[valid-type, misc]
        """A CSMS whose refusals of messages are told."""

        connection_class = Watched

        async def refused(self, station: str, called: Any, code: str, why: str) -> None:
            """Tell of a message that was answered with an error."""
            if console is not None:
                console.tell("breaks", station=station, action=str(called.action), why=f"{code}: {why}")
            await super().refused(station, called, code, why)

    return Told
