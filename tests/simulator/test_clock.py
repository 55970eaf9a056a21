from datetime import datetime

import pytest

from interlock.simulator.clock import ClockSpec, StationClock
from tests.simulator.rig import Rig


def test_skew_drift_and_step() -> None:
    clock = StationClock(ClockSpec(skew_s=10.0, drift_ppm=100.0))
    assert clock.text(0.0) == "2026-01-01T00:00:10.000Z"
    assert clock.text(10_000.0) == "2026-01-01T02:46:51.000Z"
    clock.step(-3_600.0)
    assert clock.text(0.0) == "2025-12-31T23:00:10.000Z"


def test_it_hears_the_time_only_if_it_is_that_sort() -> None:
    deaf, keen = StationClock(ClockSpec(50.0)), StationClock(ClockSpec(50.0, 1000.0, follows_csms=True))
    for clock in (deaf, keen):
        clock.follow("2026-01-01T00:01:40Z", 100.0)
        clock.follow("no time at all", 100.0)
    assert deaf.skew_s(100.0) == 50.0
    assert keen.skew_s(100.0) == pytest.approx(0.0)
    assert keen.skew_s(1_100.0) == pytest.approx(1.0)  # and drifts on from there
    keen.follow("2026-01-01T01:01:40.000+01:00", 100.0)
    assert keen.skew_s(100.0) == pytest.approx(0.0)


def test_every_timestamp_on_the_wire_is_the_stations() -> None:
    rig = Rig(clock=ClockSpec(skew_s=-7_200.0, drift_ppm=50.0)).up().charge()
    rig.run(130)
    rig.station.unplug(1)
    rig.run(5)
    checked = 0
    for said in rig.peer.said:
        at = said.payload.get("timestamp")
        if said.action == "MeterValues":
            at = said.payload["meterValue"][0]["timestamp"]
        if at is not None:
            off = (datetime.fromisoformat(at) - datetime.fromisoformat("2026-01-01T00:00:00Z")).total_seconds()
            assert off - said.at == pytest.approx(-7_200.0, abs=1.0)
            checked += 1
    assert checked > 8


def test_a_station_may_set_its_clock_at_boot() -> None:
    rig = Rig(clock=ClockSpec(skew_s=999.0, follows_csms=True), first_boot_s=(0.0, 0.0)).up()
    assert abs(rig.station.clock.skew_s(rig.env.now)) < 1.0
