"""The judges' own model of a station, folded from its log: holds, slots in use, and objections to a command.

Written from the promises, not from the CSMS's code, and in another form on purpose: one mutable object that applies
events one by one. It keeps every request, ended transaction and finished command.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from interlock.scenarios.record.history import STEPS, History, Observation

T = TypeVar("T")

OPEN = ("requested", "in-doubt")


class Model:
    """One station after the events applied so far."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self.evses: int | None = rules.get("evses", rules.get("connectors"))
        """The rules of a run count connectors, as the hardware does: an EVSE for each, with one connector."""
        self.slots: int | None = rules.get("slots")
        self.online = False
        self.epoch = 0
        self.phases: dict[str, str] = {}
        self.asked: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, str] = {}
        self.fulfilled: set[str] = set()
        self.starts: dict[str, int] = {}
        """EVSE held by each start whose effect may still come."""
        self.unlocks: dict[str, tuple[int, int]] = {}
        """EVSE and connector held by each unlock whose outcome is still to come."""
        self.reservings: dict[str, int] = {}
        """EVSE held by each reservation whose answer is still to come; one of any EVSE holds none."""
        self.open: dict[str, dict[str, Any]] = {}
        """Commands whose outcome is still to come."""
        self.transactions: dict[str, int] = {}
        """EVSE of each open transaction."""
        self.over: set[str] = set()
        """Transactions that were reported as ended."""
        self.again: set[int] = set()
        """EVSEs of sessions told of after their end: open again where small bounds let that end be forgotten."""
        self.waiting: set[str] = set()
        """Open transactions without a token: begun by the cable alone."""
        self.told: set[str] = set()
        """Transactions of which a start or an update was reported."""
        self.places: dict[str, int] = {}
        """The EVSE of each of these, 0 while that was not told."""
        self.authorised: set[str] = set()
        """Transactions of which an update named the token."""

    # --- the fold ---

    def take(self, type: str, data: Mapping[str, Any]) -> None:
        """Apply the next event. Types that no decision reads are ignored."""
        reader = _TAKE.get(type)
        if reader is not None:
            reader(self, data)
        elif (phase := STEPS.get(type)) is not None:
            self._move(data["command_id"], phase)

    def _came_online(self, data: Mapping[str, Any]) -> None:
        self.online, self.epoch = True, data["epoch"]

    def _went_offline(self, data: Mapping[str, Any]) -> None:
        if data["epoch"] == self.epoch:
            self.online = False

    def _requested(self, data: Mapping[str, Any]) -> None:
        command_id = data["command_id"]
        self.asked[command_id] = data["command"]
        self.requests.setdefault(data["request_id"], command_id)
        self.phases[command_id] = "requested"
        self._review(command_id)

    def _started(self, data: Mapping[str, Any]) -> None:
        transaction_id = data["transaction_id"]
        if data.get("seq_no") is None:
            self.over.discard(transaction_id)
            self.places.pop(transaction_id, None)  # the CSMS names it, so this is a new one, whatever bears that name
        if not data.get("late") and transaction_id not in self.over:
            self._runs(transaction_id, data["evse"])
            if data["id_token"] is None and transaction_id not in self.authorised:
                self.waiting.add(transaction_id)
        self._tell(transaction_id, data["evse"])
        self._shown(data["command_id"])

    def _runs(self, transaction_id: str, evse: int) -> None:
        # An EVSE charges one vehicle: a start ends a transaction open there whose stop was never reported.
        evse = self.places.get(transaction_id) or evse
        for other, where in list(self.transactions.items()):
            if evse and where == evse and other != transaction_id:
                del self.transactions[other]
        self.transactions[transaction_id] = evse

    def _shown(self, command_id: str | None) -> None:
        if command_id is not None:
            self.fulfilled.add(command_id)
            self._review(command_id)

    def _updated(self, data: Mapping[str, Any]) -> None:
        transaction_id, evse = data["transaction_id"], data["evse"]
        new = transaction_id not in self.told and transaction_id not in self.over
        if transaction_id in self.over:
            self.again |= {evse, self.places.get(transaction_id) or evse}
        runs = new or transaction_id in self.transactions
        if new:
            self.waiting.add(transaction_id)
        if runs and evse and not self.places.get(transaction_id) and data.get("offline"):
            runs = evse not in self.transactions.values()
        if runs:
            self._runs(transaction_id, evse)
        else:
            self.transactions.pop(transaction_id, None)
        self._tell(transaction_id, evse)
        if data["id_token"] is not None:
            self.authorised.add(transaction_id)
            self.waiting.discard(transaction_id)
        self._shown(data["command_id"])

    def _tell(self, transaction_id: str, evse: int) -> None:
        self.told.add(transaction_id)
        self.places[transaction_id] = self.places.get(transaction_id) or evse

    def _stopped(self, data: Mapping[str, Any]) -> None:
        transaction_id = data["transaction_id"]
        if data.get("seq_no") is not None or transaction_id in self.told:
            self.over.add(transaction_id)
            self.places.setdefault(transaction_id, data["evse"])
        self.transactions.pop(transaction_id, None)
        self.waiting.discard(transaction_id)

    def _move(self, command_id: str, phase: str) -> None:
        before = self.phases.get(command_id)
        if before is None or (phase == "in-doubt" and before != "requested"):
            return
        self.phases[command_id] = phase
        self._review(command_id)

    def _review(self, command_id: str) -> None:
        asked, phase = self.asked.get(command_id), self.phases.get(command_id)
        if asked is None:
            return
        kind, is_open = asked["kind"], phase in OPEN
        if is_open:
            self.open[command_id] = asked
        else:
            self.open.pop(command_id, None)
        if kind == "RemoteStart":
            awaited = phase == "accepted" and command_id not in self.fulfilled
            _keep(self.starts, command_id, asked["evse"], is_open or awaited)
        elif kind == "Unlock":
            _keep(self.unlocks, command_id, (asked["evse"], asked.get("connector", 1)), is_open)
        elif kind == "Reserve":
            _keep(self.reservings, command_id, asked["evse"], is_open and asked["evse"] > 0)

    # --- what it says ---

    def holders(self, evse: int, connector: int | None = None) -> list[str]:
        """Return the commands that hold an EVSE, or one connector of it: a start or reservation holds all of them."""
        whole = {**self.starts, **self.reservings}
        held = [command_id for command_id, at in whole.items() if at == evse]
        return held + [
            command_id
            for command_id, (at, number) in self.unlocks.items()
            if at == evse and connector in (None, number)
        ]

    def used(self, beside: int | None = None) -> int:
        """Count the slots in use, those of EVSE `beside` left out: EVSEs with a start under way or a transaction."""
        return len({*self.starts.values(), *self.transactions.values()} - {beside})

    def objection(self, command: Mapping[str, Any], request_id: str) -> str | None:
        """Return the reason against accepting a command now, or None."""
        if request_id in self.requests:
            return f"request {request_id} was decided before, as command {self.requests[request_id]}"
        if not self.online:
            return "the station is offline"
        check = _OBJECTIONS.get(command["kind"])
        return check(self, command) if check else None

    def _against_start(self, command: Mapping[str, Any]) -> str | None:
        evse = command["evse"]
        if against := self._against_holding(evse):
            return against
        for transaction_id, at in self.transactions.items():
            if at == evse and transaction_id not in self.waiting:
                return f"transaction {transaction_id} is open on EVSE {evse}"
        if self.slots is not None and self.used(beside=evse) >= self.slots:
            return f"all {self.slots} slots of the station are in use"
        return None

    def _against_reserve(self, command: Mapping[str, Any]) -> str | None:
        evse = command["evse"]
        if evse == 0:
            return None
        running = [name for name, at in self.transactions.items() if at == evse]
        return self._against_holding(evse) or (f"transaction {running[0]} is open on EVSE {evse}" if running else None)

    def _against_unlock(self, command: Mapping[str, Any]) -> str | None:
        return self._against_holding(command["evse"], command.get("connector", 1))

    def _against_holding(self, evse: int, connector: int | None = None) -> str | None:
        if against := self._missing(evse, connector or 1):
            return against
        held = self.holders(evse, connector)
        return f"EVSE {evse} is held by command {held[0]}" if held else None

    def _missing(self, evse: int, connector: int) -> str | None:
        if evse < 1 or (self.evses is not None and evse > self.evses):
            return f"there is no EVSE {evse}"
        return None if connector == 1 else f"EVSE {evse} has no connector {connector}"

    def _against_stop(self, command: Mapping[str, Any]) -> str | None:
        transaction_id = command["transaction_id"]
        if transaction_id not in self.transactions:
            return f"no transaction {transaction_id} is open"
        for command_id, asked in self.open.items():
            if asked["kind"] == "RemoteStop" and asked["transaction_id"] == transaction_id:
                return f"command {command_id} is already ending transaction {transaction_id}"
        return None

    def _against_reset(self, command: Mapping[str, Any]) -> str | None:
        if (evse := command.get("evse", 0)) and (against := self._missing(evse, 1)):
            return against
        for command_id, asked in self.open.items():
            if asked["kind"] == "Reset":
                return f"command {command_id} is already resetting the station"
        return None

    def _against_availability(self, command: Mapping[str, Any]) -> str | None:
        evse, connector = command["evse"], command.get("connector", 0)
        if evse == 0:
            return None if connector == 0 else f"the station itself has no connector {connector}"
        return self._missing(evse, connector or 1)


