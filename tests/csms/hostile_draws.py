"""Hypothesis strategies for frames and payloads that are nearly right."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from .hostile_frames import FRAMES, GOOD

SPICE: list[Any] = [
    None, True, False, 0, -1, 1.0, 2, 2**31, 2**63, -(2**63) - 1, 2**70, 10**400, 1e308, -0.0, 0.1,
    "", "a", "a" * 21, "a" * 300, "\x00", "\u202e", "\U0001f50c", "nan", "inf", "1e400", "-1", "1_0", "0x10",
    "9" * 5000,
    [], [[]], [{}], {}, {"a": {}}, {"": 1}, [1] * 100,
]  # fmt: skip
MOMENTS = [
    "", "1000000", "222222017-01-01T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T23:59:60Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01", "9999-12-31T23:59:59.999999Z",
    "2024-01-01T00:00:00", "2024-01-01T00:00:00+02", "2024-01-01T00:00:00+02:00:30.5", "2024-01-01T00:00:00.1234567Z",
    "2024-W01-1", "20240101T000000Z", "2024-01-01 00:00:00", "now", "\x00", "2024-01-01T00:00:00\u0660", "-1", "NaN",
    "1970-01-01T00:00:00Z", "2024-01-01T00:00:00+24:00", "2024-01-01T24:00:00Z", "\u0662\u0660\u0662\u0664-01-01",
]  # fmt: skip
VALUES = st.recursive(
    st.sampled_from(SPICE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.integers()
    | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
WORDS = [
    "Available", "Charging", "Faulted", "NoError", "OtherError", "Local", "EVDisconnected", "kWh", "kW", "W", "Wh", "V",
    "Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "L1", "SignedData", "Outlet", "12.5", "1e9",
]  # fmt: skip


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        found += places(one, (*here, key))
    return found


def replaced(value: Any, where: tuple[Any, ...], new: Any) -> Any:
    if not where:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[where[0]] = replaced(copy[where[0]], where[1:], new)
    return copy


@st.composite
def payloads(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw an action and a payload that is nearly right."""
    action = draw(st.sampled_from(sorted(GOOD)))
    payload: Any = GOOD[action]
    odd = st.sampled_from(MOMENTS) | st.sampled_from(WORDS) | st.sampled_from(SPICE) | VALUES
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from(places(payload)[1:] or [()]))
        payload = replaced(payload, where, draw(odd)) if where else {**payload, draw(st.text(max_size=5)): draw(odd)}
    if draw(st.booleans()) and isinstance(payload, dict) and payload:
        payload = {key: one for key, one in payload.items() if key != draw(st.sampled_from(sorted(payload)))}
    return action, payload


IDS = st.sampled_from(["ours", "waits", "ours ", "1"]) | st.text(max_size=38) | VALUES
MESSAGES = st.tuples(st.sampled_from([2, 2, 2, 3, 4, 5, "2", 2.0, True, None]), IDS, payloads())
ANSWERS = st.tuples(st.sampled_from([3, 4, 3.0]), IDS, VALUES | st.just({"status": "Accepted"}))
LINES = MESSAGES.map(lambda one: json.dumps([one[0], one[1], *one[2]])) | ANSWERS.map(json.dumps)
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from('"[]{},:\\é') | st.sampled_from(["\\u", "\\ud83d", "\ud800", "\x00", "1e9", "NaN", ""])
        | st.text(max_size=2),
        st.integers(0, 5),
    ),
    max_size=3,
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a valid frame with a few characters put in or taken out."""
    frame: str = draw(LINES | st.sampled_from([one for one in FRAMES if len(one) < 300]))
    for where, put, drop in draw(CHANGES):
        at = int(where * len(frame))
        frame = frame[:at] + put + frame[at + drop :]
    return frame


HOSTILE = mutated() | LINES | st.text(max_size=60) | st.text('[]{}",:\\u234 ', max_size=60) | VALUES.map(json.dumps)
