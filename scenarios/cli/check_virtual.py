"""`interlock check` of our own station or CSMS in virtual time: hours of waiting in seconds, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.scenarios.cases.language import Case, Role

if TYPE_CHECKING:
    from interlock.scenarios.cases.players.declaration import Declaration
    from interlock.scenarios.live.check import Check, Show
OURS = "reference"
"""What stands in place of a URL for our own CSMS."""


def checked(
    role: Role, cases: Sequence[Case], declared: Declaration, out: Path, reproduce: str, show: Show, seed: int,
    *, resume: bool, only_failed: bool,
) -> Check:  # fmt: skip
    """Run cases on the simulated station or on the reference; return the check as it is over sockets."""
    from interlock.scenarios.live.check import Check, Plan
    from interlock.scenarios.world.case_world import BEGAN
    from interlock.scenarios.world.csms_case_world import CsmsCaseWorld
    from interlock.scenarios.world.station_case_world import StationCaseWorld

    plan = Plan(
        role, cases, declared, out, BEGAN, reproduce, _no_hand, resume=resume, only_failed=only_failed,
    )  # fmt: skip
    check = Check(plan, show)
    directory = out / str(check.run_number)
    world: StationCaseWorld | CsmsCaseWorld
    world = StationCaseWorld(declared, directory, seed) if role == "station" else CsmsCaseWorld(declared, directory)
    check.address = "in virtual time"

    def done(case: Case, outcome: Any, seconds: float) -> None:
        check.note(case, outcome, seconds)
        show(check, "done", check.results[case.id])

    try:
        world.run(check.todo(), done)
    except KeyboardInterrupt:
        world.loop.set_exception_handler(lambda *_: None)  # its tasks are left where they are, which asyncio would tell
        check.interrupted = True
    peer = world.tester.peer
    check.peer = {**asdict(peer), "station": world.book.station or "", "features": list(world.setting.facts.features)}
    check.finish(world.book, world.digest)
    return check


def _no_hand(_: str) -> Any:
    raise AssertionError("the world is the hand")
