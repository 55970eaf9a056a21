"""Drivers, habits, fleets; and that a seed decides everything."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import simpy

from interlock.simulator.driver import HABITS, Driver, start_habit
from interlock.simulator.fleet import FleetSpec, build
from interlock.simulator.network.links import Network
from interlock.simulator.network.rules import Cut, Latency
from interlock.simulator.personas import PERSONAS
from interlock.simulator.vehicle import Vehicle
from tests.simulator.rig import Peer, Rig


def driver(rig: Rig, connector: int = 1, stay_s: float = 600.0, **how: Any) -> Driver:
    return Driver(rig.env, rig.station, random.Random(5), connector, "TAG", stay_s, **how)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("by_card", [False, True])
def test_a_driver_charges_and_leaves(first: bool, by_card: bool) -> None:
    rig = Rig().up()
    visit = driver(rig, swipes_first=first, stops_by_card=by_card, vehicle=Vehicle())
    rig.run(700)
    assert visit.done == "charged"
    assert rig.said("StopTransaction")[0].payload["reason"] == ("Local" if by_card else "EVDisconnected")
    assert rig.station.truth()[0]["status"] == "Available"
    assert 1_100 <= rig.of("session.ended")[0]["energy_wh"] <= 1_300


def test_other_ways_a_visit_ends() -> None:
    rig = Rig().up()
    visit = driver(rig, swipes=False)
    rival = driver(rig, arrive_s=50.0)
    rig.run(800)
    assert (visit.done, rival.done) == ("no session", "occupied")
    kept = driver(rig, stay_s=100.0)
    rig.run(50)
    rig.station.fail(1, "ConnectorLockFailure")
    rig.run(300)
    assert kept.done is None
    rig.station.clear(1)
    rig.run(120)
    assert kept.done == "charged"


def test_a_morning_is_over_within_the_hour() -> None:
    visits = 0
    for seed in range(10):
        rig = Rig(seed)
        start_habit(rig.env, rig.station, random.Random(seed), "morning", id_token="TAG")
        rig.run(3_700)
        assert [t["plugged"] for t in rig.station.truth()] == [False, False]
        assert rig.station.outbox_pending == 0
        visits += len(rig.of("plugged"))
    assert 12 <= visits <= 30


def test_a_day_has_its_hours() -> None:
    by_hour: dict[int, int] = {}
    for seed in range(30):
        rig = Rig(seed, meter_interval_s=900.0)
        start_habit(rig.env, rig.station, random.Random(seed), HABITS["day"])
        rig.run(86_400)
        for seen in rig.of("plugged"):
            by_hour[int(seen["t"] // 3600)] = by_hour.get(int(seen["t"] // 3600), 0) + 1
        assert [t["plugged"] for t in rig.station.truth()] == [False, False]
    total = sum(by_hour.values())
    assert 90 <= total <= 330  # three or so a connector
    assert sum(by_hour.get(hour, 0) for hour in range(6)) < total / 8


def fleet_run(seed: int, stations: int = 6, extra: int = 0, seconds: float = 4_000.0) -> list[tuple[Any, ...]]:
    env = simpy.Environment()
    seen: list[tuple[Any, ...]] = []

    def observe(kind: str, **fields: Any) -> None:
        seen.append((round(env.now, 6), kind, fields))

    peer = Peer(env)
    network = Network(env, random.Random(f"{seed}:network"), observe, peer.dial)
    network.latency_s = (0.01, 0.2) if extra == 0 else (0.05, 0.05)
    spec = FleetSpec(
        stations + extra,
        personas=dict.fromkeys(PERSONAS, 1.0),
        skew_s=(-30.0, 30.0),
        drift_ppm=(-50.0, 50.0),
        switch_on_s=60.0,
        station={"retry_s": 5.0, "call_timeout_s": 8.0},
    )
    fleet = build(env, spec, seed, network, observe)
    fleet.start()
    for number, station in enumerate(fleet.stations):
        start_habit(env, station, random.Random(f"{seed}:{number}"), "busy")
    env.run(900)
    for station in fleet.stations:
        station.power.sag(30.0 + 20.0 * (len(station.station_id) % 3), 1.0, 5.0)
        peer.sockets[station.station_id].send_down('[2,"u","UnlockConnector",{"connectorId":1}]')
    env.run(1_200)
    with network.rule(Cut("CP01")), network.rule(Latency(0.0, 1.0, random.Random(seed))):
        env.run(1_500)
    fleet.stations[2].power.power_cut(30.0)
    fleet.stations[3].reboot()
    fleet.stations[4].reconnect_now()
    env.run(seconds)
    return seen


def digest(seed: int) -> str:
    return hashlib.sha256(json.dumps(fleet_run(seed)).encode()).hexdigest()


def test_a_fleet_is_spread() -> None:
    env = simpy.Environment()
    network = Network(env, random.Random(1), lambda kind, **fields: None, lambda socket: False)
    spec = FleetSpec(40, personas={"plain": 3.0, "acts-late": 1.0}, skew_s=(-5.0, 5.0))
    stations = build(env, spec, 1, network, network.observe).stations
    assert [stations[0].station_id, stations[-1].station_id] == ["CP01", "CP40"]
    late = sum(station.spec.persona.name == "acts-late" for station in stations)
    assert 3 <= late <= 18
    skews = [station.clock.skew_s(0.0) for station in stations]
    assert len(set(skews)) == 40
    assert all(-5.0 <= skew <= 5.0 for skew in skews)
    registers = [station.evses[0].meter.register_wh for station in stations]
    assert registers == [s.evses[0].meter.register_wh for s in build(env, spec, 1, network, network.observe).stations]
    assert registers != [s.evses[0].meter.register_wh for s in build(env, spec, 2, network, network.observe).stations]


def test_versions_go_round() -> None:
    env = simpy.Environment()
    network = Network(env, random.Random(1), lambda kind, **fields: None, lambda socket: False)
    stations = build(env, FleetSpec(5, versions=("1.6", "2.0.1")), 1, network, network.observe).stations
    assert [station.spec.ocpp for station in stations] == ["1.6", "2.0.1", "1.6", "2.0.1", "1.6"]
    with pytest.raises(ValueError, match=r"1\.6 or 2\.0\.1, not '3\.0'"):
        build(env, FleetSpec(1, versions=("3.0",)), 1, network, network.observe)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_observations() -> None:
    first = fleet_run(7)
    assert len(first) > 2_000
    assert first == fleet_run(7)
    assert first != fleet_run(8)


def test_another_hash_seed_changes_nothing() -> None:
    code = "from tests.simulator.test_fleet import digest; print(digest(7))"
    root = Path(__file__).parents[2]
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "12345")
    }
    assert found == {digest(7) + "\n"}


def test_another_station_changes_nothing_for_the_others() -> None:
    # All of the second station's, until latency is drawn: the network's random numbers are shared.
    def seconds(seen: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        kinds = ("ledger", "plugged", "booted", "status", "session.begun", "session.ended")
        return [one for one in seen if one[2].get("station") == "CP02" and one[1] in kinds and one[0] < 1_200.0]

    assert seconds(fleet_run(7, 6, 1)) == seconds(fleet_run(7, 6, 3))
