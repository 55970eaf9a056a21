"""Faults that pick frames by their action find it under the name that the station's OCPP version gives it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from interlock.scenarios.steps.faults import FAULTS


class Line:
    """A network that keeps the rules it was given."""

    def __init__(self) -> None:
        self.rules: list[Any] = []

    @contextlib.contextmanager
    def rule(self, rule: Any) -> Iterator[None]:
        self.rules.append(rule)
        yield


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("ocpp", "fault", "action", "spoken"),
    [
        ("1.6", "lose_answer", "RemoteStartTransaction", "RemoteStartTransaction"),
        ("2.0.1", "lose_answer", "RemoteStartTransaction", "RequestStartTransaction"),
        ("2.0.1", "delay_answer", "RemoteStopTransaction", "RequestStopTransaction"),
        ("2.0.1", "lose_reply", "StopTransaction", "TransactionEvent"),
        ("2.0.1", "lose_reply", "StatusNotification", "StatusNotification"),
        ("2.0.1", "lose_answer", "UnlockConnector", "UnlockConnector"),
    ],
)
async def test_an_action_is_looked_for_as_it_is_spoken(ocpp: str, fault: str, action: str, spoken: str) -> None:
    line = Line()
    world: Any = SimpleNamespace(
        rule=line.rule,
        station=lambda number: SimpleNamespace(spec=SimpleNamespace(ocpp=ocpp)),
        station_id=lambda number: "CP01",
    )
    more = {"delay_s": 1.0} if fault == "delay_answer" else {}
    await FAULTS[fault](world, action=action, seconds=0.0, **more)
    assert [rule.action for rule in line.rules] == [spoken]
