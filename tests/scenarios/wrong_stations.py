"""Stations that are wrong in one part: a right simulated station, and something on its wire that says it otherwise.

`up` is what the station says, `down` what it hears; each gives the messages that go on. Every one is a mistake that
products or libraries were seen to make, or one that a vendor could ship without noticing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.scenarios.cases.language import Case
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.simulated import FEATURES
from interlock.scenarios.judge import station_frames
from interlock.scenarios.judge.cases import Outcome
from interlock.scenarios.record.recorder import observations
from interlock.scenarios.world.station_case_world import StationCaseWorld
from interlock.simulator.network.links import Socket

Message = list[Any]
Way = Callable[["Wire", Message], list[Message]]


class Wire:
    """What is known of the messages that went by, and a hand on both ends."""

    def __init__(self) -> None:
        self.called: dict[str, Message] = {}
        """CALLs of the station, by message id."""
        self.asked: dict[str, Message] = {}
        """CALLs of the CSMS."""
        self.say: Callable[[Message], None] = lambda _: None
        self.hear: Callable[[Message], None] = lambda _: None
        self.kept: dict[str, Any] = {}
        self.number = 0

    def fresh(self) -> str:
        """Return a message id of our own: the station never learns of its answer."""
        self.number += 1
        return f"own-{self.number}"


def as_it_is(_: Wire, message: Message) -> list[Message]:
    """Nothing is changed."""
    return [message]


@dataclass(frozen=True)
class Odd:
    """One wrong station. `cases` catch it, or the passive check `found`."""

    name: str
    what: str
    up: Way = as_it_is
    down: Way = as_it_is
    cases: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


class OddWorld(StationCaseWorld):
    """The simulated station behind such a wire."""

    def __init__(self, odd: Odd, out: Path, limits: dict[str, float] | None = None) -> None:
        self.odd, self.wire = odd, Wire()
        super().__init__(Declaration(features=FEATURES, limits=limits or {}), out)

    def _dialled(self, socket: Socket) -> bool:
        wire, odd = self.wire, self.odd
        if not super()._dialled(socket):
            return False
        arrived, send_down = socket.on_up, socket.send_down
        line = self.tester.line
        wire.say = lambda message: arrived(json.dumps(message))
        wire.hear = lambda message: send_down(json.dumps(message))

        def up(text: str) -> None:
            message = json.loads(text)
            if message[0] == 2:
                wire.called[message[1]] = message
            for one in odd.up(wire, message):
                arrived(one if isinstance(one, str) else json.dumps(one))

        def down(text: str) -> None:
            try:
                message = json.loads(text)
            except (ValueError, RecursionError):
                send_down(text)
                return
            if not isinstance(message, list) or len(message) < 3 or str(message[1]).startswith("own-"):
                if not isinstance(message, list) or len(message) < 3:
                    send_down(text)
                return
            if message[0] == 2:
                wire.asked[str(message[1])] = message
            for one in odd.down(wire, message):
                send_down(text if one is message else json.dumps(one))

        socket.on_up = up
        line.send = down  # type: ignore[union-attr,method-assign]
        return True


@dataclass
class Tried:
    """What became of a wrong station."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """The cases that caught it."""
        return [name for name, one in self.outcomes.items() if one.word.name == "FAIL"]


HASTY = {"answer": 10.0, "effect": 10.0, "reconnect": 30.0, "boot": 60.0, "lapse": 20.0, "transfer": 60.0}


def tried(odd: Odd, cases: list[Case], out: Path) -> Tried:
    """Run cases on a wrong station in virtual time."""
    world = OddWorld(odd, out, HASTY)
    outcomes = world.run(cases)
    seen = station_frames.judge(list(observations(world.book.recorder.path)), world.book.station)
    return Tried(outcomes, [one.id for one in seen if one.broken])


# --- how a wire is changed -------------------------------------------------------------------------------------------


def answers(action: str, change: Callable[[dict[str, Any]], dict[str, Any]], when: Any = None) -> Way:
    """Answers to an action are changed; `when`: those that say this status."""

    def up(wire: Wire, message: Message) -> list[Message]:
        ours = message[0] == 3 and wire.asked.get(str(message[1]), [0, 0, ""])[2] == action
        if ours and (when is None or message[2].get("status") in when):
            return [[3, message[1], change(dict(message[2]))]]
        return [message]

    return up


def says(action: str, word: str, *when: str) -> Way:
    """The status of an answer is another."""
    return answers(action, lambda payload: {**payload, "status": word}, when or None)


def calls(
    action: str, change: Callable[[dict[str, Any]], dict[str, Any]], when: Callable[[Any], bool] | None = None
) -> Way:
    """CALLs of an action are changed."""

    def up(wire: Wire, message: Message) -> list[Message]:
        if message[0] == 2 and message[2] == action and (when is None or when(message[3])):
            return [[*message[:3], change(dict(message[3]))]]
        return [message]

    return up


def without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Members are left out."""
    return lambda payload: {name: one for name, one in payload.items() if name not in names}


def with_(**members: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Members are others."""
    return lambda payload: {**payload, **members}


def silent(action: str, answer: dict[str, Any], when: Callable[[Any], bool] = lambda _: True) -> Way:
    """CALLs of an action are never made; the station believes they were answered."""

    def up(wire: Wire, message: Message) -> list[Message]:
        if message[0] == 2 and message[2] == action and when(message[3]):
            wire.hear([3, message[1], answer])
            return []
        return [message]

    return up


def no_status(*words: str) -> Way:
    """Some statuses are never told."""
    return silent("StatusNotification", {}, lambda payload: payload.get("status") in words)


def twice(action: str) -> Way:
    """Each CALL of an action is made twice, under two message ids."""

    def up(wire: Wire, message: Message) -> list[Message]:
        if message[0] == 2 and message[2] == action:
            return [message, [2, wire.fresh(), *message[2:]]]
        return [message]

    return up


def believes(action: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Way:
    """What the CSMS answers to an action is read otherwise."""

    def down(wire: Wire, message: Message) -> list[Message]:
        if message[0] == 3 and wire.called.get(str(message[1]), [0, 0, ""])[2] == action:
            return [[3, message[1], change(dict(message[2]))]]
        return [message]

    return down


def ignores(action: str, answer: dict[str, Any]) -> Way:
    """A command is answered, and nothing is done."""

    def down(wire: Wire, message: Message) -> list[Message]:
        if message[0] == 2 and message[2] == action:
            wire.say([3, message[1], answer])
            return []
        return [message]

    return down


def texts(change: Callable[[Message], Any]) -> Way:
    """Every message is written otherwise."""
    return lambda wire, message: [change(message)]


def everywhere(value: Any, name: str, change: Callable[[Any], Any]) -> Any:
    """Return a payload in which a member is another wherever it stands."""
    if isinstance(value, dict):
        return {key: change(one) if key == name else everywhere(one, name, change) for key, one in value.items()}
    return [everywhere(one, name, change) for one in value] if isinstance(value, list) else value


def member(name: str, change: Callable[[Any], Any]) -> Way:
    """A member is written otherwise wherever it stands."""
    return texts(lambda message: [*message[:-1], everywhere(message[-1], name, change)])


ACCEPTED = {"status": "Accepted"}
LET_IN = {"idTagInfo": ACCEPTED}
