"""Limits on the station names an address may use: how many new ones, and how often it may connect under one.

Without authentication (profile 0) anybody can invent names, and each new one costs a stream of the log and a state in
memory for ever. So an address may introduce only a few that the log does not have. Connections under the name of a
station served at another address are counted for that name, as addresses are cheap too. An address at which a station
has been served for a while is its home, and is exempt. No sockets here, and time is an argument.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from interlock.csms.budgets import KEPT, Budgets
from interlock.csms.node import Csms
from interlock.csms.serve.gate import BUSY, Gate, Refused
from interlock.csms.serve.limits import Limits

OFTEN = "too many attempts"
MANY = "too many new stations from one address: `interlock serve --address-messages` allows more"


class Arriving(Protocol):
    """A socket that was admitted under a name."""

    def undecided(self) -> bool:
        """Whether it has not become the station's connection yet."""
        ...

    def abort(self) -> None:
        """Cut it off."""
        ...


class Names:
    """The names of one door."""

    def __init__(self, limits: Limits) -> None:
        self._of_address = Budgets(limits.connects_per_s, limits.connects_burst)
        self._of_stranger = Budgets(limits.connects_per_s, limits.connects_burst)
        self._new = Budgets(limits.new_names_per_s, limits.new_names_burst)
        self._homes: OrderedDict[str, str] = OrderedDict()
        self._arriving: dict[str, dict[str, Arriving]] = {}
        self._most = limits.arriving

    def settled(self, station: str, origin: str) -> None:
        """Note that a station has been served at an address for a while."""
        self._homes[station] = origin
        self._homes.move_to_end(station)
        if len(self._homes) > KEPT:
            self._homes.popitem(last=False)

    def at_home(self, station: str, origin: str) -> bool:
        """Whether a station was last served for a while at this address."""
        return self._homes.get(station) == origin

    def dialled(self, station: str, origin: str, now: float, *, proven: bool, known: bool) -> tuple[float, str]:
        """Count a handshake; return for how many seconds such handshakes are refused, and why; 0 when admitted.

        `known`: the log has the station. `proven`: it authenticated.
        """
        if wait_s := self._of_address.of((origin, station), now).take(now):
            return wait_s, OFTEN
        if proven or self.at_home(station, origin):
            return 0.0, ""
        if not known and (wait_s := self._new.of(origin, now).take(now)):
            return wait_s, MANY
        return self._of_stranger.of(station, now).take(now), OFTEN

    def let_in(self, station: str, origin: str, node: Csms, *, proven: bool) -> str | Refused:
        """Refuse a name to an address that connected under it, or introduced new names, too often lately."""
        # Without residency only the log knows which stations are new, so none is refused for that.
        known = station in node.handler.resident or node.handler.settings.residency != "resident"
        wait_s, why = self.dialled(station, origin, node.clock.now(), proven=proven, known=known)
        if wait_s:
            return Gate.later(wait_s, why)
        return BUSY if not proven and self.crowded(station, origin) else station

    def crowded(self, station: str, origin: str) -> bool:
        """Whether too many unproven sockets under a name are still undecided."""
        undecided = sum(one.undecided() for one in self._arriving.get(station, {}).values())
        return undecided >= self._most and not self.at_home(station, origin)

    def arrive(self, station: str, origin: str, socket: Arriving) -> None:
        """Note a socket that was let in. An earlier undecided one of its address is aborted."""
        under = self._arriving.setdefault(station, {})
        earlier, under[origin] = under.get(origin), socket
        if earlier is not None and earlier.undecided():
            earlier.abort()

    def revoked(self, station: str) -> None:
        """Cut off who was let in under a name and does not count yet: what they proved counts no more."""
        for socket in list(self._arriving.get(station, {}).values()):
            if socket.undecided():
                socket.abort()

    def left(self, station: str, origin: str, socket: Arriving) -> None:
        """Note that a socket is gone."""
        under = self._arriving.get(station, {})
        if under.get(origin) is socket:
            del under[origin]
            if not under:
                del self._arriving[station]
