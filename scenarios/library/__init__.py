"""The scenarios that come with Interlock, a file each. A file here that defines `SCENARIO` is in the library.

May import `spec` and the words of commands and settings (`csms.domain`, `csms.settings`, `simulator.clock`).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from interlock.scenarios.spec import Scenario


@cache
def scenarios() -> dict[str, Scenario]:
    """Return the library by name, in file order."""
    found: dict[str, Scenario] = {}
    for module in pkgutil.iter_modules(__path__):
        scenario: Scenario = importlib.import_module(f"{__name__}.{module.name}").SCENARIO
        found[scenario.name] = scenario
    return found


def story(name: str) -> str:
    """Return the text a scenario's file begins with."""
    module = next(
        module
        for info in pkgutil.iter_modules(__path__)
        if (module := importlib.import_module(f"{__name__}.{info.name}")).SCENARIO.name == name
    )
    return module.__doc__ or ""
