"""The stage "races and recovery" of `interlock check csms`: what is printed of it, and the line that does it again."""

from __future__ import annotations

import asyncio
import fnmatch
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.scenarios.cli.check_done import Done
from interlock.scenarios.cli.versions import Spoken, asked
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.simulator.spec import OcppVersion

if TYPE_CHECKING:
    from interlock.scenarios.judge.verdict import Verdict
    from interlock.scenarios.live.reach import Reach

STATUSES = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")


LONGEST: dict[OcppVersion, int] = {"1.6": 20, "2.0.1": 36}
"""Characters of a card's id."""


def stages_in(
    choice: Spoken | None, stages: tuple[str, ...], named: bool, way: Reach, control: str | None, *, loud: bool
) -> tuple[OcppVersion, tuple[str, ...]]:
    """Return the version that stations speak, and the stages that there are in it; `named`: whether one was asked for.

    Raises `Refused` for a stage that does not exist in the version.
    """
    from interlock.scenarios.live.target_run import spoken

    if choice is Spoken.BOTH:
        raise Refused("--ocpp is 1.6 or 2.0.1 here: check one version after the other")
    cases_only = stages == ("cases",)
    found = asked(choice)[0] if choice is not None else "1.6" if cases_only else spoken(way, control)
    if found == "1.6":
        return found, stages
    if cases_only or (named and stages != ("races",)):
        raise Refused(f"the cases are of OCPP 1.6: leave --ocpp {found} away, or give --stage races")
    if loud:
        left = ", so the stage cases, which is of 1.6, is left out" if len(stages) > 1 else ""
        print(f"stations speak OCPP {found}{left}", flush=True)
    return found, ("races",)


def cards_of(
    id_tags: Sequence[str], cards: Sequence[str], declared: Mapping[str, str], ocpp: OcppVersion = "1.6"
) -> dict[str, str]:
    """Return statuses by card: from the control file, from `--id-tag CARD` and from `--card CARD=STATUS`."""
    found = {**declared, **dict.fromkeys(id_tags, "Accepted")}
    for text in cards:
        card, _, status = text.rpartition("=")
        if not card or status not in STATUSES:
            raise Refused(f"--card is CARD=STATUS with one of {', '.join(STATUSES)}, not {text!r}")
        found[card] = status
    for card in found:
        if not 1 <= len(card) <= LONGEST[ocpp]:
            raise Refused(f"a card's id has 1 to {LONGEST[ocpp]} characters in OCPP {ocpp}")
    return found


def run_races(
    url: str,
    control: str | None,
    minutes: float,
    seed: int,
    id_prefix: str | None,
    id_tags: Sequence[str],
    cards: Sequence[str],
    way: Reach,
    out: Path,
    more: Sequence[str],
    *,
    ocpp: OcppVersion,
    expected: Sequence[str],
    as_json: bool,
    quiet: bool,
) -> Done:
    """Run the stage and print what came of it."""
    from interlock import reports
    from interlock.scenarios.live.races import Plan, races
    from interlock.scenarios.live.target_run import adapter
    from interlock.scenarios.targets.target import TargetGone

    target = adapter(control, ocpp) if control is not None else None
    declared = getattr(target, "cards", {})
    plan = Plan(
        way,
        out,
        datetime.now(UTC),
        seed,
        60.0 * minutes,
        id_prefix if id_prefix is not None else f"R{secrets.token_hex(3)}-",
        cards_of(id_tags, cards, declared, ocpp),
        shlex.join([*_again(url, control, minutes, seed, id_prefix, id_tags, cards, ocpp), *more]),
        ocpp,
    )
    loud = not (quiet or as_json)
    if loud:
        print(
            f"races and recovery against {way.address.place}   OCPP {ocpp}   seed {seed}   at most {minutes:g} min",
            flush=True,
        )

    async def work() -> Done:
        nonlocal plan
        await way.there(target)
        plan = replace(plan, began=datetime.now(UTC))
        done = await races(
            plan, target, (lambda name: print(f"  {name}: done", flush=True)) if loud else lambda _: None
        )
        verdict = _turn(done.document, expected)
        document = {**done.document, "seconds": round(done.took_s, 1), "run": str(out)}
        if not as_json:
            _show(done.document, done.took_s, out, loud=loud)
        return Done(verdict.exit_code, verdict.name, document, reports.junit([done.document], [done.took_s]))

    try:
        return asyncio.run(work())
    except TargetGone as error:
        raise Refused(f"--control: {error}", UNTOLD) from None


