"""An operator as a Locust user: commands that race with what stations report, at a rate that waits for nobody.

Each request is due at a time drawn beforehand and made in a greenlet of its own, so a CSMS that is slow to answer gets
the next one all the same. Some are made twice at once under the same key: that is one command, or should be.
"""

from __future__ import annotations

import itertools
import random
import time
from typing import Any, ClassVar

import gevent
from locust import User, constant, task

from interlock.loadtests.users.control import Control
from interlock.loadtests.users.mix import STOP, UNLOCK, Command, draw
from interlock.loadtests.users.record import Record

TWICE = 0.15
"""Share of requests that are made twice at once, where they carry a key."""
QUIET_S = 3.0
"""The end of a run without commands, so that the last ones have an outcome."""
ANSWERED_S, HURRIED_S = 10.0, 0.5
"""How long answers are waited for at the end, and when the run was interrupted."""
LOOK_S = 2.0
DRAWS = 100
"""How often another command is drawn when the control file does not say how to ask for one."""


class OperatorUser(User):
    """All operators of a run: one user, in one of its processes."""

    wait_time = constant(0)
    fixed_count = 1
    record: ClassVar[Record]
    control: ClassVar[Control | None] = None

    def on_start(self) -> None:
        """Get to know the stations."""
        plan = self.record.plan
        self._rng = random.Random(f"{plan.seed}:operator")
        self._numbers = itertools.count(1)
        self._stations: list[str] = []
        self._looked = -LOOK_S
        self._due = self.record.now()
        self._asking: list[Any] = []

    @task
    def ask(self) -> None:
        """Wait until the next request is due, and make it."""
        plan, control = self.record.plan, self.control
        if control is None or plan.commands <= 0:
            gevent.sleep(1.0)
            return
        self._look(control)
        if (wait_s := self._due - self.record.now()) > 0:
            gevent.sleep(min(1.0, wait_s))
            return
        due_s = self._due
        # What is in the past already is made at once: the rate is what was asked for.
        self._due += self._rng.expovariate(plan.commands)
        if not self._stations or (plan.seconds and due_s > plan.seconds - min(QUIET_S, plan.seconds / 4)):
            return
        station = self._rng.choice(self._stations)
        self._asking = [one for one in self._asking if not one.dead]
        key = f"{plan.prefix}r{next(self._numbers)}"
        twice = self._rng.random() < TWICE and control.keyed
        command = self._command(control, station)
        if command is None:
            return
        for attempt in (1, 2) if twice else (1,):
            due = time.monotonic() - max(0.0, self.record.now() - due_s)
            self._asking.append(gevent.spawn(self._request, control, station, command, key, attempt, due))

    def _look(self, control: Control) -> None:
        if self.record.now() - self._looked < (LOOK_S if self._stations else LOOK_S / 10):
            return
        self._looked = self.record.now()
        prefix = self.record.plan.prefix
        known = control.stations()
        # One that does not name its stations is asked about those of this process.
        names = known if known is not None else self.record.station_ids()
        self._stations = [one for one in names if one.startswith(prefix)]

    def _command(self, control: Control, station: str) -> Command | None:
        """Draw what is asked for next: None where the mix has only stops and nothing is to be stopped."""
        plan, mix = self.record.plan, self.record.shape.commands
        wanted = draw(self._rng, mix, plan.connectors, plan.id_tag)
        for _ in range(DRAWS):
            if control.takes(*wanted):
                break
            wanted = draw(self._rng, mix, plan.connectors, plan.id_tag)
        if wanted[0] == STOP[0]:
            opened = [number for number, _, stop in control.transactions(station) or () if stop is None]
            if opened:
                return STOP[0], {"transactionId": self._rng.choice(opened)}
            connector = self._rng.randint(1, plan.connectors)
            return (UNLOCK, {"connectorId": connector}) if mix.get(UNLOCK) else None
        return wanted if control.takes(*wanted) else None

    def _request(self, control: Control, station: str, command: Command, key: str, attempt: int, due: float) -> None:
        action, payload = command
        observe = self.record.observe
        asked = {"request_id": key, "attempt": attempt, "station": station, "node": "csms"}
        observe("request.asked", **asked, command={"kind": action, **payload}, action=action, payload=payload)
        asked_at = time.monotonic()
        found = control.ask(station, action, payload, key)
        observe(
            "request.answered",
            **asked,
            answer=found.answer,
            command_id=found.command_id,
            reason=found.detail or None,
        )
        now, why = time.monotonic(), (found.detail or "failed") if found.answer == "failed" else None
        error = None if why is None else RuntimeError(why)
        self.record.cost(self.environment, "API", action, now - asked_at, now - due, 0, error)

    def on_stop(self) -> None:
        """Wait for the answers that are still to come."""
        gevent.joinall(self._asking, timeout=HURRIED_S if self.record.hurried else ANSWERED_S)
