"""Personas of a station that speaks OCPP 2.0.1: the same physical behaviour as of one that speaks 1.6."""

from __future__ import annotations

import pytest

from tests.simulator.rig201 import Rig201, complete


def test_acts_late_and_answers_then() -> None:
    rig = Rig201(persona="acts-late").up()
    assert rig.call("UnlockConnector", evseId=1, connectorId=1) is None
    assert rig.unlocks() == []
    rig.run(45)
    assert rig.peer.results["m1"] == {"status": "Unlocked"}
    assert len(rig.unlocks()) == 1


def test_answers_late_and_acts_at_once() -> None:
    rig = Rig201(persona="answers-late").up()
    rig.station.plug(1)
    assert rig.start() is None
    assert rig.steps() == [("Started", "RemoteStart", "Charging")]
    rig.run(95)
    assert rig.peer.results["m1"] == {"status": "Accepted"}
    assert rig.call("Reset", type="OnIdle") == {"status": "Scheduled"}  # a reset is answered in time


def test_never_starts() -> None:
    rig = Rig201(persona="never-starts").up()
    rig.station.plug(1)
    assert rig.start() == {"status": "Accepted"}
    rig.run(60)
    assert rig.events() == []


@pytest.mark.parametrize(("persona", "kept"), [("plain", True), ("forgets-queue", False)])
def test_what_survives_a_reboot(persona: str, kept: bool) -> None:
    rig = Rig201(persona=persona, reconnect_s=(1.0, 1.0)).up()
    rig.peer.reachable = False
    rig.peer.socket.cut("line cut")
    rig.run(1)
    rig.charge()
    rig.station.reboot()
    rig.run(10)
    rig.peer.reachable = True
    rig.run(60)
    assert [event["eventType"] for event in rig.events()] == (["Started", "Ended"] if kept else [])


@pytest.mark.parametrize("persona", ["resends-same-id", "resends-new-id"])
def test_an_answer_that_is_forgotten_is_asked_for_again(persona: str) -> None:
    rig = Rig201(persona=persona, meter_interval_s=5.0, retry_s=1.0).up().charge()
    rig.run(300)
    rig.station.unplug(1)
    rig.run(60)
    sent = [(said.payload["seqNo"], said.message_id) for said in rig.said("TransactionEvent")]
    numbers = [number for number, _ in sent]
    assert len(numbers) > len(set(numbers))
    assert (len(set(sent)) == len(set(numbers))) is (persona == "resends-same-id")
    assert complete(rig.said("TransactionEvent"))
