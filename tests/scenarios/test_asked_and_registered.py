"""Two rules inside of invariants: a station is asked often enough (I39), and says only what it may (I37)."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.record.history import History

from .histories import ANSWERED, NODE, START, STATION, Story

# --- asked often enough, and only what may be said --------------------------------------------------------------------


def _given_up_after(probes: int, *, away: bool = False, answered: str = "", told: bool = False) -> History:
    """A start in doubt, given up behind so many probes: refused, or `answered`, and a status `told` or not."""
    story = Story(probes=2, probing_s=60.0).wait(10).command(asked=START, steps=ANSWERED[:-2])
    story.silence(31)
    story.outcome("CommandInDoubt")
    if away:
        story.silence(61)
        story.offline()
        story.online()
    story.wait(130)
    for number in range(1, probes + 1):
        story.command(f"p{number}", f"probe:c1:{number}", asked={"kind": "Probe", "evse": 1}, steps=("intent",))
        if not answered:
            story.append(("CommandRejected", {"command_id": f"p{number}", "status": "NotImplemented"}))
            continue
        story.append(("CommandAccepted", {"command_id": f"p{number}", "status": answered}))
        story.frame("csms.received", [2, f"t{number}", "StatusNotification" if told else "Heartbeat", {}])
    story.wait(120)
    story.outcome("CommandUnknown")
    return story.rest()


def test_a_start_is_given_up_when_it_was_asked_about_often_enough() -> None:
    def little(history: History) -> list[str]:
        found = INVARIANTS["I39"].judge(history).violations
        return [one.expected for one in found if "probes" in one.found]

    assert little(_given_up_after(1)) == ["asked 2 times before that"]
    assert little(_given_up_after(2)) == []
    assert little(_given_up_after(0, away=True)) == []
    # What the station told when it was asked is evidence; that it will tell is none.
    assert little(_given_up_after(1, answered="Accepted")) == ["asked 2 times before that"]
    assert little(_given_up_after(1, answered="Accepted", told=True)) == []
    assert little(_given_up_after(1, answered="NoMessagesInQueue")) == []


def _booted_201(status: str, action: str, answer: list[Any], before: str = "") -> History:
    """A station of 2.0.1 is answered `status`, after `before` on the connection it had; then it says something."""
    story = Story(answers={"interval_s": 20.0, "registration": status, "unknown_tokens": "Accepted"})
    story.epoch += 1
    story.see("socket.opened", station=STATION, socket=story.epoch, node=NODE, subprotocol="ocpp2.0.1")
    story.silence(10)
    for number, word in enumerate([one for one in (before, status) if one]):
        booted = {"vendor": "v", "model": "m", "serial": None, "firmware": None, "registration": word}
        told = {"reason": "PowerUp", "chargingStation": {"vendorName": "v", "model": "m"}}
        story.see("registration.set", node=NODE, status=word)
        reply = {"status": word, "currentTime": story.iso(story.now + 0.5), "interval": 20}
        story.report(
            "BootNotification", told, reply, *([("CameOnline", _CAME)] if not number else []), ("Booted", booted)
        )
        story.silence(1)
    story.frames += 1
    payload = {"type": "Tamper", "timestamp": "2026-01-01T00:00:00Z"} if action == "SecurityEventNotification" else {}
    story.frame("csms.received", [2, f"s{story.frames}", action, payload])
    if answer[0] == 3:
        story.append(
            ("NoticeReceived", {"action": action, "payload": payload, "reported_at": payload.get("timestamp")})
        )
    story.frame("csms.sent", [answer[0], f"s{story.frames}", *answer[1:]])
    return story.rest()


_CAME = {"epoch": 2, "node": NODE}
_BARRED: list[Any] = [4, "SecurityError", "", {}]


def _wrongly_answered(history: History) -> bool:
    found = INVARIANTS["I37"].judge(history).violations
    return any("SecurityEventNotification" in one.message for one in found)


def test_what_may_not_be_said_before_a_boot_is_accepted_is_refused() -> None:
    for status in ("Pending", "Rejected"):
        assert _wrongly_answered(_booted_201(status, "SecurityEventNotification", [3, {}]))
        assert not _wrongly_answered(_booted_201(status, "SecurityEventNotification", _BARRED))
    assert _wrongly_answered(_booted_201("Accepted", "SecurityEventNotification", _BARRED))
    assert not _wrongly_answered(_booted_201("Accepted", "SecurityEventNotification", [3, {}]))


def test_registration_that_changed_on_a_connection_counts_from_then_on() -> None:
    assert not _wrongly_answered(_booted_201("Accepted", "SecurityEventNotification", [3, {}], before="Pending"))
    assert _wrongly_answered(_booted_201("Rejected", "SecurityEventNotification", [3, {}], before="Accepted"))
    assert not _wrongly_answered(_booted_201("Rejected", "SecurityEventNotification", _BARRED, before="Accepted"))
