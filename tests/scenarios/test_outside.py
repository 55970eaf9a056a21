"""Each check of the wire flags an exchange that breaks it, and lets pass one that is nearly the same."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.scenarios import names as catalogue
from interlock.scenarios.cli.main import app
from interlock.scenarios.judge import fleet_checks, ledger_checks
from interlock.scenarios.judge.register import CHECKS, JUDGES, Judge
from interlock.scenarios.judge.verdict import Verdict, verdict_of
from interlock.scenarios.judge.wire import Judgement, judge
from interlock.scenarios.judge.wire_check import LISTED
from interlock.scenarios.judge.wire_checks import WIRE_CHECKS
from interlock.scenarios.record.domain_view import Observation

from .wire_examples import BREAKS, HOLDS, INVALID, SILENT, Wire, good, wire


def named(pairs: list[tuple[str, Wire]]) -> list[Any]:
    return [pytest.param(id, told, id=f"{id}-{number}") for number, (id, told) in enumerate(pairs)]


@pytest.mark.parametrize(("id", "told"), named(BREAKS))
def test_it_bites(id: str, told: Wire) -> None:
    found = told.findings()[id]
    assert found.verdict is Verdict.FAIL, found
    for violation in found.violations:
        assert violation.message
        assert violation.expected
        assert violation.found
        assert violation.station == "CP01"
        assert list(violation.at) == sorted(violation.at) != []
        assert all(told.history.observations[i].kind in ("frame", "socket.closed") for i in violation.at)


@pytest.mark.parametrize(("id", "told"), named(HOLDS))
def test_it_lets_pass(id: str, told: Wire) -> None:
    found = told.findings()[id]
    assert found.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE), found
    assert found.checked or found.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("id", "told"), named(SILENT))
def test_it_does_not_accuse_on_a_guess(id: str, told: Wire) -> None:
    found = told.findings()[id]
    assert found.verdict < Verdict.FAIL, found
    assert found.reason or found.verdict is Verdict.PASS


def test_every_check_is_shown_to_bite_and_to_hold() -> None:
    assert {id for id, _ in BREAKS} == {id for id, _ in HOLDS} == set(WIRE_CHECKS)


def test_a_right_exchange_passes_for_both_sides() -> None:
    findings = good().findings()
    assert {one.id: one.reason for one in findings.values() if one.verdict > Verdict.PASS} == {}
    assert verdict_of(findings.values()) is Verdict.PASS
    assert sum(one.verdict is Verdict.PASS for one in findings.values()) > 20


def test_the_side_that_is_asked_about_is_the_side_that_is_judged() -> None:
    told = good()
    assert {one[0] for one in told.findings("csms")} == {"W"}
    assert {one[0] for one in told.findings("station")} == {"S"}


def test_a_refused_message_is_the_stations_fault_where_the_station_is_asked_about() -> None:
    told = wire().up(2, "s", "StatusNotification", INVALID).down(4, "s", "OccurenceConstraintViolation", "", {})
    assert told.findings("station")["S04"].verdict is Verdict.FAIL
    beside = told.findings("both")["S04"]
    assert beside.verdict is Verdict.INCONCLUSIVE
    assert "--about station" in str(beside.reason)
    assert verdict_of(told.findings("both").values()) is Verdict.PASS


def test_silence_is_not_green() -> None:
    assert verdict_of(wire().findings().values()) is Verdict.INCONCLUSIVE


def test_what_the_run_was_too_short_for_is_inconclusive() -> None:
    assert wire().up(2, "h", "Heartbeat", {}).findings()["W01"].verdict is Verdict.INCONCLUSIVE


def test_an_answer_to_what_is_older_than_the_record_is_not_held_against_anybody() -> None:
    found = wire(opened=False).down(3, "older", {}).findings()["W02"]
    assert found.verdict is Verdict.INCONCLUSIVE


def test_what_cannot_be_seen_is_not_applicable() -> None:
    told = good()
    told.history.end()
    findings = judge(told.history.observations, {"I05": ("no lost outcome", "MUST")})
    assert (findings[-1].id, findings[-1].verdict) == ("I05", Verdict.NOT_APPLICABLE)


def test_a_fleet_that_broke_has_no_verdict() -> None:
    told = good()
    told.history.observe("world.failed", error="ValueError: x")
    assert verdict_of(told.findings().values()) is Verdict.ERROR


def test_many_violations_are_counted_and_the_first_are_listed() -> None:
    told = wire()
    for _ in range(LISTED + 5):
        told.raw("nonsense")
    found = told.findings()["W08"]
    assert len(found.violations) == LISTED
    assert found.reason is not None
    assert found.reason.startswith(f"{LISTED + 5} violations")


def test_a_version_by_any_of_its_names_turns_its_checks_on() -> None:
    for name in ("1.6", "ocpp1.6", "OCPP-1.6J", "ocpp1.6j", "OCPP16J", "v16", "1_6"):
        told = wire(version=name).up(2, "h", "Heartbeat", {}).down(3, "h", {})
        assert told.findings()["W03"].verdict is Verdict.FAIL, name
    for name in ("2.0.1", "ocpp2.0.1", "OCPP201", "v2.0.1"):
        told = wire(version=name).up(2, "n", "NotifyReport", {}).down(3, "n", {"status": "x"})
        assert told.findings()["S04"].verdict is Verdict.FAIL, name


def test_a_version_nobody_knows_is_said_to_be() -> None:
    found = wire(version="ocpp1.5").up(2, "h", "Heartbeat", {}).down(3, "h", {}).findings()
    assert found["W03"].verdict is Verdict.NOT_APPLICABLE
    assert found["W03"].reason == "the record is of OCPP ocpp1.5, which is not known here"
    assert found["W01"].verdict is Verdict.PASS


def test_a_record_that_names_no_version_is_taken_for_what_it_shows() -> None:
    told = wire().up(
        2, "b", "BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
    )
    told.down(3, "b", {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 5})
    assert told.findings()["S04"].verdict is Verdict.PASS


def test_a_long_record_leaves_nothing_behind() -> None:
    """What is kept is what is open: after many answered calls on many connections there is nothing."""
    work = Judgement("both")
    i = 0
    for number in range(2000):
        for edge, text in (("sent", f'[2,"{number}","Heartbeat",{{}}]'), ("received", f'[3,"{number}",{{}}]')):
            fields = {"edge": f"station.{edge}", "station": "CP01", "socket": number // 10, "text": text}
            work.see(Observation(i, float(i), "frame", fields))
            i += 1
        if number % 10 == 9:
            work.see(Observation(i, float(i), "socket.closed", {"station": "CP01", "socket": number // 10, "why": "x"}))
            i += 1
    assert not any(one.waiting("station") for one in work.connections.values())
    assert len(work.connections) <= 1
    assert len(work.peers) == 1


@pytest.mark.parametrize("judge", JUDGES.values(), ids=lambda judge: judge.id)
def test_each_explains_itself(judge: Judge) -> None:
    told = catalogue.explain(judge.id)
    assert told is not None
    assert judge.id in told.splitlines()[0]
    assert judge.name in told
    assert judge.level in told
    assert len(told.split()) >= 15
    assert judge.sentence.endswith(".")


def test_a_check_says_whom_it_blames_and_by_which_clause() -> None:
    for check in WIRE_CHECKS.values():
        assert check.clause
        assert check.id[0] == {"csms": "W", "station": "S"}[check.about]
        line = CliRunner().invoke(app, ["list", "checks"]).stdout
    for id in CHECKS:
        assert id in line


def test_a_verdict_names_nothing_that_cannot_be_explained() -> None:
    findings = fleet_checks.complete(list(good().findings("both").values()), Judgement(), fleet_checks.Facts(), {})
    assert {one.id for one in findings} <= set(JUDGES)
    assert {one.id for one in ledger_checks.judge([], ledger_checks.Answers(), 0)} <= set(JUDGES)
