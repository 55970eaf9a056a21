"""Histories about what operators are shown, and what may be said before a boot is accepted; see `bites`."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.record.history import History

from .bites import breaks, holds
from .histories import ANSWERED, NODE, STATION, Story

PLACE = f"/api/stations/{STATION}"
RIGHT: dict[str, Any] = {"online": True, "epoch": 1, "node": NODE, "registration": "Accepted", "open_commands": []}


def _story() -> Story:
    return Story().wait(10).command("c1", "r1", steps=ANSWERED)


def _shown(target: str, body: Any, status: int = 200) -> History:
    story = _story()
    story.see("shown", node=NODE, target=target, status=status, body=body)
    return story.rest()


def _commands(**wrong: Any) -> dict[str, Any]:
    settled = next(one["data"]["at"] for one in reversed(_story().log) if one["type"] == "CommandAccepted")
    one = {
        "id": "c1",
        "request_id": "r1",
        "command": "Unlock",
        "place": [1, 1],
        "action": None,
        "state": "accepted",
        "open": False,
        "doubtful": False,
        "probe_of": None,
        "settled_at": settled,
        "contradicted": [],
        "transaction": None,
    }
    return {"commands": [{**one, **wrong}]}


def _page(**wrong: Any) -> dict[str, Any]:
    names = ("stream", "version", "id", "type", "data")
    page = [{"position": at, **{name: one[name] for name in names}} for at, one in enumerate(_story().log, 1)]
    return {"events": page, "next": None, **wrong}


@holds("I47")
def a_station_as_it_is() -> History:
    return _shown(PLACE, RIGHT | {"protocol": "", "online_at": _story().log[0]["data"]["at"]})


@holds("I47")
def its_commands() -> History:
    return _shown(f"{PLACE}/commands", _commands())


@holds("I47")
def its_events() -> History:
    return _shown(f"{PLACE}/events?limit=25", _page())


@holds("I47")
def nothing_of_a_station_that_is_not_there() -> History:
    return _shown("/api/stations/CP77", {"detail": "no such station"}, 404)


@breaks("I47")
def a_finished_command_is_called_open() -> History:
    return _shown(PLACE, RIGHT | {"open_commands": ["c1"], "protocol": "", "online_at": _story().log[0]["data"]["at"]})


@breaks("I47")
def a_command_in_another_state() -> History:
    return _shown(f"{PLACE}/commands", _commands(state="rejected"))


@breaks("I47")
def a_command_is_left_out() -> History:
    return _shown(f"{PLACE}/commands", {"commands": []})


@breaks("I47")
def a_page_without_its_last_event() -> History:
    return _shown(f"{PLACE}/events?limit=25", _page(events=_page()["events"][:-1]))


@breaks("I47")
def a_token_nobody_registered() -> History:
    return _shown("/api/tokens", {"tokens": [{"token": "TAG", "status": "Accepted"}]})


@breaks("I47")
def a_station_nobody_knows() -> History:
    return _shown("/api/stations/CP77", RIGHT)


@breaks("I47")
def a_command_without_its_outcome() -> History:
    body = {"id": "c1", "station": STATION, "state": "requested", "history": []}
    return _shown("/api/commands/c1", body)


# --- keys ------------------------------------------------------------------------------------------------------------

FIRST, SECOND = "a-first-password-", "a-second-password"


def _set(story: Story, password: str | None) -> Story:
    story.see("key.asked", node=NODE, station=STATION, password=password)
    story.see("key.answered", node=NODE, station=STATION, password=password, status=204)
    return story


def _knock(story: Story, password: str | None, status: int) -> History:
    story.see("knock", node=NODE, station=STATION, password=password, status=status)
    return story.rest()


def _sent(outcome: str | None) -> Story:
    """A second key was sent, and the station took it, refused it, or nobody knows."""
    story = _set(Story(), FIRST)
    asked = {"kind": "SetPassword", "secret": SECOND}
    story.see("request.asked", request_id="r1", attempt=1, node=NODE, station=STATION, command=asked)
    intent = {"command_id": "c1", "request_id": "r1", "node": NODE, "epoch": 1, "deadline": story.iso(story.now + 30)}
    story.append(("CommandRequested", {**intent, "command": {"kind": "SetPassword", "secret": "key:1"}}))
    if outcome is not None:
        story.append((outcome, {"command_id": "c1", "status": "Accepted", "why": "timeout"}))
    return story


@holds("I48")
def the_key_that_was_set() -> History:
    return _knock(_set(Story(), FIRST), FIRST, 101)


@holds("I48")
def no_key_after_it_was_taken_away() -> History:
    return _knock(_set(_set(Story(), FIRST), None), None, 101)


@holds("I48")
def the_old_key_while_the_new_one_is_in_doubt() -> History:
    return _knock(_sent("CommandInDoubt"), FIRST, 101)


@holds("I48")
def the_old_key_of_a_station_that_refused() -> History:
    return _knock(_sent("CommandRejected"), FIRST, 101)


@breaks("I48")
def the_old_key_after_it_was_changed() -> History:
    return _knock(_set(_set(Story(), FIRST), SECOND), FIRST, 101)


@breaks("I48")
def no_key_where_there_is_one() -> History:
    return _knock(_set(Story(), FIRST), None, 101)


@breaks("I48")
def the_old_key_after_the_station_took_the_new_one() -> History:
    return _knock(_sent("CommandAccepted"), FIRST, 101)


@breaks("I48")
def a_new_key_the_station_refused() -> History:
    return _knock(_sent("CommandRejected"), SECOND, 101)


@breaks("I48")
def the_new_key_is_refused_while_it_is_in_doubt() -> History:
    return _knock(_sent("CommandInDoubt"), SECOND, 401)


# --- another store ---------------------------------------------------------------------------------------------------


def _compared(expected: str | None, found: str | None) -> History:
    story = Story()
    what = "read ('station-CP01', 0)" if expected else None
    story.see("store.compared", asked=7, what=what, expected=expected, found=found)
    return story.rest()


@holds("I49")
def a_log_on_disk_that_answers_alike() -> History:
    return _compared(None, None)


@breaks("I49")
def a_log_on_disk_that_answers_otherwise() -> History:
    return _compared("answer 3", "error WrongExpectedVersion")


# --- lines -----------------------------------------------------------------------------------------------------------


def _opened(story: Story, socket: int) -> None:
    story.see("socket.opened", station=STATION, socket=socket, node=NODE, subprotocol="ocpp1.6")


def _ended(story: Story, socket: int = 1) -> History:
    story.see("socket.closed", station=STATION, socket=socket, node=NODE, edge="csms", why="enough", by="csms")
    return story.rest()


def _line() -> Story:
    return _story().wait(60)


@holds("I50")
def a_line_is_ended_for_a_newer_one() -> History:
    story = _line()
    _opened(story, 2)
    return _ended(story)


@holds("I50")
def a_line_is_ended_for_an_older_one() -> History:
    story = _line()
    _opened(story, 2)
    return _ended(story, 2)


@holds("I50")
def a_line_is_ended_as_its_key_is_taken_away() -> History:
    return _ended(_set(_line(), None))


@holds("I50")
def a_line_is_ended_as_the_node_stops() -> History:
    story = _line()
    story.see("node.stopping", node=NODE)
    return _ended(story)


@breaks("I50")
def a_line_is_ended_for_nothing() -> History:
    return _ended(_line())


@breaks("I50")
def a_line_is_ended_for_one_that_is_long_gone() -> History:
    story = _line()
    story.see("socket.closed", station=STATION, socket=1, node=NODE, edge="csms", why="line cut")
    _opened(story, 2)
    return _ended(story.wait(60), 2)


@breaks("I50")
def a_line_is_ended_as_a_key_is_sent() -> History:
    story = _set(_line(), FIRST).wait(60)
    story.append(("KeyOffered", {"station": STATION, "key_id": "k", "salt": "", "digest": ""}), stream="credentials")
    return _ended(story)
