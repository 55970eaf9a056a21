"""A scenario as a file: written so that anybody can read it, run it by its path, or put it into the library."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from interlock.csms.node import Csms
from interlock.scenarios.spec import Scenario, Step
from interlock.scenarios.steps.deeds import DEEDS, ask
from interlock.scenarios.steps.faults import FAULTS
from interlock.simulator.personas import PERSONAS


class Unloadable(Exception):
    """A file that holds no scenario; the message says which and why, in one sentence."""


def load(path: Path, shown: str | None = None) -> Scenario:
    """Return the `SCENARIO` a Python file defines. Executes the file; messages call it `shown`."""
    shown = shown or str(path)
    found = getattr(execute(path, shown, "scenario "), "SCENARIO", None)
    if not isinstance(found, Scenario):
        raise Unloadable(f"{shown} defines no SCENARIO")
    if (wrong := misnamed(found)) is not None:
        raise Unloadable(f"{shown}: {wrong}")
    return found


def misnamed(scenario: Scenario) -> str | None:
    """Say what a scenario names that there is not: a deed, a fault, one of their parameters, a persona."""
    there = {**DEEDS, **FAULTS}
    for one in scenario.steps:
        if one.what not in there:
            return f"no deed or fault is called {one.what!r}{_near(one.what, there)}"
        given = _parameters(there[one.what])
        for name, _ in one.params:
            if name not in given:
                return f"{one.what} has no parameter {name!r}{_near(name, given)}"
    if isinstance(scenario.persona, str) and scenario.persona not in PERSONAS:
        return f"no persona is called {scenario.persona!r}{_near(scenario.persona, PERSONAS)}"
    return None


def _parameters(deed: Callable[..., object]) -> list[str]:
    """Return what a deed or fault can be given after its stage; one with `**how` hands that on to `ask`."""
    names = [name for name, one in inspect.signature(deed).parameters.items() if one.kind is not one.VAR_KEYWORD]
    if len(names) < len(inspect.signature(deed).parameters):
        names += inspect.signature(ask).parameters
    return [name for name in names if name != "stage"]


def _near(word: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"


def design(name: str) -> type[Csms]:
    """Return the class that `PATH.py:CLASS` names, a subclass of the reference. Executes the file."""
    shown, _, wanted = name.rpartition(":")
    module = execute(Path(shown).resolve(), shown)
    found = getattr(module, wanted, None)
    if isinstance(found, type) and issubclass(found, Csms):
        return found
    there = sorted(
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Csms) and value is not Csms
    )
    has = f"its subclasses of Csms are {', '.join(there)}" if there else "it has no subclass of interlock's Csms"
    raise Unloadable(f"{shown} defines no CSMS called {wanted}; {has}")


def execute(path: Path, shown: str, what: str = "") -> ModuleType:
    """Return the module that a file is. Raises `Unloadable`; its message calls the file `shown`."""
    if not path.is_file():
        raise Unloadable(f"there is no {what}file {shown}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Unloadable(f"{shown} is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SystemExit:
        raise Unloadable(f"{shown} cannot be loaded: it ends the program while it is loaded") from None
    except Exception as error:
        raise Unloadable(f"{shown} cannot be loaded: {type(error).__name__}: {error}") from None
    return module


def source(spec: Scenario, story: str) -> str:
    """Return a Python file that defines `spec`; `story` is its docstring."""
    used: dict[str, str] = {}
    body = _shown(spec, used, 0)
    modules: dict[str, list[str]] = {}
    for name, module in used.items():
        modules.setdefault(module, []).append(name)
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())]
    safe = story.replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{safe}\n"""\n\n' + "\n".join(lines) + f"\n\nSCENARIO = {body}\n"


def _shown(value: Any, used: dict[str, str], depth: int) -> str:
    inner, outer = "    " * (depth + 1), "    " * depth
    if isinstance(value, Step):
        used["step"] = Step.__module__
        given = [repr(value.what), _shown(value.at, used, depth)]
        given += [f"{name}={_shown(one, used, depth)}" for name, one in value.params]
        return f"step({', '.join(given)})"
    if is_dataclass(value) and not isinstance(value, type):
        used[type(value).__name__] = type(value).__module__
        shown = [
            f"{one.name}={_shown(getattr(value, one.name), used, depth + 1)}"
            for one in fields(value)
            if getattr(value, one.name) != _default(one)
        ]
        if isinstance(value, Scenario):
            return f"Scenario(\n{inner}" + f",\n{inner}".join(shown) + f",\n{outer})"
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, tuple):
        items = [_shown(item, used, depth + 1) for item in value]
        if items and isinstance(value[0], Step):
            return f"(\n{inner}" + f",\n{inner}".join(items) + f",\n{outer})"
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    return repr(value)


def _default(one: Any) -> Any:
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else MISSING
