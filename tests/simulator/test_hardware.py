import random
from typing import Any

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from interlock.simulator.hardware import DEAD_V, NOMINAL_V, UNDER_V, CableLock, Contactor, Meter, PowerSupply
from interlock.simulator.vehicle import Vehicle
from tests.simulator.rig import Rig


def test_each_movement_is_in_the_ledger_and_nothing_else() -> None:
    seen: list[dict[str, Any]] = []
    lock = CableLock("CP1", 2, lambda kind, **fields: seen.append({"kind": kind, **fields}))
    assert lock.move(False, "remote", "m1")
    assert lock.move(False, "remote", "m2")  # driven again against its end: it moves all the same
    lock.stuck = True
    assert not lock.move(True, "station")
    assert not lock.locked
    contactor = Contactor("CP1", 2, lambda kind, **fields: seen.append({"kind": kind, **fields}))
    contactor.set(False, "station")
    contactor.set(True, "driver")
    contactor.set(True, "remote", "m3")
    assert [(s["part"], s["action"], s["by"], s["message_id"]) for s in seen] == [
        ("lock", "unlocked", "remote", "m1"),
        ("lock", "unlocked", "remote", "m2"),
        ("contactor", "closed", "driver", None),
    ]
    assert {(s["kind"], s["station"], s["connector"]) for s in seen} == {("ledger", "CP1", 2)}


def test_a_meter_never_runs_back() -> None:
    meter = Meter(100)
    for wh in (0.4, -5.0, 0.7, 0.0):
        meter.count(wh)
    assert meter.register_wh == 101
    assert meter.exact_wh == pytest.approx(101.1)


@given(
    st.floats(0.0, 0.99),
    st.floats(1_000.0, 22_000.0),
    st.floats(500.0, 22_000.0),
    st.lists(st.floats(0.1, 20_000.0), min_size=1, max_size=8),
)
def test_energy_does_not_depend_on_how_often_one_looks(
    soc: float, max_w: float, offered_w: float, spans: list[float]
) -> None:
    often, once = Vehicle(50_000.0, soc, max_w), Vehicle(50_000.0, soc, max_w)
    in_parts = sum(often.draw(span, offered_w) for span in spans)
    assert in_parts == pytest.approx(once.draw(sum(spans), offered_w), rel=1e-9, abs=1e-6)
    assert 0.0 <= in_parts <= 50_000.0


@given(st.floats(0.1, 0.97), st.floats(1_400.0, 22_000.0))
def test_energy_is_the_integral_of_power(soc: float, offered_w: float) -> None:
    exact, stepped = Vehicle(30_000.0, soc), Vehicle(30_000.0, soc)
    energy_wh = exact.draw(7_200.0, offered_w)
    step_s, integral_wh = 2.0, 0.0
    for _ in range(3_600):
        before = stepped.power_w(offered_w)
        stepped.draw(step_s, offered_w)
        integral_wh += (before + stepped.power_w(offered_w)) / 2 * step_s / 3600.0
    assert integral_wh == pytest.approx(energy_wh, rel=2e-3, abs=2.0)


@given(st.floats(0.0, 0.99), st.floats(1_000.0, 22_000.0))
def test_a_vehicle_is_full_when_it_said_so(soc: float, offered_w: float) -> None:
    vehicle = Vehicle(30_000.0, soc)
    left_s = vehicle.seconds_to_full(offered_w)
    vehicle.draw(left_s * 0.99, offered_w)
    assert not vehicle.full or left_s == 0.0
    vehicle.draw(left_s * 0.011, offered_w)
    assert vehicle.full
    assert vehicle.power_w(offered_w) == 0.0
    assert vehicle.soc > 0.99


def test_power_tapers() -> None:
    vehicle = Vehicle(50_000.0, 0.5, 11_000.0)
    assert vehicle.power_w(7_400.0) == 7_400.0
    vehicle.missing_wh = 2_000.0
    assert vehicle.power_w(7_400.0) == pytest.approx(2_200.0)


def supply() -> tuple[simpy.Environment, PowerSupply, list[tuple[float, str]], list[float]]:
    env = simpy.Environment()
    crossed: list[tuple[float, str]] = []
    volts: list[float] = []
    power = PowerSupply(
        env, "CP1", lambda kind, **fields: None, volts.append, lambda what: crossed.append((env.now, what))
    )
    return env, power, crossed, volts


