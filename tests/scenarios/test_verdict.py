from __future__ import annotations

import itertools
import json

import pytest

from interlock.scenarios.judge.invariants import INVARIANTS, judge
from interlock.scenarios.judge.verdict import Finding, Level, Verdict, Violation, as_text, document, merge, verdict_of
from interlock.scenarios.record.history import History

from .histories import Story

NA, PASS, DUNNO, FAIL, ERROR = Verdict


def test_verdicts_are_ordered_and_known_by_name() -> None:
    assert [verdict.name for verdict in sorted(Verdict)] == ["NOT_APPLICABLE", "PASS", "INCONCLUSIVE", "FAIL", "ERROR"]


def test_merging_takes_the_worst_and_nothing_is_inconclusive() -> None:
    assert merge([]) is DUNNO
    for first, second in itertools.product(Verdict, repeat=2):
        assert merge([first, second]) is max(first, second)


@pytest.mark.parametrize(("verdict", "code"), [(NA, 0), (PASS, 0), (DUNNO, 3), (FAIL, 1), (ERROR, 3)])
def test_exit_codes(verdict: Verdict, code: int) -> None:
    assert verdict.exit_code == code


def finding(verdict: Verdict, level: Level = "MUST") -> Finding:
    return Finding("I99", "an invariant", level, verdict, 1)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], DUNNO),
        ([finding(NA)], DUNNO),
        ([finding(DUNNO)], DUNNO),
        ([finding(PASS)], PASS),
        ([finding(PASS), finding(DUNNO), finding(NA)], PASS),
        ([finding(PASS, "SHOULD"), finding(NA)], DUNNO),
        ([finding(PASS, "BOOKKEEPING")], DUNNO),
        ([finding(PASS), finding(FAIL, "SHOULD")], FAIL),
        ([finding(PASS), finding(FAIL)], FAIL),
        ([finding(FAIL), finding(ERROR)], ERROR),
    ],
)
def test_the_verdict_of_a_run(findings: list[Finding], expected: Verdict) -> None:
    assert verdict_of(findings) is expected


def test_a_history_that_did_nothing_is_not_green() -> None:
    findings = judge(History(lambda: 0.0))
    assert verdict_of(findings) is DUNNO
    assert {found.verdict for found in findings} <= {NA, DUNNO}
    assert all(found.reason for found in findings)


def test_an_invariant_that_breaks_is_an_error_and_never_a_pass() -> None:
    story = Story().command()
    story.history.observe("ledger", part="lock")
    found = INVARIANTS["I02"].judge(story.rest())
    assert found.verdict is ERROR
    assert found.reason is not None
    assert "KeyError: 'by'" in found.reason
    assert "domain_view.py line" in found.reason


def test_the_document_is_what_a_report_reads() -> None:
    told = Violation("one request, 2 unlocks", "at most one", "2", "CP01", (3, 9))
    run = {"scenario": "race", "csms": "naive", "seed": 7, "reproduce": "interlock run race --seed 7", "rules": {}}
    shown = document(run, [Finding("I02", "no double unlock", "MUST", FAIL, 1, None, (told,))])
    assert shown == {
        "schema": 1,
        "verdict": "FAIL",
        "scenario": "race",
        "csms": "naive",
        "seed": 7,
        "reproduce": "interlock run race --seed 7",
        "invariants": [
            {
                "id": "I02",
                "name": "no double unlock",
                "level": "MUST",
                "verdict": "FAIL",
                "checked": 1,
                "reason": None,
                "violations": [
                    {
                        "message": "one request, 2 unlocks",
                        "expected": "at most one",
                        "found": "2",
                        "station": "CP01",
                        "at": [3, 9],
                    }
                ],
            }
        ],
    }
    assert json.loads(json.dumps(shown)) == shown


def test_many_violations_are_counted_and_few_are_listed() -> None:
    story = Story()
    for number in range(60):
        story.see("task.failed", node="node1", error=f"KeyError: {number}")
    found = INVARIANTS["I20"].judge(story.rest())
    assert len(found.violations) == 50
    assert found.reason == "60 violations, the first 50 are listed"


def test_values_in_messages_are_json_and_no_python() -> None:
    for value, says in (
        (None, "nothing"),
        ("text", "text"),
        ({"a": None, "b": [True, "ü"]}, '{"a": null, "b": [true, "ü"]}'),
        ((1, 2), "[1, 2]"),
        ({"at": {1}}, '{"at": "{1}"}'),
    ):
        assert as_text(value) == says
    assert as_text({"a": "x" * 500}, 20) == '{"a": "xxxxxxxxxxxxx'
