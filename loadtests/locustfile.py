"""Locust users for OCPP 1.6J: stations on real sockets, and operators whose commands race with what they tell.

    locust -f loadtests/locustfile.py --host ws://127.0.0.1:9000/ocpp --users 200 --spawn-rate 50
    locust -f loadtests/locustfile.py --host ... --headless --run-time 60s --csv out --html out.html

Each action is a row of Locust's statistics. Arrival is open-loop: what is said has a time at which it is due, and the
response time counts from then, so a CSMS that stalls cannot slow down the measure with it. Beside how fast, a run says
whether the answers were right: an answer nobody asked for, one transaction id for two sessions, a command that moved a
lock twice. A run that was fast and wrong exits 1. Operators need INTERLOCK_CONTROL (the API's URL) and
INTERLOCK_API_TOKEN; without them there are stations only.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust import FastHttpUser, LoadTestShape, User, constant, events, task
from websocket import WebSocketException, create_connection

CONTROL = os.environ.get("INTERLOCK_CONTROL", "")
TOKEN = os.environ.get("INTERLOCK_API_TOKEN", "")
PREFIX = os.environ.get("INTERLOCK_LOAD_PREFIX", f"L{os.getpid():x}-")
SHAPE = os.environ.get("INTERLOCK_LOAD_SHAPE", "")
ANSWER_S = 30.0
BEAT_S = 2.0
"""A station says something this often: a session goes through its steps at this pace."""
RECONNECT_S = (0.5, 5.0)

numbers = itertools.count(1)
stations: list[str] = []
wrong: Counter[str] = Counter()
"""What was wrong with answers, and how often."""
transactions: dict[int, str] = {}
moved: Counter[str] = Counter()


def now() -> str:
    """Return the time as a station writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Refused(Exception):
    """The CSMS answered with a CALLERROR."""


class StationUser(User):
    """One station with one connector: boots, then one session after the other, as long as it lives."""

    weight = 20
    wait_time = constant(0)

    def on_start(self) -> None:
        """Connect and boot."""
        self.name = f"{PREFIX}{next(numbers):05d}"
        self.rng = random.Random(self.name)
        self.count = self.meter_wh = 0
        self.socket: Any = None
        self.waiting: dict[str, AsyncResult[Any]] = {}
        self.queue: list[tuple[str, dict[str, Any]]] = []
        """Transaction messages without an answer, in order: they are said again, word for word."""
        self.due = time.monotonic()
        self._connect()

    def on_stop(self) -> None:
        """Hang up."""
        if self.socket is not None:
            self.socket.close()

    # --- the wire ---

    def _connect(self) -> None:
        began = time.monotonic()
        error: Exception | None = None
        try:
            self.socket = create_connection(f"{self.host}/{self.name}", subprotocols=["ocpp1.6"], timeout=ANSWER_S)
        except (OSError, WebSocketException) as failed:
            self.socket, error = None, failed
        self._count("connect", began, error)
        if error is not None:
            gevent.sleep(self.rng.uniform(*RECONNECT_S))
            return
        gevent.spawn(self._read, self.socket)
        boot = {"chargePointVendor": "Interlock", "chargePointModel": "Load"}
        self._say("BootNotification", boot, time.monotonic())
        if self.name not in stations:
            stations.append(self.name)
        self._say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}, self.due)

    def _read(self, socket: Any) -> None:
        try:
            while True:
                text = socket.recv()
                if not text:
                    break
                self._take(json.loads(text))
        except (OSError, WebSocketException, ValueError):
            pass
        if self.socket is socket:
            self.socket = None
        for waiting in list(self.waiting.values()):
            waiting.set_exception(ConnectionError("the connection was lost"))
        self.waiting.clear()

    def _take(self, message: Any) -> None:
        if message[0] == 2:
            self._obey(message[1], message[2], message[3])
            return
        waiting = self.waiting.pop(message[1], None)
        if waiting is None:
            wrong["answer nobody asked for"] += 1
        elif message[0] == 3:
            waiting.set(message[2])
        else:
            waiting.set_exception(Refused(f"{message[2]}"))

    def _obey(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        """Do what the CSMS says, and count what moves."""
        status = "Accepted"
        if action == "UnlockConnector":
            moved[message_id] += 1
            if moved[message_id] > 1:
                wrong["a command moved a lock twice"] += 1
            status = "Unlocked"
        elif action not in ("RemoteStartTransaction", "RemoteStopTransaction", "Reset", "ChangeAvailability",
                            "TriggerMessage", "ChangeConfiguration", "ClearCache"):  # fmt: skip
            self._write([4, message_id, "NotImplemented", "", {}])
            return
        self._write([3, message_id, {"status": status}])

    def _write(self, message: list[Any]) -> None:
        socket = self.socket
        if socket is not None:
            try:
                socket.send(json.dumps(message))
            except (OSError, WebSocketException):
                self.socket = None

    # --- saying ---

    def _say(self, action: str, payload: dict[str, Any], due: float) -> Any:
        """Make a CALL that was due at `due`; return its answer, or None."""
        if self.socket is None:
            return None
        self.count += 1
        message_id = f"{self.name}-{self.count}"
        answer = self.waiting[message_id] = AsyncResult()
        self._write([2, message_id, action, payload])
        error: Exception | None = None
        found = None
        try:
            found = answer.get(timeout=ANSWER_S)
        except (gevent.Timeout, ConnectionError, Refused) as failed:
            error = failed if isinstance(failed, Exception) else TimeoutError(f"no answer in {ANSWER_S:.0f} s")
        self.waiting.pop(message_id, None)
        self._count(action, due, error)
        return found

    def _count(self, name: str, due: float, error: Exception | None) -> None:
        took_ms = (time.monotonic() - due) * 1000.0
        self.environment.events.request.fire(
            request_type="OCPP", name=name, response_time=took_ms, response_length=0, exception=error, context={}
        )

    def _tell(self, action: str, payload: dict[str, Any], due: float) -> Any:
        """Tell a transaction message behind those that had no answer; it stays in the queue until it has one."""
        self.queue.append((action, payload))
        found = None
        while self.queue and self.socket is not None:
            found = self._say(*self.queue[0], due)
            if found is None:
                break
            self.queue.pop(0)
        return found if not self.queue else None

    def _next(self) -> float:
        """Wait for when the next thing is due, and return that moment."""
        self.due += BEAT_S * self.rng.uniform(0.8, 1.2)
        gevent.sleep(max(0.0, self.due - time.monotonic()))
        return self.due

    @task
    def session(self) -> None:
        """Charge once."""
        if self.socket is None:
            self._connect()
            self.due = max(self.due, time.monotonic())
            return
        status = {"connectorId": 1, "errorCode": "NoError"}
        self._say("Heartbeat", {}, self._next())
        self._say("StatusNotification", {**status, "status": "Preparing"}, self._next())
        self._say("Authorize", {"idTag": "TAG-DRIVER"}, self._next())
        start = {"connectorId": 1, "idTag": "TAG-DRIVER", "meterStart": self.meter_wh, "timestamp": now()}
        started = self._tell("StartTransaction", start, self._next())
        if started is None:
            self.queue.clear()
            return
        transaction = started["transactionId"]
        session = f"{self.name} {start['timestamp']}"
        if transactions.setdefault(transaction, session) != session:
            wrong["one transaction id for two sessions"] += 1
        for _ in range(3):
            self.meter_wh += 50
            sampled = [{"timestamp": now(), "sampledValue": [{"value": str(self.meter_wh)}]}]
            self._say(
                "MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": sampled}, self._next()
            )
        stop = {"transactionId": transaction, "meterStop": self.meter_wh, "timestamp": now()}
        self._tell("StopTransaction", stop, self._next())
        while self.queue:  # the connection was lost: the end is told before another begins
            if self.socket is None:
                self._connect()
            action, payload = self.queue.pop(0)
            self._tell(action, payload, time.monotonic())
        self._say("StatusNotification", {**status, "status": "Available"}, self._next())


