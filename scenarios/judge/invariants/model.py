"""A second reading of a station's log: what is held, what is used, and what speaks against a command.

Written from the promises, not from the CSMS, and in another shape on purpose: one mutable object that takes events one
by one. It never forgets a request, an ended transaction or a finished command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interlock.scenarios.record.history import STEPS, History

OPEN = ("requested", "doubt")


class Model:
    """One station, as the events taken so far say."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self.connectors: int | None = rules.get("connectors")
        self.slots: int | None = rules.get("slots")
        self.online = False
        self.epoch = 0
        self.phases: dict[str, str] = {}
        self.asked: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, str] = {}
        self.fulfilled: set[str] = set()
        self.starts: dict[str, int] = {}
        """Connector held by each start whose effect may still come."""
        self.unlocks: dict[str, int] = {}
        """Connector held by each unlock whose outcome is still to come."""
        self.open: dict[str, dict[str, Any]] = {}
        """Commands whose outcome is still to come."""
        self.transactions: dict[int, int] = {}
        """Connector of each open transaction."""

    # --- the fold ---

    def take(self, type: str, data: Mapping[str, Any]) -> None:
        """Take the next event. Types that decide nothing are ignored."""
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
        # A connector charges one vehicle: a start ends what was open there, whose stop was never heard.
        for transaction_id, connector in list(self.transactions.items()):
            if connector == data["connector"]:
                del self.transactions[transaction_id]
        self.transactions[data["transaction_id"]] = data["connector"]
        if data["command_id"] is not None:
            self.fulfilled.add(data["command_id"])
            self._review(data["command_id"])

    def _stopped(self, data: Mapping[str, Any]) -> None:
        self.transactions.pop(data["transaction_id"], None)

    def _move(self, command_id: str, phase: str) -> None:
        before = self.phases.get(command_id)
        if before is None or (phase == "doubt" and before != "requested"):
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
            _keep(self.starts, command_id, asked["connector"], is_open or awaited)
        elif kind == "Unlock":
            _keep(self.unlocks, command_id, asked["connector"], is_open)

    # --- what it says ---

    def holders(self, connector: int) -> list[str]:
        """Return the commands that hold a connector."""
        held = [command_id for command_id, at in self.starts.items() if at == connector]
        return held + [command_id for command_id, at in self.unlocks.items() if at == connector]

    def used(self) -> int:
        """Count the slots in use: connectors with a start under way or an open transaction."""
        return len({*self.starts.values(), *self.transactions.values()})

    def objection(self, command: Mapping[str, Any], request_id: str) -> str | None:
        """Return what speaks against accepting a command now, or None."""
        if request_id in self.requests:
            return f"request {request_id} was decided before, as command {self.requests[request_id]}"
        if not self.online:
            return "the station is offline"
        check = _OBJECTIONS.get(command["kind"])
        return check(self, command) if check else None

    def _against_start(self, command: Mapping[str, Any]) -> str | None:
        connector = command["connector"]
        if against := self._against_holding(connector):
            return against
        for transaction_id, at in self.transactions.items():
            if at == connector:
                return f"transaction {transaction_id} is open on connector {connector}"
        if self.slots is not None and self.used() >= self.slots:
            return f"all {self.slots} slots of the station are in use"
        return None

    def _against_unlock(self, command: Mapping[str, Any]) -> str | None:
        return self._against_holding(command["connector"])

    def _against_holding(self, connector: int) -> str | None:
        if connector < 1 or (self.connectors is not None and connector > self.connectors):
            return f"there is no connector {connector}"
        held = self.holders(connector)
        return f"connector {connector} is held by command {held[0]}" if held else None

    def _against_stop(self, command: Mapping[str, Any]) -> str | None:
        transaction_id = command["transaction_id"]
        if transaction_id not in self.transactions:
            return f"no transaction {transaction_id} is open"
        for command_id, asked in self.open.items():
            if asked["kind"] == "RemoteStop" and asked["transaction_id"] == transaction_id:
                return f"command {command_id} is already ending transaction {transaction_id}"
        return None

    def _against_reset(self, command: Mapping[str, Any]) -> str | None:
        for command_id, asked in self.open.items():
            if asked["kind"] == "Reset":
                return f"command {command_id} is already resetting the station"
        return None

    def _against_availability(self, command: Mapping[str, Any]) -> str | None:
        connector = command["connector"]
        if connector < 0 or (self.connectors is not None and connector > self.connectors):
            return f"there is no connector {connector}"
        return None


def _keep(held: dict[str, int], command_id: str, connector: int, keep: bool) -> None:
    if keep:
        held[command_id] = connector
    else:
        held.pop(command_id, None)


_TAKE: dict[str, Callable[[Model, Mapping[str, Any]], None]] = {
    "CameOnline": Model._came_online,
    "WentOffline": Model._went_offline,
    "CommandRequested": Model._requested,
    "TransactionStarted": Model._started,
    "TransactionStopped": Model._stopped,
}
_OBJECTIONS: dict[str, Callable[[Model, Mapping[str, Any]], str | None]] = {
    "RemoteStart": Model._against_start,
    "Unlock": Model._against_unlock,
    "RemoteStop": Model._against_stop,
    "Reset": Model._against_reset,
    "ChangeAvailability": Model._against_availability,
}


class Lives:
    """When each node ran."""

    def __init__(self, history: History) -> None:
        self._turns: dict[str, list[tuple[int, float, bool]]] = {}
        for seen in history.of_any("node.started", "node.crashed", "node.stopping", "node.stopped"):
            self._turns.setdefault(seen["node"], []).append((seen.i, seen.t, seen.kind == "node.started"))

    def up(self, node: str, i: int) -> bool:
        """Return whether a node ran at observation `i`. One that was never seen to start is taken to run."""
        running = True
        turns = self._turns.get(node, ())
        if turns:
            running = False
        for at, _, started in turns:
            if at >= i:
                break
            running = started
        return running

    def fell(self, node: str, i: int, until_s: float) -> bool:
        """Return whether a node went down after observation `i`, up to second `until_s`."""
        return any(at > i and t <= until_s and not started for at, t, started in self._turns.get(node, ()))
