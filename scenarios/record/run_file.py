"""`run.json`: what was run. Built from typed values and written here, for every kind of run.

A virtual run, a run against a target, a fleet, a load test and a judged recording all leave the same fields. The
reports read them by name (`reports/run.py`), replays and judges read them back with `History.read`.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from interlock.scenarios.record.history import RUN_FILE

VERDICT_FILE = "verdict.json"


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a run depends on, by name."""
    found = {"python": platform.python_version()}
    for name in ("ocpp-interlock", "ocpp", "simpy", "msgspec", "jsonschema-rs"):
        try:
            found[name.removeprefix("ocpp-")] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name.removeprefix("ocpp-")] = "not installed"
    return found


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `run.json`. `history_sha256` and `observations` are known once the history is complete."""

    SCHEMA: ClassVar[int] = 1

    scenario: str
    title: str
    csms: str
    """A design's name, or host and port of a CSMS that somebody else runs."""
    seed: int
    rules: Mapping[str, Any]
    """What judges must know beyond the history, such as time-outs and what is seen from where."""
    reproduce: str
    """The command line that does this run again."""
    spec: Mapping[str, Any] = {}
    drawn: Mapping[str, Any] = {}
    """What the seed decided, by name."""
    ocpp: str | msgspec.UnsetType = msgspec.UNSET
    """The version that the stations spoke, where all spoke one."""
    versions: Mapping[str, str] = msgspec.field(default_factory=versions)
    schema: int = SCHEMA
    history_sha256: str | msgspec.UnsetType = msgspec.UNSET
    observations: int | msgspec.UnsetType = msgspec.UNSET

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON-able data."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def write_run(directory: Path, about: Mapping[str, Any], sha256: str, observations: int) -> dict[str, Any]:
    """Write `run.json` for a complete history and return what it holds. Raises `OSError` when it cannot."""
    found = {**about, "history_sha256": sha256, "observations": observations}
    _write(directory / RUN_FILE, found)
    return found


def write_verdict(directory: Path, verdict: Mapping[str, Any]) -> None:
    """Write `verdict.json`. Raises `OSError` when it cannot."""
    _write(directory / VERDICT_FILE, verdict)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content, order="sorted"), indent=1))