def test_a_sag_ramps_down_crosses_and_recovers_with_hysteresis() -> None:
    env, power, crossed, volts = supply()
    power.sag(50.0, ramp_s=2.0, hold_s=5.0)
    env.run(20)
    assert [what for _, what in crossed] == ["under", "normal"]
    assert min(volts) == 180.0
    assert power.volts == NOMINAL_V
    down = crossed[0][0]
    up = crossed[1][0]
    assert 0.8 < down < 1.2  # 23 of 50 V down, of a ramp of 2 s
    assert 8.0 < up <= 9.0
    assert volts == sorted(volts[:20], reverse=True) + sorted(volts[20:])


def test_a_shallow_sag_crosses_nothing() -> None:
    env, power, crossed, volts = supply()
    power.sag(20.0)
    env.run(20)
    assert crossed == []
    assert min(volts) == 210.0 > UNDER_V


def test_a_deep_sag_and_a_power_cut_kill_the_controller() -> None:
    env, power, crossed, _ = supply()
    power.sag(NOMINAL_V - DEAD_V + 10.0, 1.0, 3.0)
    env.run(20)
    power.power_cut(4.0)
    assert not power.dead
    env.run(20.5)
    assert power.dead
    assert power.volts == 0.0
    env.run(40)
    assert [what for _, what in crossed] == ["under", "dead", "restored", "normal"] * 2
    assert crossed[-1] == (24.0, "normal")


def test_sags_add_up() -> None:
    env, power, crossed, _ = supply()
    power.sag(20.0, 0.0, 10.0)
    power.sag(20.0, 0.0, 5.0)
    env.run(1)
    assert power.volts == 190.0
    env.run(7)
    assert power.volts == 210.0  # in between: neither under nor normal again
    assert power.under
    env.run(20)
    assert [what for _, what in crossed] == ["under", "normal"]


def test_a_weak_grid_sags_now_and_then() -> None:
    env, power, crossed, _ = supply()
    power.wander(random.Random(1), (30.0, 60.0), 600.0)
    env.run(36_000)
    assert 20 < len(crossed) < 300


# --- in a station ----------------------------------------------------------------------------------------------------


def test_the_meter_of_a_session_is_the_energy_that_flowed() -> None:
    rig = Rig(unlock_s=(0.5, 0.5), max_power_w=7_200.0).up().charge()
    begun = rig.of("session.begun")[0]
    rig.run(1_800.0)
    rig.station.unplug(1)
    ended = rig.of("session.ended")[0]
    spent_h = (ended["t"] - begun["t"]) / 3600.0
    assert ended["energy_wh"] == pytest.approx(7_200.0 * spent_h, abs=1.0)
    assert ended["energy_wh"] == ended["meter_wh"] - begun["meter_wh"]


def test_undervoltage_suspends_opens_the_contactor_and_recovers() -> None:
    rig = Rig().up().charge()
    session = rig.station.evses[0].session
    rig.run(30.0)
    rig.station.power.sag(40.0, 1.0, 60.0)
    rig.run(10.0)
    evse = rig.station.evses[0]
    assert not evse.contactor.closed
    assert rig.status(1).now == ("SuspendedEVSE", "UnderVoltage")
    assert rig.whole.error_code == "UnderVoltage"
    suspended_wh = evse.meter.exact_wh
    rig.run(40.0)
    evse.read()
    assert evse.meter.exact_wh == suspended_wh
    assert not rig.station.swipe(2, "OTHER")
    rig.run(60.0)
    assert evse.session is session
    assert evse.contactor.closed
    told = [
        (s.payload["connectorId"], s.payload["status"], s.payload["errorCode"])
        for s in rig.said("StatusNotification")
        if s.at > 30.0
    ]
    assert told == [
        (1, "SuspendedEVSE", "UnderVoltage"),
        (0, "Available", "UnderVoltage"),
        (1, "Charging", "NoError"),
        (0, "Available", "NoError"),
    ]
    assert [(s["crossed"]) for s in rig.of("voltage")] == ["under", "normal"]
    assert len(rig.of("session.begun")) == 1


