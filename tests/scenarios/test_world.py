"""The world tells its own failures from the CSMS's."""

from __future__ import annotations

from dataclasses import replace

from interlock.csms.node import Csms
from interlock.csms.presence import Presence
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.runner import Job, run, scenario
from interlock.scenarios.spec import step

JOB = Job("heartbeat-vs-unlock", 0)


def test_a_step_that_breaks_is_an_error_and_not_a_pass() -> None:
    spec = scenario(JOB.scenario)
    broken = replace(spec, steps=(*spec.steps, step("plug", 1.0, connector=99)))
    outcome = run(JOB, broken)
    assert outcome.word is Verdict.ERROR
    assert "plug" in outcome.verdict["invariants"][0]["reason"]


def test_an_error_in_a_callback_of_a_node_counts_against_the_node() -> None:
    class Breaks(Presence):
        def _fire(self, station: str) -> None:
            raise RuntimeError("out of order")

    class Broken(Csms):
        presence_class = Breaks

    outcome = run(Job("restart-with-offline-timer", 0), csms=Broken)
    assert "I20" in outcome.failed
