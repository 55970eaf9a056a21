"""Reading run directories. The format is a contract, described here once.

A run directory holds three files:

- `run.json`: what was run: `schema`, `scenario`, `title`, `csms`, `seed`, `spec`, `drawn`, `versions`, `rules`,
  `reproduce`, `observations`, `history_sha256`;
- `history.jsonl`: what happened: one observation a line, `{"i": index, "t": seconds, "kind": ..., ...}`, the last
  of kind `end`;
- `verdict.json`: whether it was right: `verdict` and `invariants`, each with its `violations`, each of which points
  with `at` at the observations that led there, the last being the moment of the violation.

A suite directory holds `suite.json` (`csms`, `verdict`, `runs`, `exercised`) and run directories below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from interlock.reports import files

Row = dict[str, Any]
SCHEMA = 1
LONGEST_S = 1e9
"""No run lasts longer, so what has a later time is damaged."""

_decode = msgspec.json.Decoder().decode


class RunUnreadable(Exception):
    """A directory that is no run directory, or a damaged one: one sentence says which and why."""


@dataclass(frozen=True)
class Run:
    """A run directory in memory."""

    directory: Path
    about: dict[str, Any]
    verdict: dict[str, Any]
    rows: list[Row]

    @cached_property
    def kinds(self) -> dict[str, list[Row]]:
        """The observations by kind, in order."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row["kind"], []).append(row)
        return found

    def of(self, *kinds: str) -> list[Row]:
        """Return the observations of some kinds, in order."""
        found = [row for kind in kinds for row in self.kinds.get(kind, ())]
        return sorted(found, key=lambda row: int(row["i"])) if len(kinds) > 1 else found


def read_run(directory: Path) -> Run:
    """Read a run directory, or raise `RunUnreadable`."""
    if not directory.is_dir():
        raise RunUnreadable(f"{directory} is not a folder; give the folder of a run, with run.json in it")
    if not (directory / "run.json").exists():
        raise RunUnreadable(f"{directory} holds no run: give a folder with run.json in it, or suite.json for several")
    about = read_object(directory / "run.json")
    if about.get("schema") != SCHEMA:
        raise RunUnreadable(
            f"{directory / 'run.json'} has schema {about.get('schema')!r}, this Interlock reads {SCHEMA}"
        )
    verdict = read_object(directory / "verdict.json")
    path = directory / "history.jsonl"
    rows: list[Row] = []
    digest = hashlib.sha256()
    try:
        for number, line in enumerate(files.lines(path)):
            digest.update(line)
            row = _decode(line)
            if not _is_observation(row, number, rows):
                raise RunUnreadable(f"{path} line {number + 1} is not observation {number}: the file is damaged")
            rows.append(row)
    except OSError as error:
        raise RunUnreadable(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise RunUnreadable(f"{path} line {len(rows) + 1} is not JSON: the file is damaged") from None
    if not rows or rows[-1]["kind"] != "end":
        raise RunUnreadable(f"{path} has no end: the run was cut off or the file was")
    if digest.hexdigest() != about.get("history_sha256"):
        raise RunUnreadable(f"{path} is not the history that run.json names: one of the two was changed")
    return Run(directory, about, verdict, rows)


def _is_observation(row: Any, number: int, before: list[Row]) -> bool:
    if not isinstance(row, dict) or row.get("i") != number or not isinstance(row.get("kind"), str):
        return False
    t = row.get("t")
    if not isinstance(t, int | float) or isinstance(t, bool) or not 0 <= t <= LONGEST_S:
        return False
    return not before or bool(t >= before[-1]["t"])


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file of well-formed JSON that lacks what belongs in it into `RunUnreadable`."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
        why = f"it has no {clean(error)}" if isinstance(error, KeyError) else "it does not hold what Interlock writes"
        raise RunUnreadable(f"{path} is damaged: {why}") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file, or raise `RunUnreadable`."""
    try:
        found = _decode(files.read(path))
    except OSError as error:
        raise RunUnreadable(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise RunUnreadable(f"{path} is not JSON") from None
    if not isinstance(found, dict):
        raise RunUnreadable(f"{path} is not a JSON object")
    return found


def violations(verdict: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each violation with its invariant, MUSTs first."""
    order = {"MUST": 0, "SHOULD": 1}
    found = [(one, violation) for one in verdict.get("invariants", ()) for violation in one.get("violations", ())]
    return sorted(found, key=lambda pair: order.get(pair[0].get("level", ""), 2))


def run_of(out: Path, name: object) -> Path:
    """Return the run directory that a suite names, or raise `RunUnreadable` if it lies elsewhere."""
    found = files.inside(out, name)
    if found is None:
        raise RunUnreadable(f"{clean(name, 80)} is no folder inside {out}")
    return found


def printable(text: str) -> str:
    """Return a text without control characters, line ends excepted: a page or a picture is to show what it says."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\N{REPLACEMENT CHARACTER}" for one in text)


def clean(value: Any, most: int = 200) -> str:
    """Return any value as one line of printable text: what a station says is not to be trusted with a terminal."""
    text = value if isinstance(value, str) else str(value)
    text = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[: most + 1]
    )
    return text if len(text) <= most else text[: most - 1] + "…"
