"""Charging sessions at the hands of drivers and operators."""

from __future__ import annotations

import pytest

from tests.simulator.rig import Rig


def test_a_drivers_visit_from_plug_to_leave() -> None:
    rig = Rig().up()
    rig.station.plug(1)
    rig.run(3)
    assert rig.station.swipe(1, "TAG")
    rig.run(65)
    assert rig.station.truth()[0]["charging"]
    assert not rig.station.swipe(1, "SOMEBODY")  # not his
    assert rig.station.swipe(1, "tag")  # idTags do not differ by case (1.6 section 7.28)
    rig.run(5)
    assert rig.station.unplug(1)
    assert not rig.station.unplug(1)
    rig.run(5)
    assert [said.action for said in rig.peer.said[4:]] == [
        "StatusNotification",
        "Authorize",
        "StartTransaction",
        "StatusNotification",
        "MeterValues",
        "StopTransaction",
        "StatusNotification",
        "StatusNotification",
    ]
    assert rig.statuses() == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert rig.said("StopTransaction")[0].payload["reason"] == "Local"
    assert rig.said("StopTransaction")[0].payload["idTag"] == "tag"
    moves = [(seen["part"], seen["action"], seen["by"]) for seen in rig.of("ledger")]
    assert moves == [
        ("lock", "unlocked", "driver"),
        ("lock", "locked", "driver"),
        ("contactor", "closed", "driver"),
        ("contactor", "opened", "driver"),
        ("lock", "unlocked", "station"),
        ("lock", "locked", "driver"),
    ]
    kinds = [
        seen["kind"] for seen in rig.seen if seen["kind"] in ("plugged", "session.begun", "session.ended", "unplugged")
    ]
    assert kinds == ["plugged", "session.begun", "session.ended", "unplugged"]


def test_a_fault_cleared_that_was_none_takes_no_energy_from_the_meter() -> None:
    rig = Rig().up()
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(45)
    rig.station.clear(1)  # the end of a fault that had ended before, while energy flows
    rig.station.unplug(1)
    rig.run(5)
    started, stopped = rig.said("StartTransaction")[0].payload, rig.said("StopTransaction")[0].payload
    assert stopped["meterStop"] - started["meterStart"] > 50


def test_card_first_then_plug() -> None:
    rig = Rig().up()
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert rig.statuses() == ["Available", "Preparing"]
    rig.station.plug(1)
    rig.run(5)
    assert rig.station.truth()[0]["session"] == "CP1-1"


def test_nobody_plugs_in() -> None:
    rig = Rig(connection_timeout_s=20.0).up()
    rig.station.swipe(1, "TAG")
    rig.run(40)
    assert rig.statuses() == ["Available", "Preparing", "Available"]
    rig.station.plug(1)
    rig.run(5)
    assert rig.station.truth()[0]["session"] is None


def test_pulling_the_plug_ends_the_session() -> None:
    rig = Rig().up().charge()
    rig.station.unplug(1)
    rig.run(5)
    assert rig.said("StopTransaction")[0].payload["reason"] == "EVDisconnected"
    assert rig.statuses()[-2:] == ["Finishing", "Available"]


def test_leaving_before_it_begins() -> None:
    rig = Rig(unlock_s=(2.0, 2.0)).up()
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(1)
    assert rig.station.unplug(1)
    rig.run(60)
    assert rig.of("session.begun") == []
    assert rig.station.truth()[0]["status"] == "Available"


def test_again_on_the_same_connector_without_unplugging() -> None:
    rig = Rig().up().charge()
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert rig.station.swipe(1, "OTHER")
    rig.run(5)
    assert rig.statuses()[-3:] == ["Finishing", "Preparing", "Charging"]
    assert [said.payload["idTag"] for said in rig.said("StartTransaction")] == ["TAG", "OTHER"]


def test_a_tag_that_is_refused() -> None:
    rig = Rig().up()
    rig.peer.script["Authorize"] = lambda p: {"idTagInfo": {"status": "Blocked"}}
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(5)
    assert rig.of("session.begun") == []
    assert rig.statuses() == ["Available", "Preparing"]


@pytest.mark.parametrize("stops", [True, False])
def test_a_start_answered_with_invalid(stops: bool) -> None:
    rig = Rig().up()
    if not stops:
        rig.call("ChangeConfiguration", key="StopTransactionOnInvalidId", value="false")
    rig.peer.script["StartTransaction"] = lambda p: {"transactionId": 9, "idTagInfo": {"status": "Invalid"}}
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(10)
    assert [said.payload["reason"] for said in rig.said("StopTransaction")] == (["DeAuthorized"] if stops else [])
    assert (rig.station.truth()[0]["session"] is None) is stops


def test_fewer_sessions_than_connectors() -> None:
    rig = Rig(slots=1).up().charge(1)
    rig.station.plug(2)
    assert not rig.station.swipe(2, "OTHER")
    assert rig.call("RemoteStartTransaction", connectorId=2, idTag="OP") == {"status": "Rejected"}
    rig.station.unplug(1)
    assert rig.call("RemoteStartTransaction", connectorId=2, idTag="OP") == {"status": "Accepted"}
    rig.run(5)
    assert rig.station.truth()[1]["session"] is not None


def test_meter_values_at_their_interval_and_by_configuration() -> None:
    rig = Rig(meter_interval_s=30.0).up().charge()
    rig.run(100)
    assert len(rig.said("MeterValues")) == 3
    values = rig.said("MeterValues")[0].payload["meterValue"][0]["sampledValue"]
    assert [value["measurand"] for value in values] == [
        "Energy.Active.Import.Register",
        "Power.Active.Import",
        "Voltage",
    ]
    assert values[1]["value"] == "7400.0"
    rig.call("ChangeConfiguration", key="MeterValueSampleInterval", value="0")
    rig.run(200)
    assert len(rig.said("MeterValues")) == 4


def test_every_session_is_named_once_and_told_once() -> None:
    rig = Rig().up()
    for _ in range(5):
        rig.charge()
        rig.run(30)
        rig.station.unplug(1)
        rig.run(10)
    sessions = [seen["session"] for seen in rig.of("session.begun")]
    assert sessions == [f"CP1-{number}" for number in range(1, 6)]
    assert [seen["session"] for seen in rig.of("session.ended")] == sessions
    registers = [seen["meter_wh"] for seen in rig.seen if seen["kind"].startswith("session.")]
    assert registers == sorted(registers)
