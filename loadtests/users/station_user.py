"""A charging station as a Locust user: the simulator's station, its drivers, and what its calls cost.

A call has two times: to its answer since it was sent, and since it was due, that is, since the station had it to tell,
or, where it had no connection then, since it had one again. A station sends one call after the other, so a CSMS that
answers one slowly makes the next ones late: that shows in the second.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import gevent
from locust import User, constant, task

from interlock.loadtests.users.gevent_link import Line, LoadClock, LoadSocket
from interlock.loadtests.users.record import Record
from interlock.scenarios.record import frames
from interlock.simulator.assembly import build_station
from interlock.simulator.clock import EPOCH, ClockSpec
from interlock.simulator.ocppj.controller import OcppController
from interlock.simulator.profiles import begin
from interlock.simulator.spec import StationSpec

LEAVING_S, HURRIED_S = 8.0, 0.8
"""How long a station takes at the end to finish its sessions and tell them, and when the run was interrupted."""
LOOK_S = 0.1
RELOCK_S = 2.0
"""A lock that was opened for nobody shuts soon, so that the next unlock has something to do."""


class StationUser(User):
    """One station: switched on when the user is spawned, switched off when it is stopped."""

    wait_time = constant(0)
    record: ClassVar[Record]
    """Of this process."""

    def on_start(self) -> None:
        """Switch the station on."""
        self.unit = Unit(self.environment, self.record)
        self.unit.start()

    @task
    def live(self) -> None:
        """Let it live: it does what it does by its own clock."""
        gevent.sleep(1.0)

    def on_stop(self) -> None:
        """End what goes on, let it be told, and close the socket."""
        self.unit.leave()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call that waits for its answer; times in monotonic seconds."""

    id: str
    action: str
    sent: float
    due: float


class Unit:
    """A station with its clock and its line, and what waits for an answer."""

    def __init__(self, environment: Any, record: Record) -> None:
        self.environment, self.record = environment, record
        plan = record.plan
        self.station_id = record.new_station_id()
        self.clock = LoadClock(record.broke)
        self.line = Line(record.access, self._heard, self._sent)
        self.line.broke, self.line.dialled = record.broke, self._dialled
        self.line.gone = self._gone
        skew_s = (datetime.now(UTC).replace(tzinfo=None) - EPOCH).total_seconds()
        self.shape = record.shape
        spec = StationSpec(
            self.station_id,
            evses=plan.connectors,
            clock=ClockSpec(skew_s, 0.0),
            **{"first_boot_s": (0.0, 0.0), "relock_s": RELOCK_S, **self.shape.station},
        )
        rng = random.Random(f"{plan.seed}:{self.station_id}")
        self.station = build_station(self.clock, spec, rng, self.line, record.observe)
        self._began = time.monotonic() - self.clock.now
        self._asked: _Asked | None = None

    def start(self) -> None:
        """Switch it on, and let drivers come."""
        self.station.start()
        begin(self.clock, self.station, self.shape.profile(), self.record.plan.id_tag)
        for share in self.shape.all_drop_at:
            left_s = self.record.plan.seconds * share - self.record.now()
            if left_s > 0:
                self.station.after(left_s, lambda: self.station.drop_connection("storm"), survives_reboot=True)

    def leave(self) -> None:
        """End sessions, tell them, say how things are, and go."""
        station = self.station
        until = time.monotonic() + (HURRIED_S if self.record.hurried else LEAVING_S)
        while time.monotonic() < until:
            for evse in station.evses:
                if evse.vehicle is not None:
                    station.unplug(evse.number)
            waits = station.has_unsent
            if not waits or self.record.alone():
                break
            gevent.sleep(LOOK_S)
        for truth in station.truth():
            self.record.observe("truth", **truth)
        self.record.observe("outbox", station=self.station_id, pending=station.outbox_pending)
        self.clock.stop()
        self.line.over = True
        for socket in list(self.line.sockets):
            socket.on_down = socket.on_station_closed = None
            socket.close("station", "the run is over")
        self.record.behind_s = max(self.record.behind_s, self.clock.behind_s)

    # --- what it costs ---

    def _over(self, name: str, sent: float, due: float, length: int, error: Exception | None) -> None:
        """Count a call that is over now."""
        now = time.monotonic()
        self.record.cost(self.environment, "CALL", name, now - sent, now - due, length, error)

    def _dialled(self, seconds: float, why: str | None) -> None:
        error = None if why is None else ConnectionError(why)
        self.record.cost(self.environment, "WS", "connect", seconds, seconds, 0, error)
        self.record.dialled(why)

    def _gone(self, ours: bool) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and not ours:
            # A connection that the station left on purpose is nobody's failure.
            self._over(asked.action, asked.sent, asked.due, 0, ConnectionError("connection lost"))

    def _sent(self, text: str) -> None:
        if not text.startswith("[2,"):
            return
        controller = self.station.controller
        assert isinstance(controller, OcppController)
        link = controller.conversation.link
        call, now = link.outstanding, time.monotonic()
        if call is None:
            return
        if self._asked is not None:
            # The one before was given up: its time is over.
            self._over(self._asked.action, self._asked.sent, self._asked.due, 0, TimeoutError("no answer in time"))
        due = now if call.since is None else self._began + call.since - self.clock.lag_s
        self._asked = _Asked(link.outstanding_id, call.action, now, max(due, self.line.opened_at))

    def _heard(self, socket: LoadSocket, text: str) -> None:
        asked = self._asked
        frame = frames.loose(text) if asked is not None else None
        if asked is None or frame is None or not frame.is_answer or frame.id != asked.id:
            return
        self._asked = None
        refused = None
        if frame.kind == frames.CALLERROR:
            refused = RuntimeError(f"CALLERROR {frame.code} {frame.description or ''}"[:60])
        self._over(asked.action, asked.sent, asked.due, len(text), refused)
