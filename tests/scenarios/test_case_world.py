"""Every conformance case on our own two, the simulated station and the reference, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.csms.domain.tokens import Tokens
from interlock.csms.node import Csms
from interlock.csms.settings import Settings
from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.simulated import FEATURES
from interlock.scenarios.specimens.accepts_and_sends_nothing import SPECIMEN as SENDS_NOTHING
from interlock.scenarios.world.csms_case_world import FEATURES as OF_THE_CSMS
from interlock.scenarios.world.csms_case_world import CsmsCaseWorld
from interlock.scenarios.world.station_case_world import StationCaseWorld
from interlock.simulator.v16.local_list import LocalList
from interlock.simulator.v16.profiles import Profiles
from interlock.simulator.v16.reservations import Reservations

NOT_OURS = {
    "fixed_cable is not declared": ("TC_017_2_CS", "TC_018_2_CS"),
    "backup_power is not declared": ("TC_032_1_CS",),
    "UnlockConnectorOnEVSideDisconnect cannot be set to false: Rejected": ("TC_005_2_CS",),
    "StopTransactionOnEVSideDisconnect cannot be set to false: Rejected": ("TC_005_3_CS",),
    "local_list is declared": ("TC_042_1_CS", "TC_043_1_CS"),
    "reservation is declared": ("TC_048_4_CS",),
    "reserve_zero is declared": ("TC_050_4_CS",),
    "basic_auth is not declared": ("TC_073_CS", "TC_085_CS"),
    "mutual_tls is not declared": ("TC_074_CS", "TC_077_CS", "TC_087_CS"),
    "tls is not declared": tuple(f"TC_{one}_CS" for one in ("075_1", "075_2", "076", "078", "083", "084", "086")),
}
"""What the simulated station does not have, and why."""
BARE = ("TC_042_1_CS", "TC_043_1_CS", "TC_048_4_CS", "TC_050_4_CS")
"""Cases of a station that lacks a feature."""


def world(out: Path, **changes: Any) -> StationCaseWorld:
    return StationCaseWorld(Declaration(features=FEATURES), out, **changes)


def ids(*names: str) -> list[Any]:
    return [catalogue.cases()[name] for name in names]


def test_every_case_of_a_station(tmp_path: Path) -> None:
    found = world(tmp_path).run(catalogue.chosen("station"))
    why = {name: reason for reason, names in NOT_OURS.items() for name in names}
    assert {name: (one.word.name, one.reason) for name, one in found.items() if one.word.name != "PASS"} == {
        name: ("NOT_APPLICABLE", reason) for name, reason in why.items()
    }
    assert sum(one.word.name == "PASS" for one in found.values()) >= 140


def test_a_station_without_features_says_so(tmp_path: Path) -> None:
    found = world(tmp_path, features=()).run(ids(*BARE))
    assert {name: one.word.name for name, one in found.items()} == dict.fromkeys(BARE, "PASS")


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    cases = ids("TC_003_CS", "TC_047_CS", "TC_066_CS", "TC_044_1_CS")
    for name in ("one", "two"):
        world(tmp_path / name, seed=5).run(cases)
    one, two = (next((tmp_path / name).rglob("history.jsonl")).read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("kind", "name", "wrong", "case"),
    [
        (LocalList, "update", lambda *_: "Accepted", "TC_043_2_CS"),
        (Reservations, "use", lambda *_: None, "TC_046_1_CS"),
        (Reservations, "_expire", lambda *_: None, "TC_047_CS"),
        (Reservations, "cancel", lambda *_: "Accepted", "TC_052_CS"),
        (Reservations, "_fits", lambda self, held, tag: held.id_tag == tag, "TC_053_CS"),
        (Profiles, "clear", lambda *_: "Accepted", "TC_067_CS"),
        (Profiles, "await_start", lambda *_: True, "TC_060_CS"),
    ],
)
def test_a_station_that_does_it_wrong_fails(
    kind: type, name: str, wrong: Callable[..., Any], case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, name, wrong)
    limits = {"effect": 3.0, "lapse": 10.0, "answer": 3.0}
    found = StationCaseWorld(Declaration(features=FEATURES, limits=limits), tmp_path).run(ids(case))
    assert found[case].word.name == "FAIL", found[case].reason


# --- the reference ---------------------------------------------------------------------------------------------------

NEEDS_A_SERVER = {
    "basic_auth is not declared": ("TC_073_CSMS", "TC_085_CSMS"),
    "mutual_tls is not declared": ("TC_074_CSMS", "TC_077_CSMS", "TC_087_CSMS"),
    "tls is not declared": tuple(f"TC_{one}_CSMS" for one in ("075_1", "075_2", "076", "078", "083", "086")),
}
LENIENT = ("IL_233_CSMS", "IL_234_CSMS")
"""What the reference takes although it breaks its schema, unless it is strict."""


def of_the_csms(out: Path, csms_class: type[Csms] = Csms, **more: Any) -> CsmsCaseWorld:
    limits = {"effect": 3.0, "answer": 3.0}
    return CsmsCaseWorld(Declaration(features=OF_THE_CSMS, limits=limits), out, csms_class, **more)


def test_every_case_of_a_csms(tmp_path: Path) -> None:
    found = of_the_csms(tmp_path).run(catalogue.chosen("csms"))
    why = {name: reason for reason, names in NEEDS_A_SERVER.items() for name in names}
    assert {name: (one.word.name, one.reason) for name, one in found.items() if one.word.name != "PASS"} == {
        name: ("NOT_APPLICABLE", reason) for name, reason in why.items()
    }
    assert sum(one.word.name == "PASS" for one in found.values()) >= 109


def test_what_the_lenient_reference_takes_is_seen(tmp_path: Path) -> None:
    found = of_the_csms(tmp_path, settings=Settings()).run(ids(*LENIENT))
    assert {name: one.word.name for name, one in found.items()} == dict.fromkeys(LENIENT, "PARTIAL")


def test_a_csms_that_sends_nothing_fails(tmp_path: Path) -> None:
    cases = ("TC_061_CSMS", "TC_046_CSMS", "TC_056_CSMS", "TC_044_1_CSMS", "TC_079_CSMS")
    found = of_the_csms(tmp_path, SENDS_NOTHING.csms).run(ids(*cases))
    assert {name: one.word.name for name, one in found.items()} == dict.fromkeys(cases, "FAIL")


def test_a_csms_that_knows_no_groups_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokens, "parent", lambda *_: None)
    assert of_the_csms(tmp_path).run(ids("TC_053_CSMS"))["TC_053_CSMS"].word.name == "FAIL"
