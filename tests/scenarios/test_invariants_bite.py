"""Each invariant flags a history that breaks it, and lets pass one that is nearly the same."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

from interlock.scenarios.judge.invariants import INVARIANTS, exercise, judge, judge_campaign, same_bytes
from interlock.scenarios.judge.invariants.campaign import WANTED
from interlock.scenarios.judge.invariants.declare import Invariant, invariant
from interlock.scenarios.judge.verdict import Verdict, document, verdict_of
from interlock.scenarios.record.history import History

from . import (
    bites_answered,
    bites_by_hand,
    bites_commands,
    bites_heard,
    bites_log,
    bites_outcomes,
    bites_refused,
    bites_shown,
    bites_told,
    bites_world,
)
from .bites import BREAKS, HOLDS, Made
from .bites_commands import equal_unlocks
from .histories import ANSWERED, NODE, START, STATION, Story

MODULES = (
    bites_answered,
    bites_by_hand,
    bites_commands,
    bites_heard,
    bites_log,
    bites_outcomes,
    bites_refused,
    bites_shown,
    bites_told,
    bites_world,
)
OVER_A_CAMPAIGN = {"I28"}


def named(pairs: list[tuple[str, Made]]) -> list[object]:
    return [pytest.param(id, made, id=f"{id}-{made.__name__}") for id, made in pairs]


@pytest.mark.parametrize(("id", "made"), named(BREAKS))
def test_it_bites(id: str, made: Made) -> None:
    history = made()
    found = INVARIANTS[id].judge(history)
    assert found.verdict is Verdict.FAIL, found
    for violation in found.violations:
        assert violation.message
        assert violation.expected
        assert violation.found
        assert list(violation.at) == sorted(set(violation.at))
        assert id == "I25" or violation.at
        assert all(0 <= i < len(history) for i in violation.at)
        assert violation.station in (STATION, None)


@pytest.mark.parametrize(("id", "made"), named(HOLDS))
def test_it_lets_pass(id: str, made: Made) -> None:
    found = INVARIANTS[id].judge(made())
    assert found.verdict is Verdict.PASS, found
    assert found.checked


@pytest.mark.parametrize("id", INVARIANTS)
def test_every_invariant_is_shown_to_bite(id: str) -> None:
    if id not in OVER_A_CAMPAIGN:
        assert id in {bitten for bitten, _ in BREAKS}, f"{id} has no history that breaks it"
        assert id in {held for held, _ in HOLDS}, f"{id} has no history in which it holds"


def test_every_history_is_used() -> None:
    used = {made for _, made in [*BREAKS, *HOLDS]}
    for module in MODULES:
        for _, made in inspect.getmembers(module, inspect.isfunction):
            if made.__module__ == module.__name__ and str(inspect.signature(made)) == "() -> 'History'":
                assert made in used, made.__name__


def test_a_world_that_does_everything_right_passes() -> None:
    story = Story().wait(10).command("c1", "r1", steps=ANSWERED)
    story.command("c2", "r2", asked=START, steps=ANSWERED).charge(message_id="c2").silence(61)
    story.offline()
    story.online()
    findings = judge(story.rest())
    assert {found.id: found.reason for found in findings if found.verdict > Verdict.PASS} == {}
    assert verdict_of(findings) is Verdict.PASS
    assert [found.id for found in findings] == sorted(INVARIANTS)


def test_a_violation_ends_at_its_moment_and_shows_what_led_there() -> None:
    history = bites_commands.sent_and_the_append_lost_its_race()
    (violation,) = INVARIANTS["I03"].judge(history).violations
    kinds = [history.observations[i].kind for i in violation.at]
    assert kinds == ["call", "frame", "ledger", "append.refused"]


@pytest.mark.parametrize("made", dict.fromkeys(made for _, made in [*BREAKS, *HOLDS]), ids=lambda made: made.__name__)
def test_what_was_read_back_is_judged_the_same(made: Made, tmp_path: Path) -> None:
    history = made()
    history.write(tmp_path / "history.jsonl")
    again = History.load(tmp_path / "history.jsonl", history.run)
    assert document({}, judge(again)) == document({}, judge(history))


# --- what cannot be judged is not green ------------------------------------------------------------------------------


def test_without_frames_what_needs_them_is_not_applicable() -> None:
    story = Story(recorded="facts").command(asked=START).charge(message_id="c1").silence(61)
    story.offline()
    found = {one.id: one for one in judge(story.rest())}
    for id in ("I03", "I15", "I16", "I17", "I30"):
        assert found[id].verdict is Verdict.NOT_APPLICABLE
        assert found[id].reason == "this run recorded facts only, no frames and no stored events"
    assert verdict_of(found.values()) is Verdict.PASS


def test_a_run_that_never_came_to_rest_is_inconclusive() -> None:
    story = Story().command()
    found = {one.id: one for one in judge(story.history)}
    assert found["I05"].verdict is Verdict.INCONCLUSIVE
    assert found["I05"].reason == "the run ended before it came to rest"
    assert found["I02"].verdict is Verdict.PASS


def test_a_run_cut_short_of_an_answer_is_inconclusive() -> None:
    story = Story().command(steps=("asked",))
    found = INVARIANTS["I19"].judge(story.history)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "the run was cut short of an answer for 1")


def test_a_hold_whose_time_is_not_over_is_inconclusive() -> None:
    found = INVARIANTS["I21"].judge(Story().command(outcome="CommandInDoubt").rest(quiet_s=20))
    assert found.verdict is Verdict.INCONCLUSIVE


def test_belief_about_a_station_that_is_away_or_has_more_to_tell_is_inconclusive() -> None:
    for history in (Story().rest(truth={"online": False}), Story().rest(pending=2, truth={"status": "Charging"})):
        assert INVARIANTS["I18"].judge(history).verdict is Verdict.INCONCLUSIVE


def test_bills_of_a_station_that_has_more_to_tell_are_inconclusive() -> None:
    history = Story().charge(steps=("begun", "started", "ended")).rest(pending=1)
    assert INVARIANTS["I24"].judge(history).verdict is Verdict.INCONCLUSIVE


def test_nothing_asked_for_is_not_applicable() -> None:
    found = INVARIANTS["I02"].judge(Story().rest())
    assert (found.verdict, found.reason) == (Verdict.NOT_APPLICABLE, "no unlock was asked for")


# --- the campaign ----------------------------------------------------------------------------------------------------


def eventful() -> list[History]:
    """Runs that together did everything that is wanted."""
    first = Story()
    first.lost_race()
    first.append(("AnomalyRecorded", {"what": "x", "detail": "y"}), acked=False)
    first.see("point", node=NODE, point="intent.durable", station=STATION, command_id="c1")
    first.see("node.crashed", node=NODE, incarnation=1, point="intent.durable")
    runs = [first]
    for phase in ("Accepted", "Rejected", "Confirmed", "Refuted", "Unknown"):
        story = Story().command(outcome="CommandInDoubt").silence(61)
        story.offline()
        story.outcome(f"Command{phase}")
        runs.append(story)
    return [story.rest() for story in runs]


def test_a_campaign_that_did_everything_passes() -> None:
    found = judge_campaign(map(exercise, eventful()))
    assert (found.id, found.verdict, found.reason) == ("I28", Verdict.PASS, None)
    assert found.checked == len(WANTED) + 1


def test_a_campaign_that_left_something_out_is_inconclusive_and_says_what() -> None:
    runs = [exercise(history) for history in eventful()]
    found = judge_campaign(runs[:-1], points=["offline.due"])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "never happened in 5 runs: doubt ended unknown, crash at offline.due"
    assert judge_campaign([]).verdict is Verdict.INCONCLUSIVE


def test_one_run_says_nothing_about_a_campaign() -> None:
    assert INVARIANTS["I28"].judge(eventful()[0]).verdict is Verdict.NOT_APPLICABLE


def test_offline_during_doubt_is_between_doubt_and_its_end() -> None:
    story = Story().command(outcome="CommandInDoubt")
    story.outcome("CommandUnknown")
    story.silence(61)
    story.offline()
    assert exercise(story.rest())["offline during doubt"] == 0


# --- how they are written --------------------------------------------------------------------------------------------


def test_ids_are_unique() -> None:
    with pytest.raises(ValueError, match="two invariants I02"):
        invariant("I02", "again", needs=lambda history: 0, absent="")(lambda history: iter(()))


@pytest.mark.parametrize("one", INVARIANTS.values(), ids=lambda one: one.id)
def test_each_explains_itself(one: Invariant) -> None:
    assert re.fullmatch(r"I\d\d", one.id)
    told = one.explain()
    assert told.startswith(f"{one.id}  {one.name}  ({one.level})\n\n{one.text}")
    assert len(one.text.split()) >= 20


def test_same_bytes() -> None:
    assert same_bytes(Story().command().rest(), Story().command().rest())
    assert not same_bytes(Story().command().rest(), Story().rest())


# --- from outside ----------------------------------------------------------------------------------------------------


def untold(story: Story) -> History:
    """Return a story in which nobody knows for which request a CALL was."""
    for call in story.history.noted("call"):
        call["request_id"] = None
    return story.rest()


def test_unlocks_of_nobody_knows_which_request_are_counted() -> None:
    unlock = INVARIANTS["I02"]
    assert unlock.judge(untold(Story().command())).verdict is Verdict.INCONCLUSIVE
    two = Story().command("c1", "r1").command("c2", "r2")
    assert unlock.judge(untold(two)).verdict is Verdict.INCONCLUSIVE  # or one of them twice: who can tell?
    again = Story().command("c1", "r1").command("c2", "r1", attempt=2)
    found = unlock.judge(untold(again))
    assert found.verdict is Verdict.FAIL
    assert found.violations[0].message == f"1 requests, 2 unlocks: connector 1 of {STATION}"


def test_where_requests_have_no_id_each_attempt_may_unlock() -> None:
    def attempts(*steps: tuple[str, ...]) -> History:
        story = Story(told=["outcomes"])
        for number, done in enumerate(steps, 1):
            story.command(f"c{number}", "r1", steps=done, attempt=number)
        return untold(story)

    all_of_it = ("asked", "answered", "called", "moved")
    unlock = INVARIANTS["I02"]
    assert unlock.judge(attempts(all_of_it, all_of_it)).verdict is Verdict.INCONCLUSIVE
    assert unlock.judge(attempts((*all_of_it, "called", "moved"))).verdict is Verdict.FAIL


def test_an_answer_has_arrived_once_what_came_after_it_was_answered() -> None:
    def answers(*frames: tuple[str, list[object]]) -> set[tuple[str, str]]:
        history = History(lambda: 0.0)
        for edge, message in frames:
            text = json.dumps(message)
            history.observe("frame", edge=edge, station="S", socket=1, node="csms", text=text)
        return set(history.answers)

    unlocked: tuple[str, list[object]] = ("station.sent", [3, "c1", {"status": "Unlocked"}])
    beat: tuple[str, list[object]] = ("station.sent", [2, "h1", "Heartbeat", {}])
    beaten: tuple[str, list[object]] = ("station.received", [3, "h1", {}])
    assert answers(unlocked, beat, beaten) == {("S", "c1")}
    assert answers(unlocked, beat) == set()
    assert answers(beat, unlocked, beaten) == set()  # it may have been on its way still


def test_equal_commands_that_cannot_be_told_apart_are_judged_by_their_numbers_and_no_more() -> None:
    history = equal_unlocks("CommandAccepted", "CommandRejected", moved=1)
    found = INVARIANTS["I07"].judge(history)
    assert (found.verdict, found.violations) == (Verdict.INCONCLUSIVE, ())