def race_ids() -> list[str]:
    """Return the ids that a file of expected failures may name: those of every check that can fail here."""
    from interlock.scenarios.judge.race_checks import RACE_CHECKS
    from interlock.scenarios.judge.wire_checks import WIRE_CHECKS

    return [*RACE_CHECKS, *WIRE_CHECKS, "L01", "L02", "L04"]


def _turn(document: dict[str, Any], expected: Sequence[str]) -> Verdict:
    """Turn the checks that are expected to fail: one that does holds, one that passes does not. Return the verdict."""
    from interlock.scenarios.judge.verdict import Verdict

    found = Verdict[document["verdict"]]
    meant = [one for one in document["invariants"] if any(fnmatch.fnmatchcase(one["id"], glob) for glob in expected)]
    failed = {one["id"] for one in document["invariants"] if one["verdict"] == "FAIL"}
    for one in meant:
        if one["verdict"] in ("FAIL", "PASS"):
            one["verdict"] = "PASS" if one["verdict"] == "FAIL" else "FAIL"
            why = "failed, as expected" if one["verdict"] == "PASS" else "passed although it was expected to fail"
            told: dict[str, Any] = {"message": why, "expected": "a failure", "found": "none", "station": None, "at": []}
            one["reason"], one["violations"] = why, [told] if one["verdict"] == "FAIL" else []
    now = {one["id"] for one in document["invariants"] if one["verdict"] == "FAIL"}
    if now:
        found = Verdict.FAIL
    elif failed and found is Verdict.FAIL:
        unsure = any(one["verdict"] == "INCONCLUSIVE" and one.get("needed") for one in document["invariants"])
        found = Verdict.INCONCLUSIVE if unsure else Verdict.PASS
    document["verdict"] = found.name
    return found


def _again(
    url: str,
    control: str | None,
    minutes: float,
    seed: int,
    prefix: str | None,
    tags: Sequence[str],
    cards: Sequence[str],
    ocpp: OcppVersion,
) -> list[str]:
    words = ["interlock", "check", "csms", url, "--stage", "races", "--seed", str(seed), "--minutes", f"{minutes:g}"]
    words += ["--ocpp", ocpp] if ocpp != "1.6" else []
    words += ["--control", control] if control is not None else []
    words += ["--id-prefix", prefix] if prefix is not None else []
    for tag in tags:
        words += ["--id-tag", tag]
    for card in cards:
        words += ["--card", card]
    return words


def _show(document: dict[str, object], took_s: float, out: Path, *, loud: bool) -> None:
    from interlock.reports.run import clean

    findings: list[dict[str, object]] = document["invariants"]  # type: ignore[assignment]
    for one in findings if loud else ():
        if one["verdict"] in ("FAIL", "ERROR", "INCONCLUSIVE"):
            violations: list[dict[str, str]] = one["violations"]  # type: ignore[assignment]
            told = str(one["reason"] or "")
            if violations:
                first = violations[0]
                more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
                told = f"{first['message']}: expected {first['expected']}, found {first['found']}{more}"
            print(f"  {one['verdict']:<13}{one['id']} {one['name']}: {clean(told)}")
    held = sum(one["verdict"] == "PASS" for one in findings)
    failed = sum(one["verdict"] == "FAIL" for one in findings)
    print(f"{document['verdict']}: {held} checks held, {failed} failed in {took_s:.0f} s   run: {out}")
