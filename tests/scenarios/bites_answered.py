"""Histories in which a station's report is answered wrongly, twice, late or not at all, see `bites`."""

from __future__ import annotations

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import NODE, STATION, Story


def authorized(status: str, *, wait_s: float = 0.0, token: str = "CARD") -> History:
    """A card that is Accepted, then Blocked from a moment on, shown `wait_s` later."""
    story = Story().wait(10)
    for word in ("Accepted", "Blocked"):
        registered = {"id_token": "CARD", "status": word, "parent": None}
        story.append(("TokenRegistered", registered), stream="tokens")
        story.wait(20)
    story.wait(wait_s)
    story.report("Authorize", {"idTag": token}, {"idTagInfo": {"status": status}})
    return story.rest()


@breaks("I37")
def a_blocked_card_is_accepted() -> History:
    return authorized("Accepted")


@breaks("I37")
def a_card_in_other_letters_is_another() -> History:
    return authorized("Accepted", token="card")


@holds("I37")
def a_blocked_card_is_blocked() -> History:
    return authorized("Blocked")


@breaks("I37")
def told_the_wrong_time() -> History:
    story = Story()
    story.report("Heartbeat", {}, {"currentTime": story.iso(story.now - 30.0)})
    return story.rest()


@breaks("I37")
def another_interval() -> History:
    story = Story()
    told = {"chargePointVendor": "v", "chargePointModel": "m"}
    story.report("BootNotification", told, {"status": "Accepted", "currentTime": story.iso(), "interval": 7})
    return story.rest()


@breaks("I37")
def answered_twice() -> History:
    story = Story()
    story.report("Heartbeat", {}, {})
    story.frame("csms.sent", [3, f"s{story.frames}", {"currentTime": story.iso()}])
    return story.rest()


@breaks("I37")
def an_error_to_what_can_be_read() -> History:
    story = Story()
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    story.frame("csms.sent", [4, "x1", "InternalError", "", {}])
    return story.rest()


@breaks("I37")
def never_answered() -> History:
    story = Story()
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    return story.rest()


@holds("I37")
def not_answered_by_a_node_that_fell() -> History:
    story = Story()
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    story.see("node.crashed", node=NODE, incarnation=1, point=None)
    return story.rest()


def unanswered_beside(fault: str, node: int = 1, ended_s: float = 5.0, asked_s: float = 40.0) -> History:
    """A fault of a node's store stands from second 1 to `ended_s`; a heartbeat at `asked_s` has no answer."""
    story = Story().wait(1)
    about = {"fault": fault, "id": "f", "node": node}
    story.see("fault.begun", **about)
    story.silence(min(ended_s, asked_s))
    if ended_s < asked_s:
        story.see("fault.ended", **about)
        story.silence(asked_s - ended_s)
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    if ended_s >= asked_s:
        story.silence(ended_s - asked_s)
        story.see("fault.ended", **about)
    story.silence(60.0)
    story.report("Heartbeat", {}, {})
    return story.rest()


@holds("I37")
def not_answered_while_the_disk_was_full() -> History:
    return unanswered_beside("full_disk", ended_s=60.0)


@holds("I37")
def not_answered_right_behind_a_full_disk() -> History:
    return unanswered_beside("full_disk", ended_s=35.0)


@breaks("I37")
def not_answered_long_after_a_full_disk() -> History:
    return unanswered_beside("full_disk")


@breaks("I37")
def not_answered_while_another_nodes_disk_was_full() -> History:
    return unanswered_beside("full_disk", node=2, ended_s=60.0)


@breaks("I37")
def not_answered_long_after_acknowledgements_got_lost() -> History:
    return unanswered_beside("lossy_store")


@breaks("I37")
def not_answered_long_after_something_broke_off() -> History:
    return unanswered_beside("break_off_at")


def unconfirmed(stream: str, before_s: float) -> History:
    """An append of a stream is not confirmed; so much later a heartbeat has no answer."""
    story = Story().wait(1)
    story.see("append.unconfirmed", node=NODE, stream=stream, ids=["x"])
    story.silence(before_s)
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    story.silence(60.0)
    return story.rest()


@holds("I37")
def not_answered_as_it_was_not_confirmed() -> History:
    return unconfirmed(f"station-{STATION}", 1.0)


@breaks("I37")
def not_answered_as_something_else_was_not_confirmed() -> History:
    return unconfirmed("station-CP99", 1.0)


@breaks("I37")
def not_answered_although_confirmed_again() -> History:
    return unconfirmed(f"station-{STATION}", 30.0)


@breaks("I37")
def not_answered_by_a_node_that_was_started_again() -> History:
    story = Story()
    story.see("node.crashed", node=NODE, incarnation=1, point=None)
    story.see("socket.closed", station=STATION, socket=1, node=NODE, edge="csms", why="node crashed")
    story.see("node.started", node=NODE, incarnation=2)
    story.online()
    story.frame("csms.received", [2, "x1", "Heartbeat", {}])
    story.silence(60.0)
    return story.rest()
