"""The names that `interlock list` lists and `explain` explains, found by walking the packages."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from interlock.csms.labelled_points import POINTS
from interlock.scenarios import library
from interlock.scenarios import specimens as wrong
from interlock.scenarios.cases import catalogue as conformance
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.register import CHECKS, JUDGES
from interlock.scenarios.library import scenarios
from interlock.scenarios.specimens import specimens
from interlock.scenarios.steps.deeds import DEEDS
from interlock.scenarios.steps.faults import FAULTS
from interlock.simulator.personas import PERSONAS
from interlock.simulator.profiles import PROFILES

__all__ = ["KINDS", "entries", "everything", "explain", "near", "scenarios", "specimens"]


TARGETS = Path(__file__).parent / "targets"
"""Control interfaces as files, for `interlock run --control`."""


def _comment(path: Path) -> str:
    """Return what a file says in its first line."""
    return path.read_text("utf-8").splitlines()[0].removeprefix("# ")


def _first(text: str | None) -> str:
    return inspect.cleandoc(text or "").split("\n\n")[0].replace("\n", " ")


def _absent(where: Sequence[tuple[str, str]]) -> str:
    """Return what a list says of a thing that does not exist under every OCPP version."""
    return f" (not under OCPP {', '.join(version for version, _ in where)})" if where else ""


def _reasons(where: Sequence[tuple[str, str]]) -> str:
    return "".join(f"\nNot under OCPP {version}: {why}" for version, why in where)


_ENTRIES: dict[str, Callable[[], Mapping[str, str]]] = {
    "scenarios": lambda: {name: found.title + _absent(found.absent_in) for name, found in scenarios().items()},
    "invariants": lambda: {
        one.id: f"{one.level:<11} {one.name}" for one in sorted(INVARIANTS.values(), key=lambda one: one.id)
    },
    "checks": lambda: {one.id: one.line for one in CHECKS.values()},
    "cases": lambda: {one.id: f"{one.role:<8} {one.profile:<24} {one.title}" for one in conformance.cases().values()},
    "specimens": lambda: {name: found.title + _absent(found.absent_in) for name, found in specimens().items()},
    "faults": lambda: {name: _first(found.__doc__) for name, found in sorted(FAULTS.items())},
    "deeds": lambda: {name: _first(found.__doc__) for name, found in sorted(DEEDS.items())},
    "personas": lambda: {name: getattr(found, "summary", name) for name, found in PERSONAS.items()},
    "profiles": lambda: {name: found.summary for name, found in PROFILES.items()},
    "targets": lambda: {path.stem: _comment(path) for path in sorted(TARGETS.glob("*.toml"))},
    "points": lambda: {label: point.meaning for label, point in POINTS.items()},
}
KINDS = tuple(_ENTRIES)


def entries(kind: str) -> dict[str, str]:
    """Return the names of one kind, each with a line that says what it is."""
    return dict(_ENTRIES[kind]())


def everything() -> dict[str, str]:
    """Return every name with its kind."""
    return {name: kind for kind in KINDS for name in entries(kind)}


def near(identifier: str) -> str | None:
    """Return the name most like one that does not exist: kinds, as in `list targets`, count as names."""
    if (padded := re.fullmatch(r"([A-Za-z])(\d)", identifier)) is not None:
        name = f"{padded[1].upper()}0{padded[2]}"
        return name if name in everything() else None
    if identifier.rstrip("s") in {kind.rstrip("s") for kind in KINDS}:
        return f"`interlock list {identifier.rstrip('s')}s`"
    found = difflib.get_close_matches(identifier.lower(), list(everything()), n=1, cutoff=0.5)
    return found[0] if found else None


def explain(identifier: str) -> str | None:
    """Return what there is to say about a name, or None."""
    if identifier == "target":
        return (TARGETS / "interlock.toml").read_text("utf-8").rstrip()
    if (TARGETS / f"{identifier}.toml") in TARGETS.glob("*.toml"):
        return (TARGETS / f"{identifier}.toml").read_text("utf-8").rstrip()
    if (scenario := scenarios().get(identifier)) is not None:
        run = f"interlock run {scenario.name}"
        story = library.story(identifier).strip()
        told = f"{story}\n\nCovers: {scenario.covers}\nRun:    {run} [--ocpp 1.6|2.0.1|both]"
        return f"{scenario.name} (scenario)\n\n{told}{_reasons(scenario.absent_in)}"
    if (specimen := specimens().get(identifier)) is not None:
        seen = f"\nSeen in: {specimen.seen_in}" if specimen.seen_in else ""
        return (
            f"{specimen.name} (specimen)\n\n{wrong.story(identifier).strip()}\n{seen}"
            f"\nCaught by: {specimen.caught_by} ({INVARIANTS[specimen.caught_by].name})"
            f"\nRun:       interlock run {specimen.scenario} --csms {specimen.name}"
            + "".join(
                f"\nUnder OCPP {version}, by {invariant} in {name}" for version, invariant, name in specimen.elsewhere
            )
            + _reasons(specimen.absent_in)
        )
    if (case := conformance.cases().get(identifier)) is not None:
        return conformance.explain(case)
    if (check := JUDGES.get(identifier.upper())) is not None and check.id not in INVARIANTS:
        return check.explain()
    if (invariant := INVARIANTS.get(identifier.upper())) is not None:
        told = inspect.cleandoc(invariant.function.__doc__ or "")
        ref = f"\n\nRef:   {invariant.ref}" if invariant.ref else ""
        return f"{invariant.id} {invariant.name} (invariant)\nLevel: {invariant.level}\n\n{told}{ref}"
    for kind, found in (("fault", FAULTS), ("deed", DEEDS)):
        if identifier in found:
            function = found[identifier]
            settings = ", ".join(
                str(parameter).replace("'", "")
                for name, parameter in inspect.signature(function).parameters.items()
                if name != "world"
            )
            return f"{identifier} ({kind})\n\n{inspect.cleandoc(function.__doc__ or '')}\n\nSettings: {settings}"
    if identifier in PERSONAS:
        return f"{identifier} (persona)\n\n{PERSONAS[identifier]}"
    if identifier in PROFILES:
        run = f"interlock fleet URL --profile {identifier}"
        return f"{identifier} (fleet profile)\n\n{PROFILES[identifier].summary}\n\nRun: {run}"
    if identifier in POINTS:
        return f"{identifier} (labelled point)\n\nPassed when {POINTS[identifier].meaning}."
    return None
