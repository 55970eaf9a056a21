"""Metamorphic relations on traffic: extra messages, repeats, other ids, another connection, another station beside.

`frame_rewordings` changes the wording of frames; here other traffic is added, which must not change the record of the
session. Both runs are of a quiet world, in which every frame takes equally long and the store no time, so that the
added traffic does not shift the rest. `Otherwise` is one relation; what it adds is left out of the comparison.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from math import inf
from typing import Any

from interlock.csms.domain.commands import ChangeAvailability, Unlock
from interlock.scenarios.record.final_record import session
from interlock.scenarios.record.history import History
from interlock.scenarios.spec import Scenario, Step, Storage, ask, step
from interlock.scenarios.steps.faults import FAULTS
from interlock.scenarios.world.frame_rewordings import LENIENT, Reword
from interlock.simulator.network.links import Socket

LATENCY_S = 0.05
"""What a frame takes in a quiet world, each way."""
TIMED = {"cut", "half_open", "silence", "restart", "upgrade", "crash", "sag", "power_cut", "broken"}
"""Faults that begin and end at a time, whatever passes meanwhile."""
ID_LENGTH = 36
"""Characters of the longest message id."""
BY_HAND = {"plug", "unplug", "swipe"}
"""Steps of somebody at the station, which does not heed them while it restarts."""
SILENCE_S = 4.0
"""The shortest silence in the middle of which a station may connect again without being interrupted."""
AWAY_S = 4.0
"""How much longer or shorter a station may take to restart and to connect, as it is drawn, and an answer with it."""


def quiet(spec: Scenario) -> Scenario:
    """Return a scenario without chance on the line and in the store."""
    return replace(spec, latency_s=(LATENCY_S, LATENCY_S), storage=Storage((0.0, 0.0)), retold=())


def possible(spec: Scenario) -> bool:
    """Tell whether a scenario can be told otherwise: no fault counts frames, and no draw depends on them."""
    disturbed = any(planned.what in {*FAULTS, "traffic"} - TIMED for planned in spec.steps)
    return not disturbed and spec.storage.lost_ack == 0.0 and spec.recorded == "all"


def _message(text: str) -> list[Any] | None:
    """Return a CALL or an answer that everybody reads in one way; None for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    plain = isinstance(found, list) and len(found) > 2 and type(found[0]) is int and isinstance(found[1], str)
    return found if plain and found[1] else None


def _called(text: str) -> list[Any] | None:
    found = _message(text)
    return found if found is not None and found[0] == 2 and len(found) == 4 and isinstance(found[3], dict) else None


class Otherwise:
    """One relation in one run: what arrives in the place of a frame, and which steps are done beside."""

    def __init__(self) -> None:
        self.differences: list[str] = []
        """What was answered twice and not in the same way."""

    def record(self, history: History, stations: Sequence[str]) -> list[str]:
        """Return what the runs are compared by; `undone` is asked of the one that was told otherwise."""
        return session(history, stations, self.undone)

    def up(self, socket: Socket, text: str) -> Sequence[str]:
        """Return what reaches the CSMS in the place of a frame."""
        return (text,)

    def down(self, socket: Socket, text: str) -> Sequence[str]:
        """Return what reaches the station in the place of a frame."""
        return (text,)

    def spec(self, spec: Scenario, before: History) -> Scenario | None:
        """Return what is run, knowing how the run went; None where there is no place for it."""
        return spec

    def undone(self, text: str) -> str | None:
        """Return a frame of the CSMS as it would be in the other run; None for one that is not there."""
        return text


OTHERWISE: dict[str, Callable[[], Otherwise]] = {}
"""Every relation by name."""


def otherwise(kind: type[Otherwise]) -> type[Otherwise]:
    """Declare a relation, under the name of its class in small letters."""
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).strip("_")
    OTHERWISE[name] = kind
    return kind


class Loosely(Otherwise):
    """Every CALL in words that break the schema, and leave no doubt about what is meant."""

    def __init__(self, reword: Reword) -> None:
        super().__init__()
        self._reword = reword

    def up(self, socket: Socket, text: str) -> Sequence[str]:
        """Word a CALL anew."""
        return (self._reword(text),)

    def spec(self, spec: Scenario, before: History) -> Scenario | None:
        """A CSMS that is strict refuses such words."""
        return spec if spec.settings.acceptance != "strict" else None


