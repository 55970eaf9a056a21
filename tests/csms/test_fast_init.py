"""Values made by plain assignments are the values that a frozen dataclass makes, and as frozen."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import msgspec
import pytest

from interlock.csms.domain.events import StatusReported
from interlock.csms.domain.fast_init import fast_init
from interlock.csms.domain.replies import Reply
from interlock.csms.domain.station import Station


def test_it_takes_the_same_parameters_and_defaults():
    assert Reply("Accepted", transaction_id="7") == Reply(status="Accepted", transaction_id="7", parent=None)
    assert repr(Reply("Accepted")).startswith("Reply(status='Accepted', ")
    assert hash(Reply("Accepted")) == hash(replace(Reply("Rejected"), status="Accepted"))
    with pytest.raises(TypeError, match=r"StatusReported\.__init__\(\) missing 7 required"):
        StatusReported()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'word'"):
        Reply(word="Accepted")  # type: ignore[call-arg]


def test_what_a_field_begins_with_is_made_for_each_value():
    one, other = Station(), Station()
    assert one == other
    assert one.connectors is not other.connectors


def test_it_is_frozen_and_of_its_own_class():
    reply = Reply("Accepted")
    assert type(reply) is Reply
    with pytest.raises(FrozenInstanceError):
        reply.status = "Rejected"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del reply.status


def test_who_makes_values_in_another_way_still_can():
    reply = Reply("Accepted", transaction_id="7")
    assert pickle.loads(pickle.dumps(reply)) == copy.copy(reply) == copy.deepcopy(reply) == reply
    assert msgspec.json.decode(msgspec.json.encode(reply), type=Reply) == reply
    assert [one.name for one in fields(Reply)] == list(Reply.__match_args__)


def test_one_that_cannot_be_made_so_is_refused():
    @dataclass(frozen=True, slots=True)
    class Checked:
        count: int

        def __post_init__(self) -> None:
            raise AssertionError

    @dataclass(frozen=True, slots=True)
    class Named:
        count: int = field(kw_only=True)

    @dataclass(frozen=True, slots=True)
    class Longer(Reply):
        more: int = 0

    for one in (Checked, Named, Longer):
        with pytest.raises(TypeError, match=f"{one.__name__} cannot be built by plain assignments"):
            fast_init(one)
