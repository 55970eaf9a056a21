"""Arbitrary events, commands and bytes, drawn from the type hints of the dataclasses: a new type is covered at once.

Ids and places come from small pools, so that the events of a drawn sequence are about the same few things.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import settings
from hypothesis import strategies as st

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.connectors import Place
from interlock.csms.domain.station import Station, evolve

STATION_EVENTS: tuple[type, ...] = get_args(ev.StationEvent)
EVENTS: tuple[type, ...] = get_args(ev.Event)
COMMANDS: tuple[type, ...] = get_args(do.Command)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def steady(examples: int) -> settings:
    """Hypothesis that draws this number of examples."""
    return settings(max_examples=examples)


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_MOMENTS = st.datetimes(timezones=st.just(UTC))
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: _TEXTS,
    int: st.integers(),  # no bound: JSON has none, and a station chooses
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: _MOMENTS,
    NoneType: st.none(),
    dict[str, Any]: st.dictionaries(_TEXTS, _TEXTS | st.integers(0, 9) | st.none(), max_size=3),
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=4,
)
_IDS = st.sampled_from(["c1", "c2", "c3", "c4"])
_POOLS: dict[str, st.SearchStrategy[Any]] = {
    "command_id": _IDS,
    "request_id": st.sampled_from(["r1", "r2", "probe:c1:1", "probe:c2:2", "probe:", "probe:c3"]),
    "transaction_id": st.sampled_from(["0", "1", "2", "3", "4"]),
    "evse": st.integers(0, 3),
    "connector": st.integers(0, 2),
    "seq_no": st.integers(0, 4),
    "remote_start_id": st.integers(0, 2),
    "epoch": st.integers(0, 3),
    "id_token": st.sampled_from(["A", "B"]),
    "meter_start_wh": st.sampled_from([0, 5]),
    "meter_stop_wh": st.sampled_from([0, 9]),
    "status": st.sampled_from(["Available", "Charging", "Accepted", "Rejected"]),
}


def of(hint: Any, *, pooled: bool, name: str = "") -> st.SearchStrategy[Any]:
    """Return the values a type hint allows; `pooled` takes those of well-known names from the small pools."""
    arms = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([of(arm, pooled=pooled, name=name) for arm in arms])
    if get_origin(hint) is tuple and arms[1:] == (...,):
        return st.lists(of(arms[0], pooled=pooled), max_size=3).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(_TEXTS, _JSON, max_size=3)
    if dataclasses.is_dataclass(hint) or hasattr(hint, "_fields"):
        return built(hint, pooled=pooled)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if hint is not NoneType and pooled and name in _POOLS:
        return _POOLS[name]
    return _PLAIN[hint]


def built(kind: Any, *, pooled: bool) -> st.SearchStrategy[Any]:
    """Return the values of one dataclass or named tuple."""
    hints = get_type_hints(kind, localns={"AnyCommand": do.Command})
    names = getattr(kind, "_fields", None) or [field.name for field in dataclasses.fields(kind)]
    return st.builds(kind, **{name: of(hints[name], pooled=pooled, name=name) for name in names})


def long_or_short(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return lists of both kinds: left alone, Hypothesis draws about five elements, and little comes of those."""
    return st.lists(one, max_size=12) | st.lists(one, min_size=12, max_size=40)


ANY_EVENT = st.one_of([built(kind, pooled=False) for kind in EVENTS])
ANY_COMMAND = st.one_of([built(kind, pooled=True) for kind in COMMANDS])
STATION_EVENT = st.one_of([built(kind, pooled=True) for kind in STATION_EVENTS])
SEQUENCES = long_or_short(STATION_EVENT)
"""Station events in any order, sensible or not."""


def folded(events: Sequence[Any], state: Station | None = None) -> Station:
    """Fold events onto a state, or onto a new station."""
    state = state or Station()
    for event in events:
        state = evolve(state, event)
    return state


def keys(state: Station) -> tuple[list[Place], list[str], list[str]]:
    """Return the order of a state's dicts, which equality does not compare and forgetting depends on."""
    return list(state.connectors), list(state.commands), list(state.transactions)


def summed(report: Any) -> Any:
    """Return a report whose samples say what they sum up to, without the readings they come from."""
    samples = getattr(report, "samples", ())
    if not samples:
        return report
    return dataclasses.replace(report, samples=tuple(dataclasses.replace(one, readings=()) for one in samples))
