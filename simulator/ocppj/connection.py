"""How a station's controller connects: it dials, dials again after a pause when a connection is lost, and leaves.

A connection that was replaced while it still stood is read no longer and closed some time later.
"""

from __future__ import annotations

from collections.abc import Callable

from interlock.simulator.network.ports import StationSocket
from interlock.simulator.ocppj.link import Link
from interlock.simulator.station import Station


class Connection:
    """The sockets of one station. `opened()` and `lost()` are called when there is one, or none, to speak on."""

    __slots__ = (
        "_attempts",
        "_dialling",
        "_life",
        "_link",
        "_lost",
        "_old",
        "_opened",
        "_station",
        "_subprotocol",
        "socket",
    )

    def __init__(
        self,
        station: Station,
        subprotocol: str,
        link: Link,
        opened: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        self._station, self._subprotocol, self._link = station, subprotocol, link
        self._opened, self._lost = opened, lost
        self.socket: StationSocket | None = None
        """The connection in use."""
        self._old: list[StationSocket] = []
        self._dialling = False
        self._attempts = 0
        self._life = 0

    # --- power ---

    def power_on(self) -> None:
        """Begin to connect."""
        self._attempts = 0
        self.dial()

    def power_off(self) -> None:
        """Forget the attempt under way: a socket that still comes of it is closed."""
        self._dialling = False
        self._life += 1

    def leave(self, why: str, orderly: bool) -> None:
        """Leave every connection: closed, or as a machine leaves them that lost its power."""
        sockets, self._old = self._old, []
        if self.socket is not None:
            sockets.append(self.socket)
            self.socket = None
        for socket in sockets:
            socket.on_down = socket.on_station_closed = None
            if orderly:
                socket.close("station", why)
            else:
                if self._station.spec.dies_silently:
                    socket.half_open(why)
                socket.vanish("station", why)

    # --- dialling ---

    def dial(self) -> None:
        """Open a connection, unless that is under way."""
        if not self._dialling:
            self._dialling = True
            network = self._station.network
            # The opening handshake takes a round trip.
            self._station.after(network.draw_latency() + network.draw_latency(), self._dial)

    def _dial(self) -> None:
        life, station = self._life, self._station
        station.network.connect(station.station_id, self._subprotocol, lambda socket: self._dialled(life, socket))

    def _dialled(self, life: int, socket: StationSocket | None) -> None:
        if life != self._life:
            if socket is not None:
                socket.close("station", "rebooted")
            return
        self._dialling = False
        if socket is None:
            if self.socket is None:
                self._dial_later()
            return
        self._replace_old()
        self._attempts = 0
        self.socket = socket
        socket.on_down = self._link.receive
        socket.on_station_closed = self._closed_by_peer
        self._link.write = socket.send_up
        self._opened()

    def _replace_old(self) -> None:
        old = self.socket
        if old is not None:
            old.on_down = old.on_station_closed = None
            self._old.append(old)
            self._station.after(self._station.rng.uniform(*self._station.spec.old_socket_s), self._close_old)
            self._disconnected()

    def _close_old(self) -> None:
        self._old.pop(0).close("station", "replaced")

    def _dial_later(self) -> None:
        spec, rng = self._station.spec, self._station.rng
        pause_s = rng.uniform(*spec.reconnect_s) * min(2**self._attempts, 8)
        self._attempts += 1
        self._station.after(pause_s, self._dial_again)

    def _dial_again(self) -> None:
        if self.socket is None:
            self.dial()

    # --- losing it ---

    def _closed_by_peer(self, why: str) -> None:
        self._disconnected()
        self._dial_later()

    def _disconnected(self) -> None:
        self.socket = None
        self._link.drop()
        self._lost()

    def _close(self, why: str) -> None:
        socket = self.socket
        if socket is not None:
            socket.on_down = socket.on_station_closed = None
            socket.close("station", why)
            self._disconnected()

    def drop(self, why: str) -> None:
        """Close the connection and open another one after a pause."""
        if self.socket is not None:
            self._close(why)
            self._dial_later()

    def reconnect(self, *, keep_old: bool) -> None:
        """Open another connection now; the old one is closed first, or stays open for a while unread."""
        if not keep_old:
            self._close("reconnecting")
        self.dial()
