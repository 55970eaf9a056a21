"""What a day of 1,000 stations costs. `python -m tests.simulator.test_cost` prints it."""

from __future__ import annotations

import random
import time
from typing import Any

import msgspec
import pytest
import simpy

from interlock.simulator.driver import start_habit
from interlock.simulator.fleet import FleetSpec, build
from interlock.simulator.network.links import Network, Socket

NOW = "2026-01-01T00:00:00.000Z"
DAY_S = 86_400.0


def day(stations: int, heartbeat_s: int = 900) -> tuple[int, float, int]:
    """Simulate a day against a peer that answers at once. Return calls, CPU seconds and observations."""
    env = simpy.Environment()
    calls = observations = transactions = 0
    decode = msgspec.json.Decoder().decode
    answers = {
        "Heartbeat": f'{{"currentTime":"{NOW}"}}',
        "BootNotification": f'{{"status":"Accepted","currentTime":"{NOW}","interval":{heartbeat_s}}}',
        "Authorize": '{"idTagInfo":{"status":"Accepted"}}',
    }

    def observe(kind: str, **fields: Any) -> None:
        nonlocal observations
        observations += 1

    def dial(socket: Socket) -> bool:
        def hear(text: str) -> None:
            nonlocal calls, transactions
            message = decode(text)
            if message[0] != 2:
                return
            calls += 1
            answer = answers.get(message[2], "{}")
            if message[2] == "StartTransaction":
                transactions += 1
                answer = f'{{"transactionId":{transactions},"idTagInfo":{{"status":"Accepted"}}}}'
            socket.send_down(f'[3,"{message[1]}",{answer}]')

        socket.on_up = hear
        return True

    begun = time.process_time()
    network = Network(env, random.Random(1), observe, dial, record_frames=False)
    network.latency_s = (0.02, 0.02)
    fleet = build(env, FleetSpec(stations, station={"meter_interval_s": 300.0}), 7, network, observe)
    fleet.start()
    for station in fleet.stations:
        start_habit(env, station, random.Random(f"traffic:{station.station_id}"), "day")
    env.run(DAY_S)
    spent = time.process_time() - begun
    assert sum(station.outbox_pending for station in fleet.stations) <= stations // 50
    return calls, spent, observations


def report(stations: int) -> float:
    calls, spent, observations = day(stations)
    print(
        f"a day of {stations} stations: {calls:,} calls in {spent:.2f} CPU s, "
        f"{spent / calls * 1e6:.1f} us a call with the peer, {observations:,} observations"
    )
    return spent


def test_a_day_of_fifty_stations() -> None:
    calls, _, observations = day(50)
    assert calls > 8_000
    assert observations > 3_000


@pytest.mark.slow
def test_a_day_of_a_thousand_stations_is_cheap() -> None:
    assert report(1_000) < 15.0


if __name__ == "__main__":
    report(1_000)
