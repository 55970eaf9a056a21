"""Histories about requests that were refused, see `bites`."""

from __future__ import annotations

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import UNLOCK, Story

KEY = {"kind": "SetPassword", "secret": "key:1"}
NOT_SENT = ("asked", "intent", "answered")
REFUSED = ("asked", "answered")


# --- refused with reason ---------------------------------------------------------------------------------------------


@breaks("I15")
def refused_because_something_changed() -> History:
    story = Story()
    story.command(steps=("asked",))
    story.status(1, "Preparing")
    return story.command(steps=("answered",), answer="refused").rest()


@holds("I15", "I27")
def refused_because_it_is_held() -> History:
    story = Story().command("c1", "r1", steps=NOT_SENT)
    story.command("c2", "r2", steps=REFUSED, answer="refused")
    story.command("c1", "r1", steps=("called", "obeyed", "moved", "outcome"))
    return story.rest()


@holds("I15")
def held_for_a_moment_between_question_and_answer() -> History:
    story = Story().command("c2", "r2", steps=("asked",))
    story.command("c1", "r1")
    return story.command("c2", "r2", steps=("answered",), answer="refused").rest()


@breaks("I15")
def held_before_the_question_only() -> History:
    story = Story().command("c1", "r1")
    return story.command("c2", "r2", steps=REFUSED, answer="refused").rest()


def _one_more_key(in_doubt: int) -> History:
    """A key is refused while it is open whether the station has some number of others."""
    story = Story()
    for number in range(in_doubt):
        story.command(f"c{number}", f"r{number}", asked=KEY, steps=NOT_SENT)
    return story.command("c9", "r9", asked=KEY, steps=REFUSED, answer="refused").rest()


@breaks("I15")
def a_key_refused_while_one_is_open() -> History:
    return _one_more_key(1)


@holds("I15")
def a_key_refused_while_there_is_no_room() -> History:
    return _one_more_key(3)


@breaks("I15")
def unreachable_while_connected() -> History:
    return Story().command(steps=REFUSED, answer="unreachable").rest()


@holds("I15")
def unreachable_without_a_socket() -> History:
    story = Story()
    story.see("socket.closed", station="CP01", socket=1, node="node1", edge="csms", why="line cut")
    return story.command(steps=REFUSED, answer="unreachable").rest()


@holds("I15")
def unreachable_while_its_node_is_down() -> History:
    story = Story()
    story.see("node.crashed", node="node1", incarnation=1, point=None)
    return story.command(steps=REFUSED, answer="unreachable").rest()


@breaks("I15")
def failed_because_of_a_lost_race() -> History:
    story = Story().command(steps=("asked",))
    story.lost_race()
    return story.command(steps=("answered",), answer="failed", reason="WrongExpectedVersion").rest()


@holds("I15")
def failed_because_the_disk_is_full() -> History:
    story = Story()
    story.see("fault.begun", fault="full_disk", id="full_disk@1", node=1)
    story.command(steps=("asked",))
    story.lost_race()
    story.command(steps=("answered",), answer="failed", reason="no space left")
    story.see("fault.ended", fault="full_disk", id="full_disk@1", node=1)
    return story.rest()


# --- without a trace -------------------------------------------------------------------------------------------------


@breaks("I27")
def refused_and_intended() -> History:
    return Story().command(steps=("asked", "intent", "answered", "outcome"), answer="refused").rest()


@breaks("I27")
def refused_and_sent() -> History:
    return Story().command(steps=("asked", "called", "answered"), answer="refused").rest()


@holds("I27")
def refused_once_and_accepted_later() -> History:
    story = Story().command("c0", "r0", steps=NOT_SENT, outcome="CommandRefuted")
    story.command("c1", "r1", steps=REFUSED, answer="refused").command("c2", "r2", steps=REFUSED, answer="refused")
    story.outcome("CommandRefuted", "c0")
    return story.command("c1", "r1", UNLOCK, attempt=2).rest()