def _keep(held: dict[str, T], command_id: str, place: T, keep: bool) -> None:
    if keep:
        held[command_id] = place
    else:
        held.pop(command_id, None)


_TAKE: dict[str, Callable[[Model, Mapping[str, Any]], None]] = {
    "CameOnline": Model._came_online,
    "WentOffline": Model._went_offline,
    "CommandRequested": Model._requested,
    "TransactionStarted": Model._started,
    "TransactionUpdated": Model._updated,
    "TransactionStopped": Model._stopped,
}
_OBJECTIONS: dict[str, Callable[[Model, Mapping[str, Any]], str | None]] = {
    "RemoteStart": Model._against_start,
    "Reserve": Model._against_reserve,
    "Unlock": Model._against_unlock,
    "RemoteStop": Model._against_stop,
    "Reset": Model._against_reset,
    "ChangeAvailability": Model._against_availability,
}


def faults(history: History, *words: str) -> Iterator[tuple[Observation, Observation | None]]:
    """Return each fault whose name has one of the words, with its end, None where that was not seen."""
    ends = {seen["id"]: seen for seen in history.of("fault.ended")}
    for begun in history.of("fault.begun"):
        if any(word in begun["fault"] for word in words):
            yield begun, ends.get(begun["id"])


STORE_FAULTS = ("full_disk", "lossy_store", "break_off_at")
"""Faults under which an answer may stay away: the station is to send what it told again."""
MENDS_S = 10.0
"""How long behind a fault of the store a node may take until it works again: it waits between its attempts."""


