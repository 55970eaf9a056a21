"""Transaction messages: their order, what survives, how they are sent again."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.simulator.rig import Rig, Said

TRANSACTION = ("StartTransaction", "MeterValues", "StopTransaction")


def offline(rig: Rig) -> None:
    rig.peer.reachable = False
    rig.peer.socket.cut("line cut")
    rig.run(1)


def online(rig: Rig) -> None:
    rig.peer.reachable = True
    rig.run(60)


def test_a_session_charged_offline_is_told_in_order_with_the_right_id() -> None:
    rig = Rig().up()
    offline(rig)
    rig.charge(1, "A")
    rig.run(90)
    rig.station.unplug(1)
    rig.charge(2, "B")
    rig.run(70)
    rig.station.unplug(2)
    assert rig.station.outbox_pending == 6
    online(rig)
    told = [(said.action, said.payload.get("transactionId")) for said in rig.said(*TRANSACTION)]
    assert told == [
        ("StartTransaction", None),
        ("MeterValues", 1001),
        ("StopTransaction", 1001),
        ("StartTransaction", None),
        ("MeterValues", 1002),
        ("StopTransaction", 1002),
    ]
    assert rig.station.outbox_pending == 0
    starts, stops = rig.said("StartTransaction"), rig.said("StopTransaction")
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        begun, ended = rig.of("session.begun")[number], rig.of("session.ended")[number]
        assert start.payload["meterStart"] == begun["meter_wh"]
        assert stop.payload["meterStop"] == ended["meter_wh"]
        assert stop.payload["meterStop"] - start.payload["meterStart"] == ended["energy_wh"]
    # Both are again as the CSMS last heard: nothing to tell.
    assert rig.statuses(1) == rig.statuses(2) == ["Available"]
    assert [t["status"] for t in rig.station.truth()] == ["Available", "Available"]


def test_a_session_that_began_offline_and_goes_on_gets_its_id() -> None:
    rig = Rig().up()
    offline(rig)
    rig.charge()
    online(rig)
    assert rig.station.truth()[0]["transaction_id"] == 1001
    rig.station.unplug(1)
    rig.run(5)
    assert rig.said("StopTransaction")[0].payload["transactionId"] == 1001


def test_no_message_overtakes_an_earlier_one() -> None:
    rig = Rig(call_timeout_s=3.0, retry_s=5.0).up()
    answers = itertools.cycle([None, None, {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}])
    rig.peer.script["StartTransaction"] = lambda p: next(answers)
    rig.charge()
    rig.run(2)
    rig.station.unplug(1)
    rig.run(60)
    actions = [said.action for said in rig.said(*TRANSACTION)]
    assert actions == ["StartTransaction"] * 3 + ["StopTransaction"]
    assert len({str(said.payload) for said in rig.said("StartTransaction")}) == 1  # the same, word for word
    times = [said.at for said in rig.said("StartTransaction")]
    assert times[1] - times[0] == pytest.approx(8.0, abs=0.2)
    assert rig.statuses()[-1] == "Available"


def test_statuses_may_overtake() -> None:
    rig = Rig(call_timeout_s=3.0, retry_s=5.0, statuses_overtake=True, timeouts_to_reconnect=100).up()
    rig.peer.script["StartTransaction"] = lambda p: None
    rig.charge()
    rig.run(20)
    assert rig.statuses()[-1] == "Charging"


def starts_of(persona: str, answered: bool, seed: int = 1) -> list[Said]:
    rig = Rig(seed, persona=persona, call_timeout_s=3.0, retry_s=5.0).up()
    if not answered:
        rig.peer.script["StartTransaction"] = lambda p: None
    rig.charge()
    rig.run(7)
    rig.peer.script.pop("StartTransaction", None)
    rig.run(60)
    assert rig.station.outbox_pending == 0
    return rig.said("StartTransaction")


@pytest.mark.parametrize(("persona", "ids"), [("resends-same-id", 1), ("resends-new-id", 2), ("plain", 2)])
def test_what_had_no_answer_is_sent_again(persona: str, ids: int) -> None:
    starts = starts_of(persona, answered=False, seed=2)
    assert len(starts) >= 2
    assert len({said.message_id for said in starts[:2]}) == ids
    assert len({str(said.payload) for said in starts}) == 1


@pytest.mark.parametrize(("persona", "ids"), [("resends-same-id", 1), ("resends-new-id", 2)])
def test_some_are_sent_again_although_they_were_answered(persona: str, ids: int) -> None:
    again = [starts for seed in range(12) if len(starts := starts_of(persona, True, seed)) > 1]
    assert 1 <= len(again) <= 8
    for starts in again:
        assert len(starts) == 2
        assert len({said.message_id for said in starts}) == ids
        assert len({str(said.payload) for said in starts}) == 1


def test_a_lost_connection_resends_at_once_on_the_next() -> None:
    rig = Rig(retry_s=500.0, reconnect_s=(1.0, 1.0)).up()
    rig.peer.script["StartTransaction"] = lambda p: None
    rig.charge()
    del rig.peer.script["StartTransaction"]
    rig.peer.socket.cut("line cut")
    rig.run(5)
    assert [said.socket for said in rig.said("StartTransaction")] == [1, 2]
    assert rig.station.truth()[0]["transaction_id"] == 1001


def test_a_message_refused_three_times_is_given_up_and_the_stop_has_no_id() -> None:
    rig = Rig(retry_s=5.0).up()
    rig.peer.script["StartTransaction"] = lambda p: "InternalError"
    rig.charge()
    rig.run(60)
    rig.station.unplug(1)
    rig.run(10)
    times = [said.at for said in rig.said("StartTransaction")]
    assert [round(later - earlier) for earlier, later in itertools.pairwise(times)] == [5, 10]
    assert "transactionId" not in rig.said("MeterValues")[0].payload
    assert rig.said("StopTransaction")[0].payload["transactionId"] == -1
    assert rig.station.outbox_pending == 0


def test_an_answer_that_makes_no_sense_is_no_answer() -> None:
    rig = Rig(retry_s=5.0).up()
    answers: Any = iter([{"transactionId": "seven"}, {}, {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}])
    rig.peer.script["StartTransaction"] = lambda p: next(answers)
    rig.charge()
    rig.run(30)
    assert rig.station.truth()[0]["transaction_id"] == 7


@pytest.mark.parametrize(("persona", "kept"), [("plain", True), ("forgets-queue", False)])
def test_what_survives_a_reboot(persona: str, kept: bool) -> None:
    rig = Rig(persona=persona).up()
    offline(rig)
    rig.charge()
    rig.run(10)
    rig.station.reboot()
    rig.run(10)
    assert rig.station.outbox_pending == (2 if kept else 0)
    online(rig)
    actions = [said.action for said in rig.said(*TRANSACTION)]
    assert actions == (["StartTransaction", "StopTransaction"] if kept else [])
    assert rig.of("session.ended")[0]["reason"] == "reboot"


def test_the_queue_is_bounded_and_meter_values_give_way() -> None:
    rig = Rig().up()
    rig.controller.conversation.outbox.limit = 20
    offline(rig)
    rig.charge()
    for _ in range(100):
        rig.station.send_meter_values_now(1)
    rig.station.unplug(1)
    assert rig.station.outbox_pending == 20
    online(rig)
    actions = [said.action for said in rig.said(*TRANSACTION)]
    assert (actions[0], actions[-1]) == ("StartTransaction", "StopTransaction")
    assert actions.count("MeterValues") == 18


def test_meter_values_outside_a_session_are_not_kept() -> None:
    rig = Rig().up()
    rig.station.send_meter_values_now(1)
    rig.run(1)
    assert "transactionId" not in rig.said("MeterValues")[0].payload
    offline(rig)
    rig.station.send_meter_values_now(1)
    assert rig.station.outbox_pending == 0
