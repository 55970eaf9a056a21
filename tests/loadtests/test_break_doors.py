"""A slice of the sweep at the doors, and that the sweep would notice what is held of nobody."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.csms.serve.server import Server
from interlock.csms.serve.station_socket import Socket
from interlock.loadtests.damage import break_doors
from interlock.loadtests.damage.break_doors import disturbed, sweep
from interlock.loadtests.damage.break_off import Place

pytestmark = pytest.mark.slow


def test_a_node_serves_on_and_holds_nothing_wherever_something_breaks_off() -> None:
    count, wrong = sweep(every=25)
    assert count > 5
    assert wrong == []


def test_what_is_held_of_nobody_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(break_doors, "PATIENCE_S", 0.5)

    def kept(self: Any, found: Any) -> None:
        """Count a proof for ever."""

    monkeypatch.setattr(Socket, "_worked_out", kept)
    assert "proofs are held of nobody" in (disturbed(Place()) or "")


def test_a_node_that_lets_nobody_in_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(break_doors, "TRIES", 2)
    monkeypatch.setattr(Server, "proven", lambda self, station: 1 / 0)
    assert "is never served" in (disturbed(Place()) or "")
