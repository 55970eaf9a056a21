"""A fleet of simulated stations against a CSMS that somebody else runs: real sockets, wall time, one loop.

The first station connects alone: if it is not accepted, no other tries and the user gets the reason. The others are
switched on one after another. At the end all sessions are ended and reported, then the sockets are closed. What happens
at the stations is recorded as it happens, and judged afterwards by the wire alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from interlock.scenarios.judge import fleet_checks, wire
from interlock.scenarios.judge.foreign_run import crowd
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Finding, Verdict, document
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.record.call_stats import Tally
from interlock.scenarios.record.recorder import MOST_BYTES, Recorder, observations
from interlock.scenarios.record.run_file import RunFile, write_run, write_verdict
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.simulator.clock import EPOCH
from interlock.simulator.fleet import FleetSpec, build
from interlock.simulator.network.dial import Network, Socket
from interlock.simulator.network.wall_clock import WallClock
from interlock.simulator.profiles import PROFILES, begin
from interlock.simulator.spec import OcppVersion
from interlock.simulator.station import Station

LEAVING_S = 10.0
"""Seconds the end may take, in which sessions end and queued messages are sent."""
LOOK_S = 0.25
CROWD = 50
"""Stations whose drivers leave at once."""
SPARE_FILES = 64
"""What a process opens besides sockets."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `seconds` is None until it is interrupted; `began` is the time of day at second 0, in UTC."""

    reach: Reach
    stations: int
    profile: str
    seed: int
    seconds: float | None
    rate: float
    prefix: str
    connectors: int
    id_tag: str
    versions: tuple[OcppVersion, ...]
    out: Path
    began: datetime
    reproduce: str

    @property
    def spec(self) -> FleetSpec:
        """The stations, as the simulator builds them."""
        skew_s = (self.began.replace(tzinfo=None) - EPOCH).total_seconds()
        station = {"evses": self.connectors, "first_boot_s": (0.0, 0.0), **PROFILES[self.profile].station}
        return FleetSpec(
            self.stations,
            self.prefix,
            station,
            skew_s=(skew_s, skew_s),
            versions=self.versions,
            switch_on_s=(self.stations - 1) / self.rate,
            ids=self.reach.ids,
        )

    @property
    def ends(self) -> tuple[str, str]:
        """The first station's URL and the last one's."""
        spec = self.spec
        url = self.reach.address.url
        return url(spec.station_id(1)), url(spec.station_id(self.stations))


@dataclass(slots=True)
class State:
    """How it goes."""

    t: float = 0.0
    connected: int = 0
    booted: int = 0
    charging: int = 0
    dials_failed: int = 0
    leaving: bool = False


