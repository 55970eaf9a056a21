"""The same scenario, station and seed in two worlds: in virtual time, and over real sockets in wall time.

Both must reach the same verdict on each invariant that can judge both. What depends on timing is tried with several
seeds, and a violation counts as caught if any of them shows it: over sockets a race is only likely, so the number of
tries is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from interlock.csms.settings import Settings
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.verdict import Finding, Verdict
from interlock.scenarios.runner import REFERENCE
from interlock.scenarios.spec import Scenario
from interlock.scenarios.targets.applicable import inapplicable

Words = dict[str, Verdict]
"""What each invariant says, by id."""

SERVED = {
    "heartbeats": "--heartbeats",
    "heartbeat_interval_s": "--heartbeat-s",
    "offline_after_s": "--offline-s",
    "call_timeout_s": "--call-timeout-s",
    "lateness_s": "--lateness-s",
}
"""The settings of a scenario that `interlock serve` takes, with its options."""

SPECIMENS = (
    "send-then-append",
    "retry-reruns-the-send",
    "stale-outcome-swallowed",
    "effect-in-the-fold",
    "doubt-is-failure",
    "late-evidence-ignored",
    "intent-does-not-hold",
    "refused-afterwards",
    "event-id-is-command-id",
    "transaction-id-zero",
    "negative-energy",
    "unlocks-on-its-own",
    "call-inside-a-handler",
    "boot-is-online",
)
"""Wrong designs that show from outside, each in another way."""
PATIENCE = 8
"""How many times as often a violation is looked for over sockets: there the order of events cannot be controlled."""
QUICK_S = 80.0
"""Wrong designs are tried in the scenarios whose deeds take no longer than this; the reference in all."""


def incomparable(spec: Scenario) -> str | None:
    """Say why a scenario cannot be the same in both worlds, or None when it can."""
    if (why := inapplicable(spec)) is not None:
        return why
    if spec.nodes > 1:
        return f"it has {spec.nodes} nodes, of which an operator behind one URL cannot choose"
    for one in fields(Settings):
        if one.name not in SERVED and getattr(spec.settings, one.name) != one.default:
            return f"interlock serve has no option for {one.name}"
    return None


def served(spec: Scenario) -> list[str]:
    """Return the options with which `interlock serve` keeps to a scenario's settings."""
    found = ["--connectors", str(spec.connectors)]
    for name, option in SERVED.items():
        value = getattr(spec.settings, name)
        found += [option, f"{value:g}" if isinstance(value, float) else value]
    return found


def span_s(steps: Iterable[Any]) -> float:
    """Return the seconds from the first deed to the last."""
    times = [float(step.at) for step in steps] or [0.0]
    return max(times) - min(times)


def words(findings: Iterable[Finding | Mapping[str, Any]]) -> Words:
    """Return what a run's findings say, by id."""
    found: Words = {}
    for one in findings:
        if isinstance(one, Finding):
            found[one.id] = one.verdict
        else:
            found[one["id"]] = Verdict[one["verdict"]]
    return found


def together(tries: Iterable[Words]) -> Words:
    """Merge tries: violated when any shows it, and not applicable only where none had anything to say."""
    found: Words = {}
    for one in tries:
        for id, verdict in one.items():
            if verdict is not Verdict.INCONCLUSIVE:
                found[id] = max(found.get(id, verdict), verdict)
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """An invariant that says one thing in virtual time and another over sockets."""

    scenario: str
    csms: str
    invariant: str
    virtual: Verdict
    sockets: Verdict


@dataclass(slots=True)
class Pair:
    """One scenario and design in both worlds. `serving` runs over sockets: the same, unless asked otherwise."""

    scenario: str
    csms: str
    serving: str
    seeds: tuple[int, ...]
    virtual: list[Words] = field(default_factory=list)
    sockets: list[Words] = field(default_factory=list)
    broken: str | None = None
    """Why there is nothing to compare."""

    @property
    def both(self) -> dict[str, tuple[Verdict, Verdict]]:
        """What was said in each world, by the id of each invariant that had something to say in both."""
        virtual, sockets = together(self.virtual), together(self.sockets)
        return {
            id: (virtual[id], sockets[id])
            for id in INVARIANTS
            if virtual.get(id, Verdict.NOT_APPLICABLE) and sockets.get(id, Verdict.NOT_APPLICABLE)
        }

    @property
    def differences(self) -> list[Difference]:
        """What is not the same in both."""
        return [
            Difference(self.scenario, self.csms, id, virtual, sockets)
            for id, (virtual, sockets) in self.both.items()
            if virtual is not sockets
        ]

    @property
    def caught(self) -> list[str]:
        """The invariants violated in both."""
        return [id for id, (virtual, sockets) in self.both.items() if virtual is sockets is Verdict.FAIL]

    @property
    def held(self) -> bool:
        """Whether it is held to every try: what is right has to be right each time."""
        return self.csms == REFERENCE == self.serving

    @property
    def most(self) -> int:
        """Tries over sockets, at the most."""
        return len(self.seeds) * (1 if self.held else PATIENCE)

    @property
    def settled(self) -> bool:
        """Whether no further try over sockets is needed: a wrong design is to be caught once."""
        missing = self.held or not self.sockets or any(one.virtual is Verdict.FAIL for one in self.differences)
        return bool(self.broken) or not missing or len(self.sockets) >= self.most

    @property
    def verdict(self) -> Verdict:
        """FAIL when the worlds differ, ERROR when a run broke, INCONCLUSIVE when there was nothing to compare."""
        if self.broken or any(Verdict.ERROR in verdicts for verdicts in self.both.values()):
            return Verdict.ERROR
        if self.differences:
            return Verdict.FAIL
        return Verdict.PASS if self.both else Verdict.INCONCLUSIVE

    def again(self) -> str:
        """Return the line that does it again in both worlds."""
        which = f"{self.scenario} --csms {self.csms} --seed {self.seeds[0]}"
        other = "" if self.serving == self.csms else f" --serving {self.serving}"
        count = len(self.seeds)
        return f"interlock run {which} --seeds {count}; interlock worlds {which} --tries {count}{other}"

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "scenario": self.scenario,
            "csms": self.csms,
            "serving": self.serving,
            "verdict": self.verdict.name,
            "virtual_tries": len(self.virtual),
            "socket_tries": len(self.sockets),
            "invariants": {id: [one.name for one in verdicts] for id, verdicts in self.both.items()},
            "differences": [one.invariant for one in self.differences],
            "broken": self.broken,
            "again": self.again(),
        }
