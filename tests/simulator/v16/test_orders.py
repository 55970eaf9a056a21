"""Every CALL of the CSMS, and what is not one."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.simulator import v16
from interlock.simulator.v16.orders import ORDERS
from tests.simulator.rig import Rig


def obeyed(rig: Rig) -> list[tuple[str, str]]:
    return [(seen["action"], seen["status"]) for seen in rig.of("obeyed")]


# --- unlocking -------------------------------------------------------------------------------------------------------


def test_unlock_moves_the_lock_and_says_so_afterwards() -> None:
    rig = Rig(unlock_s=(1.0, 1.0), act_s=(0.1, 0.1), latency_s=(0.0, 0.0)).up()
    begun = rig.env.now
    assert rig.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    move = rig.unlocks()[0]
    assert move["message_id"] == "m1"
    assert move["t"] == pytest.approx(begun + 1.1)
    assert rig.of("obeyed") == [
        {
            "t": move["t"],
            "kind": "obeyed",
            "station": "CP1",
            "message_id": "m1",
            "action": "UnlockConnector",
            "status": "Unlocked",
        }
    ]
    assert not rig.station.truth()[0]["locked"]


def test_a_lock_that_nobody_used_shuts_again() -> None:
    rig = Rig(relock_s=60.0).up()
    rig.call("UnlockConnector", connectorId=1)
    rig.run(70)
    assert rig.station.truth()[0]["locked"]
    assert rig.of("ledger")[-1]["by"] == "station"
    assert rig.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    rig.station.plug(1)
    rig.run(70)
    assert not rig.station.truth()[0]["locked"]  # the cable is in: it stays as it is
    rig.station.unplug(1)
    assert rig.station.truth()[0]["locked"]


def test_unlock_ends_the_session_first() -> None:
    rig = Rig(unlock_s=(0.8, 0.8)).up().charge()
    assert rig.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    assert rig.said("StopTransaction")[0].payload["reason"] == "UnlockCommand"
    ended, moved = rig.of("session.ended")[0], rig.unlocks()[0]
    assert ended["t"] < moved["t"]
    assert rig.of("ledger", part="contactor", action="opened")[0]["by"] == "remote"
    assert len(rig.of("ledger", part="lock", action="unlocked")) == 2  # the driver's plug, and this
    assert rig.station.truth()[0]["status"] == "Finishing"


@pytest.mark.parametrize("connector", [0, 3, -1, 10**30])
def test_unlock_of_no_connector(connector: int) -> None:
    rig = Rig().up()
    assert rig.call("UnlockConnector", connectorId=connector) == {"status": "NotSupported"}
    assert rig.of("ledger") == []


def test_no_start_while_the_lock_moves() -> None:
    rig = Rig(unlock_s=(1.0, 1.0), act_s=(0.0, 0.0), latency_s=(0.0, 0.0)).up()
    rig.station.plug(1)
    rig.station.evses[0].lock.locked = True
    rig.peer.call("UnlockConnector", {"connectorId": 1}, "u")
    rig.peer.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "OP"}, "s")
    rig.run(5)
    assert rig.peer.results == {"u": {"status": "Unlocked"}, "s": {"status": "Rejected"}}


def test_a_reboot_in_between_leaves_the_lock_and_no_answer() -> None:
    rig = Rig(unlock_s=(2.0, 2.0), act_s=(0.0, 0.0)).up()
    message_id = rig.peer.call("UnlockConnector", {"connectorId": 1})
    rig.run(1)
    rig.station.power.power_cut(5.0)
    rig.run(60)
    assert rig.unlocks() == []
    assert message_id not in rig.peer.results
    assert rig.of("obeyed") == []
    assert rig.call("UnlockConnector", connectorId=1, wait=5.0) == {"status": "Unlocked"}


# --- starting and stopping -------------------------------------------------------------------------------------------


def test_remote_start_and_stop_with_the_cable_in() -> None:
    rig = Rig().up()
    rig.station.plug(1)
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="OP") == {"status": "Accepted"}
    begun = rig.of("session.begun")[0]
    assert (begun["message_id"], begun["id_token"]) == ("m1", "OP")
    assert rig.said("Authorize") == []
    closed = rig.of("ledger", part="contactor", action="closed")[0]
    assert (closed["by"], closed["message_id"], closed["t"]) == ("remote", "m1", begun["t"])
    assert rig.call("RemoteStopTransaction", transactionId=77) == {"status": "Rejected"}
    assert rig.call("RemoteStopTransaction", transactionId=1001) == {"status": "Accepted"}
    assert rig.said("StopTransaction")[0].payload["reason"] == "Remote"
    assert rig.of("ledger", part="contactor", action="opened")[0]["message_id"] == "m3"
    assert [word for _, word in obeyed(rig)] == ["Accepted", "Rejected", "Accepted"]


def test_remote_start_waits_for_the_cable_and_lapses() -> None:
    rig = Rig(connection_timeout_s=20.0).up()
    rig.call("RemoteStartTransaction", connectorId=1, idTag="OP")
    assert rig.statuses()[-1] == "Preparing"
    rig.run(15)
    rig.station.plug(1)
    rig.run(5)
    assert rig.of("session.begun")[0]["message_id"] == "m1"
    rig.call("RemoteStartTransaction", connectorId=2, idTag="OP")
    rig.run(25)
    assert rig.statuses(2) == ["Available", "Preparing", "Available"]
    rig.station.plug(2)
    rig.run(5)
    assert len(rig.of("session.begun")) == 1


def test_remote_start_chooses_a_free_connector() -> None:
    rig = Rig().up().charge(1)
    assert rig.call("RemoteStartTransaction", idTag="OP") == {"status": "Accepted"}
    assert rig.station.evses[1].awaited is not None
    assert rig.call("RemoteStartTransaction", idTag="OP") == {"status": "Rejected"}


@pytest.mark.parametrize("connector", [0, 3, -1])
def test_remote_start_of_no_connector(connector: int) -> None:
    assert Rig().up().call("RemoteStartTransaction", connectorId=connector, idTag="OP") == {"status": "Rejected"}


@pytest.mark.parametrize(("word", "begins"), [("Accepted", True), ("Invalid", False)])
def test_remote_start_may_have_to_be_authorized(word: str, begins: bool) -> None:
    rig = Rig().up()
    assert rig.call("ChangeConfiguration", key="AuthorizeRemoteTxRequests", value="True") == {"status": "Accepted"}
    rig.peer.script["Authorize"] = lambda p: {"idTagInfo": {"status": word}}
    rig.station.plug(1)
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="OP") == {"status": "Accepted"}
    assert len(rig.said("Authorize")) == 1
    assert bool(rig.of("session.begun")) is begins


def test_a_start_during_undervoltage_is_rejected_and_one_under_way_waits() -> None:
    rig = Rig(unlock_s=(1.0, 1.0)).up()
    rig.station.plug(1)
    rig.peer.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "OP"}, "s")
    rig.run(0.5)
    rig.station.power.sag(40.0, 0.0, 10.0)
    rig.run(5)
    assert rig.peer.results["s"] == {"status": "Accepted"}
    assert rig.of("session.begun") == []
    assert rig.call("RemoteStartTransaction", connectorId=2, idTag="OP") == {"status": "Rejected"}
    rig.run(10)
    assert rig.of("session.begun")[0]["message_id"] == "s"


def test_a_start_under_way_lapses_if_the_voltage_stays_low() -> None:
    rig = Rig(unlock_s=(1.0, 1.0), connection_timeout_s=20.0).up()
    rig.station.plug(1)
    rig.peer.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "OP"}, "s")
    rig.run(0.5)
    rig.station.power.sag(40.0, 0.0, 60.0)
    rig.run(100)
    assert rig.of("session.begun") == []


# --- the station -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "reason"), [("Soft", "SoftReset"), ("Hard", "HardReset")])
def test_reset(kind: str, reason: str) -> None:
    rig = Rig().up().charge()
    assert rig.call("Reset", type=kind, wait=0.5) == {"status": "Accepted"}
    rig.run(20)
    stop = rig.said("StopTransaction")[0]
    assert stop.payload["reason"] == reason
    assert stop.socket == (1 if kind == "Soft" else 2)
    assert rig.of("reboot")[0]["why"] == reason
    assert [said.action for said in rig.peer.said].count("BootNotification") == 2
    assert rig.controller.conversation.online
    assert rig.station.outbox_pending == 0


def test_change_availability_of_one_and_of_all() -> None:
    rig = Rig().up().charge(2)
    assert rig.call("ChangeAvailability", connectorId=1, type="Inoperative") == {"status": "Accepted"}
    assert not rig.station.swipe(1, "TAG")
    assert rig.call("ChangeAvailability", connectorId=2, type="Inoperative") == {"status": "Scheduled"}
    assert rig.station.truth()[1]["status"] == "Charging"
    rig.station.unplug(2)
    rig.run(5)
    assert rig.statuses(2)[-1] == "Unavailable"
    rig.station.reboot()
    rig.run(20)
    assert [t["status"] for t in rig.station.truth()] == ["Unavailable", "Unavailable"]  # kept (1.6 section 5.2)
    assert rig.call("ChangeAvailability", connectorId=0, type="Operative") == {"status": "Accepted"}
    assert [t["status"] for t in rig.station.truth()] == ["Available", "Available"]
    assert rig.call("ChangeAvailability", connectorId=0, type="Inoperative") == {"status": "Accepted"}
    assert rig.statuses(0)[-1] == "Unavailable"
    assert rig.call("ChangeAvailability", connectorId=9, type="Operative") == {"status": "Rejected"}


def test_a_scheduled_change_can_be_taken_back() -> None:
    rig = Rig().up().charge()
    rig.call("ChangeAvailability", connectorId=0, type="Inoperative")
    rig.call("ChangeAvailability", connectorId=1, type="Operative")
    rig.station.unplug(1)
    rig.run(5)
    assert [t["status"] for t in rig.station.truth()] == ["Available", "Unavailable"]


@pytest.mark.parametrize(
    ("message", "connector", "word", "sent"),
    [
        ("BootNotification", None, "Accepted", 1),
        ("Heartbeat", None, "Accepted", 1),
        ("StatusNotification", None, "Accepted", 3),
        ("StatusNotification", 0, "Accepted", 1),
        ("StatusNotification", 2, "Accepted", 1),
        ("StatusNotification", 3, "Rejected", 0),
        ("MeterValues", None, "Accepted", 2),
        ("MeterValues", 1, "Accepted", 1),
        ("FirmwareStatusNotification", None, "Accepted", 1),
        ("DiagnosticsStatusNotification", None, "Accepted", 1),
    ],
)
def test_trigger(message: str, connector: int | None, word: str, sent: int) -> None:
    rig = Rig().up()
    before = len(rig.peer.said)
    extra = {} if connector is None else {"connectorId": connector}
    assert rig.call("TriggerMessage", requestedMessage=message, **extra) == {"status": word}
    said = [said.action for said in rig.peer.said[before:]]
    assert said == [message] * sent


def test_what_was_triggered_comes_behind_what_happened_before() -> None:
    rig = Rig(call_timeout_s=3.0, retry_s=10.0).up()
    rig.peer.script["StartTransaction"] = lambda p: None
    rig.charge()
    rig.run(1)
    rig.station.unplug(1)
    del rig.peer.script["StartTransaction"]
    assert rig.call("TriggerMessage", requestedMessage="StatusNotification", connectorId=1) == {"status": "Accepted"}
    assert rig.statuses() == ["Available", "Preparing"]
    rig.run(30)
    actions = [said.action for said in rig.peer.said]
    assert rig.statuses()[-1] == "Available"
    assert actions.index("StopTransaction") < len(actions) - 1 - actions[::-1].index("StatusNotification")


def test_configuration() -> None:
    rig = Rig().up()
    everything = rig.call("GetConfiguration")
    names = [one["key"] for one in everything["configurationKey"]]
    assert names == sorted(names)
    assert {"HeartbeatInterval", "NumberOfConnectors", "SupportedFeatureProfiles"} <= set(names)
    assert rig.call("GetConfiguration", key=["NumberOfConnectors", "Nonsense", "Nonsense"]) == {
        "configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}],
        "unknownKey": ["Nonsense"],
    }
    for key, value, word in [
        ("HeartbeatInterval", "20", "Accepted"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("HeartbeatInterval", "soon", "Rejected"),
        ("TransactionMessageAttempts", "0", "Rejected"),
        ("TransactionMessageRetryInterval", "7", "Accepted"),
        ("AuthorizeRemoteTxRequests", "maybe", "Rejected"),
        ("NumberOfConnectors", "5", "Rejected"),
        ("WebSocketPingInterval", "10", "RebootRequired"),
        ("Nonsense", "1", "NotSupported"),
    ]:
        assert rig.call("ChangeConfiguration", key=key, value=value) == {"status": word}
    rig.run(100)
    assert len(rig.said("Heartbeat")) >= 5
    assert rig.controller.conversation.outbox.retry_s == 7.0
    rig.station.reboot()
    rig.run(20)
    assert rig.controller.configuration.keys["TransactionMessageRetryInterval"].value == "7"


def test_clear_cache_and_data_transfer() -> None:
    rig = Rig().up()
    rig.station.swipe(1, "TAG")
    rig.run(3)
    assert rig.controller.known_tokens == {"TAG": True}
    assert rig.call("ClearCache") == {"status": "Accepted"}
    assert rig.controller.known_tokens == {}
    assert rig.call("DataTransfer", vendorId="Somebody") == {"status": "UnknownVendorId"}
    assert rig.call("DataTransfer", vendorId="Interlock", data="x") == {"status": "Accepted"}


def test_what_is_not_done_and_what_is_not_known() -> None:
    rig = Rig().up()
    for action in sorted(v16.SCHEMAS.actions):
        if action not in ORDERS.actions:
            assert rig.call(action, wait=1.0) == ("NotSupported", "")
    for action in ("FooBar", "heartbeat", "", "UnlockConnectorResponse"):
        assert rig.call(action, wait=1.0) == ("NotImplemented", "")
    assert rig.of("obeyed") == []


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("UnlockConnector", {}, "OccurenceConstraintViolation"),
        ("UnlockConnector", {"connectorId": "1"}, "TypeConstraintViolation"),
        ("UnlockConnector", {"connectorId": 1, "extra": 1}, "FormationViolation"),
        ("Reset", {"type": "Gentle"}, "PropertyConstraintViolation"),
        ("RemoteStartTransaction", {"idTag": "x" * 21}, "PropertyConstraintViolation"),
        ("ChangeConfiguration", {"key": "HeartbeatInterval"}, "OccurenceConstraintViolation"),
    ],
)
def test_a_bad_call_gets_the_error_code_as_1_6_spells_it(action: str, payload: Any, code: str) -> None:
    answer = Rig().up().call(action, **payload)
    assert answer[0] == code
    assert answer[1]


def test_orders_at_the_same_time_are_each_answered() -> None:
    rig = Rig(persona="accepts-second").up()
    ids = [rig.peer.call("UnlockConnector", {"connectorId": 1}) for _ in range(3)]
    rig.run(10)
    assert [rig.peer.results[one] for one in ids] == [{"status": "Unlocked"}] * 3
    assert len(rig.unlocks()) == 3
