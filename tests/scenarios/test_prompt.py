"""The operator at a terminal, on a scripted one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.cases.players.hand import CannotDo, Prompt
from interlock.scenarios.live.check import Check

from .checking import planned, verdicts
from .test_check_station import Foreign
from .vendor_station import Vendor

pytestmark = pytest.mark.asyncio
HERE = {"connector": 1, "tag": "TAG-VALID", "station": "CP"}


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    person, program = os.openpty()
    yield person, program
    os.close(person)
    os.close(program)


async def test_enter_is_done_and_what_was_typed_before_is_not(terminal: tuple[int, int], capsys: Any) -> None:
    person, program = terminal
    os.write(person, b"\n\n")
    asked = asyncio.ensure_future(Prompt(30.0, program).do("plug", HERE))
    await asyncio.sleep(0)
    assert "plug" in capsys.readouterr().out
    await asyncio.sleep(0)
    assert not asked.done()
    os.write(person, b"\n")
    await asked


async def test_s_and_silence_are_reasons(terminal: tuple[int, int]) -> None:
    person, program = terminal
    asked = asyncio.ensure_future(Prompt(30.0, program).do("swipe", HERE))
    await asyncio.sleep(0)
    os.write(person, b"s\n")
    with pytest.raises(CannotDo, match="cannot be done here"):
        await asked
    with pytest.raises(CannotDo, match="nobody did it within 0 s"):
        await Prompt(0.0, program).do("swipe", HERE)


class Person(Foreign):
    """Reads what is asked for, does it at the station, and presses Enter; cannot swipe."""

    def __init__(self, terminal: tuple[int, int]) -> None:
        super().__init__(Vendor)
        self.person, program = terminal
        self.prompt = Prompt(30.0, program)

    async def do(self, deed: str, names: Any) -> None:
        asked = asyncio.ensure_future(self.prompt.do(deed, names))
        await asyncio.sleep(0)
        if deed == "swipe":
            os.write(self.person, b"s\n")
        else:
            await super().do(deed, names)
            os.write(self.person, b"\n")
        await asked


async def test_a_check_with_a_person(terminal: tuple[int, int], tmp_path: Path) -> None:
    check = Check(planned("station", ["TC_010_CS", "TC_004_1_CS"], tmp_path, hand=Person(terminal).at), lambda *_: None)
    await check.work()
    assert verdicts(check) == {"TC_010_CS": "PASS", "TC_004_1_CS": "NOT_APPLICABLE"}
    assert "it cannot be done here" in check.results["TC_004_1_CS"].reason
