"""`interlock search --target`: seeded schedules over sockets against a CSMS that somebody else runs."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shlex
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from interlock.scenarios.cli import reach as options
from interlock.scenarios.cli.check_races import cards_of
from interlock.scenarios.cli.places import check_folder
from interlock.scenarios.cli.versions import Spoken, asked
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.refused import UNTOLD, Refused

if TYPE_CHECKING:
    from interlock.scenarios.live.target_search import Search

LONGEST_S = 120.0
"""How long one schedule may take."""


def search_target(
    url: str,
    control: str | None,
    budget: tuple[int | None, float | None],
    seed: int,
    schedule: str | None,
    id_tags: Sequence[str],
    out: Path,
    given: dict[str, Any],
    choice: Spoken | None,
    *,
    as_json: bool,
    quiet: bool,
) -> NoReturn:
    """Search, print what came of it, and leave with its exit code; `given` holds the options of how to get there."""
    from interlock.scenarios.live.races import Plan
    from interlock.scenarios.live.target_run import adapter, spoken
    from interlock.scenarios.live.target_search import Search
    from interlock.scenarios.targets.target import TargetGone

    way = options.reach(url, **given, wait="0", ids=None)
    check_folder("--out", out)
    ocpp = asked(choice)[0] if choice is not None else spoken(way, control)
    target = adapter(control, ocpp) if control is not None else None
    cards = cards_of(id_tags, (), getattr(target, "cards", {}), ocpp)
    most, seconds = budget
    until = time.monotonic() + (seconds if seconds is not None else float("inf"))
    plan = Plan(way, out, datetime.now(UTC), seed, LONGEST_S, f"Q{secrets.token_hex(3)}-", cards, ocpp=ocpp)
    work = Search(plan, target, lambda: until - time.monotonic(), most)
    again = ["interlock", "search", "--target", url, "--seed", str(seed)]
    again += ["--ocpp", ocpp] if ocpp != "1.6" else []
    again += ["--control", control] if control is not None else []
    for tag in id_tags:
        again += ["--id-tag", tag]
    again += options.again(given)

    async def go() -> None:
        await way.there(target)
        async for line in work.work(_only(schedule)):
            if not (quiet or as_json):
                print(f"  {line}", flush=True)

    try:
        asyncio.run(go())
    except TargetGone as error:
        raise Refused(f"--control: {error}", UNTOLD) from None
    except KeyboardInterrupt:
        work.interrupted = True
    summary = _summary(work, again)
    (out / "search.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", "utf-8")
    if as_json:
        print(json.dumps(summary, indent=1, sort_keys=True))
    else:
        _show(work, summary)
    raise typer.Exit(Verdict[str(summary["verdict"])].exit_code)


def _only(text: str | None) -> tuple[int, tuple[int, ...]] | None:
    """Read NUMBER or NUMBER:ITEM,ITEM."""
    if text is None:
        return None
    if re.fullmatch(r"[1-9]\d{0,8}(:\d{1,4}(,\d{1,4})*)?", text) is None:
        raise Refused(f"--schedule is a number, with items as 4:2,9 where only those are meant, not {text!r}")
    number, _, items = text.partition(":")
    return int(number), tuple(map(int, items.split(","))) if items else ()


def _summary(work: Search, again: list[str]) -> dict[str, Any]:
    found = work.found
    verdict = Verdict.FAIL if found else Verdict.PASS if work.done else Verdict.INCONCLUSIVE
    told: dict[str, Any] = {
        "schema": 1,
        "verdict": verdict.name,
        "seed": work.plan.seed,
        "schedules": work.done,
        "runs": work.runs,
        "interrupted": work.interrupted,
        "exercised": dict(sorted(work.exercised.items())),
        "never_exercised": work.never,
        "checks": dict(sorted((id, count) for id, count in work.looked_at.items() if count)),
        "never_looked_at": sorted(id for id, count in work.looked_at.items() if not count and id[0] in "WR"),
    }
    if found is not None:
        items = ",".join(str(one.number) for one in found.items)
        told["found"] = {
            "check": found.check,
            "violation": found.violation,
            "schedule": found.schedule,
            "items": [str(one) for one in found.items],
            "failed_again": found.again,
            "run": str(found.run),
            "reproduce": shlex.join([*again, "--schedule", f"{found.schedule}:{items}"]),
        }
    return told


def _show(work: Search, summary: dict[str, Any]) -> None:
    from interlock.reports.run import clean

    found = work.found
    if found is not None:
        told = found.violation
        print(f"{found.check}: {clean(str(told['message']))}")
        print(f"  expected {clean(str(told['expected']))}, found {clean(str(told['found']))}")
        for item in found.items:
            print(f"  {item}")
        print(f"  again: {summary['found']['reproduce']}")
    if work.never:
        print(f"never exercised: {', '.join(work.never)}")
    if summary["never_looked_at"]:
        print(f"nothing to look at for: {', '.join(summary['never_looked_at'])}")
    where = f"   run: {found.run}" if found is not None else ""
    print(f"{summary['verdict']}: {work.done} schedules in {work.runs} runs{where}")
