"""Whether a fleet's run exercised the CSMS: stations accepted, sessions reported and answered, drivers present.

A CSMS that answers each boot with Pending breaks no rule of the wire, but nothing that the fleet is for was exercised.
These findings keep such a run from being green: what did not happen is INCONCLUSIVE with the reason, and a dead peer is
ERROR, unless there is a certain violation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.scenarios.judge.verdict import Finding, Level, Verdict
from interlock.scenarios.judge.wire import Judgement, let_in
from interlock.scenarios.record.domain_view import Observation

BUSY = ("busy", "storm", "forgetful")
"""Profiles whose sessions are what they are for."""

FLEET_CHECKS: dict[str, tuple[str, str]] = {
    "W00": ("stations are let in", "Every station that was to connect was connected at some time."),
    "F01": ("stations are accepted", "The boot of every station that was connected was accepted."),
    "F02": (
        "sessions are told",
        "Every session of a station was told, start and stop, and answered; a profile with drivers has seen one end.",
    ),
    "F04": ("all kinds are answered", "Of every action that stations called some call was answered within seconds."),
    "F03": ("somebody answers", "The CSMS answered stations with something else than errors."),
}
"""Names and sentences by id."""


@dataclass(slots=True)
class Facts:
    """What the stations' own records say of a run."""

    begun: int = 0
    ended: int = 0
    pending: dict[str, int] = field(default_factory=dict)
    t: float = 0.0

    def see(self, seen: Observation) -> None:
        """Take an observation into account."""
        self.t = seen.t
        if seen.kind == "session.begun":
            self.begun += 1
        elif seen.kind == "session.ended":
            self.ended += 1
        elif seen.kind == "outbox":
            self.pending[seen.fields["station"]] = seen.fields["pending"]


def complete(findings: list[Finding], work: Judgement, facts: Facts, run: Mapping[str, Any]) -> list[Finding]:
    """Put what a fleet's run needs before the findings of the wire."""
    rules, spec = run.get("rules", {}), run.get("spec", {})
    needed = [
        replace(let_in(work, rules.get("fleet", 0)), needed=True),
        _accepted(work),
        _told(work, facts, str(spec.get("profile"))),
        _alive(work),
        _kinds(work),
    ]
    return settle([*needed, *findings])


def settle(findings: list[Finding]) -> list[Finding]:
    """Keep certain violations: beside one, what could not be judged counts as inconclusive at most."""
    if not any(one.verdict is Verdict.FAIL for one in findings):
        return findings
    return [
        replace(one, verdict=Verdict.INCONCLUSIVE)
        if one.verdict is Verdict.ERROR and (one.level == "BOOKKEEPING" or one.id.startswith("L"))
        else one
        for one in findings
    ]


def _finding(id: str, checked: int, wrong: str | None, verdict: Verdict = Verdict.INCONCLUSIVE) -> Finding:
    level: Level = "BOOKKEEPING"
    return Finding(id, FLEET_CHECKS[id][0], level, verdict if wrong else Verdict.PASS, checked, wrong, needed=True)


def _accepted(work: Judgement) -> Finding:
    accepted = sum(peer.accepted for peer in work.peers.values())
    without = [peer for station, peer in work.peers.items() if station in work.came and not peer.accepted]
    if not without:
        return _finding("F01", accepted, None if accepted else "no station said anything")
    words = Counter(_boot(peer.boots) for peer in without)
    (why, _), *_ = words.most_common(1)
    return _finding("F01", accepted, f"{len(without)} of {len(work.came)} stations were never accepted: {why}")


def _boot(answers: Mapping[str, int]) -> str:
    if not answers:
        return "their boots had no answer"
    word = max(answers, key=lambda one: answers[one])
    return f"their boots were answered {word}"


def _told(work: Judgement, facts: Facts, profile: str) -> Finding:
    started = sum(peer.starts for peer in work.peers.values())
    stopped = sum(peer.stops for peer in work.peers.values())
    waiting = sum(pending > 0 for pending in facts.pending.values())
    wrong = None
    if waiting:
        wrong = f"at the end {waiting} stations had sessions to tell and nobody who answered"
    elif facts.begun and not started:
        wrong = f"{facts.begun} sessions began and no report of a start was answered"
    elif facts.ended and not stopped:
        wrong = f"{facts.ended} sessions ended and no report of an end was answered"
    elif profile in BUSY and not facts.ended:
        wrong = f"no session ended in {facts.t:.0f} s, so nothing of profile {profile} was seen; let it run longer"
    return _finding("F02", stopped, wrong)


def _kinds(work: Judgement) -> Finding:
    answered: Counter[str] = sum((peer.answered for peer in work.peers.values()), Counter())
    silent = {action: count for action, count in work.silent.items() if not answered[action]}
    wrong = None
    if silent:
        action = max(silent, key=lambda one: silent[one])
        wrong = (
            f"{silent[action]} calls of {action[:40]} had no answer, and none has one; let it run longer to blame it"
        )
    return _finding("F04", len(answered), wrong)


def _alive(work: Judgement) -> Finding:
    answers = sum(sum(peer.answered.values()) for peer in work.peers.values())
    errors = sum(peer.errors for peer in work.peers.values())
    asked = sum(peer.asked for peer in work.peers.values())
    wrong = None
    if not answers and asked:
        wrong = f"the CSMS answered {errors} calls with errors and none otherwise" if errors else "nobody answered"
    return _finding("F03", answers, wrong, Verdict.ERROR)
