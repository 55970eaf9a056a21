"""Which session a message is about, and whether it is one of today: by what the station says of it, not by arrival.

OCPP 1.6 sections 3.7 (what was queued is told later; only what was not answered is sent again), 4.8 and 4.9. Each story
is also told to the wrong designs it is there for, which do not pass it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from interlock.csms import codec
from interlock.csms.domain import commands as do
from interlock.csms.domain import connectors, history, transactions
from interlock.csms.domain import events as ev
from interlock.csms.settings import Settings

from .test_node import Bench, play


class Teller:
    """A station that says what it is told to, and the node behind it."""

    def __init__(self, bench: Bench, connection: Any) -> None:
        self.bench, self.connection, self.count = bench, connection, 0

    async def say(self, action: str, payload: dict[str, Any]) -> Any:
        self.count += 1
        await self.connection.receive(json.dumps([2, f"x{self.count}", action, payload]))
        kind, message_id, answer = self.bench.written[-1]
        assert (kind, message_id) == (3, f"x{self.count}")
        return answer

    async def start(self, at: str | None, meter: int = 0, tag: str = "TAG1", connector: int = 1) -> int:
        payload = {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at}
        return int((await self.say("StartTransaction", payload))["transactionId"])

    async def stop(self, transaction: int, at: str, meter: int) -> None:
        await self.say("StopTransaction", {"transactionId": transaction, "meterStop": meter, "timestamp": at})

    async def status(self, word: str, at: str | None, connector: int = 1) -> None:
        payload = {"connectorId": connector, "errorCode": "NoError", "status": word, "timestamp": at}
        await self.say("StatusNotification", {name: value for name, value in payload.items() if value is not None})

    async def state(self) -> Any:
        return (await self.bench.node.handler.load("CP1")).state

    async def sessions(self) -> dict[int, tuple[int | None, bool]]:
        """Return where each session's meter stopped, and whether it is open."""
        found = (await self.state()).transactions
        return {int(key): (one.meter_stop_wh, one.open) for key, one in found.items()}

    async def shown(self, connector: int = 1) -> str:
        return str((await self.state()).connectors[connector, 1].status)

    async def remote_stop(self, transaction: int) -> Any:
        return await self.bench.node.operate("CP1", do.RemoteStop(str(transaction)), f"stop {transaction}")

    async def events(self, kind: type) -> list[Any]:
        stored = [codec.decode(one.type, one.data) for one in await self.bench.store.read("station-CP1")]
        return [one for one in stored if isinstance(one, kind)]


Story = Callable[[Teller], Coroutine[Any, Any, None]]


def tell(story: Story) -> None:
    async def scene(bench: Bench) -> None:
        await story(Teller(bench, await bench.online()))

    play(scene, Settings(unknown_tokens="Accepted"))


# --- the same session, or another ------------------------------------------------------------------------------------

NEVER_SET = "1970-01-01T00:00:00Z"


async def a_clock_that_was_never_set(station: Teller) -> None:
    """A second session begins in the very words of the first, which was stopped by its id."""
    first = await station.start(NEVER_SET)
    await station.stop(first, "1970-01-01T00:40:00Z", 5000)
    second = await station.start(NEVER_SET)
    assert second != first
    assert await station.start(NEVER_SET) == second  # its answer was lost
    assert (await station.remote_stop(second)).answer == "accepted"
    await station.stop(second, "1970-01-01T00:40:00Z", 7000)
    third = await station.start(NEVER_SET)
    assert await station.sessions() == {first: (5000, False), second: (7000, False), third: (None, True)}


async def a_lost_answer(station: Teller) -> None:
    """A start whose answer was lost is told again, in other letters and another notation of the same instant."""
    first = await station.start("2026-05-04T10:00:00Z", 5, "tag1")
    for at in ("2026-05-04T10:00:00Z", "2026-05-04T10:00:00.000Z", "2026-05-04T12:00:00+02:00"):
        assert await station.start(at, 5, "TAG1") == first
    assert len(await station.events(ev.TransactionStarted)) == 1


async def no_time_at_all(station: Teller) -> None:
    """Two sessions whose times cannot be read are two."""
    first = await station.start("half past ten")
    second = await station.start("a quarter to eleven")
    third = await station.start(None)
    assert len({first, second, third}) == 3
    assert (await station.sessions())[third] == (None, True)