def store_failed(history: History, node: str, station: str, from_s: float, until_s: float) -> bool:
    """Tell whether a node's store refused, or did not confirm what it was given for a station, in a span of seconds."""
    stood = any(
        begun.t <= until_s and (ended is None or ended.t + MENDS_S >= from_s)
        for begun, ended in faults(history, *STORE_FAULTS)
        if f"node{begun.get('node', 1)}" == node
    )
    return stood or any(
        seen["node"] == node and seen["stream"] == f"station-{station}" and from_s - MENDS_S <= seen.t <= until_s
        for seen in history.of("append.unconfirmed")
    )


class Lives:
    """When each node ran."""

    def __init__(self, history: History) -> None:
        self._turns: dict[str, list[tuple[int, float, bool]]] = {}
        for seen in history.of_any("node.started", "node.crashed", "node.stopping", "node.stopped"):
            self._turns.setdefault(seen["node"], []).append((seen.i, seen.t, seen.kind == "node.started"))

    def up(self, node: str, i: int) -> bool:
        """Return whether a node ran at observation `i`. One that was never seen to start is taken to run."""
        turns = self._turns.get(node)
        if not turns:
            return True
        before = bisect_left(turns, (i,))
        return before > 0 and turns[before - 1][2]

    def fell(self, node: str, i: int, until_s: float) -> bool:
        """Return whether a node went down after observation `i`, up to second `until_s`."""
        turns = self._turns.get(node, [])
        for _, t, started in islice(turns, bisect_left(turns, (i + 1,)), None):
            if t > until_s:
                return False
            if not started:
                return True
        return False
