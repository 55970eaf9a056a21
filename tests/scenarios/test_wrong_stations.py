"""Whole wrong stations end to end in virtual time: each is caught, and what a right one may do otherwise is not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.cases import catalogue

from .wrong_stations import Message, Odd, Wire, calls, member, tried
from .wrong_stations_list import ODD

SOME = ("TC_001_CS", "TC_003_CS", "TC_012_CS", "TC_031_CS", "TC_040_1_CS", "TC_021_CS", "IL_113_CS", "IL_231_CS")
"""Cases in which a station says most of what it says."""


def _elsewhere(value: Any) -> Any:
    return datetime.fromisoformat(value).astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()


def _talks(wire: Wire, message: Message) -> list[Message]:
    """Vendor data behind each answer of the CSMS that it had asked for."""
    if message[0] in (3, 4) and wire.called.get(str(message[1]), [0, 0, ""])[2] == "StatusNotification":
        wire.say([2, wire.fresh(), "DataTransfer", {"vendorId": "com.vendor", "data": "{}"}])
    return [message]


def _numbers(wire: Wire, message: Message) -> list[Message]:
    if message[0] != 2:
        return [message]
    wire.number += 1
    wire.kept[str(wire.number)] = message[1]
    return [[2, str(wire.number), *message[2:]]]


def _numbered(wire: Wire, message: Message) -> list[Message]:
    return [[message[0], wire.kept.get(message[1], message[1]), *message[2:]]] if message[0] in (3, 4) else [message]


RIGHT = (
    Odd("as-it-is", "nothing is changed"),
    Odd("cards-in-capitals", "cards are CiStrings", member("idTag", lambda value: str(value).upper())),
    Odd("cards-in-small-letters", "the same", member("idTag", lambda value: str(value).lower())),
    Odd("elsewhere", "times have an offset", member("timestamp", _elsewhere)),
    Odd("statuses-twice", "statuses are told twice, one behind the other's answer", down=_talks),
    Odd("optional-members", "a status with all that is optional",
        calls("StatusNotification", lambda told: {"info": "", "vendorId": "v", "vendorErrorCode": "0x0", **told})),
    Odd("counts", "message ids are numbers", _numbers, _numbered),
)  # fmt: skip


@pytest.mark.parametrize("odd", RIGHT, ids=lambda odd: odd.name)
def test_what_a_right_station_may_do_otherwise_is_not_accused(odd: Odd, tmp_path: Path) -> None:
    found = tried(odd, catalogue.chosen("station"), tmp_path)
    odd_ones = {name: one.reason for name, one in found.outcomes.items() if one.word.name in ("FAIL", "ERROR")}
    assert (odd_ones, found.broken) == ({}, [])
    assert sum(one.word.name == "PASS" for one in found.outcomes.values()) >= 140


@pytest.mark.parametrize(
    "odd", [odd if n % 8 == 0 else pytest.param(odd, marks=pytest.mark.slow) for n, odd in enumerate(ODD)],
    ids=lambda odd: odd.name,
)  # fmt: skip
def test_a_wrong_station_is_caught(odd: Odd, tmp_path: Path) -> None:
    assert odd.cases or odd.found
    found = tried(odd, catalogue.chosen("station", odd.cases or SOME), tmp_path)
    assert set(odd.cases) <= set(found.failed), {name: one.reason for name, one in found.outcomes.items()}
    assert set(odd.found) <= set(found.broken), found.broken


def test_there_are_more_than_forty_wrong_stations_and_each_has_a_name() -> None:
    assert len({odd.name for odd in ODD}) == len(ODD) > 40
    known = {case.id for case in catalogue.chosen("station")}
    assert {name for odd in ODD for name in odd.cases} <= known
