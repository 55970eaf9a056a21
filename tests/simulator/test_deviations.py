"""Stations that deviate on the wire: each deviation happens, and is told apart by the record from what is usual."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from interlock.simulator.clock import ClockSpec
from interlock.simulator.deviations import Deviations
from tests.simulator.rig import Rig
from tests.simulator.rig201 import Rig201

RIGS = pytest.mark.parametrize("rig_class", [Rig, Rig201])
UNLOCK: dict[type[Rig], dict[str, Any]] = {Rig: {"connectorId": 1}, Rig201: {"evseId": 1, "connectorId": 1}}


def answers(rig: Rig) -> list[tuple[str, int]]:
    """Return message id and type of each answer of the station."""
    found = []
    for seen in rig.of("frame", edge="csms.received"):
        kind, message_id = seen["text"][1], seen["text"].split('"')[1]
        if kind in "34":
            found.append((message_id, int(kind)))
    return found


def deviating(rig_class: type[Rig], seed: int = 1, **deviations: Any) -> Rig:
    return rig_class(seed, deviations=Deviations(**deviations), second_unlock="accept").up()


@RIGS
def test_a_usual_station_records_no_deviation(rig_class: type[Rig]) -> None:
    rig = deviating(rig_class)
    assert rig.call("UnlockConnector", **UNLOCK[rig_class]) == {"status": "Unlocked"}
    assert rig.of("deviated") == []
    assert answers(rig) == [("m1", 3)]


@RIGS
def test_an_error_first_moves_nothing_and_one_afterwards_does_not_undo(rig_class: type[Rig]) -> None:
    rig = deviating(rig_class, error_first=1.0)
    assert rig.call("UnlockConnector", **UNLOCK[rig_class])[0] == "InternalError"
    assert rig.unlocks() == []
    assert rig.of("obeyed") == []
    rig = deviating(rig_class, error_after=1.0)
    assert rig.call("UnlockConnector", **UNLOCK[rig_class])[0] == "InternalError"
    assert len(rig.unlocks()) == 1
    assert [seen["how"] for seen in rig.of("deviated")] == ["error after acting"]


@RIGS
def test_answers_late_twice_crossed_and_broken(rig_class: type[Rig]) -> None:
    rig = deviating(rig_class, late=1.0, late_s=(40.0, 40.0))
    assert rig.call("UnlockConnector", **UNLOCK[rig_class]) is None
    rig.run(45)
    assert answers(rig) == [("m1", 3)]
    rig = deviating(rig_class, twice=1.0)
    rig.call("UnlockConnector", **UNLOCK[rig_class])
    assert answers(rig) == [("m1", 3), ("m1", 3)]
    assert len(rig.unlocks()) == 1
    rig = deviating(rig_class, crossed=1.0)
    for _ in range(2):
        rig.call("UnlockConnector", **UNLOCK[rig_class])
    assert answers(rig) == [("m1", 3), ("m1", 3), ("m2", 3)]
    rig = deviating(rig_class, broken=1.0)
    answer = rig.call("UnlockConnector", **UNLOCK[rig_class])
    assert not rig.controller.schemas.valid_answer("UnlockConnector", answer)
    assert len(rig.unlocks()) == 1


@RIGS
def test_a_share_is_drawn_from_the_seed(rig_class: type[Rig]) -> None:
    def run(seed: int) -> list[dict[str, Any]]:
        rig = deviating(rig_class, seed, twice=0.5, error_after=0.3)
        for _ in range(20):
            rig.call("UnlockConnector", **UNLOCK[rig_class])
        return rig.seen

    first = run(1)
    kinds = Counter(seen["how"] for seen in first if seen["kind"] == "deviated")
    assert 0 < kinds["error after acting"] < 20
    assert 0 < kinds["answer sent twice"] < 20
    assert first == run(1)
    assert first != run(2)


@RIGS
@pytest.mark.parametrize("written", ["seconds", "microseconds", "offset", "milliseconds"])
def test_times_are_the_same_moment_however_they_are_written(rig_class: type[Rig], written: Any) -> None:
    plain, other = rig_class().up(), rig_class(clock=ClockSpec(written=written)).up()
    ours, theirs = (datetime.fromisoformat(rig.station.time()) for rig in (plain, other))
    assert abs((ours - theirs).total_seconds()) < 1.0
    text = other.station.time()
    assert text.endswith("+02:00" if written == "offset" else "Z")
    other.charge()
    if isinstance(other, Rig201):
        assert other.peer.illegal == []


@RIGS
def test_energy_in_kwh(rig_class: type[Rig]) -> None:
    rig = deviating(rig_class, energy_unit="kWh")
    rig.station.send_meter_values_now(1)
    rig.run(1)
    sample = rig.said("MeterValues")[0].payload["meterValue"][0]["sampledValue"][0]
    unit = sample["unit"] if rig_class is Rig else sample["unitOfMeasure"]["unit"]
    assert unit == "kWh"
    assert float(sample["value"]) * 1000 == pytest.approx(rig.station.evses[0].meter.register_wh)


@RIGS
def test_vendor_fields_are_legal(rig_class: type[Rig]) -> None:
    rig = deviating(rig_class, vendor_fields=True).charge()
    rig.station.send_meter_values_now(1)
    rig.station.unplug(1)
    rig.run(5)
    schemas = rig.controller.schemas
    assert [schemas.wrong_with(said.action, said.payload) for said in rig.peer.said] == [None] * len(rig.peer.said)
    status = rig.said("StatusNotification")[0].payload
    assert (status["vendorId"] if rig_class is Rig else status["customData"]["vendorId"]) == "Interlock"


@RIGS
def test_statuses_in_any_order(rig_class: type[Rig]) -> None:
    name = "connectorId" if rig_class is Rig else "evseId"

    def order(seed: int, shuffled: bool) -> list[int]:
        rig = rig_class(seed, evses=6, deviations=Deviations(statuses_shuffled=shuffled)).up()
        return [said.payload[name] for said in rig.said("StatusNotification")]

    usual = order(1, False)
    assert usual == sorted(usual)
    found = [order(seed, True) for seed in range(3)]
    assert all(sorted(one) == usual for one in found)
    assert any(one != usual for one in found)


@RIGS
def test_message_ids(rig_class: type[Rig]) -> None:
    rig = rig_class(message_ids="uuid").up()
    ids = [said.message_id for said in rig.peer.said]
    assert {len(one) for one in ids} == {36}
    assert len(set(ids)) == len(ids)
    rig = rig_class(message_ids="per connection", reconnect_s=(1.0, 1.0)).up()
    rig.station.drop_connection()
    rig.run(20)
    assert {said.message_id for said in rig.peer.said if said.socket == 2} & {
        said.message_id for said in rig.peer.said if said.socket == 1
    }


def test_an_illegal_frame_is_noticed() -> None:
    rig = Rig201().up()
    assert rig.peer.illegal == []
    rig.station.send_raw('[2,"x","StatusNotification",{"connectorId":1,"status":"Charging"}]')
    rig.run(1)
    assert len(rig.peer.illegal) == 1
