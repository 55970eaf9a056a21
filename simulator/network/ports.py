"""What a station needs of the world outside: a network that opens sockets, and sockets that carry text.

`links.py` has them for simulated time, `dial.py` for real sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

Edge = Literal["station", "csms"]


class StationSocket(Protocol):
    """The station's end of one WebSocket connection."""

    on_down: Callable[[str], None] | None
    """Takes a frame of the CSMS."""
    on_station_closed: Callable[[str], None] | None
    """Learns why the connection is gone, unless the station closed it."""

    @property
    def send_up(self) -> Callable[[str], None]:
        """Send a frame."""

    def close(self, edge: Edge, why: str) -> None:
        """Close it."""

    def vanish(self, edge: Edge, why: str) -> None:
        """Leave it as a machine does that lost its power."""

    def half_open(self, why: str) -> None:
        """Drop everything on it from now on, without a sign to either end."""


class StationNetwork(Protocol):
    """What opens a station's sockets."""

    def draw_latency(self) -> float:
        """Return how many seconds half a handshake takes, where that has to be simulated."""

    def connect(self, station_id: str, subprotocol: str, connected: Callable[[StationSocket | None], None]) -> None:
        """Open a station's next socket, offering `subprotocol`, and hand it to `connected`: now, or when it is known.

        `connected` gets None when nobody answers or the other side agrees on no subprotocol.
        """
