"""What an operator is shown is what the log says: each answer of the API beside the judges' own reading of the log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.second_reading import PROBE, Said
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import OUTCOMES, History, Observation, canonical, seconds, station_of

Data = Mapping[str, Any]
Difference = tuple[str, Any, Any]
"""What differs, what the log says, what is shown."""
INTENT = ("request_id", "command", "node", "epoch", "deadline", "forced")
"""What an intent says of its command; it is shown beside the history, and not in it."""
DOUBTFUL = ("in-doubt", "unknown")
MOVES = (*OUTCOMES, "CommandRequested", "CommandInDoubt")
TOKENS = "tokens"


class Known(Said):
    """The log of one station as far as it is stored."""

    def __init__(self, rules: Data, *, forgets: bool) -> None:
        super().__init__(rules, forgets=forgets)
        self.events: list[Observation] = []
        self.settled: dict[str, str] = {}
        """When each command last moved, as it is written."""

    def add(self, seen: Observation) -> None:
        """Take the next event."""
        self.events.append(seen)
        type, data = seen["type"], seen["data"]
        if type in MOVES:
            self.settled[data["command_id"]] = data["at"]
        self.take(type, data)

    @property
    def unfinished(self) -> list[str]:
        """The commands of which something is still expected, in the order they were asked for."""
        return [one for one in self.asked if one in self.open or one in self.starts]

    def of_command(self, command_id: str) -> list[Observation]:
        """Return the events that are about a command."""
        return [one for one in self.events if one["data"].get("command_id") == command_id]


class Log:
    """Everything that is stored up to a moment."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.stations: dict[str, Known] = {}
        self.tokens: dict[str, tuple[str, str]] = {}
        """The name and the word of each token, by its name in small letters."""
        self.position = 0

    def take(self, seen: Observation) -> None:
        """Take the next event of any stream."""
        self.position = seen["position"]
        station = station_of(seen["stream"])
        if station is not None:
            if station not in self.stations:
                rules = self.history.station_rules(station)
                self.stations[station] = Known(rules, forgets=self.history.rules.get("bounds") is not None)
            self.stations[station].add(seen)
        elif seen["stream"] == TOKENS:
            name = seen["data"]["id_token"]
            self.tokens[name.lower()] = name, seen["data"]["status"]


def _differ(said: Data, shown: Any, about: str = "") -> Iterator[Difference]:
    """Compare member by member what is said; what is shown beyond that is not looked at."""
    for name, expected in said.items():
        found = shown.get(name) if isinstance(shown, Mapping) else shown
        if _plain(name, found) != _plain(name, expected):
            yield f"{about}{name}", expected, found


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, str) and (name.endswith("_at") or name == "deadline"):
        return round(seconds(value), 6)
    return str(value) if name in ("transaction_id", "transaction") and value is not None else value


# --- each resource ---------------------------------------------------------------------------------------------------


def _stations(log: Log, body: Data) -> Iterator[Difference]:
    said = {name: known.online for name, known in sorted(log.stations.items())}
    yield from _differ({"stations": said}, {"stations": {one["id"]: one["online"] for one in body["stations"]}})


def _tokens(log: Log, body: Data) -> Iterator[Difference]:
    said = dict(sorted(log.tokens.values()))
    yield from _differ({"tokens": said}, {"tokens": {one["token"]: one["status"] for one in body["tokens"]}})


def _token(log: Log, body: Data, name: str) -> Iterator[Difference]:
    yield from _differ({"token": name, "status": log.tokens.get(unquote(name).lower(), ("", None))[1]}, body)


def _fleet(log: Log, body: Data) -> Iterator[Difference]:
    yield from _differ({"position": log.position, "all": sorted(log.stations)}, {**body, "all": _ids(body)})
    for one in body["stations"]:
        known = log.stations.get(one["id"])
        if known is None:
            continue
        phases = list(known.phases.values())
        said = {
            "online": known.online,
            "protocol": known.words["protocol"],
            "registration": known.words["registration"],
            "connectors": [[*_place(at), said[0]] for at, said in _in_order(known)],
            "faulted": any(said[0] == "Faulted" for _, said in _in_order(known)),
            **({} if known.unsure else {"charging": len(known.transactions)}),
            "open": phases.count("requested"),
        }
        if not known.forgets:
            said["doubt"] = sum(phase in DOUBTFUL for phase in phases)
        yield from _differ(said, one, f"{one['id']}: ")


