"""Cards of a CSMS that accepts only those it knows: who may use one at the same time as others."""

from __future__ import annotations

import random
from contextlib import nullcontext

from interlock.scenarios.live.race_session import Cards


def test_a_card_that_may_run_many_sessions_keeps_nobody_waiting() -> None:
    cards = Cards({"A": "Accepted", "B": "Accepted", "C": "Blocked"}, random.Random(0), shared=True)
    assert cards.plenty
    assert {cards.another() for _ in range(4)} == {"A", "B"}
    assert isinstance(cards.one(0)[1], nullcontext)


def test_a_card_that_is_in_use_once_keeps_others_from_it() -> None:
    cards = Cards({"A": "Accepted"}, random.Random(0))
    assert not cards.plenty
    assert cards.one(0)[1] is cards.one(7)[1]


def test_where_any_card_is_accepted_each_session_has_its_own() -> None:
    cards = Cards({"A": "Accepted"}, random.Random(0), fresh=True)
    assert cards.another() != cards.another()
    assert not Cards({"C": "Blocked"}, random.Random(0), shared=True).plenty
