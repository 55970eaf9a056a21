"""What deeds and faults may use of a world: the virtual one (`world`) and the one on sockets (`live`) both offer it.

`Stage` is what every world offers. `Machine` is what only the virtual one has: nodes whose power, disk and labelled
points can be worked on. A deed or fault that needs one says so (`outside=False`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeVar

from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Station as Folded
from interlock.csms.node import Decision
from interlock.scenarios.record.history import History
from interlock.scenarios.spec import Storage
from interlock.simulator.network.rules import Rule
from interlock.simulator.station import Station

T = TypeVar("T")
Registration = Literal["Accepted", "Pending", "Rejected"]


class Operated(Protocol):
    """What takes an operator's request: a node, or the control interface of a CSMS."""

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command; the answer says whether it was accepted for execution."""
        ...


class Desk(Protocol):
    """Where an operator sits: at a node, or at the control interface of a CSMS."""

    name: str

    @property
    def taking(self) -> Operated | None:
        """What takes requests now; None while it is down."""
        ...

    async def call(self, coroutine: Coroutine[Any, Any, T], patience_s: float) -> T | None:
        """Wait for a request's answer; None when there was none within `patience_s` seconds."""
        ...


class Machine(Desk, Protocol):
    """A machine of the virtual world with one node on it."""

    trapped: asyncio.Event
    storage: Storage

    @property
    def running(self) -> bool:
        """Whether the node is up."""
        ...

    async def start(self) -> None:
        """Start the node."""
        ...

    async def stop(self) -> None:
        """Stop the node cleanly."""
        ...

    def crash(self, point: str | None) -> None:
        """Cut its power."""
        ...

    def trap(self, point: str | None, occurrence: int = 1, ends: str = "crash") -> None:
        """Cut its power when a labelled point is passed for the `occurrence`th time; None disarms.

        `ends` says what else happens there: an `exception` or a `cancellation` of whatever passes it.
        """
        ...

    async def look(self) -> None:
        """Let an operator ask the node's API for all it shows."""
        ...

    async def set_key(self, station: str, password: str | None) -> None:
        """Give a station a key, or take it away."""
        ...

    def knock(self, station: str, password: str | None) -> None:
        """Ask to be let in in a station's name."""
        ...

    def set_registration(self, status: Registration) -> None:
        """Answer boots with another status from now on."""
        ...

    async def age_snapshots(self) -> None:
        """Let every snapshot be one that another version of the CSMS wrote."""
        ...

    def set_storage(self, **changes: Any) -> None:
        """Change how its disk behaves."""
        ...

    def set_full(self, full: bool) -> None:
        """Let its disk be full, or not."""
        ...


class Stage(Protocol):
    """A world, as deeds and faults see it. Stations and nodes are numbered from 1."""

    history: History

    def station_id(self, number: int) -> str:
        """Return the identity of a station."""
        ...

    def station(self, number: int) -> Station:
        """Return a simulated station."""
        ...

    def desk(self, number: int) -> Desk:
        """Return where an operator of node `number` sits."""
        ...

    def machine(self, number: int) -> Machine:
        """Return the machine of node `number`. Raises `NotHere` where the CSMS is somebody else's."""
        ...

    def new_request(self) -> str:
        """Return a request id nobody used yet."""
        ...

    def named(self, station: int, node: int, command: do.Command) -> do.Command:
        """Return what a node makes of a command named in the words of the version. Raises `TurnedAway`."""
        ...

    async def folded(self, station: int) -> Folded:
        """Return what the CSMS has on record of a station."""
        ...

    async def phase_after(self, station: int, node: int, command_id: str, seconds: float) -> str | None:
        """Return where a command stands after at most `seconds`; None when nobody tells."""
        ...

    def rule(self, rule: Rule) -> AbstractContextManager[Any]:
        """Apply a rule to frames for as long as the context lasts. Raises `NotHere` over real sockets."""
        ...

    async def silent_socket(self, station: str, seconds: float) -> None:
        """Hold one more socket in a station's name without a word. Raises `NotHere` over real sockets."""
        ...

    async def register_token(self, token: str, status: str, node: int = 1, parent: str | None = None) -> None:
        """Say at a node how a card is answered from now on. Raises `NotHere` where the CSMS is somebody else's."""
        ...

    def unreachable(self, station: str) -> AbstractContextManager[None]:
        """Let no new socket of a station be opened for as long as the context lasts."""
        ...

    def cut(self, station: str, why: str) -> None:
        """Break every socket of a station, at both ends."""
        ...

    def half_open(self, station: str, why: str) -> AbstractContextManager[None]:
        """Let a station's socket go dead without telling either end, and reset it when the context ends."""
        ...

    def start_traffic(self, habit: str, share: float) -> None:
        """Let drivers come and go at every station."""
        ...


class TurnedAway(Exception):
    """A node does not take what an operator named: it is refused before it is decided."""


class NotHere(Exception):
    """A step needs what only the virtual world has, and did not say so with `outside=False`."""
