"""The same session told otherwise: each relation finds a design that it is meant for, and the reference none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from interlock.csms import ocppj
from interlock.csms.connection import Connection
from interlock.csms.dialects import lenient
from interlock.csms.domain import reports as rp
from interlock.csms.domain.connectors import Unlock
from interlock.csms.domain.provisioning import Reset
from interlock.csms.handle import Handler
from interlock.csms.node import Csms
from interlock.scenarios import runner
from interlock.scenarios.library import scenarios
from interlock.scenarios.record.final_record import named_otherwise
from interlock.scenarios.record.history import History
from interlock.scenarios.spec import Scenario, step
from interlock.scenarios.world.frame_rewordings import LENIENT
from interlock.scenarios.world.traffic_variations import OTHERWISE, possible

PLAIN = replace(scenarios()["status-vs-unlock"], retold=())


class ForgetsOnAHeartbeat(Csms):
    """A start is numbered by what was said last."""

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        reply = await super().record_report(station, report)
        if isinstance(report, rp.Heartbeat | rp.Transfer):
            self.tokens.register("TAG-DRIVER", "Blocked", None)
        return reply


class ByMessageId(ocppj.Endpoint):
    """A long message id is answered cut short."""

    def answer(self, message_id: str | int, payload: dict[str, Any]) -> None:
        super().answer(str(message_id)[:30], payload)


class CutsIds(Csms):
    endpoint_class = ByMessageId


class AnswersOnce(Csms):
    """A card that is shown again under its id is taken for somebody who tries."""

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        reply = await super().record_report(station, report)
        if isinstance(report, rp.Authorize):
            seen: dict[str, float] = self.__dict__.setdefault("seen", {})
            again = seen.get(report.id_token) == self.clock.now()
            seen[report.id_token] = self.clock.now()
            return replace(reply, status="Invalid") if again else reply
        return reply


class OneForAll(Handler):
    """One number counts the readings of all stations."""

    async def samples(self, station: str, transaction_id: str | None, samples: Sequence[Any]) -> None:
        self.__dict__["last"] = self.__dict__.get("last", station)
        if self.__dict__["last"] == station:
            await super().samples(station, transaction_id, samples)
        self.__dict__["last"] = station


class MixesStations(Csms):
    handler_class = OneForAll


class Forgetful(Connection):
    """With each connection the cards are read anew, without those that are known."""

    remembered = 1

    async def _arrive(self) -> None:
        await super()._arrive()
        if self.epoch > self.remembered:
            self.node.tokens.register("TAG-DRIVER", "Blocked", None)


class ForgetsOnConnecting(Csms):
    connection_class = Forgetful


class ForgetfulLater(Forgetful):
    """Not yet with the connection behind the first restart."""

    remembered = 2


class ForgetsOnConnectingAgain(Csms):
    connection_class = ForgetfulLater


WRONG: dict[str, type[Csms]] = {
    "heartbeats": ForgetsOnAHeartbeat,
    "data_transfers": ForgetsOnAHeartbeat,
    "told_twice": AnswersOnce,
    "other_ids": CutsIds,
    "beside": MixesStations,
    "connected_again": ForgetsOnConnecting,
}
SESSIONS = replace(
    PLAIN,
    steps=tuple(
        one
        for begin in (20.0, 120.0)
        for one in (
            step("plug", begin, connector=1),
            step("swipe", begin + 2.0, connector=1),
            step("meter_values", begin + 6.0, connector=1),
            step("swipe", begin + 20.0, connector=1),
            step("unplug", begin + 25.0, connector=1),
        )
    ),
    faults_s=150.0,
)


def told(spec: Scenario, csms: type[Csms], relation: str) -> list[Any]:
    history, _ = runner.examine(replace(spec, retold=(relation,)), 0, csms)
    return [(seen["expected"], seen["found"]) for seen in history.of("retold")]


@pytest.mark.parametrize("relation", WRONG)
@pytest.mark.parametrize("ocpp", ["1.6", "2.0.1"])
def test_each_finds_what_it_is_meant_for_and_nothing_in_the_reference(relation: str, ocpp: Any) -> None:
    spec = replace(SESSIONS, ocpp=ocpp)
    assert told(spec, Csms, relation) == [(None, None)]
    ((expected, found),) = told(spec, WRONG[relation], relation)
    assert expected != found


def test_behind_a_restart_in_which_something_is_asked_another_connection_still_bites() -> None:
    asked = (step("ask", 50.0, command=Reset(hard=True)), step("ask", 52.5, command=Unlock(1)))
    spec = replace(SESSIONS, steps=(*SESSIONS.steps, *asked))
    assert told(spec, Csms, "connected_again") == [(None, None)]
    ((expected, found),) = told(spec, ForgetsOnConnectingAgain, "connected_again")
    assert expected != found


def test_every_relation_is_shown() -> None:
    assert set(OTHERWISE) == {*WRONG, *LENIENT}


@pytest.mark.parametrize("relation", LENIENT)
def test_words_that_break_the_schema_mean_the_same(relation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(scenarios()["everything-a-station-says"], retold=())
    assert told(spec, Csms, relation) == [(None, None)]
    reader = lenient._Reader
    if relation == "without_lists":
        monkeypatch.setitem(lenient._BY_TYPE, "array", lambda self, node, value, member: [])
    elif relation == "as_text":
        monkeypatch.setitem(lenient._BY_TYPE, "integer", lambda self, node, value, member: value)
    elif relation == "in_small_letters":
        monkeypatch.setattr(reader, "_word", lambda self, words, value, member: value)
    else:
        monkeypatch.setattr(
            reader, "_named", lambda self, node, value, member: [(one, {}, value[one]) for one in value]
        )
    ((expected, found),) = told(spec, Csms, relation)
    assert expected != found


def test_one_that_counts_frames_is_not_told_otherwise() -> None:
    assert possible(PLAIN)
    assert not possible(scenarios()["answer-lost"])
    assert json.dumps(told(scenarios()["answer-lost"], Csms, "told_twice")) == "[]"


def _refused(*texts: str) -> History:
    history = History(lambda: 0.0)
    for text in texts:
        history.observe("frame", edge="csms.sent", station="CP01", text=text)
    return history


def test_another_fault_of_the_same_call_may_be_named_and_no_other_call_refused() -> None:
    one, other = '[4,"1","TypeConstraintViolation","a",{}]', '[4,"1","PropertyConstraintViolation","b",{}]'
    assert named_otherwise(_refused(one), _refused(other))
    assert not named_otherwise(_refused(one), _refused(one))
    assert not named_otherwise(_refused(one), _refused())
    assert not named_otherwise(_refused(one), _refused(other.replace('"1"', '"2"')))