# --- today's session, or history -------------------------------------------------------------------------------------

TODAY, LAST_WEEK = "2026-05-11T09:00:00Z", "2026-05-04T10:00:00Z"


async def last_week_is_told_today(station: Teller) -> None:
    live = await station.start(TODAY, 90_000)
    await station.status("Charging", TODAY)
    old = await station.start(LAST_WEEK, 80_000, "TAG2")
    assert (await station.sessions())[live] == (None, True)
    assert (await station.sessions())[old] == (None, False)
    await station.status("Finishing", "2026-05-04T11:59:59Z")
    await station.stop(old, "2026-05-04T12:00:00Z", 85_000)
    await station.status("Available", "2026-05-04T12:00:01Z")
    assert await station.shown() == "Charging"
    assert await station.sessions() == {live: (None, True), old: (85_000, False)}
    assert (await station.remote_stop(live)).answer == "accepted"
    await station.stop(live, "2026-05-11T10:00:00Z", 95_000)
    assert (await station.sessions())[live] == (95_000, False)


async def nothing_was_delivered_last_week(station: Teller) -> None:
    """The older session ends at the very register the running one began with."""
    live = await station.start(TODAY, 90_000)
    await station.start(LAST_WEEK, 90_000, "TAG2")
    assert (await station.sessions())[live] == (None, True)


async def last_week_is_told_when_today_is_over(station: Teller) -> None:
    today = await station.start(TODAY, 90_000)
    await station.stop(today, "2026-05-11T10:00:00Z", 95_000)
    old = await station.start(LAST_WEEK, 80_000, "TAG2")
    assert (await station.sessions())[old] == (None, False)
    started = await station.bench.node.operate("CP1", do.RemoteStart(1, "TAG1"), "r1")
    assert started.answer == "accepted"


async def an_old_session_is_no_answer_to_a_remote_start(station: Teller) -> None:
    today = await station.start(TODAY, 90_000)
    await station.stop(today, "2026-05-11T10:00:00Z", 95_000)
    decided = await station.bench.node.operate("CP1", do.RemoteStart(1, "TAG1"), "r1")
    await asyncio.sleep(1)
    await station.start(LAST_WEEK, 80_000)
    assert (await station.state()).commands[decided.command_id].transaction_id is None
    new = await station.start("2026-05-11T11:00:00Z", 95_000)
    assert (await station.state()).commands[decided.command_id].transaction_id == str(new)


# --- what is no proof ------------------------------------------------------------------------------------------------


async def a_clock_is_set_back(station: Teller) -> None:
    """The next session has an earlier time and a later meter: it is the next one."""
    first = await station.start(TODAY, 90_000)
    second = await station.start(LAST_WEEK, 95_000)
    assert await station.sessions() == {first: (None, False), second: (None, True)}


async def a_meter_is_replaced(station: Teller) -> None:
    first = await station.start(LAST_WEEK, 90_000)
    second = await station.start(TODAY, 0)
    assert await station.sessions() == {first: (None, False), second: (None, True)}


async def a_meter_begins_at_0_each_time_and_the_clock_was_wrong_once(station: Teller) -> None:
    wrong = await station.start("2031-01-01T00:00:00Z", 0)
    await station.stop(wrong, "2031-01-01T01:00:00Z", 5000)
    second = await station.start(TODAY, 0)
    assert (await station.sessions())[second] == (None, True)


async def another_connector_is_another_place(station: Teller) -> None:
    live = await station.start(TODAY, 90_000)
    other = await station.start(LAST_WEEK, 80_000, connector=2)
    assert await station.sessions() == {live: (None, True), other: (None, True)}


async def statuses_without_a_time_or_by_a_clock_that_was_set(station: Teller) -> None:
    """What the bench calls now is 2026-01-01T00:00:00Z."""
    await station.status("Charging", "2026-01-01T02:00:00Z")  # a clock that is ahead
    await station.status("Finishing", "2026-01-01T00:00:00Z")  # and was set right
    assert await station.shown() == "Finishing"
    await station.status("Available", None)
    assert await station.shown() == "Available"
    await station.status("Preparing", "2026-01-01T02:00:00Z")
    await station.status("Charging", "1970-01-01T00:00:09Z")  # it lost its clock
    assert await station.shown() == "Charging"