def test_power_falls_with_the_voltage_before_it_is_cut() -> None:
    rig = Rig(max_power_w=7_200.0).up().charge()
    evse = rig.station.evses[0]
    rig.station.power.sag(20.0, 0.0, 3_600.0)
    rig.run(1.0)
    evse.read()
    before = evse.meter.exact_wh
    rig.run(1_000.0)
    evse.read()
    assert evse.meter.exact_wh - before == pytest.approx(7_200.0 * 210.0 / 230.0 * 1_000.0 / 3_600.0)


def test_a_brown_out_ends_the_session_and_loses_memory() -> None:
    rig = Rig().up().charge()
    register = rig.station.evses[0].meter.register_wh
    assert rig.call("RemoteStartTransaction", connectorId=2, idTag="OP", wait=1.0) == {"status": "Accepted"}
    assert rig.station.evses[1].awaited is not None
    rig.station.power.sag(150.0, 1.0, 5.0)
    rig.run(5.0)
    assert not rig.station.running
    assert not rig.controller.conversation.online
    assert not rig.station.plug(2)
    assert not rig.station.swipe(2, "TAG")
    rig.run(30.0)
    assert rig.controller.conversation.online
    assert rig.station.evses[1].awaited is None  # what was only in memory is gone
    stop = rig.said("StopTransaction")[0]
    assert stop.payload["reason"] == "PowerLoss"
    assert stop.payload["transactionId"] == 1001
    assert stop.payload["meterStop"] >= register
    assert [s.action for s in rig.peer.said if s.socket == 2][:2] == ["BootNotification", "StopTransaction"]
    assert [s["crossed"] for s in rig.of("voltage")] == ["under", "dead", "restored", "normal"]
    assert len(rig.of("booted")) == 2
    assert rig.of("reboot")[0]["why"] == "power lost"
    assert rig.station.truth()[0]["status"] == "Preparing"
    ids = [s.message_id for s in rig.peer.said]
    assert len(set(ids)) == len(ids)


def test_the_register_survives_a_power_cut_and_the_cable_comes_free() -> None:
    rig = Rig().up().charge()
    rig.run(300.0)
    rig.station.power.power_cut(60.0)
    rig.run(10.0)
    register = rig.station.evses[0].meter.register_wh
    assert rig.station.unplug(1)
    rig.run(90.0)
    assert rig.station.evses[0].meter.register_wh == register
    assert rig.of("session.ended")[0]["meter_wh"] == register
    assert rig.station.truth()[0] == {
        "station": "CP1",
        "connector": 1,
        "status": "Available",
        "plugged": False,
        "locked": True,
        "charging": False,
        "session": None,
        "transaction_id": None,
        "online": True,
    }


def test_a_second_cut_during_the_boot_is_survived() -> None:
    rig = Rig(boot_s=(5.0, 5.0)).up()
    rig.station.power.power_cut(2.0)
    rig.run(4.0)
    rig.station.power.power_cut(2.0)
    rig.run(4.0)
    assert not rig.station.running
    rig.run(10.0)
    assert rig.controller.conversation.online
    assert len(rig.of("booted")) == 2


@pytest.mark.parametrize(("silently", "learns"), [(False, True), (True, False)])
def test_what_the_csms_learns_of_a_power_loss(silently: bool, learns: bool) -> None:
    rig = Rig(dies_silently=silently).up()
    rig.station.power.power_cut(30.0)
    rig.run(20.0)
    assert bool(rig.peer.closed) is learns
    rig.run(30.0)
    assert rig.peer.socket.number == 2


def test_a_vehicle_that_is_full_suspends() -> None:
    rig = Rig()
    rig.up()
    rig.station.plug(1, Vehicle(20_000.0, 0.9))
    rig.station.swipe(1, "TAG")
    rig.run(10_000.0)
    assert rig.station.truth()[0]["status"] == "SuspendedEV"
    assert rig.station.evses[0].contactor.closed
    rig.station.swipe(1, "TAG")
    rig.run(5.0)
    assert rig.of("session.ended")[0]["energy_wh"] == pytest.approx(2_000.0 - 80.0, abs=1.0)
    assert rig.statuses()[-3:] == ["Charging", "SuspendedEV", "Finishing"]
