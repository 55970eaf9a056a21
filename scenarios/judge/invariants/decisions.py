"""Decisions: each accepted command was acceptable, each refused one refusable, at the moment of the decision.

Together: the log is a legal serial history, and each answer is right at some point between request and answer. That is
linearizability (Herlihy and Wing, 1990), and cheap to check: the log is the linearization, so nothing is searched.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping
from typing import Any

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.model import Lives, Model, faults
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, LogEvent, Observation, Request, index, station_of


def _intents(history: History) -> int:
    return sum(len(command.intents) for command in history.commands.values())


def _prefixes(history: History) -> Iterator[tuple[str, Model, LogEvent]]:
    """Fold the log of each station that was commanded; for each intent yield the model *before* it."""
    commanded = {command.station for command in history.commands.values()}
    for stream, events in history.streams.items():
        station = station_of(stream)
        if station is not None and station in commanded:
            model = Model(history.station_rules(station))
            for event in events:
                if event.type == "CommandRequested":
                    yield station, model, event
                model.take(event.type, event.data)


@invariant(
    "I13",
    "sound decisions",
    records="log",
    needs=_intents,
    absent="no command was accepted",
    rest=True,
    ref="Herlihy and Wing, Linearizability, 1990",
)
def sound_decisions(history: History) -> Iterator[Violation]:
    """Each accepted command was acceptable on exactly the events before it in the log.

    A decision made on an older state, on a projection, or on a cache that was never checked again shows here: by the
    time the intent was written, something before it already spoke against it.
    """
    for station, model, event in _prefixes(history):
        command, forced = event.data["command"], event.data.get("forced")
        against = model.objection(command, event.data["request_id"])
        if forced is not None:
            yield from _forced(history, station, model, event, against)
            if history.derive(_insisted).get(event.data["request_id"]) is False:
                yield Violation(
                    f"{command['kind']} {event.data['command_id']} was forced, and nobody insisted",
                    "refused, or decided as it was asked",
                    f"forced against: {forced}",
                    station,
                    story(event),
                )
        elif against is not None and not _unsure(history, model, command):
            yield Violation(
                f"{command['kind']} {event.data['command_id']} was accepted although {against}",
                f"acceptable after version {event.version - 1}",
                against,
                station,
                story(_holders(history, model, command), event),
            )


def _unsure(history: History, model: Model, command: Mapping[str, Any]) -> bool:
    """Whether a session ended, was forgotten under small bounds and told of again, at the EVSE a command is about."""
    evse = command.get("evse")
    return history.rules.get("bounds") is not None and bool(model.again if not evse else {evse} & model.again)


def _insisted(history: History) -> dict[str, bool]:
    """Whether an operator insisted on a request, by its id."""
    found: dict[str, bool] = {}
    for seen in history.of("request.asked"):
        found[seen["request_id"]] = found.get(seen["request_id"], False) or bool(seen.get("force"))
    return found


def _forced(history: History, station: str, model: Model, event: LogEvent, against: str | None) -> Iterator[Violation]:
    """An operator may insist where a rule refuses what was never decided before, at a station that is there."""
    data = event.data
    if data["request_id"] in model.requests or not model.online or against is None:
        yield Violation(
            f"{data['command']['kind']} {data['command_id']} was forced, and no rule refused it",
            "forced only what a rule refuses",
            against or "nothing spoke against it",
            station,
            story(_holders(history, model, data["command"]), event),
        )


@invariant(
    "I14",
    "limit and exclusivity",
    records="log",
    needs=_intents,
    absent="no command was accepted",
    rest=True,
)
def limit_and_exclusivity(history: History) -> Iterator[Violation]:
    """After each accepted command, the station's slots suffice and each connector is held at most once.

    Looked at where the CSMS decides. What a station did by itself (a card shown at a held connector) may exceed the
    limit, and must be representable: it happened.
    """
    for station, model, event in _prefixes(history):
        if event.data.get("forced") is not None:
            continue
        command = event.data["command"]
        evse = command.get("evse")
        holders = _of_place(model, command)
        if holders:
            yield Violation(
                f"EVSE {evse} is held {len(holders) + 1} times",
                "one hold on a place",
                f"held by {', '.join([*holders, event.data['command_id']])}",
                station,
                story(_holders(history, model, command), event),
            )
        used = model.used(beside=evse) + 1
        if command["kind"] == "RemoteStart" and model.slots is not None and used > model.slots:
            yield Violation(
                f"{used} slots of {station} are in use, it has {model.slots}",
                f"at most {model.slots}",
                f"{len(model.starts) + 1} starts under way, {len(model.transactions)} transactions open",
                station,
                story([history.commands[holder].intent for holder in model.starts], event),
            )


def _holders(history: History, model: Model, command: Mapping[str, Any]) -> list[LogEvent]:
    return [history.commands[holder].intent for holder in _of_place(model, command) if holder in history.commands]


def _of_place(model: Model, command: Mapping[str, Any]) -> list[str]:
    """Return the commands that hold what a command wants for itself."""
    match command["kind"]:
        case "RemoteStart" | "Reserve" if command["evse"]:
            return model.holders(command["evse"])
        case "Unlock":
            return model.holders(command["evse"], command.get("connector", 1))
        case _:
            return []


# --- refusals --------------------------------------------------------------------------------------------------------

REFUSALS = ("refused", "unreachable")


def _refusals(history: History) -> Looked:
    looked = Looked()
    by_station: dict[str, list[Request]] = {}
    for request in history.requests.values():
        answer = request.answers[0]["answer"] if request.answers else None
        if request.asked is not None and answer in (*REFUSALS, "failed"):
            looked.checked += 1
            by_station.setdefault(request.asked["station"], []).append(request)
    if by_station:
        stored: dict[str, list[Observation]] = {}
        for seen in history.of("stored"):
            stored.setdefault(seen["stream"], []).append(seen)
        for station, requests in by_station.items():
            events = stored.get(f"station-{station}", [])
            _refused(history, station, [r for r in requests if r.answers[0]["answer"] in REFUSALS], events, looked)
            for request in requests:
                if request.answers[0]["answer"] == "failed":
                    looked.violations += _failed(history, station, request)
    return looked


@invariant(
    "I15",
    "justified refusal",
    needs=lambda history: history.derive(_refusals).scope,
    absent="no request was refused",
    frames=True,
    ref="Herlihy and Wing, Linearizability, 1990",
)
def justified_refusal(history: History) -> Iterator[Violation]:
    """A refused request was refusable at some moment between the question and the answer.

    A lost race alone is no reason: a heartbeat that came first does not speak against an unlock. Where a version
    conflict is answered as a refusal or a failure, the operator pays for a race that had to cost a retry. And nothing
    fails on a node that lives on with a store that works.
    """
    yield from history.derive(_refusals).violations


def _refused(
    history: History, station: str, requests: list[Request], events: list[Observation], looked: Looked
) -> None:
    """Sweep a station's history once; a request is justified as soon as anything speaks against it in its window."""
    starting: dict[int, Request] = {}
    moments: list[Observation] = list(events)
    for request in requests:
        assert request.asked is not None
        starting[request.asked.i] = request
        moments += [request.asked, request.answers[0]]
    moments += [seen for seen in history.of_any("socket.opened", "socket.closed") if seen["station"] == station]
    moments += history.of_any("node.crashed", "node.stopping", "node.stopped", "node.started")
    model, lives = Model(history.station_rules(station)), history.derive(Lives)
    key_open, keys = _key_open(history, station), _SentKeys(history, station)
    sockets: dict[int, str | None] = {}
    waiting: dict[tuple[str, int], Request] = {}
    for seen in sorted(moments, key=index):
        match seen.kind:
            case "stored":
                model.take(seen["type"], seen["data"])
            case "socket.opened":
                sockets[seen["socket"]] = seen.get("node")
            case "socket.closed":
                sockets.pop(seen["socket"], None)
            case "node.crashed" | "node.stopping" | "node.stopped":
                sockets = {socket: node for socket, node in sockets.items() if node != seen["node"]}
            case "request.asked":
                request = starting[seen.i]
                waiting[request.request_id, request.attempt] = request
            case "request.answered":
                request_ = waiting.pop((seen["request_id"], seen["attempt"]), None)
                if request_ is not None:
                    looked.violations.append(_unjustified(request_, station))
        for key, request in list(waiting.items()):
            asked = request.asked
            assert asked is not None
            gone = request.answers[0]["answer"] == "unreachable" and (
                not sockets or not lives.up(asked["node"], seen.i)
            )
            if request.answers[0].get("force") and request.answers[0]["answer"] == "refused":
                continue  # who insists is not refused for what speaks against it
            if (
                gone
                or model.objection(asked["command"], request.request_id) is not None
                or _unsure(history, model, asked["command"])
                or (asked["command"]["kind"] == "SetPassword" and (key_open < seen.i or keys.many(seen.i)))
            ):
                del waiting[key]


