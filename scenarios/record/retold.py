"""What is on record at the end of a run, apart from how it was worded: for comparing two runs that mean the same."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from interlock.scenarios.record.history import History

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
WORDING = frozenset({"readings", "detail", "example"})
"""Members of events that keep words as they came."""


def record(history: History) -> list[str]:
    """Return what the log says and what left the CSMS, each in order; times in UTC, without the station's own words."""
    said = [
        f"{seen['stream']} {seen['type']} {_plain(seen['data'])}"
        for seen in history.of("log")
        if seen["type"] != "DeviationRecorded"  # which is found first depends on the order of members
    ]
    sent = [f"to {seen['station']}: {seen['text']}" for seen in history.of("frame") if seen["edge"] == "csms.sent"]
    return [*said, *sent]


def _plain(value: Any) -> str:
    return json.dumps(_without_words(value), sort_keys=True, ensure_ascii=False)


def _without_words(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if name not in WORDING}
        if "meterValue" in kept or "sampledValue" in kept or "transactionData" in kept:
            return {}  # a notice of readings: what they are in other units is compared in MeterSampled
        return {name: _without_words(one) for name, one in kept.items()}
    if isinstance(value, list):
        return [_without_words(one) for one in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    return value


def first_difference(one: Sequence[str], other: Sequence[str]) -> tuple[str, str] | None:
    """Return the first thing in which two records differ, as each has it; None where they do not."""
    for first, second in zip_longest(one, other, fillvalue="nothing more"):
        if first != second:
            return first, second
    return None
