"""Cases of the optional profiles over sockets: a station that does what they expect passes, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.language import Connects, Raw
from interlock.scenarios.cases.players.declaration import FEATURES
from interlock.scenarios.live.check import Check

from .checking import HASTY, PATIENT, planned, verdicts
from .ideal_station import Ideal

pytestmark = pytest.mark.asyncio

LIMITS = {**PATIENT, "quiet": 0.1, "heartbeat": 1.0, "sample": 1.0, "boot_retry": 1.0, "offline": 0.2, "lapse": 10.0}
PROFILES = ("LocalAuthListManagement", "FirmwareManagement", "Reservation", "SmartCharging", "Security")
"""What the stations at hand do not have; the other cases are run against those."""
RESETS = ("TC_074_CS", "TC_083_CS", "TC_085_CS", "TC_086_CS", "TC_087_CS", "TC_073_CS")
"""Cases about how it connects, by TLS or with a password: they need a server that has those."""


def ids() -> list[str]:
    plain = [case for case in catalogue.cases().values() if not any(isinstance(item, Raw) for item in case.script)]
    return [case.id for case in plain if case.role == "station" and case.profile in PROFILES and case.id not in RESETS]


async def checked(chosen: list[str], out: Path, features: dict[str, bool], **changes: Any) -> Check:
    limits = changes.pop("limits", LIMITS)
    ideal = Ideal(limits, **changes)
    plan = planned("station", chosen, out, hand=ideal.at, limits=limits, features=features)

    def show(_: Check, what: str, about: Any) -> None:
        if what == "begun":
            ideal.begin(about)

    check = Check(plan, show)
    await check.work()
    return check


async def test_a_station_that_does_what_is_expected_passes(tmp_path: Path) -> None:
    wrong: dict[str, tuple[str, str]] = {}
    seen: set[str] = set()
    absent = {name: name not in ("fixed_cable", "backup_power") for name in FEATURES}
    without = dict.fromkeys(FEATURES, False)
    for number, features in enumerate((absent, without)):
        todo = [name for name in ids() if name not in seen]
        check = await checked(todo, tmp_path / str(number), features)
        for name, word in verdicts(check).items():
            if word != "NOT_APPLICABLE":
                seen.add(name)
                if word != "PASS":
                    wrong[name] = (word, check.results[name].reason)
    assert wrong == {}
    assert set(ids()) == seen


SOME = ["TC_046_1_CS", "TC_056_CS", "TC_043_CS", "TC_045_1_CS", "TC_079_CS"]


@pytest.mark.parametrize("name", SOME)
async def test_one_that_leaves_out_one_thing_does_not(name: str, tmp_path: Path) -> None:
    case = catalogue.cases()[name]
    last = max(n for n, item in enumerate(case.script) if item in case.expectations and not isinstance(item, Connects))
    features = {one: one not in ("fixed_cable", "backup_power") for one in FEATURES}
    limits = {**LIMITS, **HASTY, "transfer": 3.0}
    check = await checked([name], tmp_path, features, leaves_out=last, limits=limits)
    assert verdicts(check) == {name: "FAIL"}, check.results[name].reason
