"""Proves what `interlock check csms --stage races` catches: wrong design x checks x seconds; right ones, several times.

`python -m tests.foreign.prove --page docs/outside.md` (about half an hour). Exit code 1 where a wrong one is not
flagged or a right one is accused.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import fnmatch
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.foreign.afterwards import AFTERWARDS
from tests.foreign.brain import Brain
from tests.foreign.checking import check, check_served, failed
from tests.foreign.commanded import COMMANDED, RIGHT_OPERATED
from tests.foreign.depot import Depot
from tests.foreign.details import DETAILS
from tests.foreign.newer import Newer
from tests.foreign.newer_all import RIGHT_201, WRONG_201
from tests.foreign.operated import WRONG_OPERATED
from tests.foreign.others import OTHERS
from tests.foreign.sampled import SAMPLED
from tests.foreign.shells import RIGHT, Shell, raw
from tests.foreign.strangers import STRANGERS
from tests.foreign.subtle import SUBTLE
from tests.foreign.tabular import SERVED
from tests.foreign.wild import WILD, WILD_OPERATED
from tests.foreign.wrong import WRONG

ALL_RIGHT = {**RIGHT, **STRANGERS, **OTHERS}
ALL_WRONG = {**WRONG, **WILD, **SUBTLE}
ALL_OPERATED = {**WRONG_OPERATED, **WILD_OPERATED, **COMMANDED, **DETAILS, **AFTERWARDS, **SAMPLED}
NO_CARDS = ("library", "threaded")
"""Right ones that accept every card."""

HEAD = """# What a check from outside catches

`make prove-outside` writes this page. Each row is a CSMS that has nothing to do with the reference, on real sockets,
checked once by `interlock check csms URL`; wrong ones differ from a right one in one part
(`tests/foreign`; those with 201 in their names speak OCPP 2.0.1). A check that says FAIL flags it; INCONCLUSIVE keeps
it from being green, and no more.
"""


def job(kind: str, name: str, seed: int) -> tuple[str, str, str, list[str], float]:
    """Check one CSMS; return kind, name, verdict, the checks that failed, and seconds."""
    began = time.monotonic()
    shell: Shell = raw
    if name in SERVED:
        with tempfile.TemporaryDirectory() as out:
            done = asyncio.run(check_served(SERVED[name], Path(out) / "check", seed, 180.0))
        return kind, name, done.verdict.name, failed(done), time.monotonic() - began
    brain: Brain | Newer | Depot
    if name in RIGHT_201 or name in WRONG_201:
        brain = RIGHT_201[name]() if name in RIGHT_201 else WRONG_201[name][1]()
    elif kind == "right":
        shell, make = (raw, RIGHT_OPERATED[name]) if name in RIGHT_OPERATED else ALL_RIGHT[name]
        brain = make()
    else:
        shell, brain = raw, (ALL_OPERATED if kind == "operated" else ALL_WRONG)[name][1]()
    with tempfile.TemporaryDirectory() as out:
        done = check(shell, brain, Path(out), seed=seed, cards=name not in NO_CARDS)
    return kind, name, done.verdict.name, failed(done), time.monotonic() - began


def jobs(repeats: int, only: str = "*") -> Iterator[tuple[str, str, int]]:
    """Return all of them, or those of a name."""
    rights = [*ALL_RIGHT, *RIGHT_OPERATED, *RIGHT_201, *SERVED]
    every = [("right", name, seed) for seed in range(repeats) for name in rights]
    every += [("wrong", name, 0) for name in ALL_WRONG] + [("operated", name, 0) for name in ALL_OPERATED]
    every += [("newer", name, 0) for name in WRONG_201]
    return (one for one in every if any(fnmatch.fnmatchcase(one[1], glob) for glob in only.split(",")))


def main() -> int:
    """Do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--only", default="*", help="names of CSMSs, a glob; more with commas")
    wanted = parser.parse_args()
    with concurrent.futures.ProcessPoolExecutor(wanted.jobs) as pool:
        found = []
        for future in concurrent.futures.as_completed(
            pool.submit(job, *one) for one in jobs(wanted.repeats, wanted.only)
        ):
            found.append(future.result())
            print(*found[-1], flush=True)
    accused = [one for one in found if one[0] == "right" and one[2] != "PASS"]
    wrong = [one for one in found if one[0] != "right"]
    unseen = [one for one in wrong if one[2] == "PASS"]
    flagged = sum(one[2] == "FAIL" for one in wrong)
    sentences = {name: one[0] for some in (ALL_WRONG, ALL_OPERATED, WRONG_201) for name, one in some.items()}
    rights = sum(one[0] == "right" for one in found)
    every = [*ALL_RIGHT, *RIGHT_OPERATED, *RIGHT_201, *SERVED]
    lines = [
        HEAD,
        f"{flagged} of {len(wrong)} wrong ones FAIL, {len(wrong) - flagged - len(unseen)} are INCONCLUSIVE, "
        f"{len(unseen)} pass; {len(accused)} of {rights} runs on {len(every)} right ones did not pass.\n",
        "| wrong CSMS | what is wrong | verdict | checks | seconds |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for _, name, verdict, checks, seconds in sorted(wrong, key=lambda one: list(sentences).index(one[1])):
        lines.append(f"| {name} | {sentences[name]} | {verdict} | {' '.join(checks)} | {seconds:.0f} |")
    lines += ["", "| right CSMS | runs | passed | seconds |", "| --- | ---: | ---: | ---: |"]
    for name in every:
        runs = [one for one in found if one[:2] == ("right", name)]
        if not runs:
            continue
        lines.append(
            f"| {name} | {len(runs)} | {sum(one[2] == 'PASS' for one in runs)} | {max(one[4] for one in runs):.0f} |"
        )
    if wanted.page is not None:
        wanted.page.write_text("\n".join(lines) + "\n", "utf-8")
    return 1 if accused or unseen else 0


if __name__ == "__main__":
    sys.exit(main())
