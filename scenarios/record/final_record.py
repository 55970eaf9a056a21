"""The record at the end of a run, independent of the wording of frames: to compare two runs of the same meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
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
    sent = [
        f"to {seen['station']}: {_answer(seen['text'])}" for seen in history.of("frame") if seen["edge"] == "csms.sent"
    ]
    return [*said, *sent]


def named_otherwise(one: History, other: History) -> bool:
    """Whether the same CALLs were refused in two runs, and another of their faults was named.

    Which of several faults is named depends on the order of a CALL's members, and with it how many anomalies are
    recorded and when: such runs cannot be compared. That a CALL is refused in one of them only is a difference.
    """
    texts, others = _refusals(one), _refusals(other)
    return texts != others and [text.split(",", 2)[1] for text in texts] == [text.split(",", 2)[1] for text in others]


def _refusals(history: History) -> list[str]:
    return [
        seen["text"] for seen in history.of("frame") if seen["edge"] == "csms.sent" and seen["text"].startswith("[4,")
    ]


OURS = frozenset({"at", "deadline", "last_seen", "epoch", "node"})
"""Members that are about the CSMS and its moments, not about the station."""
WHATEVER_THE_LINE = frozenset({"evse", "id_token", "status", "command_id", "reason", "command", "request_id"})
"""Members of what becomes of sessions and commands that do not depend on how often a station connects, and when."""
_Undone = Callable[[str], str | None]


def session(
    history: History, stations: Collection[str], undone: _Undone = lambda text: text, *, lines: bool = True
) -> list[str]:
    """Return what is on record of some stations and what was sent to them, each thing where it was said first.

    Without times of the CSMS's own, and numbers it draws are counted. `undone` turns a frame into what it would be had
    the session not been told otherwise. Without `lines`, only what becomes of sessions and commands: a station says
    more of itself each time it connects, and at other moments.
    """
    found: list[str] = []
    drawn: dict[str, str] = {}
    for seen in history.of("log"):
        kind, data = seen["type"], seen["data"]
        if not any(seen["stream"].startswith((f"station-{one}", f"meter-{one}-")) for one in stations):
            continue
        if kind in LEFT_OUT or (not lines and not kind.startswith(("Command", "TransactionSt"))):
            continue
        _count(kind, data, drawn, lines=lines)
        about = {
            name: value for name, value in data.items() if (name not in OURS if lines else name in WHATEVER_THE_LINE)
        }
        found.append(f"{seen['stream']} {kind} {_plain(about)}")
    for seen in history.of("frame"):
        if seen["edge"] == "csms.sent" and seen["station"] in stations and lines:
            text = undone(seen["text"])
            found += [] if text is None else [f"to-{seen['station']} {_TIME.sub('', _compact(text))}"]
    words = re.compile("|".join(rf"\b{re.escape(one)}\b" for one in drawn)) if drawn else None
    counted = [words.sub(lambda match: drawn[match[0]], line) for line in found] if words else found
    return sorted(dict.fromkeys(counted) if lines else counted, key=lambda line: line.split(" ", 1)[0])


LEFT_OUT = frozenset({"DeviationRecorded", "HeartbeatReceived"})


def _count(kind: str, data: Mapping[str, Any], drawn: dict[str, str], *, lines: bool) -> None:
    """Give a number that was drawn the name of its turn: the CSMS's own, and where lines differ the station's too."""
    if kind == "TransactionStarted" and (data.get("seq_no") is None or not lines):
        drawn.setdefault(str(data["transaction_id"]), f"transaction-{len(drawn)}")
    elif kind == "CommandRequested" and (number := data["command"].get("remote_start_id")) is not None:
        drawn.setdefault(str(number), f"start-{len(drawn)}")


def _compact(text: str) -> str:
    try:
        return json.dumps(json.loads(text), separators=(",", ":"))
    except ValueError:
        return text


def _answer(text: str) -> str:
    """Return what is sent; of a refusal that it is one: which of several faults it names depends on their order."""
    return text.split(",", 2)[1] + " refused" if text.startswith("[4,") else text


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