OTHERWISE |= {name: partial(Loosely, reword) for name, reword in LENIENT.items()}


class _InBetween(Otherwise):
    """Something more is said behind every CALL of a station, and its answer reaches nobody."""

    said: tuple[str, dict[str, Any]]
    prefix = "in-between-"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def spec(self, spec: Scenario, before: History) -> Scenario | None:
        """A station that is not registered may not say it."""
        return spec if spec.settings.registration == "Accepted" else None

    def up(self, socket: Socket, text: str) -> Sequence[str]:
        """Say something more behind a CALL."""
        if _called(text) is None:
            return (text,)
        self._count += 1
        return text, json.dumps([2, f"{self.prefix}{self._count}", *self.said])

    def down(self, socket: Socket, text: str) -> Sequence[str]:
        """Keep the answer to it from the station."""
        return () if self.undone(text) is None else (text,)

    def undone(self, text: str) -> str | None:
        """Leave out the answer to it."""
        found = _message(text)
        return None if found is not None and found[0] != 2 and found[1].startswith(self.prefix) else text


@otherwise
class Heartbeats(_InBetween):
    """A heartbeat behind every CALL."""

    said = "Heartbeat", {}


@otherwise
class DataTransfers(_InBetween):
    """Vendor-specific data of no known vendor behind every CALL."""

    said = "DataTransfer", {"vendorId": "com.example.nobody", "data": "anything"}