class Watcher(Protocol):
    """Somebody who watches the stations of a fleet and may play them, such as `scenarios.hand`."""

    async def open(self, stations: Sequence[Station], now: Callable[[], float]) -> None:
        """Begin, before the first station is switched on."""

    def seen(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Learn of an observation."""

    async def close(self) -> None:
        """End."""


class Fleet:
    """One run. `show(fleet)` is called about four times a second; `hand` watches and may play the stations."""

    def __init__(self, plan: Plan, show: Callable[[Fleet], None], hand: Watcher | None = None) -> None:
        self.plan, self._show, self._hand = plan, show, hand
        self.state = State()
        self.tally = Tally()
        self.refusals: Counter[str] = Counter()
        self.closes: Counter[str] = Counter()
        self.opened = 0
        self.interrupted = False
        self.behind_s = 0.0
        self.took_s = 0.0
        self.observed = 0
        self.document: dict[str, Any] = {}
        self._in: set[str] = set()
        """Stations that were ever let in."""

    @property
    def verdict(self) -> Verdict:
        """Return the verdict of a run that is over."""
        return Verdict[self.document["verdict"]]

    @property
    def reconnects(self) -> int:
        """Sockets opened by stations that had had one before."""
        return self.opened - len(self._in)

    # --- running ---

    def run(self) -> None:
        """Run it to its end, or raise `Refused` when the first station was not let in."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        plan, loop = self.plan, asyncio.get_running_loop()
        await plan.reach.there()
        clock = WallClock(loop)
        with Recorder(lambda: clock.now, plan.out) as recorder:
            self._recorder, self._clock = recorder, clock
            loop.set_exception_handler(self._broke)
            network = plan.reach.network(loop, self._observe, self._frame)
            fleet = build(clock, plan.spec, plan.seed, network, self._observe)
            self._known, self._stop, self._hurry = asyncio.Event(), asyncio.Event(), asyncio.Event()
            _on_interrupt(loop, self._interrupt)
            try:
                # Stations exist as long as the run: freeze them so that the garbage collector does not rescan them.
                gc.collect()
                gc.freeze()
                self._observe("phase", name="running")
                if self._hand is not None:
                    await self._hand.open(fleet.stations, lambda: clock.now)
                await self._first(fleet.stations[0], network)
                for station, delay_s in zip(fleet.stations[1:], fleet.switched_on_s[1:], strict=True):
                    station.after(delay_s, station.start)
                for station in fleet.stations:
                    begin(clock, station, PROFILES[plan.profile], plan.id_tag)
                await self._watch(fleet.stations)
                await self._leave(fleet.stations, network)
            finally:
                if self._hand is not None:
                    await self._hand.close()
                gc.unfreeze()
                clock.stop()
                _on_interrupt(loop, None)
            self.took_s = clock.now
            digest = recorder.end()
            self.observed = recorder.count
        self._write(digest)

    async def _first(self, station: Station, network: Network) -> None:
        station.start()
        await _either(self._known, self._stop)
        if network.opened == 0:
            await network.close("not let in")
            self._recorder.discard()
            raise Refused(network.last_refusal or "interrupted before the first station was connected", UNTOLD)

    async def _watch(self, stations: tuple[Station, ...]) -> None:
        seconds = self.plan.seconds
        while not self._stop.is_set():
            left = LOOK_S if seconds is None else min(LOOK_S, seconds - self._clock.now)
            if left <= 0.0:
                return
            await _within(self._stop, left)
            self._look(stations)

    def _look(self, stations: tuple[Station, ...]) -> None:
        state = self.state
        state.t = self._clock.now
        state.connected = sum(station.connected for station in stations)
        state.booted = sum(station.online for station in stations)
        state.charging = sum(evse.session is not None for station in stations for evse in station.evses)
        state.dials_failed = self.refusals.total()
        self._show(self)

    async def _leave(self, stations: tuple[Station, ...], network: Network) -> None:
        """End what goes on, let it be told, and close the sockets."""
        self.state.leaving = True
        self.behind_s = self._clock.behind_s
        self._observe("phase", name="leaving")
        until = self._clock.now + LEAVING_S
        while not self._hurry.is_set() and self._clock.now < until:
            for number, station in enumerate(stations):
                for evse in station.evses:
                    if evse.vehicle is not None:
                        station.unplug(evse.number)
                if number % CROWD == 0:
                    await asyncio.sleep(0)
            self._look(stations)
            # A station without a connection dials again; when none is registered, the CSMS is gone.
            if not any(station.has_unsent for station in stations) or not self.state.booted:
                break
            await _within(self._hurry, LOOK_S)
        for station in stations:
            for truth in station.truth():
                self._observe("truth", **truth)
            self._observe("outbox", station=station.station_id, pending=station.outbox_pending)
        self._clock.stop()
        await network.close("the run is over")

    def _interrupt(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self.interrupted = True
        self._stop.set()

    def _broke(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        text = f"{type(error).__name__}: {error}" if error is not None else str(context.get("message"))
        self._observe("world.failed", error=text[:300])
        self._stop.set()

    # --- recording ---

    def _observe(self, kind: str, **fields: Any) -> None:
        self._recorder.observe(kind, **fields)
        if self._hand is not None:
            self._hand.seen(kind, fields)
        if kind == "socket.opened":
            self.opened += 1
            self._in.add(fields["station"])
            self._known.set()
        elif kind == "socket.closed":
            self.tally.lost(fields["station"])
            if not self.state.leaving:
                self.closes[fields["why"]] += 1
        elif kind == "dial.failed":
            self.refusals[fields["why"]] += 1
            self._known.set()

    def _frame(self, edge: str, socket: Socket, text: str) -> None:
        station = socket.station_id
        if edge == "station.sent":
            self.tally.sent(station, text, self._clock.now)
        else:
            self.tally.received(station, text, self._clock.now)
        fields = {"edge": edge, "station": station, "socket": socket.number, "node": "csms", "text": text}
        self._recorder.observe("frame", **fields)
        if self._hand is not None:
            self._hand.seen("frame", fields)
        if self._recorder.full and not self._stop.is_set():
            self._observe("world.failed", error=f"the record has more than {MOST_BYTES} bytes: the run ends here")
            self._stop.set()

    # --- what is left of it ---

    def _write(self, digest: str) -> None:
        plan = self.plan
        about = RunFile(
            scenario=f"fleet-{plan.profile}",
            title=f"{plan.stations} stations against {plan.ends[0]}",
            csms=plan.reach.address.place,
            seed=plan.seed,
            spec={
                "stations": plan.stations,
                "profile": plan.profile,
                "connectors": plan.connectors,
                "id_tag": plan.id_tag,
                "ocpp": list(plan.versions),
                "seconds": plan.seconds,
                "rate": plan.rate,
                "urls": list(plan.ends),
                "began": plan.began.isoformat(),
            },
            rules={"recorded": "all", "seen_from": "station", "fleet": plan.stations},
            reproduce=plan.reproduce,
        )
        written = write_run(plan.out, about.as_json(), digest, self.observed)
        self.document = document(written, self._findings(written))
        write_verdict(plan.out, self.document)

    def _findings(self, about: dict[str, Any]) -> list[Finding]:
        work, facts = wire.Judgement("csms", self.plan.began), fleet_checks.Facts()
        for seen in observations(self._recorder.path):
            work.see(seen)
            facts.see(seen)
        unseen = {one.id: (one.name, one.level) for one in INVARIANTS.values()}
        found = work.findings() + crowd(observations(self._recorder.path), about, self.observed)
        return fleet_checks.complete(found, work, facts, about) + wire.hidden(unseen)

    def summary(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        plan = self.plan
        return {
            "schema": 1,
            "verdict": self.verdict.name,
            "failed": [one["id"] for one in self.document["invariants"] if one["verdict"] in ("FAIL", "ERROR")],
            "stations": plan.stations,
            "profile": plan.profile,
            "ocpp": list(plan.versions),
            "seed": plan.seed,
            "urls": list(plan.ends),
            "seconds": round(self.took_s, 3),
            "interrupted": self.interrupted,
            "connected": len(self._in),
            "connects": self.opened,
            "reconnects": self.reconnects,
            "refusals": dict(self.refusals.most_common()),
            "closes": dict(self.closes.most_common()),
            "calls": self.tally.answered,
            "commands": self.tally.commands,
            "errors": self.tally.errors,
            "behind_ms": round(1000 * self.behind_s, 1),
            "actions": self.tally.table(),
            "run": str(plan.out),
            "reproduce": plan.reproduce,
        }


def _on_interrupt(loop: asyncio.AbstractEventLoop, end: Callable[[], None] | None) -> None:
    """Let Ctrl-C and SIGTERM call `end`, or None: do again what they did before.

    Where a loop takes no signal handlers (Windows), Ctrl-C raises KeyboardInterrupt, which ends the run at once.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            if end is None:
                loop.remove_signal_handler(number)
            else:
                loop.add_signal_handler(number, end)


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()


async def _within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but not longer than `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def make_room(stations: int) -> None:
    """Let this process open as many files as it may, or raise `Refused` when those are not enough."""
    try:
        import resource
    except ImportError:
        return  # Windows sets no such limit
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = stations + SPARE_FILES
    most = needed if hard == resource.RLIM_INFINITY else hard
    if needed > most:
        raise Refused(f"{stations} stations need {needed} open files and this process may have {hard} (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
