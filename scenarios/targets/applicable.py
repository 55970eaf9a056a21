"""Which scenarios can be run against a foreign CSMS."""

from __future__ import annotations

from interlock.scenarios.spec import Scenario
from interlock.scenarios.steps.deeds import DEEDS, INSIDE
from interlock.scenarios.steps.faults import OUTSIDE
from interlock.scenarios.targets.control_file import COMMANDS
from interlock.simulator.spec import OcppVersion

SUPPORTED = frozenset(DEEDS) - INSIDE | OUTSIDE
"""What can be done to a CSMS from outside: each deed and fault says so itself."""
LASTING_S = 3600.0
"""How long a fault may last in wall time, where each is waited for."""


def inapplicable(
    spec: Scenario, commands: frozenset[str] = frozenset(COMMANDS), ocpp: OcppVersion = "1.6"
) -> str | None:
    """Say why a scenario cannot be tried on a CSMS that takes these commands from outside, or None when it can.

    `ocpp` is the version that stations speak.
    """
    if (why := spec.why_not(ocpp)) is not None:
        return f"it does not exist in OCPP {ocpp}: {why}"
    for step in spec.steps:
        if step.what not in SUPPORTED:
            return f"{step.what} cannot be done to a CSMS from outside"
        seconds = dict(step.params).get("seconds")
        if isinstance(seconds, int | float) and seconds > LASTING_S:
            return f"{step.what} lasts {seconds:g} s, which is too long in wall time"
        wanted = {"ask": type(dict(step.params).get("command")).__name__, "ask_stop": "RemoteStop"}.get(step.what)
        if wanted is not None and wanted not in commands:
            return f"--control does not say how to ask for {wanted}"
    if spec.storage != Scenario("", "", "").storage or spec.slots is not None:
        return "it speaks of the CSMS's own store or limits"
    return "it takes too long in wall time" if spec.heavy else None
