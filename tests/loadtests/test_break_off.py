"""A slice of the sweep of exceptions and cancellations, and that the sweep would notice a node half alive."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from interlock.csms.supervise import Supervisor
from interlock.loadtests.damage.break_off import Place, session, sweep


def test_a_node_serves_on_wherever_something_breaks_off() -> None:
    count, wrong = sweep(every=17)
    assert count > 50
    assert wrong == []


def test_an_undisturbed_session_passes_places_of_each_kind() -> None:
    place = Place()
    assert session(place) is None
    assert set(place.passed) == {"await", "callback", "commit"}


def test_tasks_without_an_owner_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unheard(self: Supervisor, what: str, coroutine: Coroutine[Any, Any, None], lost: Callable[[str], None]) -> None:
        self._spawn(coroutine)

    monkeypatch.setattr(Supervisor, "must_live", unheard)
    _, wrong = sweep(every=17)
    assert len(wrong) > 5