def _ids(body: Data) -> list[str]:
    return [one["id"] for one in body["stations"]]


def _place(at: str) -> tuple[int, int]:
    evse, connector = at.split(".")
    return int(evse), int(connector)


def _in_order(known: Known) -> list[tuple[str, list[Any]]]:
    return sorted(((at, said) for at, (said, _) in known.last.items()), key=lambda one: _place(one[0]))


def _station(known: Known, body: Data) -> Iterator[Difference]:
    words = {name: known.words[name] for name in ("node", "protocol", "registration")}
    yield from _differ({**words, "online": known.online, "epoch": known.epoch}, body)
    yield from _differ({"open_commands": known.unfinished}, body)
    if known.words["online_at"] is not None:
        yield from _differ({"since": round(known.words["online_at"], 6)}, {"since": _plain("_at", body["online_at"])})


def _connectors(known: Known, body: Data) -> Iterator[Difference]:
    shown = {f"{one['evse']}.{one['connector']}": one for one in body["connectors"]}
    yield from _differ({"places": [at for at, _ in _in_order(known)]}, {"places": list(shown)})
    running = {evse: name for name, evse in known.transactions.items() if evse}
    for at, said in _in_order(known):
        evse, number = _place(at)
        held: list[str | None] = [*known.holders(evse, number)]
        told = {"status": said[0], "error_code": said[1]}
        told |= {} if evse in known.unsure else {"transaction": running.get(evse)}
        yield from _differ(told, shown.get(at, {}), f"{at}: ")
        by = shown.get(at, {}).get("held_by")
        if by not in (held or [None]):
            yield f"{at}: held_by", held or None, by


def _transactions(known: Known, body: Data) -> Iterator[Difference]:
    shown = {str(one["transaction_id"]): one for one in body["transactions"]}
    running = {name: shown[name]["evse"] for name in shown if shown[name]["open"]}
    yield from _differ(
        {"open and their EVSEs": known.sure(known.transactions)}, {"open and their EVSEs": known.sure(running)}
    )
    if known.forgets:
        return
    for name, session in known.sessions.items():
        if name not in shown:
            yield f"transaction {name}", "is on record", "is not shown"
            continue
        said = session.says()
        told = {one: round(at, 6) for one in ("started_at", "stopped_at") if (at := said.pop(one)) is not None}
        yield from _differ(said, shown[name], f"{name}: ")
        yield from _differ(told, {one: _plain(one, shown[name][one]) for one in told}, f"{name}: ")


def _deviations(known: Known, body: Data) -> Iterator[Difference]:
    for name, type in (("recorded", "DeviationRecorded"), ("anomalies", "AnomalyRecorded")):
        yield from _differ({name: [one["data"] for one in known.events if one["type"] == type]}, body)


def _events(known: Known, body: Data, query: Mapping[str, int]) -> Iterator[Difference]:
    after, limit = query.get("after", 0), query.get("limit", len(known.events))
    if "last" in query:
        after = max(0, len(known.events) - query["last"])
    page = known.events[after : after + limit]
    said = [{name: one[name] for name in ("position", "stream", "version", "id", "type", "data")} for one in page]
    yield from _differ({"events": said}, body)
    if len(page) < limit or len(known.events) > after + limit:  # a full page may leave open whether there is more
        more = after + limit if len(known.events) > after + limit else None
        yield from _differ({"next": more}, body)


def _commands(known: Known, body: Data) -> Iterator[Difference]:
    shown = {one["id"]: one for one in body["commands"]}
    newest = [one for one in reversed(list(known.asked)) if one in shown or not known.forgets]
    yield from _differ({"commands": newest}, {"commands": list(shown)})
    for id, one in shown.items():
        if id not in known.asked:
            yield f"command {id}", "was never asked for", one
            continue
        asked, phase = known.asked[id], known.phases[id]
        request = next(request for request, command in known.requests.items() if command == id)
        said = {
            "request_id": request,
            "command": asked["kind"],
            "place": [asked[name] for name in ("evse", "connector") if isinstance(asked.get(name), int)] or None,
            "action": asked["action"] if asked["kind"] == "Relay" else None,
            "state": phase,
            "open": id in known.unfinished,
            "doubtful": phase in DOUBTFUL,
            "probe_of": request.removeprefix(PROBE).rsplit(":", 1)[0] if request.startswith(PROBE) else None,
            "settled_at": known.settled[id],
            "contradicted": known.intents[id]["contradicted"],
            "transaction": known.intents[id]["transaction_id"],
        }
        yield from _differ(said, one, f"command {id}: ")


