"""Response times as distributions, bounds on them, and what changed between two runs: pure functions."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from interlock.loadtests.users import figures
from interlock.loadtests.users.figures import Figures
from interlock.scenarios.cli import load_compare
from interlock.scenarios.judge import load_change, thresholds
from interlock.scenarios.judge.thresholds import NoThreshold, Threshold, parse
from interlock.scenarios.judge.verdict import Verdict, verdict_of
from interlock.scenarios.record import openmetrics
from interlock.scenarios.record.distribution import Distribution, of, total
from interlock.scenarios.refused import Refused


def distribution(*seconds: float) -> Distribution:
    found = Distribution()
    for one in seconds:
        found.add(one)
    return found


def test_percentiles_are_within_a_fifth_of_a_percent_of_the_times_themselves() -> None:
    rng = random.Random(1)
    times = sorted(rng.lognormvariate(-3.0, 2.0) for _ in range(5000))
    found = distribution(*times)
    for percent in (1.0, 50.0, 90.0, 99.0, 99.9, 100.0):
        exact = 1000.0 * times[max(0, -(-int(percent * 50) // 1) - 1)]
        assert found.percentile_ms(percent) == pytest.approx(exact, rel=0.002, abs=0.002)
    assert found.mean_ms() == pytest.approx(1000.0 * sum(times) / 5000, rel=1e-3)
    assert len(found.counts) < 5000


def test_the_sum_of_parts_is_the_whole_also_after_json() -> None:
    parts = [distribution(0.001 * n, 0.5) for n in range(10)]
    whole = total(of(json.loads(json.dumps(one.as_json()))) for one in parts)
    assert whole == total(parts)
    assert whole.count == 20
    assert Distribution().figures()["p95_ms"] is None


def test_the_text_for_other_tools_ends_with_the_longest_and_counts_all() -> None:
    lines = list(distribution(*(0.001 * n for n in range(1, 1001))).hgrm())
    rows = [line.split() for line in lines[1:-1]]
    assert rows[-1][1:] == ["1.000000000000", "1000", "inf"]
    assert float(rows[-1][0]) == pytest.approx(1000.0, rel=0.002)
    shares = [float(row[1]) for row in rows]
    assert shares == sorted(shares)
    assert 20 < len(rows) < 80


def rows(answer_s: float = 0.1, due_s: float = 0.3, failed: int = 0) -> list[dict[str, Any]]:
    cost = Figures(10.0)
    for n in range(20):
        cost.add("CALL", "StartTransaction", 0.5 * n, answer_s, due_s, "late" if n < failed else None)
    calls, _ = figures.merged([cost.as_json()])
    found: list[dict[str, Any]] = calls["calls"]
    return found


@pytest.mark.parametrize(
    ("bound", "holds"),
    [
        ("p95(StartTransaction.answer)<200ms", True),
        ("p95(StartTransaction)<200ms", True),
        ("p95(StartTransaction.answer)>200ms", True),  # both signs: an upper bound
        ("p95(StartTransaction.due)<200ms", False),
        ("p95(StartTransaction.due)>200ms", False),
        (" p99.9 ( StartTransaction . due ) < 0.4 s ", True),
        ("max(all.answer)<50ms", False),
        ("mean(all)<0.2s", True),
        ("failed(StartTransaction)<5%", False),
        ("failed(all)<50%", True),
    ],
)
def test_a_bound_holds_below_it_and_is_violated_above(bound: str, holds: bool) -> None:
    (finding,) = thresholds.judge([parse(bound)], rows(failed=2))
    assert (finding.id, finding.verdict) == ("T01", Verdict.PASS if holds else Verdict.FAIL)
    assert finding.checked == 20


def test_a_bound_on_what_never_happened_is_not_green() -> None:
    (finding,) = thresholds.judge([parse("p95(StopTransaction)<1s")], rows())
    assert verdict_of([finding]) is Verdict.INCONCLUSIVE
    assert "there was no StopTransaction" in str(finding.reason)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("p95(StartTransacton)<1s", "did you mean StartTransaction?"),
        ("p95(starttransaction)<1s", "did you mean StartTransaction?"),
        ("p95(StartTransaction.anser)<1s", "did you mean answer?"),
        ("p94(all)<1s", "did you mean p95?"),
        ("p95(all)<1%", "a share that failed is in %"),
        ("failed(all)<1s", "a share that failed is in %"),
        ("p95(all)=1s", "is no bound"),
        ("", "is no bound"),
    ],
)
def test_a_bound_that_is_none_is_told_with_the_nearest_right_one(text: str, says: str) -> None:
    with pytest.raises(NoThreshold, match=re.escape(says)):
        parse(text)


def test_what_a_bound_shows_is_read_as_the_same() -> None:
    for text in ("p99.9(all.due)<12.5ms", "failed(Heartbeat)<0.1%"):
        assert parse(str(parse(text))) == parse(text)
    assert parse("p50(connect)<1s") == Threshold("p50", "connect", "answer", 1000.0)


def test_time_behind_ones_own_calls_is_in_the_second_figure_only_and_processes_add_up() -> None:
    one, other = Figures(10.0), Figures(10.0)
    for cost in (one, other):
        cost.add("CALL", "Heartbeat", 1.0, 0.2, 0.6, None)
    other.add("WS", "connect", 1.0, 0.1, 0.1, "refused")
    calls, parted = figures.merged([one.as_json(), other.as_json()])
    shown = {row["name"]: row for row in calls["calls"]}
    assert shown["Heartbeat"]["calls"] == shown["all"]["calls"] == 2
    assert shown["Heartbeat"]["answer"]["p95_ms"] == pytest.approx(200, rel=0.01)
    assert shown["Heartbeat"]["due"]["p95_ms"] == pytest.approx(600, rel=0.01)
    assert (shown["connect"]["failed"], shown["all"]["failed"]) == (1, 0)
    assert calls["errors"] == [{"type": "WS", "name": "connect", "why": "refused", "times": 1}]
    assert set(parted["actions"]["Heartbeat"]["due"]) == {"1"}


def actions(seed: int, slower: float = 1.0, calls: int = 200) -> dict[str, Any]:
    rng, cost = random.Random(seed), Figures(100.0)
    for n in range(10 * calls):
        phase = n // calls
        seconds = 0.02 * (1 + phase) * rng.lognormvariate(0.0, 0.3)
        cost.add("CALL", "Heartbeat", 10.0 * phase + 1, seconds * slower, seconds * slower, None)
    found: dict[str, Any] = figures.merged([cost.as_json()])[1]["actions"]
    return found


def beyond(before: dict[str, Any], after: dict[str, Any]) -> set[str | None]:
    return {row["beyond"] for row in load_change.change(before, after) if row["action"] == "Heartbeat"}


def test_a_change_is_told_from_noise_though_the_load_grows_tenfold_meanwhile() -> None:
    for seed in range(10):
        assert beyond(actions(seed), actions(seed + 100)) == {None}
    assert beyond(actions(1), actions(2, slower=1.5)) == {"slower"}
    assert beyond(actions(1, slower=1.5), actions(2)) == {"faster"}


def test_of_few_calls_no_change_is_claimed() -> None:
    found = list(load_change.change(actions(1, calls=3), actions(2, slower=9.0, calls=3)))
    assert {row["beyond"] for row in found} == {None}
    assert {row["noise_ms"] for row in found} == {None}


def kept(path: Path, seed: int, users: int = 5) -> Path:
    path.mkdir()
    (path / "run.json").write_text(json.dumps({"spec": {"users": users, "shape": "ramp"}}))
    (path / "distributions.json").write_text(json.dumps({"actions": actions(seed)}))
    return path


def test_runs_that_were_not_the_same_load_are_said_to_be_and_the_table_fits_a_terminal(tmp_path: Path) -> None:
    before = load_compare.earlier(kept(tmp_path / "a", 1), tmp_path / "b")
    assert before is not None
    found = load_compare.write(kept(tmp_path / "b", 2, users=7), before)
    shown = list(load_compare.lines(found))
    assert any("NOT THE SAME LOAD: users 5 then, 7 now" in line for line in shown)
    assert all(len(line) <= 78 for line in shown if line.startswith("p95"))
    assert json.loads((tmp_path / "b" / "comparison.json").read_text()) == found


def test_what_is_no_earlier_run_is_refused(tmp_path: Path) -> None:
    run = kept(tmp_path / "a", 1)
    with pytest.raises(Refused, match="give this one another --out"):
        load_compare.earlier(run, run)
    with pytest.raises(Refused, match=r"it has no run\.json"):
        load_compare.earlier(tmp_path, run)
    (run / "distributions.json").write_text("{}")
    with pytest.raises(Refused, match="or a damaged one"):
        load_compare.earlier(run, tmp_path / "b")


def test_metrics_have_the_form_of_openmetrics() -> None:
    text = openmetrics.text(rows(), "FAIL")
    *lines, end, last = text.split("\n")
    assert (end, last) == ("# EOF", "")
    sample = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.]+')
    family = ""
    for line in lines:
        if line.startswith("# TYPE"):
            family = line.split()[2]
        elif not line.startswith("#"):
            assert sample.fullmatch(line), line
            assert line.startswith(family)
    assert 'quantile="0.95"} 0.3' in text
    assert 'interlock_load_verdict{interlock_load_verdict="FAIL"} 1' in text
    assert "verdict" not in openmetrics.text(rows(), None)