class OperatorUser(FastHttpUser):
    """Unlocks connectors of stations that are there, so that commands race with what stations tell."""

    weight = 1
    abstract = not (CONTROL and TOKEN)
    host = CONTROL or None
    wait_time = constant(0.2)

    @task
    def unlock(self) -> None:
        """Ask for one unlock."""
        if not stations:
            return
        body = {"action": "UnlockConnector", "payload": {"connectorId": 1}}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        path = f"{CONTROL}/api/stations/{random.choice(stations)}/commands"  # --host is the stations' URL
        with self.client.post(path, json=body, headers=headers, name="unlock", catch_response=True) as answer:
            if answer.status_code in (202, 409):
                answer.success()  # 409: somebody else has the connector, which is an answer


@events.quitting.add_listener
def judge(environment: Any, **_: Any) -> None:
    """Say whether the answers were right."""
    if wrong:
        for what, times in wrong.most_common():
            print(f"WRONG: {what}, {times} times")
        environment.process_exit_code = 1
    elif environment.stats.total.num_requests == 0 or environment.stats.total.fail_ratio == 1.0:
        print("nothing was answered: is this the URL of a CSMS?")
        environment.process_exit_code = 3
    else:
        print(f"{len(transactions)} transactions, {moved.total()} locks moved: every answer was right")


STAGES = {
    # (until second, share of --users)
    "ramp": ((60, 0.25), (120, 0.5), (180, 0.75), (240, 1.0)),
    "rush": ((10, 0.1), (40, 1.0), (120, 1.0), (150, 0.3)),
    "storm": ((30, 1.0), (35, 0.0), (90, 1.0), (95, 0.0), (150, 1.0)),
    "soak": ((86_400, 1.0),),
}

if SHAPE:

    class Shape(LoadTestShape):
        """One of STAGES, chosen by INTERLOCK_LOAD_SHAPE."""

        def tick(self) -> tuple[int, float] | None:
            """Return how many users there are now, and how fast they come."""
            most = self.runner.environment.parsed_options.num_users or 100 if self.runner else 100
            ran_s = self.get_run_time()
            for until_s, share in STAGES[SHAPE]:
                if ran_s < until_s:
                    return round(most * share), max(10.0, most / 5.0)
            return None