def _command(log: Log, body: Data, id: str) -> Iterator[Difference]:
    found = [(name, one) for name, known in log.stations.items() for one in known.of_command(id)]
    if not found:
        yield f"command {id}", "was never asked for", body
        return
    told: list[dict[str, Any]] = []
    answer = None
    for _, one in found:
        left_out = ("command_id", *INTENT)
        rest = {name: value for name, value in one["data"].items() if name not in left_out}
        told.append({"version": one["version"], "type": one["type"], **rest})
        answer = one["data"].get("answer", answer)
    intent = {name: found[0][1]["data"].get(name) for name in INTENT}
    state = log.stations[found[0][0]].phases[id]
    said = {**intent, "id": id, "station": found[0][0], "state": state, "answer": answer, "history": told}
    yield from _differ(said, body, f"command {id}: ")


OF_ALL: dict[str, Callable[[Log, Data], Iterator[Difference]]] = {
    "stations": _stations,
    "tokens": _tokens,
    "fleet": _fleet,
}
OF_ONE: dict[str, Callable[[Known, Data], Iterator[Difference]]] = {
    "": _station,
    "connectors": _connectors,
    "transactions": _transactions,
    "deviations": _deviations,
    "commands": _commands,
}
_PATH = re.compile(r"/api/(?P<what>\w+)(?:/(?P<name>[^/?]+))?(?:/(?P<part>\w+))?(?:\?(?P<query>.*))?")


def _compared(log: Log, seen: Observation) -> Iterator[Difference]:
    found = _PATH.fullmatch(seen["target"])
    if found is None:
        return
    what, name, part, body = found["what"], found["name"], found["part"] or "", seen["body"]
    known = log.stations.get(unquote(name)) if name and what == "stations" else None
    there = known is not None or what != "stations" or not name
    if (seen["status"] == 200) != there:
        yield "the status", 200 if there else 404, seen["status"]
    elif not there:
        return
    elif not name:
        yield from OF_ALL[what](log, body)
    elif what in ("tokens", "commands"):
        yield from (_token if what == "tokens" else _command)(log, body, name)
    elif known is not None and part == "events":
        query = {key: int(value) for key, _, value in (one.partition("=") for one in _parts(found["query"]))}
        yield from _events(known, body, query)
    elif known is not None:
        yield from OF_ONE[part](known, body)


def _parts(query: str | None) -> Sequence[str]:
    return query.split("&") if query else ()


def _all(history: History) -> Looked:
    looked, log = Looked(), Log(history)
    if not history.of("shown"):
        return looked
    for seen in history.of_any("stored", "shown"):
        if seen.kind == "stored":
            log.take(seen)
            continue
        looked.checked += 1
        for what, expected, found in _compared(log, seen):
            about = log.stations.get(str(seen["target"]).removeprefix("/api/stations/").partition("/")[0])
            looked.violations.append(
                Violation(
                    f"{seen['node']} shows at {seen['target']} what the log does not say: {what}"[:200],
                    f"{what}: {canonical(expected).decode()}"[:300],
                    f"{what}: {canonical(found).decode()}"[:300],
                    None,
                    story(about.events[-1] if about and about.events else None, seen),
                )
            )
    return looked


@invariant(
    "I47",
    "shown = log",
    needs=lambda history: history.derive(_all).scope,
    absent="no operator looked",
    frames=True,
    rest=True,
    records="log",
)
def shown_is_the_log(history: History) -> Iterator[Violation]:
    """What the operator's API shows equals what the log says at that moment, member by member.

    Stations, connectors, transactions, commands with their history, pages of events, deviations, tokens and the fleet
    at a glance: each answer is compared with the judges' own reading of what was stored until then, at rest at every
    node and wherever a step looks. An index that lost an event, a cache that was not told of one, a word of another
    field: all of these show an operator what never was.
    """
    yield from history.derive(_all).violations
