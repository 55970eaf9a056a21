"""A run has an end, a suite has to have done something, and an error is laid at the door of whose code raised it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import events as ev
from interlock.csms.node import Csms
from interlock.scenarios.explore.campaign import Campaign, Done
from interlock.scenarios.explore.time_limit import TakesTooLong, within
from interlock.scenarios.judge.invariants.campaign import DONE, did
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.runner import Job, run
from interlock.scenarios.world import world
from interlock.scenarios.world.blame import of_the_csms

from .histories import ANSWERED, Story

NAME = "unlocks-on-connector-2"


class _Breaks(Csms):
    async def register_token(self, id_token: str, status: str, parent: str | None = None) -> None:
        raise RuntimeError("no tokens here")


class _Polls(Csms):
    """Looks every millisecond whether there is anything to do, for ever."""

    async def start(self) -> None:
        await super().start()
        self.spawn(self._poll())

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(0.001)


class _SendsNothing(Dispatcher):
    async def send(self, station: str, intent: ev.CommandRequested) -> None:
        pass


class _Silent(Csms):
    dispatcher_class = _SendsNothing


def test_an_error_of_the_csms_in_the_set_up_is_its_own() -> None:
    outcome = run(Job(NAME, 0), csms=_Breaks)
    assert outcome.word is Verdict.FAIL
    assert "I20" in outcome.failed
    assert not outcome.history.of("world.failed")


def test_an_error_of_the_world_has_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: world.World, number: int) -> str:
        raise RuntimeError("the world's own")

    monkeypatch.setattr(world.World, "_last_look", broken)
    assert run(Job(NAME, 0)).word is Verdict.ERROR


def test_a_run_that_goes_on_and_on_is_wrong_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "CALLBACKS", 20_000)
    outcome = run(Job(NAME, 0), csms=_Polls)
    assert outcome.word is Verdict.FAIL
    assert "more callbacks than a run needs" in outcome.history.of("task.failed")[0]["error"]


def test_the_library_stays_far_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "CALLBACKS", world.CALLBACKS // 10)
    for name in (NAME, "every-command", "answers-that-say-nothing", "break-off-at-every-point"):
        assert run(Job(name, 0)).word is Verdict.PASS


def test_a_csms_that_sends_nothing_is_flagged() -> None:
    assert "I38" in run(Job(NAME, 0), csms=_Silent).failed


def test_whose_an_error_is() -> None:
    root = Path(__file__).parents[2]
    assert of_the_csms(str(root / "csms" / "domain" / "station.py"))
    assert of_the_csms(str(root / "interlock" / "csms" / "node.py"))
    assert of_the_csms(str(root / "scenarios" / "specimens" / "write_behind.py"))
    assert not of_the_csms(str(root / "scenarios" / "world" / "world.py"))
    assert not of_the_csms(str(root / "simulator" / "station.py"))


def test_what_does_not_give_up_its_turn_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for the clock of this machine: the signal is raised by hand."""
    import signal

    armed: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda which, seconds, again=0.0: armed.append(seconds))
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TakesTooLong, match="after 5 s"), within(5.0):
        signal.raise_signal(signal.SIGALRM)
    assert armed == [5.0, 0.0]
    assert signal.getsignal(signal.SIGALRM) is before


# --- a suite that did something --------------------------------------------------------------------------------------


@contextmanager
def campaign(*counts: dict[str, int]) -> Iterator[Campaign]:
    done = [Done(Job(NAME, 0), {"verdict": "PASS", "invariants": []}, 1, one, None) for one in counts]
    yield Campaign([one.job for one in done], Path("nowhere"), keep=lambda job: False, whole=True, done=done)


def test_a_suite_in_which_nothing_was_sent_is_not_green() -> None:
    everything = dict.fromkeys(DONE, 1)
    with campaign({**everything, "commands sent": 0}, {}) as nothing_sent:
        assert nothing_sent.undone == ["commands sent"]
        assert nothing_sent.verdict is Verdict.INCONCLUSIVE
    with campaign({**everything, "commands sent": 0}, everything) as whole:
        assert whole.undone == []
        assert whole.verdict is Verdict.PASS
    with campaign({}) as part:
        part.whole = False
        assert part.verdict is Verdict.PASS


def test_what_a_run_did_is_counted_on_the_wire_and_in_the_log() -> None:
    story = Story().wait(10).command(steps=ANSWERED).charge()
    counted = did(story.rest())
    assert {what: counted[what] for what in DONE[:3]} == dict.fromkeys(DONE[:3], 1)
    assert counted["reports answered"] == story.frames
    assert did(Story().command(steps=("asked",)).history)["commands sent"] == 0


def test_every_scenario_that_asks_for_something_has_it_happen() -> None:
    for name in ("every-command", "impossible-requests", "unlocks-on-connector-2", "two-cards-at-once"):
        assert name in scenarios()
        assert did(run(Job(name, 0)).history)["commands sent"] > 0
