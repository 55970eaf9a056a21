"""A whole state by the judges' own reading of its events, with which a fold is compared, member by member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.scenarios.judge.invariants.model import Model
from interlock.scenarios.record.history import seconds

LIVE_S = 60.0
"""A status whose time agrees with ours to this is live."""
SET_SINCE_S = seconds("2000-01-01T00:00:00Z")
"""A time before this comes from a clock that was never set, and is no evidence."""
PROBE = "probe:"
SPANS = 8
"""Stretches of numbers beyond which a state may have let some go."""
Data = Mapping[str, Any]
Members = dict[str, Any]


class Session:
    """One transaction by the messages that told of it, in whatever order they came."""

    def __init__(self) -> None:
        self.start: Data = {}
        self.stop: Data = {}
        self.card: Members = {}
        """The token and how it was answered, by the message that named it first."""
        self.connector: int | None = None
        self.numbers: set[int] = set()
        self.state: tuple[int, str | None] | None = None
        """The highest number of a message that says in which state it is, and that state."""
        self.doubtful = False
        """Whether its numbers leave open which message was the last."""

    def take(self, type: str, data: Data) -> None:
        """Take one more message of it."""
        number, starts = data.get("seq_no"), type == "TransactionStarted"
        if starts:
            self.doubtful |= bool(self.start) or bool(number)
            self.start = data
        elif type == "TransactionStopped":
            self.stop = data
        if number is not None:
            self.numbers.add(number)
        if type == "TransactionStopped":
            return
        if not self.card and data["id_token"] is not None:
            self.card = {"id_token": data["id_token"], "status": data["status"]}
        if self.connector is None:
            self.connector = data.get("connector")
        said = data.get("charging_state")
        if number is not None and (starts or said is not None) and (self.state is None or number > self.state[0]):
            self.state = number, said

    def says(self) -> Members:
        """Return what a state has to say of it."""
        said = {
            "meter_start_wh": self.start.get("meter_start_wh"),
            "meter_stop_wh": self.stop.get("meter_stop_wh"),
            "started_at": _moment(self.start.get("started_at")),
            "stopped_at": _moment(self.stop.get("stopped_at")),
            "ended": bool(self.stop),
            "connector": self.connector,
            **self.card,
        }
        spans = _spans(self.numbers)
        if self.numbers and not self.doubtful and len(spans) <= SPANS:
            said |= {"charging_state": self.state[1] if self.state else None, "seen": spans}
        return said


def _moment(text: str | None) -> float | None:
    return None if text is None else seconds(text)


def _told(state: Data, said: Data) -> Members:
    """Return what a state tells of the members that events speak of: an older record does not tell all."""
    found = {name: state[name] for name in said if name in state}
    return {name: _moment(one) if name.endswith("_at") or name == "deadline" else one for name, one in found.items()}


def _spans(numbers: set[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


class Said(Model):
    """The second reading, with what only the comparison of a whole state needs."""

    def __init__(self, rules: Mapping[str, Any], *, forgets: bool = False) -> None:
        super().__init__(rules)
        self.forgets = forgets
        """Whether so little is kept that a session may be forgotten and told of again."""
        self.words: Members = {"node": "", "protocol": "", "registration": "Unregistered", "online_at": None}
        self.sessions: dict[str, Session] = {}
        self.intents: dict[str, Members] = {}
        """Members of each command that its intent fixes, and what is known of it beside its phase."""
        self.last: dict[str, tuple[list[Any], float | None]] = {}
        """What each place was last said to be in, and when by the station's clock."""

    @property
    def unsure(self) -> set[int]:
        """EVSEs of sessions told of after an end that may be forgotten: nobody can say which is open there."""
        return self.again if self.forgets else set()

    def sure(self, running: Mapping[str, int]) -> dict[str, int]:
        """Return the open transactions, with their EVSEs, of which it can be said that they are."""
        return {id: evse for id, evse in running.items() if evse not in self.unsure}

    def take(self, type: str, data: Mapping[str, Any]) -> None:
        """Take the next event."""
        super().take(type, data)
        if type == "CameOnline":
            self.words.update(node=data["node"], protocol=data.get("protocol", ""), online_at=seconds(data["at"]))
        elif type == "Booted":
            self.words["registration"] = data["registration"]
        elif type == "StatusReported":
            self._stands(data)
        elif type in ("TransactionStarted", "TransactionUpdated", "TransactionStopped"):
            self._session(type, data)
        elif type == "CommandRequested":
            fixed = {name: data[name] for name in ("node", "epoch")} | {"deadline": seconds(data["deadline"])}
            self.intents[data["command_id"]] = {**fixed, "contradicted": [], "transaction_id": None, "probed": False}
        elif type == "ContradictingEvidence":
            found = self.intents.get(data["command_id"], {"contradicted": []})["contradicted"]
            if data["observed"] not in found:
                found.append(data["observed"])
        elif type == "CommandAccepted" and data["status"] == "Accepted":
            self._probed(data["command_id"])

    def _stands(self, data: Data) -> None:
        """Take a status, unless it is older than the one that is known, and its clock was set and is not right now."""
        place, at = f"{data['evse']}.{data['connector']}", _moment(data["reported_at"])
        known = self.last.get(place, ([], None))[1]
        off = at is not None and at >= SET_SINCE_S and abs(at - seconds(data["at"])) > LIVE_S
        if off and at is not None and known is not None and at < known:
            return
        self.last[place] = [data["status"], data["error_code"], data["info"]], at

    def _session(self, type: str, data: Data) -> None:
        id, named = data["transaction_id"], data.get("seq_no") is None
        if type == "TransactionStarted" and named:
            self.sessions[id] = Session()  # the CSMS names it, so this is a new one, whatever bears that name
        elif named and id not in self.sessions:
            return  # the stop of none that is known changes nothing
        self.sessions.setdefault(id, Session()).take(type, data)
        if (fulfilled := self.intents.get(data.get("command_id") or "")) is not None:
            fulfilled["transaction_id"] = id

    def _probed(self, probe: str) -> None:
        request = next((one for one, command in self.requests.items() if command == probe), "")
        about = self.intents.get(request.removeprefix(PROBE).rsplit(":", 1)[0]) if request.startswith(PROBE) else None
        if about is not None:
            about["probed"] = True

    def differs(self, state: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
        """Yield (what, what the events say, what the state says)."""
        words = {"online": self.online, "epoch": self.epoch, **self.words}
        found = _told(state, words)
        yield from ((name, said, found[name]) for name, said in words.items() if found.get(name, said) != said)
        known = state["commands"]
        for command_id in {**self.open, **known}:
            holds = any(command_id in held for held in (self.starts, self.unlocks, self.reservings))
            said = {"phase": self.phases.get(command_id), "holds": holds, **self.intents.get(command_id, {})}
            found = _told(known.get(command_id, dict.fromkeys(said)), said)
            if any(said[name] != one for name, one in found.items()):
                yield f"command {command_id}", said, found
        running = {one: place["evse"] for one, place in state["transactions"].items() if place["open"]}
        if self.sure(running) != self.sure(self.transactions):
            yield "open transactions and their EVSEs", self.transactions, running
        yield from self._sessions_differ(state["transactions"])
        for at, (said_last, _) in self.last.items():
            if state["connectors"].get(at) != said_last:
                yield f"connector {at}", said_last, state["connectors"].get(at)

    def _sessions_differ(self, state: Mapping[str, Members]) -> Iterator[tuple[str, Any, Any]]:
        for id, told in state.items():
            session = self.sessions.get(id)
            if session is None or (self.forgets and session.numbers):
                continue
            said = session.says()
            found = _told(told, said)
            if any(said[name] != one for name, one in found.items()):
                yield f"transaction {id}", said, found
