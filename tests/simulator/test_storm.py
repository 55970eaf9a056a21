"""Everything at once, at random, and then peace: whatever happened, the books and the beliefs come right."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from interlock.simulator.circumstances import EFFECTS
from interlock.simulator.network.rules import Cut, LoseAnswer
from interlock.simulator.personas import PERSONAS
from interlock.simulator.v16.messages import REASONS
from interlock.simulator.v16.status import TABLE, way
from tests.simulator.rig import Rig

SEEDS = range(10)


def provoke(rig: Rig, rng: random.Random) -> None:
    """Do one thing to the station."""
    station, peer = rig.station, rig.peer
    connector = rng.choice((1, 2))
    drivers: list[Callable[[], Any]] = [
        lambda: station.plug(connector),
        lambda: station.unplug(connector),
        lambda: station.swipe(connector, rng.choice(("A", "B"))),
        lambda: station.swipe(connector, rng.choice(("A", "B"))),
        lambda: station.send_meter_values_now(connector),
        lambda: station.send_status_now(rng.choice((0, 1, 2))),
        station.send_heartbeat_now,
        lambda: [station.clear(connector), station.plug(connector), station.swipe(connector, "A")],
    ]
    mishaps: list[Callable[[], Any]] = [
        lambda: station.fail(connector, rng.choice(list(EFFECTS))),
        lambda: station.clear(connector),
        lambda: station.clear(connector),
        lambda: station.power.sag(rng.uniform(10.0, 200.0), rng.uniform(0.0, 2.0), rng.uniform(0.0, 20.0)),
        lambda: station.power.power_cut(rng.uniform(0.1, 20.0)),
        lambda: station.reboot(),
        lambda: station.drop_connection(),
        lambda: station.reconnect_now(keep_old=rng.random() < 0.5),
        lambda: peer.socket.cut("line cut"),
        lambda: peer.socket.half_open("silent"),
        lambda: peer.socket.close("csms", "go away"),
    ]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("UnlockConnector", {"connectorId": connector}),
        ("RemoteStartTransaction", {"connectorId": connector, "idTag": "OP"}),
        ("RemoteStopTransaction", {"transactionId": rng.randrange(1001, 1020)}),
        ("Reset", {"type": rng.choice(("Soft", "Hard"))}),
        (
            "ChangeAvailability",
            {"connectorId": rng.randrange(3), "type": rng.choice(("Operative", "Operative", "Inoperative"))},
        ),
        ("TriggerMessage", {"requestedMessage": "StatusNotification"}),
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": str(rng.randrange(0, 60))}),
    ]
    if not peer.sockets:
        return
    kind = rng.random()
    if kind < 0.25:
        peer.call(*rng.choice(calls))
    elif kind < 0.6:
        rng.choice(drivers)()
    else:
        rng.choice(mishaps)()


def storm(seed: int, persona: str, **spec: Any) -> Rig:
    rng = random.Random(f"storm:{seed}")
    latency_s = rng.choice(((0.0, 0.0), (0.01, 0.3), (0.0, 3.0)))
    rig = Rig(seed, latency_s, persona=persona, call_timeout_s=5.0, retry_s=3.0, **spec)
    rig.peer.interval = 20
    for _ in range(150):
        rig.run(rng.uniform(0.1, 12.0))
        provoke(rig, rng)
        if rng.random() < 0.1:
            rig.peer.reachable = not rig.peer.reachable
        if rng.random() < 0.1:
            action = rng.choice(("StartTransaction", "StopTransaction", "StatusNotification", "BootNotification"))
            rules = (Cut(), Cut(direction="up"), Cut(direction="down"), LoseAnswer(action, to_station=True))
            with rig.network.rule(rng.choice(rules)):
                for _ in range(3):
                    rig.run(rng.uniform(0.1, 12.0))
                    provoke(rig, rng)
    # Peace.
    rig.peer.reachable = True
    for connector in (0, 1, 2):
        rig.station.clear(connector)
    rig.controller.configuration.meter_interval_s = 0.0
    rig.run(400.0)
    rig.peer.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "20"})
    rig.run(300.0)
    return rig


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_storm(persona: str, seed: int) -> None:
    rig = storm(seed, persona, message_ids="random")
    station = rig.station
    assert station.controller.conversation.online
    assert station.outbox_pending == 0
    assert not station.power.under
    # The CSMS believes what is so.
    for status in station.controller.statuses():
        assert status.acknowledged == status.now
        assert status.queued == 0
        assert rig.statuses(status.number)[-1] == status.status
    # The ledger is consistent: a contactor that opens was closed.
    for number in (1, 2):
        moves = [seen["action"] for seen in rig.of("ledger", connector=number, part="contactor")]
        assert moves == (["closed", "opened"] * len(moves))[: len(moves)]
        words = [seen["status"] for seen in rig.of("status", connector=number)]
        assert set(words) <= set(TABLE)
    # Sessions begin and end in turn, and the meter never runs back.
    for number in (1, 2):
        sessions = [seen for seen in rig.seen if seen["kind"].startswith("session.") and seen["connector"] == number]
        kinds = [seen["kind"] for seen in sessions]
        assert kinds == (["session.begun", "session.ended"] * len(kinds))[: len(kinds)]
        registers = [seen["meter_wh"] for seen in sessions]
        assert registers == sorted(registers)
    if persona != "forgets-queue":
        books_are_right(rig)


def books_are_right(rig: Rig) -> None:
    """Each physical session was told: one start, one stop, in order, however often each was sent."""
    starts = {(s.payload["connectorId"], s.payload["timestamp"]): s.payload for s in rig.said("StartTransaction")}
    stops: dict[int, dict[str, Any]] = {}
    for said in rig.said("StopTransaction"):
        told = stops.setdefault(said.payload["transactionId"], said.payload)
        assert told == said.payload
    begun, ended = rig.of("session.begun"), rig.of("session.ended")
    assert [(p["connectorId"], p["idTag"], p["meterStart"]) for p in starts.values()] == [
        (seen["connector"], seen["id_token"], seen["meter_wh"]) for seen in begun
    ]
    assert [(p["meterStop"], p["reason"]) for p in stops.values()] == [
        (seen["meter_wh"], REASONS[seen["reason"]]) for seen in ended
    ]
    assert -1 not in stops


def test_the_way_through_the_table_is_what_is_recorded() -> None:
    rig = storm(3, "plain")
    here = "Available"
    for seen in rig.seen:
        if seen["kind"] == "reboot":
            here = ""
        elif seen["kind"] == "status" and seen["connector"] == 1:
            assert not here or here == seen["status"] or way(here, seen["status"]) == (seen["status"],)
            here = seen["status"]
