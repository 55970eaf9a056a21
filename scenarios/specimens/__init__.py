"""Wrong designs on purpose, a file each: what the judges must catch.

A specimen is the reference with one difference, and may import anything of `csms`. A file here that defines `SPECIMEN`
is one; files whose names begin with an underscore are not.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from interlock.csms.node import Csms
from interlock.simulator.spec import OcppVersion


@dataclass(frozen=True, slots=True)
class Specimen:
    """A wrong design: its class, the invariant that must flag it, and the scenario that suits it best.

    `strategy` says how it is found: by the seeds of that scenario, or by a search around it.
    """

    name: str
    title: str
    csms: type[Csms]
    caught_by: str
    scenario: str
    seen_in: str = ""
    """Who is known to do it, where known."""
    strategy: Literal["seeds", "search"] = "seeds"
    absent_in: tuple[tuple[OcppVersion, str], ...] = ()
    """The OCPP versions in which nobody can be wrong in this way, each with the reason."""
    elsewhere: tuple[tuple[OcppVersion, str, str], ...] = ()
    """Where it shows otherwise in a version: (version, invariant, scenario)."""

    def why_not(self, ocpp: OcppVersion) -> str | None:
        """Return why it cannot exist where stations speak `ocpp`, or None if it can."""
        return dict(self.absent_in).get(ocpp)

    def under(self, ocpp: OcppVersion) -> Specimen:
        """Return it with the invariant and the scenario that show it where stations speak `ocpp`."""
        for version, invariant, scenario in self.elsewhere:
            if version == ocpp:
                return replace(self, caught_by=invariant, scenario=scenario)
        return self


@cache
def specimens() -> dict[str, Specimen]:
    """Return the specimens by name, in file order."""
    found: dict[str, Specimen] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            specimen: Specimen = importlib.import_module(f"{__name__}.{module.name}").SPECIMEN
            found[specimen.name] = specimen
    return found


def story(name: str) -> str:
    """Return the text a specimen's file begins with."""
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            if module.SPECIMEN.name == name:
                return module.__doc__ or ""
    return ""