KEYS = 4
"""How many keys a station may be using, at most, where the run has no bounds of its own."""


class _SentKeys:
    """When it was open which of the keys that were sent a station has: until an outcome says, or it used one."""

    def __init__(self, history: History, station: str) -> None:
        used = [one.i for one in history.of("stored") if one["type"] == "KeyUsed" and one["data"]["station"] == station]
        self._most = history.rules.get("bounds") or KEYS
        self._open: list[tuple[int, int]] = []
        for command in history.commands.values():
            if command.station == station and command.kind == "SetPassword":
                settled = [event.i for step, event in command.steps if step in SETTLED_KEY]
                ends = [i for i in (*settled, *used) if i > command.intent.i]
                self._open.append((command.intent.i, min(ends, default=len(history))))

    def many(self, i: int) -> bool:
        """Whether no more keys may be sent at observation `i`; one of them is the key from before."""
        return 1 + sum(begun < i < ended for begun, ended in self._open) >= self._most


SETTLED_KEY = ("accepted", "confirmed", "rejected", "refuted")
"""What became of a command, where it says whether the station has the key that it carried."""


def _key_open(history: History, station: str) -> int:
    """Return the observation from which it is open which key a station has, `len(history)` where it never is.

    It is when a node goes while it is asked for a new one: between the record of the key and that of its command.
    """
    ends = history.of_any("node.crashed", "node.broke")
    asked = [one for one in history.requests.values() if one.asked is not None and one.asked["station"] == station]
    return min(
        (
            seen.i
            for one in asked
            if one.asked is not None and one.asked["command"]["kind"] == "SetPassword"
            for seen in ends
            if seen["node"] == one.asked["node"]
            and one.asked.i < seen.i < (one.answers[0].i if one.answers else len(history))
        ),
        default=len(history),
    )


