"""Many at one stream: each loses races, and each comes through."""

from __future__ import annotations

import asyncio
import random

import pytest

from interlock.csms import handle
from interlock.csms.domain import commands as do
from interlock.csms.settings import Settings
from interlock.csms.store import MemoryStore, NewEvent

from .test_node import Bench, play

OPERATORS = 200


class Far(MemoryStore):
    """A log at the end of a line: others append while an append is on its way."""

    def __init__(self) -> None:
        super().__init__()
        self._rng = random.Random(7)
        self.lost = 0

    async def append(self, stream: str, events: list[NewEvent], expected: int | None) -> int:  # type: ignore[override]
        await asyncio.sleep(self._rng.uniform(0.002, 0.004))
        try:
            return await super().append(stream, events, expected)
        except handle.WrongExpectedVersion:
            self.lost += 1
            raise


def race() -> tuple[list[str], float, int]:
    """Let everybody ask at once; return the answers, how long it took in virtual time, and how many races were lost."""
    store = Far()
    answers: list[str] = []
    took = [0.0]

    async def scene(bench: Bench) -> None:
        await bench.online()
        began = bench.now()
        ask = [bench.node.operate("CP1", do.Relay("GetConfiguration", {}), f"r{n}") for n in range(OPERATORS)]
        answers.extend(one.answer for one in await asyncio.gather(*ask))
        took[0] = bench.now() - began

    play(scene, Settings(), Bench(Settings(), store))
    return answers, took[0], store.lost


def test_of_200_operators_at_one_station_nobody_is_told_that_the_store_failed() -> None:
    answers, took_s, lost = race()
    assert answers == ["accepted"] * OPERATORS
    assert lost > OPERATORS
    assert took_s < 60.0
    assert race() == (answers, took_s, lost), "the wait is drawn from the node's seed"


def test_without_the_wait_some_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "BACK_OFF_S", 0.0)
    assert "failed" in race()[0]
