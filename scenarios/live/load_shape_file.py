"""A load shape by its name, from a TOML file, or from a class in a Python file."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Any

from interlock.scenarios.judge.thresholds import COMMANDS
from interlock.scenarios.live.load_shape import BUILT_IN, LoadShape, of
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import nearest
from interlock.scenarios.scenario_file import Unloadable, execute
from interlock.scenarios.user_file import Unreadable, read_toml
from interlock.simulator.spec import StationSpec

OURS = ("station_id", "evses", "clock", "persona", "ocpp", "first_boot_s", "deviations")
"""Fields of a station that a load test decides, or that a file cannot write."""
STATION = tuple(one.name for one in dataclasses.fields(StationSpec) if one.name not in OURS)


def find(text: str) -> LoadShape:
    """Return the shape of a name, of a TOML file, or of `FILE.py` or `FILE.py:Class`. Raises `Refused`."""
    if text in BUILT_IN:
        return BUILT_IN[text]
    file, _, name = text.partition(":")
    if file.endswith(".toml"):
        return _checked(file, _from_toml(Path(file)))
    if file.endswith(".py"):
        return _checked(file, _from_python(Path(file), name))
    near = nearest(text, BUILT_IN) or f"; there are {', '.join(BUILT_IN)}, or a FILE.toml or FILE.py"
    raise Refused(f"there is no shape {text!r}{near}")


_TABLES: dict[str, tuple[str, ...]] = {
    "users": ("curve",),
    "sessions": ("stay_s", "pause_s"),
    "connections": ("drops_every_s", "all_drop_at"),
    "station": STATION,
    "commands": COMMANDS,
}


def _near(word: str, known: Collection[str]) -> str:
    return nearest(word, known) or f"; there are {', '.join(known)}"


def _from_toml(path: Path) -> LoadShape:
    try:
        found = read_toml(path)
    except Unreadable as error:
        raise Refused(str(error)) from None
    values: dict[str, Any] = {"name": path.stem}
    for table, keys in found.items():
        if table in ("name", "summary"):
            values[table] = str(keys)
            continue
        if table not in _TABLES or not isinstance(keys, dict):
            raise Refused(f"{path}: there is no [{table}]{_near(table, _TABLES)}")
        for key in keys:
            if key not in _TABLES[table]:
                raise Refused(f"{path}: [{table}] has no {key!r}{_near(key, _TABLES[table])}")
        values |= {table: keys} if table in ("station", "commands") else keys
    return LoadShape(**values)


def _from_python(path: Path, name: str) -> LoadShape:
    try:
        found = {key: one for key, one in vars(execute(path, str(path), "load shape ")).items() if _is_shape(one)}
    except Unloadable as error:
        raise Refused(str(error)) from None
    if name and name not in found:
        raise Refused(f"{path} has no load shape {name!r}{nearest(name, found)}")
    if not name and len(found) != 1:
        told = ", ".join(found) or "none"
        raise Refused(f"{path} should have one subclass of LoadShape and has {told}; say which as {path}:NAME")
    shape = found[name] if name else next(iter(found.values()))
    made = shape() if isinstance(shape, type) else shape
    assert isinstance(made, LoadShape)
    return made


def _is_shape(found: object) -> bool:
    if isinstance(found, type):
        return issubclass(found, LoadShape) and found is not LoadShape
    return isinstance(found, LoadShape)


def _checked(where: str, shape: LoadShape) -> LoadShape:
    """Return a shape with its lists as tuples of numbers. Raises `Refused` for values that make no sense."""

    def wrong(what: str, why: str) -> Refused:
        return Refused(f"{where}: {what} {why}")

    for name in ("stay_s", "pause_s"):
        low_high = getattr(shape, name)
        if not _numbers(low_high, 2) or not 0 <= low_high[0] <= low_high[1]:
            raise wrong(name, f"is two numbers of seconds, the least and the most, not {low_high!r}")
    if not isinstance(shape.curve, list | tuple) or not all(_numbers(one, 2) for one in shape.curve):
        raise wrong("curve", "is a list of [share of the time, share of the stations]")
    times = [one[0] for one in shape.curve]
    if any(after <= before for before, after in pairwise(times)):
        raise wrong("curve", "goes forward in time: each point is later than the one before")
    if any(not 0 <= value <= 1 for one in shape.curve for value in one):
        raise wrong("curve", "has shares from 0 to 1")
    if shape.drops_every_s is not None and (not _numbers([shape.drops_every_s], 1) or shape.drops_every_s <= 0):
        raise wrong("drops_every_s", f"is a number of seconds above 0, not {shape.drops_every_s!r}")
    if not _numbers(shape.all_drop_at) or any(not 0 < one < 1 for one in shape.all_drop_at):
        raise wrong("all_drop_at", "has shares of the time between 0 and 1")
    if not _numbers(list(shape.commands.values())) or any(one < 0 for one in shape.commands.values()):
        raise wrong("[commands]", "has weights: numbers of 0 or more")
    for key in shape.commands:
        if key not in COMMANDS:
            raise wrong("[commands]", f"has no {key!r}{_near(key, COMMANDS)}")
    if shape.commands and not sum(shape.commands.values()):
        raise wrong("[commands]", "has no weight above 0; --commands 0 asks for none")
    for key, value in shape.station.items():
        if key not in STATION:
            raise wrong("[station]", f"has no {key!r}{_near(key, STATION)}")
        _check_station(wrong, key, value)
    return of(shape.as_json())


def _check_station(wrong: Any, key: str, value: Any) -> None:
    default = getattr(StationSpec("X"), key)
    pair = isinstance(default, tuple)
    right = _numbers(value, 2) if pair else _numbers([value], 1) or isinstance(value, type(default))
    if not right:
        raise wrong("[station]", f"{key} is {'two numbers' if pair else type(default).__name__}, not {value!r}")


def _numbers(found: Any, count: int | None = None) -> bool:
    return (
        isinstance(found, list | tuple)
        and (count is None or len(found) == count)
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in found)
    )
