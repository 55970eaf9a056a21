"""What an address may do with stations' names: how many it may bring up, and how often it may dial under one.

Where stations prove nothing (profile 0) a name costs its inventor nothing, and each new one is a stream of the log and
a state in memory for ever. So an address may bring up few that the log does not know. And whoever dials under a name
that lives elsewhere counts for the name: addresses are cheap, too. The address that a station was served at for a while
is its home, and is not kept out by that. No sockets here, and time is an argument.
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
    """A socket that was let in under a name."""

    def undecided(self) -> bool:
        """Whether it does not count as the station's connection yet."""
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
        """Note that a station is served at an address, and has been for a while."""
        self._homes[station] = origin
        self._homes.move_to_end(station)
        if len(self._homes) > KEPT:
            self._homes.popitem(last=False)

    def at_home(self, station: str, origin: str) -> bool:
        """Tell whether a station was last served for a while at this address."""
        return self._homes.get(station) == origin

    def dialled(self, station: str, origin: str, now: float, *, proven: bool, known: bool) -> tuple[float, str]:
        """Count a handshake; return for how many seconds such a one is refused and why; 0 when it is let in.

        `known`: the log has the station. `proven`: it showed a password or a certificate.
        """
        if wait_s := self._of_address.of((origin, station), now).take(now):
            return wait_s, OFTEN
        if proven or self.at_home(station, origin):
            return 0.0, ""
        if not known and (wait_s := self._new.of(origin, now).take(now)):
            return wait_s, MANY
        return self._of_stranger.of(station, now).take(now), OFTEN

    def let_in(self, station: str, origin: str, node: Csms, *, proven: bool) -> str | Refused:
        """Refuse a station's name to an address that dialled under it, or brought up names, too often of late."""
        # Without residency it takes a read of the log to know a station: none is refused for being new then.
        known = station in node.handler.resident or node.handler.settings.residency != "resident"
        wait_s, why = self.dialled(station, origin, node.clock.now(), proven=proven, known=known)
        if wait_s:
            return Gate.later(wait_s, why)
        return BUSY if not proven and self.crowded(station, origin) else station

    def crowded(self, station: str, origin: str) -> bool:
        """Tell whether one more unproven socket under a name has to wait until others are decided on."""
        undecided = sum(one.undecided() for one in self._arriving.get(station, {}).values())
        return undecided >= self._most and not self.at_home(station, origin)

    def arrive(self, station: str, origin: str, socket: Arriving) -> None:
        """Note a socket that was let in. An earlier one of its address that is not decided on is cut off."""
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
