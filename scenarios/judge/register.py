"""The register of every id in a verdict: invariants, checks of the wire, of a fleet, of a load test."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from interlock.scenarios.judge.fleet_checks import FLEET_CHECKS
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.judge.ledger_checks import LOAD_CHECKS
from interlock.scenarios.judge.race_checks import COMMANDS, PARTS, RACE_CHECKS, RESTARTS
from interlock.scenarios.judge.station_frames import RULES
from interlock.scenarios.judge.verdict import Level
from interlock.scenarios.judge.wire_checks import WIRE_CHECKS


@dataclass(frozen=True, slots=True)
class Judge:
    """One thing that a verdict can name. `side` is who is blamed: csms or station; `run` says whether a run counts."""

    id: str
    name: str
    side: str
    level: Level
    clause: str
    sentence: str
    text: str
    """What it demands and why."""

    @property
    def line(self) -> str:
        """What `interlock list checks` shows of it."""
        clause = f"  [{self.clause}]" if self.clause else ""
        sentence = "" if self.sentence == _sentence(self.name) else f": {self.sentence}"
        return f"{self.side:<7} {self.level:<11} {self.name}{sentence}{clause}"

    def explain(self) -> str:
        """Return what `interlock explain` prints."""
        see = f"\n\nSee: {self.clause}" if self.clause else ""
        return f"{self.id}  {self.name}  ({self.level}, about the {self.side})\n\n{self.text}{see}"


def _sentence(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}."


def _first(text: str) -> str:
    return text.split("\n\n")[0].replace("\n", " ")


def _all() -> list[Judge]:
    found = [
        Judge(one.id, one.name, "csms", one.level, one.ref or "", _first(one.text), one.text)
        for one in INVARIANTS.values()
    ]
    found += [
        Judge(one.id, one.name, one.about, one.level, one.clause, one.sentence(), one.text())
        for one in WIRE_CHECKS.values()
    ]
    found += [Judge(id, name, "run", "BOOKKEEPING", "", text, text) for id, (name, text) in FLEET_CHECKS.items()]
    found += [
        Judge(id, name, "run" if level == "BOOKKEEPING" else "csms", level, "", text, text)
        for id, (name, level, text) in LOAD_CHECKS.items()
    ]
    found += [
        Judge(id, name, "csms", level, "", _first(inspect.getdoc(check) or name), inspect.getdoc(check) or name)
        for id, (name, level, check) in RACE_CHECKS.items()
    ]
    parts = {id: name for id, (name, _) in PARTS.items()} | dict([COMMANDS, RESTARTS[:2]])
    found += [
        Judge(id, name, "run", "BOOKKEEPING", "", _sentence(name), f"{_sentence(name)}\n\n{_HAPPENED}")
        for id, name in parts.items()
    ]
    found += [
        Judge(id, name, "station", level, clause, _sentence(name), f"{_sentence(name)}\n\n{_NOTICED}")
        for id, (name, clause, level) in RULES.items()
    ]
    return found


_HAPPENED = 'Of the stage "races": a run in which this never happened has shown nothing, and is INCONCLUSIVE.'
_NOTICED = "Of `check station`: noticed of every frame of the station, beside the verdicts of the cases."


JUDGES: dict[str, Judge] = {one.id: one for one in sorted(_all(), key=lambda one: one.id)}
"""Every id a verdict can hold."""
CHECKS: dict[str, Judge] = {id: one for id, one in JUDGES.items() if id not in INVARIANTS}
"""Those that need no log: what `interlock list checks` lists."""