@otherwise
class ToldTwice(Otherwise):
    """Every CALL of a station arrives twice, under its own id; it hears the first answer of the two."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[tuple[str, int, str], list[Any] | None] = {}
        self._left_out: dict[str, int] = {}

    def up(self, socket: Socket, text: str) -> Sequence[str]:
        """Let a CALL arrive twice."""
        called = _called(text)
        if called is None:
            return (text,)
        self._first[socket.station_id, socket.number, called[1]] = None
        return text, text

    def down(self, socket: Socket, text: str) -> Sequence[str]:
        """Let the first answer pass, and note where the second says something else."""
        found = _message(text)
        key = (socket.station_id, socket.number, found[1]) if found is not None and found[0] != 2 else None
        if found is None or key not in self._first:
            return (text,)
        first = self._first[key]
        if first is None:
            self._first[key] = found
            return (text,)
        if _timeless(first) != _timeless(found):
            self.differences.append(f"told twice, {found[1]} is answered {json.dumps(first)}, then {text}")
        return ()


def _timeless(message: list[Any]) -> list[Any]:
    return [{**one, "currentTime": ""} if isinstance(one, dict) and "currentTime" in one else one for one in message]


@otherwise
class OtherIds(Otherwise):
    """Message ids of 36 characters in the place of the station's own."""

    def __init__(self) -> None:
        super().__init__()
        self._own: dict[str, str] = {}

    def up(self, socket: Socket, text: str) -> Sequence[str]:
        """Give a CALL another id."""
        called = _called(text)
        if called is None or len(called[1]) > ID_LENGTH:  # no id, for who is strict
            return (text,)
        id = blake2b(f"{socket.station_id}/{called[1]}".encode(), digest_size=ID_LENGTH // 2).hexdigest()
        self._own[id] = called[1]
        return (json.dumps([2, id, *called[2:]]),)

    def down(self, socket: Socket, text: str) -> Sequence[str]:
        """Give the answer the id that the station knows."""
        return (self.undone(text) or text,)

    def undone(self, text: str) -> str | None:
        """Give an answer the station's own id."""
        found = _message(text)
        if found is None or found[0] == 2 or found[1] not in self._own:
            return text
        return json.dumps([found[0], self._own[found[1]], *found[2:]], separators=(",", ":"), ensure_ascii=False)


@otherwise
class Beside(Otherwise):
    """One more station of the same kind is busy beside: sessions, statuses, and commands of its own."""

    def record(self, history: History, stations: Sequence[str]) -> list[str]:
        """Return it without order and answers: which of two things of one moment comes first may depend on a third."""
        return sorted(line for line in super().record(history, stations) if not re.match(r"to-\S+ \[[34]", line))

    def spec(self, spec: Scenario, before: History) -> Scenario | None:
        """Add a station and what it does; who wins a race of two nodes may depend on a third party."""
        if spec.nodes > 1 or any(planned.what == "say" for planned in spec.steps):
            return None  # the ids of what is said are counted over all stations
        asked = [planned.at for planned in spec.steps if planned.what == "ask"]
        if len(set(asked)) < len(asked):
            return (
                None  # which of two requests of one moment is the first may depend on a third, and so what they become
            )
        other, steps = spec.stations + 1, []
        for number, at in enumerate(range(15, int(min(spec.faults_s, 400.0)) - 40, 30), 1):
            place = {"station": other, "connector": 1 + number % spec.connectors}
            steps += [
                step("plug", at + 0.3, **place),
                step("swipe", at + 1.7, **place),
                step("meter_values", at + 3.1, **place),
                ask(Unlock(1 + (number + 1) % spec.connectors), at + 5.3, station=other, request=f"beside-{number}"),
                ask(ChangeAvailability(1, True), at + 9.9, station=other, request=f"beside-too-{number}"),
                step("swipe", at + 14.3, **place),
                step("unplug", at + 17.1, **place),
            ]
        return replace(spec, stations=other, steps=(*spec.steps, *steps))


@otherwise
class ConnectedAgain(Otherwise):
    """In the middle of its longest silence a station opens a new connection, while its old one still stands."""

    def record(self, history: History, stations: Sequence[str]) -> list[str]:
        """Return what becomes of sessions and commands: a station says more of itself on each connection."""
        return session(history, stations, lines=False)

    def spec(self, spec: Scenario, before: History) -> Scenario | None:
        """Add the step where nothing was under way."""
        calm = spec.nodes == 1 and not any(planned.what in FAULTS for planned in spec.steps)
        at = _silence(before, spec) if calm else None
        return None if at is None else replace(spec, steps=(*spec.steps, Step("reconnect", round(at, 3))))


def _silence(history: History, spec: Scenario) -> float | None:
    """Return the middle of the longest silence of the first station in which no CALL and no command is open."""
    until_s = spec.faults_s
    busy = [seen.t for seen in history.of("frame") if seen["station"] == "CP01" and seen.t < until_s]
    if any(step == "in-doubt" for one in _own(history) for step, _ in one.steps):
        return None  # what is asked for evidence is asked on whichever line there is
    open_from_to = [
        (one.intent.at, max((event.at for _, event in one.steps), default=until_s)) for one in _own(history)
    ]
    unsure_s = _asked_while_away(history, spec)
    gaps = sorted(((b - a, (a + b) / 2) for a, b in zip(busy, [*busy[1:], until_s], strict=True)), reverse=True)
    for length, middle in gaps:
        if length < SILENCE_S:
            return None
        if middle > unsure_s and not any(
            first <= middle + SILENCE_S / 2 and middle - SILENCE_S / 2 <= last for first, last in open_from_to
        ):
            return middle
    return None


def _asked_while_away(history: History, spec: Scenario) -> float:
    """Return when something was last asked or done for which the first station may be away, or not; 0.0 for never.

    How long it restarts is drawn, and drawn otherwise behind one more connection: what is asked before that may be sent
    or not, and be answered or not.
    """
    away: list[tuple[float, float]] = []
    line, left_s = None, None
    for seen in history.of_any("socket.opened", "socket.closed"):
        if seen["station"] != "CP01":
            continue
        if seen.kind == "socket.opened":
            away += [] if left_s is None else [(left_s, seen.t)]
            line, left_s = seen["socket"], None
        elif seen["socket"] == line and left_s is None:
            left_s = seen.t
    away += [] if left_s is None else [(left_s, inf)]
    done: list[tuple[float, float]] = []
    for planned in spec.steps:
        if (
            planned.what in BY_HAND
            and dict(planned.params).get("station", 1) == 1
            and isinstance(planned.at, int | float)
        ):
            done.append((planned.at, planned.at + AWAY_S))
    for one in _own(history):
        at = one.intent.at
        if one.asked["kind"] == "Reset":
            done.append((at, at))  # what it restarts for is answered before
        else:
            done.append((at, max((event.at for _, event in one.steps), default=at) + AWAY_S))
    near = [begun for begun, over in done if any(begun <= back + AWAY_S and over >= gone for gone, back in away)]
    return max(near, default=0.0)


def _own(history: History) -> Iterable[Any]:
    return [one for one in history.commands.values() if one.station == "CP01"]
