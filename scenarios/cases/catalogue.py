"""Every case by id. A case is in the catalogue because a file of `v16` has it in its `CASES`: nothing is registered."""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil
import runpy
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from interlock.scenarios.cases import v16
from interlock.scenarios.cases.language import Case, Role


@cache
def cases() -> dict[str, Case]:
    """Return every case by id, in the order of the standard's sections."""
    found: dict[str, Case] = {}
    for module in sorted(one.name for one in pkgutil.iter_modules(v16.__path__)):
        for case in getattr(importlib.import_module(f"{v16.__name__}.{module}"), "CASES", ()):
            if case.id in found:
                raise ValueError(f"two cases are called {case.id}")
            found[case.id] = case
    return found


class NoCases(Exception):
    """A folder or file that holds no cases: one sentence says why."""


def from_folder(folder: Path) -> list[Case]:
    """Return the cases of a vendor's folder: every `*.py` there that has `CASES`, as the files of `v16` do.

    The files are executed. Raises `NoCases`.
    """
    found: dict[str, Case] = {}
    for file in sorted(folder.glob("*.py")):
        if file.name.startswith("_"):
            continue
        try:
            names = runpy.run_path(str(file))
        except SystemExit:
            raise NoCases(f"{file} cannot be run: it ends the program") from None
        except Exception as error:
            raise NoCases(f"{file} cannot be run: {type(error).__name__}: {error}") from None
        listed = names.get("CASES", ())
        if not isinstance(listed, list | tuple):
            raise NoCases(f"{file}: CASES is a list of cases, not {type(listed).__name__}")
        for case in listed:
            if not isinstance(case, Case):
                raise NoCases(f"{file}: CASES holds {type(case).__name__}, not only cases")
            if case.id in found or case.id in cases():
                raise NoCases(f"{file}: there is another case called {case.id}")
            found[case.id] = case
    if not found:
        raise NoCases(f"{folder} holds no cases: no *.py there has CASES")
    return list(found.values())


def chosen(role: Role, globs: Iterable[str] = (), profiles: Iterable[str] = (), level: str = "should") -> list[Case]:
    """Return the cases of a role by patterns of ids, profiles, and level (`must` leaves out what is only `should`)."""
    globs, profiles = list(globs), list(profiles)
    return [
        case
        for case in cases().values()
        if case.role == role
        and (not globs or any(fnmatch.fnmatchcase(case.id, glob) for glob in globs))
        and (not profiles or case.profile in profiles)
        and (level == "should" or case.level == "must")
    ]


def explain(case: Case) -> str:
    """Return what a case does and expects, for people."""
    from interlock.scenarios.cases.language import Expectation
    from interlock.scenarios.cases.match import shown
    from interlock.scenarios.judge.cases import Facts, words

    facts = Facts()
    lines = [f"{case.id}  {case.title}", f"{case.role} under test, {case.profile}, {case.level}, {case.clause}", ""]
    needs = case.needs
    lines.append(f"  needs    {needs.state}" + "".join(f", {one}" for one in needs.features))
    lines += [f"  needs    {key} = {value}" for key, value in needs.config.items()]
    for item in case.script:
        if isinstance(item, Expectation):
            limit = facts.limit(getattr(item, "within", getattr(item, "for_", "effect")))
            lines.append(f"  expect   {words(item, limit)}" + (" (should)" if item.level == "should" else ""))
        else:
            what = getattr(item, "action", getattr(item, "deed", getattr(item, "text", "")))
            payload = getattr(item, "payload", None)
            lines.append(
                f"  do       {type(item).__name__.lower()} {what} {shown(payload) if payload else ''}".rstrip()
            )
    return "\n".join(lines)
