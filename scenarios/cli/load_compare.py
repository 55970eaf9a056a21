"""`interlock load --compare RUN`: what changed since an earlier run, as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.scenarios.judge import load_change
from interlock.scenarios.refused import Refused, cause

FILE = "comparison.json"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run to compare with, read before this one begins."""

    path: Path
    spec: Mapping[str, Any]
    actions: load_change.Actions


def earlier(path: Path | None, out: Path) -> Earlier | None:
    """Read the run that `--compare` names. Raises `Refused` where that is none, or the folder this run writes to."""
    if path is None:
        return None
    if path.resolve() == out.resolve():
        raise Refused(f"--compare {path} is where this run is kept: give this one another --out")
    try:
        spec = json.loads((path / "run.json").read_text("utf-8"))["spec"]
        actions = json.loads((path / "distributions.json").read_text("utf-8"))["actions"]
        list(load_change.change(actions, actions))
        return Earlier(path, dict(spec), actions)
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        raise Refused(f"--compare {path} is no run of `interlock load`: it has no {missing}") from None
    except NotADirectoryError:
        raise Refused(f"--compare {path} is a file: give the folder of a run of `interlock load`") from None
    except (OSError, UnicodeError) as error:
        raise Refused(f"--compare {path} cannot be read: {cause(error)}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(f"--compare {path} is no run of `interlock load`, or a damaged one") from None


def write(out: Path, before: Earlier) -> dict[str, Any]:
    """Compare the run in `out` with an earlier one; write `comparison.json` for the report and return it."""
    spec = json.loads((out / "run.json").read_text("utf-8"))["spec"]
    actions = json.loads((out / "distributions.json").read_text("utf-8"))["actions"]
    found = {
        "schema": 1,
        "with": str(before.path),
        "differing": load_change.differing(before.spec, spec),
        "rows": list(load_change.change(before.actions, actions)),
    }
    (out / FILE).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return found


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table for a terminal of 80 columns."""
    yield f"since {found['with']}:"
    yield from (f"NOT THE SAME LOAD: {one}" for one in found["differing"])
    yield f"{'':<34}{'then ms':>10}{'now ms':>10}{'change':>8}{'noise':>8}"
    for row in found["rows"]:
        if row["statistic"] == "p95":
            name = f"{row['statistic']}({row['action'][:20]}.{row['figure']})"
            noise = "few" if row["noise_ms"] is None else f"{row['noise_ms']:.1f}"
            told = f"{name:<34}{row['before_ms']:>10.1f}{row['after_ms']:>10.1f}{row['change_ms']:>+8.1f}{noise:>8}"
            yield f"{told} {row['beyond'] or ''}".rstrip()
    beyond = sum(row["beyond"] is not None for row in found["rows"])
    yield f"{beyond} of {len(found['rows'])} figures changed by more than noise; all of them are in the report"
