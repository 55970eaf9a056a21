"""A 2.0.1 station through storms of commands, mishaps and broken frames: it lives, and its books are right."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.simulator.circumstances import EFFECTS
from interlock.simulator.network.rules import Cut, LoseAnswer
from interlock.simulator.personas import PERSONAS
from interlock.simulator.v201.orders import ORDERS
from tests.simulator.rig201 import Rig201, complete

SEEDS = range(6)


def provoke(rig: Rig201, rng: random.Random) -> None:
    station, peer, evse = rig.station, rig.peer, rng.choice((1, 2))
    drivers: list[Callable[[], Any]] = [
        lambda: station.plug(evse),
        lambda: station.unplug(evse),
        lambda: station.swipe(evse, rng.choice(("A", "B"))),
        lambda: station.swipe(evse, rng.choice(("A", "B"))),
        lambda: station.send_meter_values_now(evse),
        lambda: station.send_status_now(evse),
        station.send_heartbeat_now,
        lambda: [station.clear(evse), station.plug(evse), station.swipe(evse, "A")],
    ]
    mishaps: list[Callable[[], Any]] = [
        lambda: station.fail(evse, rng.choice(list(EFFECTS))),
        lambda: station.clear(evse),
        lambda: station.power.sag(rng.uniform(10.0, 200.0), rng.uniform(0.0, 2.0), rng.uniform(0.0, 20.0)),
        lambda: station.power.power_cut(rng.uniform(0.1, 20.0)),
        lambda: station.reboot(),
        lambda: station.drop_connection(),
        lambda: station.reconnect_now(keep_old=rng.random() < 0.5),
        lambda: peer.socket.cut("line cut"),
        lambda: peer.socket.half_open("silent"),
        lambda: peer.socket.close("csms", "go away"),
    ]
    events = rig.events()
    last = events[-1]["transactionInfo"]["transactionId"] if events else "none"
    token = {"idToken": "OP", "type": "Central"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("UnlockConnector", {"evseId": evse, "connectorId": 1}),
        ("RequestStartTransaction", {"evseId": evse, "idToken": token, "remoteStartId": rng.randrange(1, 2**31 - 1)}),
        ("RequestStopTransaction", {"transactionId": last}),
        ("Reset", {"type": rng.choice(("Immediate", "OnIdle"))}),
        ("ChangeAvailability", {"operationalStatus": rng.choice(("Operative", "Inoperative")), "evse": {"id": evse}}),
        ("ChangeAvailability", {"operationalStatus": "Operative"}),
        ("TriggerMessage", {"requestedMessage": rng.choice(("TransactionEvent", "MeterValues", "Heartbeat"))}),
        ("GetBaseReport", {"requestId": 1, "reportBase": "ConfigurationInventory"}),
    ]
    if not peer.sockets:
        return
    kind = rng.random()
    if kind < 0.4:
        peer.call(*rng.choice(calls))
    elif kind < 0.82:
        rng.choice(drivers)()
    else:
        rng.choice(mishaps)()


def storm(seed: int, persona: str, **spec: Any) -> Rig201:
    rng = random.Random(f"storm:{seed}")
    latency_s = rng.choice(((0.0, 0.0), (0.01, 0.3), (0.0, 3.0)))
    rig = Rig201(seed, latency_s, persona=persona, call_timeout_s=5.0, retry_s=3.0, **spec)
    rig.peer.interval = 20
    for _ in range(160):
        rig.run(rng.uniform(0.1, 12.0))
        provoke(rig, rng)
        if rng.random() < 0.1:
            rig.peer.reachable = not rig.peer.reachable
        if rng.random() < 0.1:
            action = rng.choice(("TransactionEvent", "StatusNotification", "BootNotification"))
            rules = (Cut(), Cut(direction="up"), Cut(direction="down"), LoseAnswer(action, to_station=True))
            with rig.network.rule(rng.choice(rules)):
                for _ in range(2):
                    rig.run(rng.uniform(0.1, 6.0))
                    provoke(rig, rng)
    rig.peer.reachable = True
    for evse in (0, 1, 2):
        rig.station.clear(evse)
    rig.run(300.0)
    for evse in (1, 2):
        rig.station.unplug(evse)
    rig.run(600.0)
    return rig


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_storm(persona: str, seed: int) -> None:
    spec: dict[str, Any] = {"stop_point": "stopped"} if seed % 2 else {"status_by": "event"}
    if seed % 3 == 2:
        spec["start_point"] = "plugged"
    rig = storm(seed, persona, **spec)
    station = rig.station
    assert station.online
    assert station.outbox_pending == 0
    for status in rig.controller.statuses():
        assert status.acknowledged == status.now
        assert status.queued == 0
    if persona == "forgets-queue":
        return
    books = complete(rig.said("TransactionEvent"))
    assert all(events[-1]["eventType"] == "Ended" for events in books.values())
    # Each physical session is in the transaction it belongs to: it began, with its reading or its remote start.
    begun = rig.of("session.begun")
    starts = [
        event
        for events in books.values()
        for event in events
        if event["triggerReason"] in ("RemoteStart", "Authorized", "CablePluggedIn") and "idToken" in event
    ]
    assert len(starts) == len(begun)
    if spec.get("stop_point") == "stopped" and "start_point" not in spec:
        assert len(books) == len(begun)
        registers = [event["meterValue"][-1]["sampledValue"][0]["value"] for (*_, event) in books.values()]
        assert registers == [seen["meter_wh"] for seen in _by_start(rig)]


def _by_start(rig: Rig201) -> list[dict[str, Any]]:
    ended = {seen["session"]: seen for seen in rig.of("session.ended")}
    return [ended[seen["session"]] for seen in rig.of("session.begun")]


def test_the_same_storm_is_the_same() -> None:
    first, again = storm(3, "plain"), storm(3, "plain")
    assert first.seen == again.seen
    assert storm(4, "plain").seen != first.seen


def digest(seed: int) -> str:
    return hashlib.sha256(json.dumps(storm(seed, "plain").seen).encode()).hexdigest()


def test_another_hash_seed_changes_nothing() -> None:
    code = "from tests.simulator.v201.test_storm import digest; print(digest(3))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "12345")
    }
    assert found == {digest(3) + "\n"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["evseId", "Accepted", "OnIdle"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("evseId", "connectorId", "idToken", "remoteStartId", "type", "evse", "transactionId", "getVariableData")
PAYLOADS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([0, 1, 2, -1, 1.0, 10**400, "OnIdle"]) | JSON)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([2, 2, 2, 3, 4, 5, 6, "2", None]),
            st.text(max_size=40),
            st.sampled_from(sorted(ORDERS.actions)) | st.text(max_size=10),
            PAYLOADS | JSON,
        ),
        max_size=12,
    )
)
def test_frames_that_look_right(messages: list[Any]) -> None:
    rig = Rig201().up().charge()
    for message in messages:
        rig.peer.socket.send_down(json.dumps(message))
    rig.run(200)
    assert rig.station.running
    assert rig.get("TxCtrlr", "TxStartPoint") == "PowerPathClosed"


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["BootNotification", "Authorize", "TransactionEvent", "Heartbeat"]), JSON))
def test_answers_that_make_no_sense(answers: dict[str, Any]) -> None:
    rig = Rig201(retry_s=5.0)
    for action, answer in answers.items():
        rig.peer.script[action] = lambda p, answer=answer: answer if isinstance(answer, dict) else {"x": answer}
    rig.run(60)
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(60)
    rig.peer.script.clear()
    rig.run(400)
    assert rig.station.online
    assert rig.station.outbox_pending == 0
