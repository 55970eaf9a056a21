"""What must hold on the wire, a module for each concern: pure functions of frames, given one after the other.

May import `wire_check` (what a check is), `payloads`, `record` and the verdict; no stage, no socket, no clock.
Ids that begin with W blame the CSMS, those with S the station.
"""

from __future__ import annotations

import importlib
import pkgutil

from interlock.scenarios.judge.wire_check import CHECKS

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

WIRE_CHECKS = dict(sorted(CHECKS.items()))
"""Every check by id."""

__all__ = ["WIRE_CHECKS"]
