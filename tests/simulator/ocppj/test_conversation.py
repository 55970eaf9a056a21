"""Connect, boot, heartbeat, statuses, time-outs, reconnecting."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from interlock.simulator.network.rules import Cut, LoseAnswer
from tests.simulator.rig import Rig

NOW = "2026-01-01T00:00:00.000Z"


def test_boot_then_statuses_then_heartbeats_at_the_interval_given() -> None:
    rig = Rig()
    rig.peer.interval = 60
    rig.run(1_000)
    actions = [said.action for said in rig.peer.said]
    assert actions[:4] == ["BootNotification", *["StatusNotification"] * 3]
    assert rig.peer.said[0].payload == {
        "chargePointVendor": "Interlock",
        "chargePointModel": "Twin22",
        "chargePointSerialNumber": "0001",
        "firmwareVersion": "1.0.0",
    }
    beats = [said.at for said in rig.said("Heartbeat")]
    assert 15 <= len(beats) <= 17
    gaps = [later - earlier for earlier, later in itertools.pairwise(beats)]
    assert all(gap == pytest.approx(60.0, abs=0.2) for gap in gaps)
    assert set(actions[4:]) == {"Heartbeat"}


@pytest.mark.parametrize("interval", [0, -5])
def test_without_an_interval_it_chooses_its_own(interval: int) -> None:
    rig = Rig(heartbeat_s=50.0)
    rig.peer.interval = interval
    rig.run(200)
    assert len(rig.said("Heartbeat")) in (3, 4)


@pytest.mark.parametrize("word", ["Pending", "Rejected"])
def test_until_accepted_it_says_nothing_else(word: str) -> None:
    rig = Rig()
    answers = iter([word, word, "Accepted"])
    rig.peer.script["BootNotification"] = lambda p: {"status": next(answers), "currentTime": NOW, "interval": 40}
    rig.run(30)
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.station.send_heartbeat_now()
    rig.station.send_status_now(1)
    rig.run(30)
    assert {said.action for said in rig.peer.said} == {"BootNotification"}
    assert not rig.controller.conversation.online
    boots = [said.at for said in rig.peer.said]
    assert boots[1] - boots[0] == pytest.approx(40.0, abs=0.3)
    # What happened meanwhile is told afterwards, the session first.
    rig.run(60)
    assert [said.action for said in rig.peer.said][2:] == [
        "BootNotification",
        "StartTransaction",
        *["StatusNotification"] * 3,
        "MeterValues",
        *["Heartbeat"] * len(rig.said("Heartbeat")),
    ]


def test_pending_obeys_and_rejected_is_silent() -> None:
    rig = Rig()
    words = iter(["Pending", "Rejected"])
    rig.peer.script["BootNotification"] = lambda p: {"status": next(words), "currentTime": NOW, "interval": 60}
    rig.run(10)
    assert rig.call("GetConfiguration", key=["NumberOfConnectors"])["configurationKey"][0]["value"] == "2"
    assert rig.call("TriggerMessage", requestedMessage="StatusNotification", connectorId=1) == {"status": "Accepted"}
    assert rig.statuses() == ["Available"]
    assert rig.call("TriggerMessage", requestedMessage="Heartbeat") == {"status": "Accepted"}
    assert len(rig.said("Heartbeat")) == 1
    rig.run(60)
    assert rig.call("GetConfiguration") is None
    assert rig.call("NoSuchThing") is None


def test_a_boot_without_an_answer_is_sent_again() -> None:
    rig = Rig(call_timeout_s=5.0, boot_retry_s=10.0, timeouts_to_reconnect=10)
    rig.peer.script["BootNotification"] = lambda p: None
    rig.run(40)
    rig.peer.script["BootNotification"] = lambda p: "InternalError"
    rig.run(20)
    rig.peer.script["BootNotification"] = lambda p: {"status": "Sure"}
    rig.run(20)
    boots = [said.at for said in rig.said("BootNotification")]
    gaps = [later - earlier for earlier, later in itertools.pairwise(boots)]
    assert gaps[0] == pytest.approx(15.0, abs=0.2)
    assert gaps[-1] == pytest.approx(10.0, abs=0.2)
    del rig.peer.script["BootNotification"]
    rig.run(20)
    assert rig.controller.conversation.online


def test_a_reconnect_does_not_boot_and_tells_what_changed() -> None:
    rig = Rig().up()
    rig.peer.reachable = False
    rig.peer.socket.cut("line cut")
    rig.run(1)
    rig.station.plug(2)
    rig.run(60)
    rig.peer.reachable = True
    rig.run(60)
    after = [said for said in rig.peer.said if said.socket == 2]
    assert [said.action for said in after] == ["StatusNotification", "Heartbeat"]
    assert after[0].payload["connectorId"] == 2
    assert after[0].payload["status"] == "Preparing"


def test_it_backs_off_while_nobody_answers() -> None:
    rig = Rig(reconnect_s=(2.0, 2.0), latency_s=(0.0, 0.0))
    rig.peer.reachable = False
    tries: list[float] = []
    dial = rig.network.dial

    def counted(socket: Any) -> bool:
        tries.append(rig.env.now)
        return dial(socket)

    rig.network.dial = counted
    rig.run(100)
    gaps = [round(later - earlier, 3) for earlier, later in itertools.pairwise(tries)]
    assert gaps[:5] == [2.0, 4.0, 8.0, 16.0, 16.0]
    rig.peer.reachable = True
    rig.run(20)
    assert rig.controller.conversation.online


def test_it_gives_up_a_connection_on_which_nobody_answers() -> None:
    rig = Rig(call_timeout_s=5.0, timeouts_to_reconnect=3).up()
    rig.peer.interval = 10
    rig.station.reboot()
    rig.run(20)
    with rig.network.rule(Cut(direction="down")):
        rig.run(60)
    assert rig.of("socket.closed", edge="station")[-1]["why"] == "no answers"
    rig.run(30)
    assert rig.controller.conversation.online
    assert rig.controller.conversation.socket is rig.peer.socket


@pytest.mark.parametrize("silent", ["StatusNotification", "StartTransaction", "Heartbeat", "Authorize"])
def test_whatever_the_time_out_that_ends_a_connection_hit(silent: str) -> None:
    rig = Rig(call_timeout_s=5.0, timeouts_to_reconnect=1, retry_s=4.0).up()
    rig.peer.script[silent] = lambda p: None
    rig.station.send_heartbeat_now()
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(60)
    assert rig.peer.socket.number > 1
    del rig.peer.script[silent]
    rig.run(60)
    assert rig.controller.conversation.online
    assert rig.station.outbox_pending == 0
    assert rig.station.truth()[0]["transaction_id"] is not None
    assert rig.statuses()[-1] == "Charging"


def test_a_status_without_an_answer_is_told_again() -> None:
    rig = Rig(call_timeout_s=5.0).up()
    with rig.network.rule(LoseAnswer("StatusNotification", to_station=True)):
        rig.station.plug(1)
        rig.run(3)
    rig.run(10)
    assert rig.statuses() == ["Available", "Preparing", "Preparing"]
    assert rig.status(1).acknowledged == ("Preparing", "NoError")


def test_the_old_socket_lives_on_when_a_new_one_is_opened() -> None:
    rig = Rig(old_socket_s=(10.0, 10.0)).up()
    old = rig.peer.socket
    rig.station.reconnect_now(keep_old=True)
    rig.run(2)
    assert rig.peer.socket.number == 2
    assert old.is_open("csms")
    old.send_down('[2,"old","UnlockConnector",{"connectorId":1}]')
    rig.run(5)
    assert rig.unlocks() == []  # nobody reads it any more
    assert rig.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    rig.run(10)
    assert rig.peer.closed == [(1, "replaced")]
    assert rig.controller.conversation.online
    rig.station.reconnect_now(keep_old=False)
    rig.run(2)
    assert rig.peer.socket.number == 3
    assert rig.peer.closed[-1] == (2, "reconnecting")
    rig.station.drop_connection()
    rig.run(10)
    assert rig.peer.socket.number == 4
    assert rig.controller.conversation.online


def test_old_sockets_die_with_the_power() -> None:
    rig = Rig(old_socket_s=(500.0, 500.0)).up()
    rig.station.reconnect_now()
    rig.run(2)
    rig.station.power.power_cut(5.0)
    rig.run(30)
    assert sorted(number for number, _ in rig.peer.closed) == [1, 2]


def test_an_answer_goes_out_on_the_socket_there_is() -> None:
    rig = Rig(persona="answers-late").up()
    message_id = rig.peer.call("UnlockConnector", {"connectorId": 1})
    rig.run(5)
    rig.peer.socket.cut("line cut")
    rig.run(100)
    assert rig.peer.results[message_id] == {"status": "Unlocked"}
    assert rig.peer.socket.number == 2


def test_one_call_at_a_time() -> None:
    rig = Rig(latency_s=(0.5, 1.0)).up()
    for _ in range(5):
        rig.station.send_heartbeat_now()
        rig.station.send_status_now(1)
    rig.run(60)
    outstanding = 0
    for seen in rig.of("frame"):
        if seen["edge"] == "station.sent" and seen["text"].startswith("[2"):
            outstanding += 1
        elif seen["edge"] == "station.received" and seen["text"].startswith("[3"):
            outstanding -= 1
        assert outstanding in (0, 1)
    assert len(rig.said("Heartbeat")) == 5
    assert len(rig.statuses()) == 6


def test_a_late_answer_is_not_taken_for_the_next_calls() -> None:
    rig = Rig(call_timeout_s=5.0, latency_s=(0.01, 0.01)).up()
    rig.peer.script["StartTransaction"] = lambda p: None
    rig.charge()
    rig.run(5)
    start = rig.said("StartTransaction")[0]
    answer = f'[3,"{start.message_id}",{{"transactionId":5,"idTagInfo":{{"status":"Accepted"}}}}]'
    rig.peer.socket.send_down(answer)
    rig.run(1)
    assert rig.controller.conversation.link.strays == 1
    assert rig.station.evses[0].session is not None
    assert rig.station.evses[0].session.transaction_id is None


def test_authorize_offline() -> None:
    for known, list_, unknown, accepted in [
        ("Accepted", (), False, True),
        ("Blocked", (), True, False),
        (None, (), True, True),
        (None, (), False, False),
        (None, ("TAG",), False, True),
    ]:
        rig = Rig(local_list=list_, offline_unknown=unknown).up()
        if known is not None:
            rig.peer.script["Authorize"] = lambda p, known=known: {"idTagInfo": {"status": known}}
            rig.station.swipe(2, "TAG")
            rig.run(40)
        rig.peer.reachable = False
        rig.peer.socket.cut("line cut")
        rig.station.plug(1)
        rig.station.swipe(1, "TAG")
        rig.run(5)
        assert (rig.station.evses[0].session is not None) is accepted


def test_a_question_about_a_tag_that_gets_lost_is_decided_offline() -> None:
    rig = Rig(call_timeout_s=5.0, offline_unknown=True).up()
    rig.peer.script["Authorize"] = lambda p: None
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(2)
    assert not rig.station.swipe(1, "TAG")  # still asking
    rig.run(8)
    assert rig.station.evses[0].session is not None


def test_workloads_may_ask_anything() -> None:
    rig = Rig().up()
    heard: list[Any] = []
    rig.controller.conversation.ask("DataTransfer", {"vendorId": "x"}, heard.append)
    rig.run(1)
    rig.peer.script["DataTransfer"] = lambda p: "NotSupported"
    rig.controller.conversation.ask("DataTransfer", {"vendorId": "x"}, heard.append)
    rig.run(1)
    rig.peer.socket.cut("cut")
    rig.controller.conversation.ask("DataTransfer", {"vendorId": "x"}, heard.append)
    assert heard == [{}, None, None]


def test_message_ids() -> None:
    for kind, unique in (("random", True), ("counter", False)):
        rig = Rig(message_ids=kind).up()
        rig.station.reboot()
        rig.run(20)
        ids = [said.message_id for said in rig.peer.said]
        assert (len(set(ids)) == len(ids)) is unique
        assert all(0 < len(one) <= 36 for one in ids)
