"""The figures of a load test as OpenMetrics text, for Prometheus and compatible tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.scenarios.record.distribution import PERCENTILES, key_of

RESPONSE = "interlock_load_response_seconds"
CALLS, FAILED, VERDICT = "interlock_load_calls", "interlock_load_failed_calls", "interlock_load_verdict"
VERDICTS = ("PASS", "INCONCLUSIVE", "FAIL", "ERROR")


def text(calls: Sequence[Mapping[str, Any]], verdict: str | None) -> str:
    """Return the rows of `calls.json`, and the verdict once there is one, in OpenMetrics 1.0."""
    return "\n".join([*_lines(calls, verdict), "# EOF", ""])


def _lines(calls: Sequence[Mapping[str, Any]], verdict: str | None) -> Iterator[str]:
    yield from (f"# TYPE {RESPONSE} summary", f"# UNIT {RESPONSE} seconds")
    yield f"# HELP {RESPONSE} Time to the answer since a call was sent (answer) and since it was due (due)."
    for row in calls:
        for figure in ("answer", "due"):
            found = row[figure]
            told = _labels(type=row["type"] or "all", action=row["name"], figure=figure)
            for percent in PERCENTILES:
                if (ms := found[key_of(percent)]) is not None:
                    yield f'{RESPONSE}{{{told},quantile="{percent / 100:g}"}} {ms / 1000:.6f}'
            yield f"{RESPONSE}_count{{{told}}} {found['count']}"
            yield f"{RESPONSE}_sum{{{told}}} {(found['mean_ms'] or 0.0) * found['count'] / 1000:.6f}"
    for name, key, help in ((CALLS, "calls", "Calls that are over."), (FAILED, "failed", "Of which failed.")):
        yield from (f"# TYPE {name} counter", f"# HELP {name} {help}")
        for row in calls:
            yield f"{name}_total{{{_labels(type=row['type'] or 'all', action=row['name'])}}} {row[key]}"
    if verdict is not None:
        yield from (f"# TYPE {VERDICT} stateset", f"# HELP {VERDICT} How the run was judged.")
        for word in VERDICTS:
            yield f'{VERDICT}{{{VERDICT}="{word}"}} {int(word == verdict)}'


def _labels(**pairs: str) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
