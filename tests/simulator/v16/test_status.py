import itertools

import pytest

from interlock.simulator.circumstances import EFFECTS, Circumstances
from interlock.simulator.v16.messages import ERROR_CODES
from interlock.simulator.v16.status import TABLE, way, word
from tests.simulator.rig import Rig

STATUSES = list(TABLE)


@pytest.mark.parametrize(("here", "there"), list(itertools.product(STATUSES, STATUSES)))
def test_every_status_is_reached_by_transitions_of_the_standard(here: str, there: str) -> None:
    passed = way(here, there)
    assert len(passed) <= 2
    for before, after in itertools.pairwise((here, *passed)):
        assert after in TABLE[before]
    assert (passed or (here,))[-1] == there


def test_the_table_is_the_standards() -> None:
    order = [
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEV",
        "SuspendedEVSE",
        "Finishing",
        "Reserved",
        "Unavailable",
        "Faulted",
    ]
    assert order == STATUSES
    for letter, here in zip("ABCDEFGHI", order, strict=True):
        for there, name in TABLE[here].items():
            assert name == f"{letter}{order.index(there) + 1}"
    assert sum(map(len, TABLE.values())) == 53


@pytest.mark.parametrize(
    ("circumstances", "status"),
    [
        (Circumstances(), "Available"),
        (Circumstances(plugged=True), "Preparing"),
        (Circumstances(awaited=True), "Preparing"),
        (Circumstances(plugged=True, charging=True), "Charging"),
        (Circumstances(plugged=True, charging=True, suspended_by_vehicle=True), "SuspendedEV"),
        (
            Circumstances(plugged=True, charging=True, suspended_by_vehicle=True, suspended_by_station=True),
            "SuspendedEVSE",
        ),
        (Circumstances(plugged=True, finished=True), "Finishing"),
        (Circumstances(plugged=True, finished=True, operative=False), "Finishing"),
        (Circumstances(plugged=True, operative=False), "Unavailable"),
        (Circumstances(reserved=True), "Reserved"),
        (Circumstances(plugged=True, charging=True, faulted=True), "Faulted"),
    ],
)
def test_circumstances_ask_for_a_status(circumstances: Circumstances, status: str) -> None:
    assert word(circumstances) == status


def test_what_was_recorded_of_a_day_is_in_the_table() -> None:
    rig = Rig().up().charge()
    rig.station.power.sag(40.0)
    rig.run(60)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    rig.station.unplug(1)
    rig.run(5)
    rig.call("ChangeAvailability", connectorId=0, type="Inoperative")
    rig.call("ChangeAvailability", connectorId=0, type="Operative")
    words = [seen["status"] for seen in rig.of("status", connector=1)]
    assert words == [
        "Preparing",
        "Charging",
        "SuspendedEVSE",
        "Charging",
        "Finishing",
        "Available",
        "Unavailable",
        "Available",
    ]
    assert rig.statuses(1) == ["Available", *words]
    assert rig.statuses(0) == ["Available", "Available", "Available", "Unavailable", "Available"]


@pytest.mark.parametrize("error_code", EFFECTS)
def test_every_fault_while_charging(error_code: str) -> None:
    rig = Rig().up().charge()
    rig.run(30)
    rig.station.fail(1, error_code)
    rig.run(5)
    truth = rig.station.truth()[0]
    effect = EFFECTS[error_code]
    last = rig.said("StatusNotification")[-1].payload
    assert last["errorCode"] == error_code
    match effect:
        case "ends":
            assert (last["status"], truth["session"], truth["charging"]) == ("Faulted", None, False)
            assert rig.said("StopTransaction")[0].payload["reason"] == "Other"
        case "suspends":
            assert (last["status"], truth["charging"]) == ("SuspendedEVSE", False)
            assert truth["session"] == "CP1-1"
        case "warns":
            assert (last["status"], truth["charging"]) == ("Charging", True)
    rig.station.clear(1)
    rig.run(5)
    last = rig.said("StatusNotification")[-1].payload
    assert last["errorCode"] == "NoError"
    assert last["status"] == ("Finishing" if effect == "ends" else "Charging")


@pytest.mark.parametrize("error_code", ["GroundFailure", "HighTemperature"])
def test_a_broken_connector_refuses(error_code: str) -> None:
    rig = Rig().up()
    rig.station.fail(0, error_code)
    rig.run(5)
    assert {s.payload["connectorId"] for s in rig.said("StatusNotification") if s.payload["status"] == "Faulted"} == {
        0,
        1,
        2,
    }
    assert not rig.station.swipe(1, "TAG")
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="OP") == {"status": "Rejected"}
    rig.station.clear(0)
    rig.run(5)
    assert [t["status"] for t in rig.station.truth()] == ["Available", "Available"]
    assert rig.whole.status == "Available"


def test_every_fault_is_an_error_code() -> None:
    assert {*EFFECTS, "NoError"} == set(ERROR_CODES)


def test_an_unknown_fault_is_refused() -> None:
    rig = Rig().up()
    with pytest.raises(ValueError, match="no fault"):
        rig.station.fail(1, "OnFire")


def test_a_stuck_lock_fails_to_unlock_and_keeps_the_cable() -> None:
    rig = Rig().up().charge()
    rig.station.fail(1, "ConnectorLockFailure")
    assert rig.call("UnlockConnector", connectorId=1) == {"status": "UnlockFailed"}
    assert not rig.station.unplug(1)
    assert rig.unlocks() == []
    assert rig.station.truth()[0]["session"] is not None
    rig.station.clear(1)
    assert rig.station.unplug(1)