def _unjustified(request: Request, station: str) -> Violation:
    asked, answer = request.asked, request.answers[0]
    assert asked is not None
    why = f" ({answer['reason']})" if answer.get("reason") else ""
    return Violation(
        f"request {request.request_id} was {answer['answer']} for no reason",
        "something that speaks against it, between question and answer",
        f"nothing did, and the answer was {answer['answer']}{why}",
        station,
        story(asked, answer),
    )


def _failed(history: History, station: str, request: Request) -> Iterator[Violation]:
    """A failure is excused by a store that failed, or by a task of the node that broke off. A lost race is neither."""
    asked, answer = request.asked, request.answers[0]
    assert asked is not None
    stream = f"station-{station}"

    def within(kind: str) -> list[Observation]:
        seen = history.of(kind)
        first, last = bisect(seen, asked.i, key=index), bisect(seen, answer.i, key=index)
        return [one for one in seen[first:last] if one["node"] == asked["node"] and one["stream"] == stream]

    lost = within("append.refused")
    broke = any(one["node"] == asked["node"] and asked.i < one.i < answer.i for one in history.of("node.broke"))
    if lost and not broke and not within("append.unconfirmed") and not _store_broken(history, asked.i, answer.i):
        yield Violation(
            f"request {request.request_id} failed because of a lost race",
            "a lost race is decided again",
            f"answered failed ({answer.get('reason')}) after version {lost[-1]['expected']} was taken",
            station,
            story(asked, lost, answer),
        )
    elif not lost and not broke and not _disturbed(history, asked, answer):
        yield Violation(
            f"request {request.request_id} failed for no reason",
            "an answer: the node lived on, and its store worked",
            f"answered failed ({answer.get('reason')})",
            station,
            story(asked, answer),
        )


def _disturbed(history: History, asked: Observation, answer: Observation) -> bool:
    """Whether anything but the request itself can have made it fail: the store, its line, or the node's own end."""
    node = asked["node"]
    lives = history.derive(Lives)
    if not lives.up(node, asked.i) or lives.fell(node, asked.i, answer.t):
        return True
    if _store_broken(history, asked.i, answer.i):
        return True
    unsure = history.of_any("append.unconfirmed", "store.ended")
    return any(one["node"] == node and asked.i < one.i < answer.i for one in unsure)


def _store_broken(history: History, first: int, last: int) -> bool:
    """Whether a fault of the store stood at any moment from observation `first` to `last`."""
    return any(
        begun.i <= last and (ended is None or ended.i >= first) for begun, ended in faults(history, "store", "disk")
    )


# --- no trace --------------------------------------------------------------------------------------------------------


def _turned_away(history: History) -> dict[str, list[Request]]:
    """Requests of which every attempt was refused or found nobody, by request id."""
    attempts: dict[str, list[Request]] = {}
    for request in history.requests.values():
        attempts.setdefault(request.request_id, []).append(request)
    return {
        request_id: tried
        for request_id, tried in attempts.items()
        if all(one.answers and all(answer["answer"] in REFUSALS for answer in one.answers) for one in tried)
    }


@invariant(
    "I27",
    "refusals leave no trace",
    records="log",
    needs=lambda history: len(history.derive(_turned_away)),
    absent="no request was turned away",
    rest=True,
)
def no_trace(history: History) -> Iterator[Violation]:
    """A request that was refused has no intent in the log, and no frame left for it.

    After a refusal an operator does something else: if the command is sent all the same, nobody wanted it.
    Requests of which one attempt was accepted, failed, or got no answer are left out: that attempt may have left it.
    """
    turned_away = history.derive(_turned_away)
    traces: dict[str, list[Observation | LogEvent]] = {}
    for command in history.commands.values():
        if command.request_id in turned_away:
            traces.setdefault(command.request_id, []).extend(command.intents)
    for calls in history.calls.values():
        for call in calls:
            if call["request_id"] in turned_away:
                traces.setdefault(call["request_id"], []).append(call)
    for request_id, found in traces.items():
        answers = [answer for one in turned_away[request_id] for answer in one.answers]
        frames = sum(isinstance(one, Observation) for one in found)
        yield Violation(
            f"request {request_id} was {answers[-1]['answer']}, and went on all the same",
            "no intent and no frame",
            f"{len(found) - frames} intents in the log, {frames} CALLs written",
            answers[-1]["station"],
            story(answers, found),
        )
