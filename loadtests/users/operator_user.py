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
from interlock.loadtests.users.record import Record

Command = tuple[str, dict[str, Any]]

TWICE = 0.15
"""Share of requests that are made twice at once."""
QUIET_S = 3.0
"""The end of a run without commands, so that the last ones have an outcome."""
LOOK_S = 2.0
DRAWS = 100
"""How often another command is drawn when the control file does not say how to ask for one."""
STOP: Command = ("RemoteStopTransaction", {"transactionId": 1})


def draw(rng: random.Random, connectors: int, id_tag: str, open_transaction: int | None) -> Command:
    """Draw a command. Unlocks are the most frequent: they cannot be taken back."""
    connector = rng.randint(1, connectors)
    choice = rng.choices(
        ("unlock", "start", "stop", "trigger", "available", "get", "change", "clear", "reset"),
        (40, 12, 12, 10, 6, 6, 6, 6, 2),
    )[0]
    if choice == "start":
        return "RemoteStartTransaction", {"idTag": id_tag, "connectorId": connector}
    if choice == "stop" and open_transaction is not None:
        return "RemoteStopTransaction", {"transactionId": open_transaction}
    if choice == "trigger":
        message = rng.choice(("Heartbeat", "StatusNotification", "MeterValues"))
        return "TriggerMessage", {"requestedMessage": message, **({} if message == "Heartbeat" else {"connectorId": 1})}
    if choice == "available":
        return "ChangeAvailability", {"connectorId": connector, "type": "Operative"}
    if choice == "get":
        return "GetConfiguration", {"key": ["HeartbeatInterval", "MeterValueSampleInterval"]}
    if choice == "change":
        return "ChangeConfiguration", {"key": "ConnectionTimeOut", "value": str(rng.randint(20, 40))}
    if choice == "clear":
        return "ClearCache", {}
    if choice == "reset":
        return "Reset", {"type": "Soft"}
    return "UnlockConnector", {"connectorId": connector}


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
        twice = self._rng.random() < TWICE
        command = self._command(control, station)
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

    def _command(self, control: Control, station: str) -> Command:
        plan = self.record.plan
        wanted = draw(self._rng, plan.connectors, plan.id_tag, None)
        for _ in range(DRAWS):
            if control.takes(*wanted):
                break
            wanted = draw(self._rng, plan.connectors, plan.id_tag, None)
        if wanted[0] == "UnlockConnector" and self._rng.random() < 0.2 and control.takes(*STOP):
            opened = [number for number, _, stop in control.transactions(station) or () if stop is None]
            if opened:
                return "RemoteStopTransaction", {"transactionId": self._rng.choice(opened)}
        return wanted

    def _request(self, control: Control, station: str, command: Command, key: str, attempt: int, due: float) -> None:
        action, payload = command
        observe = self.record.observe
        asked = {"request_id": key, "attempt": attempt, "station": station, "node": "csms"}
        observe("request.asked", **asked, command={"kind": action, **payload}, action=action, payload=payload)
        found = control.ask(station, action, payload, key)
        observe(
            "request.answered",
            **asked,
            answer=found.answer,
            command_id=found.command_id,
            reason=found.detail or None,
        )
        self.environment.events.request.fire(
            request_type="API",
            name=action,
            response_time=1000.0 * (time.monotonic() - due),
            response_length=0,
            exception=RuntimeError(found.detail or "failed") if found.answer == "failed" else None,
            context={},
        )

    def on_stop(self) -> None:
        """Wait for the answers that are still to come."""
        gevent.joinall(self._asking, timeout=10.0)
