"""Conformance cases: what they are, that they bite, and that they do not bite the innocent."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from interlock.scenarios.cases import catalogue, match, schemas
from interlock.scenarios.cases.exemplar import Seen, compose
from interlock.scenarios.cases.language import (
    ABSENT,
    PRESENT,
    Answered,
    Case,
    Each,
    In,
    Never,
    Other,
    Ref,
    Say,
    Sent,
    Series,
    Some,
    one_of,
)
from interlock.scenarios.cases.mutants import message
from interlock.scenarios.cases.proof import prove
from interlock.scenarios.cases.states import STATES
from interlock.scenarios.judge.cases import Word, judge
from interlock.scenarios.judge.station_frames import judge as judge_passively

CASES = catalogue.cases()


def test_every_case_of_the_public_list_is_there() -> None:
    listed = Counter(case.role for case in CASES.values() if case.id.startswith("TC_"))
    own = Counter(case.role for case in CASES.values() if case.id.startswith("IL_"))
    assert listed == {"station": 102, "csms": 77}
    assert own["station"] >= 40
    assert own["csms"] >= 40
    for case in CASES.values():
        assert case.id.endswith("_CS" if case.role == "station" else "_CSMS"), case.id
        assert case.expectations, case.id
        assert case.needs.state in STATES, case.id
        assert case.clause.startswith("1.6 "), case.id


@pytest.mark.parametrize("role", ["station", "csms"])
def test_every_mutant_is_killed_and_every_variation_passes(role: str) -> None:
    wrong = {}
    for case in CASES.values():
        if case.role == role:
            proved = prove(case)
            if not proved.holds or proved.variations < 20:
                wrong[case.id] = (proved.good.word.name, proved.good.reason, proved.surviving, proved.failing)
    assert wrong == {}


def test_what_cases_say_is_legal() -> None:
    """The tester's frames and the ideal peer's are what the schemas allow, but where a case is about what is not."""
    for case in CASES.values():
        if case.id.startswith("IL_2"):
            continue
        for row in compose(case):
            parts = message(row) if row.kind == "frame" else [0]
            if parts[0] == 2:
                assert schemas.wrong_with(parts[2], parts[3]) is None, (case.id, parts)


def test_a_case_without_marks_is_found_in_the_recording() -> None:
    words = Counter(judge(compose(case, marked=False), case).word for case in CASES.values())
    assert set(words) <= {Word.PASS, Word.NOT_APPLICABLE}
    assert words[Word.PASS] > 100


def test_the_judge_of_one_case_does_not_pass_the_recording_of_another() -> None:
    stop, refused = CASES["TC_012_CS"], CASES["TC_028_CS"]
    assert judge(compose(refused, marked=False), stop).word is not Word.PASS
    assert judge(compose(stop), refused).word is Word.NOT_APPLICABLE


# --- verdicts --------------------------------------------------------------------------------------------------------


def _rows(case: Case, change: Any = None) -> list[Seen]:
    rows = compose(case)
    return [row for row in rows if change is None or change(row)]


def test_verdicts_other_than_pass_and_fail() -> None:
    case = CASES["TC_012_CS"]
    cut = _rows(case, lambda row: row.kind != "case.ended")
    assert judge(cut, case).word is Word.INCONCLUSIVE
    unready = [row for row in _rows(case) if row.kind != "case.ready"]
    assert judge(unready, case).word is Word.INCONCLUSIVE
    stopped = _rows(case, lambda row: row.kind == "case.begun")
    stopped.append(Seen(1, 1.0, "case.stopped", {"case": case.id, "word": "ERROR", "why": "gone"}))
    assert (judge(stopped, case).word, judge(stopped, case).reason) == (Word.ERROR, "gone")
    assert judge([], case).word is Word.NOT_APPLICABLE


def test_what_should_be_is_partial() -> None:
    case = CASES["TC_062_CS"]
    rows = compose(case)
    for row in rows:
        if row.kind == "frame" and row.fields["edge"] == "station.sent":
            row.fields["text"] = json.dumps([3, message(row)[1], {"status": "Accepted"}])
    outcome = judge(rows, case)
    assert outcome.word is Word.PARTIAL
    assert outcome.word.exit_code == 0


def test_the_observations_are_quoted() -> None:
    outcome = judge(compose(CASES["TC_012_CS"]), CASES["TC_012_CS"])
    assert [one.state for one in outcome.looked] == ["met"] * 3
    assert "RemoteStopTransaction" in outcome.looked[0].words
    assert outcome.looked[1].frames[0].action == "StopTransaction"
    assert "within 30 s" in outcome.looked[1].words


# --- patterns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (5, 5, 6),
        (1, 1.0, True),
        (one_of("a", "b"), "b", "c"),
        (one_of("a", ABSENT), match.MISSING, "b"),
        (Other("a"), "b", "a"),
        (PRESENT, 0, match.MISSING),
        (ABSENT, match.MISSING, 0),
        (In(5), "2026-01-01T00:00:00Z", "soon"),
        (Each({"a": 1}), [{"a": 1, "b": 2}], []),
        (Each(1), [1, 1], [1, 2]),
        (Some(1), [2, 1], [2]),
        ([1, Ref("x")], [1, 9], [1]),
        ({"a": {"b": one_of(1, 2)}}, {"a": {"b": 2}}, {"a": 2}),
    ],
)
def test_patterns(pattern: Any, good: Any, bad: Any) -> None:
    assert match.mismatch(pattern, good, {}) is None
    assert match.mismatch(pattern, bad, {}) is not None


def test_a_ref_is_bound_once() -> None:
    bound: dict[str, Any] = {}
    assert match.mismatch({"a": Ref("x"), "b": Ref("x")}, {"a": 1, "b": 1}, bound) is None
    assert bound == {"x": 1}
    assert match.mismatch(Ref("x"), 2, bound) == "payload is 2, expected 1"


def test_a_mutant_of_a_made_up_case() -> None:
    """The proof itself bites: a case that expects too little is found out by its mutants only where it says nothing."""
    loose = Case("X_CS", "x", "1.6 x", (Say("ClearCache"), Answered("ClearCache", {}, errors=("*",))))
    strict = Case("Y_CS", "y", "1.6 y", (Say("ClearCache"), Answered("ClearCache", {"status": "Accepted"})))
    assert prove(loose).mutants < prove(strict).mutants
    assert prove(strict).holds
    assert isinstance(strict.expectations[0], Answered)
    assert not isinstance(strict.stimuli[0], Sent | Never | Series)


# --- beside the cases ------------------------------------------------------------------------------------------------


def _frame(i: int, ours: bool, text: str) -> Seen:
    edge = "station.received" if ours else "station.sent"
    return Seen(i, float(i), "frame", {"station": "S", "socket": 1, "edge": edge, "text": text})


RIGHT = [
    _frame(0, False, '[2,"1","Heartbeat",{}]'),
    _frame(1, True, '[3,"1",{"currentTime":"2026-01-01T00:00:00Z"}]'),
    _frame(2, True, '[2,"t","ClearCache",{}]'),
    _frame(3, False, '[3,"t",{"status":"Accepted"}]'),
]


def test_a_right_station_is_not_noticed() -> None:
    assert [one.id for one in judge_passively(RIGHT) if one.broken] == []
    for case in CASES.values():
        if case.role == "station" and case.id.startswith("TC_"):
            noticed = [(one.id, one.why) for one in judge_passively(compose(case)) if one.broken and one.id != "S08"]
            assert noticed == [], case.id


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("N01", "hello"),
        ("N02", '[2,"2","MakeCoffee",{}]'),
        ("N03", '[2,"2","Authorize",{}]'),
        ("N04", '[3,"t",{"status":"Perhaps"}]'),
        ("N06", '[2,"1","Heartbeat",{}]'),
        ("N07", '[3,"nobody",{}]'),
        ("N09", '[2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available",'
         '"timestamp":"2026-01-01T00:00:00"}]'),
        ("N10", '[4,"t","OccurrenceConstraintViolation","",{}]'),
    ],
)  # fmt: skip
def test_a_wrong_frame_is_noticed(rule: str, text: str) -> None:
    rows = [*RIGHT[:3], _frame(3, False, text)]
    assert rule in [one.id for one in judge_passively(rows) if one.broken]


def test_two_calls_at_once_and_one_without_an_answer_are_noticed() -> None:
    rows = [
        _frame(0, False, '[2,"1","Heartbeat",{}]'),
        _frame(1, False, '[2,"2","Heartbeat",{}]'),
        _frame(2, True, '[2,"t","ClearCache",{}]'),
        _frame(100, False, '[2,"3","Heartbeat",{}]'),
    ]
    assert {one.id for one in judge_passively(rows) if one.broken} >= {"N05", "N08"}


def test_cases_and_their_judge_know_no_socket_and_no_clock() -> None:
    """Values, patterns, judge: they import each other, the schemas and the standard library."""
    import ast
    import sys
    from pathlib import Path

    room = Path(catalogue.__file__).parent
    files = [*room.glob("*.py"), *(room / "v16").glob("*.py"), *(room.parent / "judge").glob("*.py")]
    rooms = tuple(f"interlock.scenarios.{room}" for room in ("cases", "judge", "record"))
    allowed = (*rooms, "msgspec", "jsonschema_rs")
    assert len(files) > 30
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            for name in names:
                known = name.split(".")[0] in sys.stdlib_module_names and name != "asyncio"
                assert known or name.startswith(allowed), (path.name, name)
                assert ".players" not in name, (path.name, name)