async def old_statuses(station: Teller) -> None:
    """Told late, a status is kept and changes nothing; told again neither."""
    await station.status("Faulted", "2025-06-01T10:00:00Z")
    for _ in range(2):
        await station.status("Available", "2025-06-01T09:59:59Z")
    assert await station.shown() == "Faulted"
    assert [one.status for one in await station.events(ev.StatusReported)] == ["Faulted", "Available", "Available"]
    await station.status("Available", "2025-06-01T10:00:01Z")
    assert await station.shown() == "Available"


async def an_old_status_is_no_evidence(station: Teller) -> None:
    """An Available of before says nothing about a start that is in doubt."""
    await station.status("Preparing", "2025-06-01T10:00:00Z")
    decided = await station.bench.node.operate("CP1", do.RemoteStart(1, "TAG1"), "r1")
    await asyncio.sleep(160)  # no answer: in doubt, and asked about
    probe = station.bench.written[-1]
    assert probe[2] == "TriggerMessage"
    await station.connection.receive(json.dumps([3, probe[1], {"status": "Accepted"}]))
    await station.status("Available", "2025-06-01T09:00:00Z")
    assert (await station.state()).commands[decided.command_id].phase.open
    await station.status("Available", "2025-06-01T10:30:00Z")
    assert not (await station.state()).commands[decided.command_id].phase.open


STORIES: list[Story] = [
    a_clock_that_was_never_set,
    a_lost_answer,
    no_time_at_all,
    last_week_is_told_today,
    nothing_was_delivered_last_week,
    last_week_is_told_when_today_is_over,
    an_old_session_is_no_answer_to_a_remote_start,
    a_clock_is_set_back,
    a_meter_is_replaced,
    a_meter_begins_at_0_each_time_and_the_clock_was_wrong_once,
    another_connector_is_another_place,
    statuses_without_a_time_or_by_a_clock_that_was_set,
    old_statuses,
    an_old_status_is_no_evidence,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_session_is_known_by_what_is_said_of_it(story: Story) -> None:
    tell(story)


# --- wrong designs ---------------------------------------------------------------------------------------------------


def in_the_same_words(state: Any, report: Any) -> Any:
    """Any known session in the same words is the same, ended or not, with or without a time."""
    for known in state.transactions.values():
        words = known.evse, known.id_token, known.meter_start_wh, known.started_at
        if words == (report.evse, report.id_token, report.meter_start_wh, report.started_at):
            return transactions.replace(known, ended=False)
    return None


WRONG: dict[str, tuple[Any, str, Any, Story]] = {
    "an ended session swallows a new one": (
        transactions,
        "_known_start",
        in_the_same_words,
        a_clock_that_was_never_set,
    ),
    "an unreadable time equals another": (transactions, "_known_start", in_the_same_words, no_time_at_all),
    "tags have case": (transactions, "same_token", lambda one, other: one == other, a_lost_answer),
    "each start is a new one": (transactions, "_known_start", lambda state, report: None, a_lost_answer),
    "what arrives last is live": (transactions, "is_history", lambda *_: False, last_week_is_told_today),
    "history only while something runs": (
        transactions,
        "is_history",
        lambda state, report, _: bool(state.open_transaction(report.evse)),
        last_week_is_told_when_today_is_over,
    ),
    "the time alone decides": (
        history,
        "older",
        lambda report, known: history.before(report.started_at, known.started_at),
        a_clock_is_set_back,
    ),
    "the meter alone decides": (
        transactions,
        "is_history",
        lambda state, report, number: any(
            known.transaction_id != number and report.meter_start_wh < known.meter_start_wh
            for known in state.transactions.values()
        ),
        a_meter_is_replaced,
    ),
    "the status told last is shown": (connectors, "_is_history", lambda *_: False, old_statuses),
    "an old status ends a doubt": (connectors, "_is_history", lambda *_: False, an_old_status_is_no_evidence),
    "an earlier time is always old": (
        connectors,
        "_is_history",
        lambda known, at, _: known is not None and connectors.before(at, known.reported_at),
        statuses_without_a_time_or_by_a_clock_that_was_set,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_stories_bite(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, function, wrong, story = WRONG[name]
    monkeypatch.setattr(module, function, wrong)
    with pytest.raises(AssertionError):
        tell(story)
