"""Checks inside a test: over real sockets, in one loop with the peer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.hand import NoHand
from interlock.scenarios.live.check import Check, Plan

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
HASTY = {"answer": 3.0, "effect": 3.0, "reconnect": 5.0, "boot": 5.0, "lapse": 5.0, "quiet": 0.3}
"""For peers that are wrong: nobody has to wait for what never comes."""
PATIENT = {"connection_timeout": 2.0, "quiet": 0.3, "heartbeat": 2.0, "sample": 2.0, "boot_retry": 1.0}
"""For right ones: nothing that comes is too late on a busy machine."""


def planned(role: Any, ids: list[str], out: Path, hand: Any = None, **changes: Any) -> Plan:
    """Return a plan."""
    limits = changes.pop("limits", PATIENT)
    features = changes.pop("features", {"fixed_cable": False, "backup_power": False})
    defaults: dict[str, Any] = {
        "declaration": Declaration(limits=limits, features=features),
        "began": BEGAN,
        "reproduce": "interlock check",
        "hand": hand if hand is not None else (lambda url: NoHand("nobody is there")),
        "port": 0,
        "wait_s": 30.0,
    }
    return Plan(role, catalogue.chosen(role, ids), out=out, **{**defaults, **changes})


def verdicts(check: Check) -> dict[str, str]:
    """Return the verdict of each case."""
    return {name: one.verdict for name, one in check.results.items()}
