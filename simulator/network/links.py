"""The simulated network between stations and a CSMS: sockets that carry text frames, late, lost or cut, as rules say.

A frame never overtakes an earlier one of the same socket and direction, as on TCP. Every frame is recorded at the four
edges it passes and where it is lost.
"""

from __future__ import annotations

import contextlib
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import simpy

from interlock.simulator.network.ports import Edge
from interlock.simulator.network.rules import PASS, Deliver, Direction, Drop, FrameInFlight, Pass, Rule, Verdict
from interlock.simulator.timer import Observe, Timer


class Retelling(Protocol):
    """Stands at both edges and lets something else arrive that means the same."""

    def up(self, socket: Socket, text: str) -> Sequence[str]:
        """Return what reaches the CSMS in the place of a frame."""
        ...

    def down(self, socket: Socket, text: str) -> Sequence[str]:
        """Return what reaches the station in the place of a frame."""
        ...


class _End(NamedTuple):
    """The last item of a lane: its sender has closed the socket."""

    why: str


class _Ping(NamedTuple):
    """A ping on its way down, and the pong on its way up: no frame, but a sign of life."""

    answered: Callable[[], None]


class _Lane:
    """One direction of a socket: frames in flight, in order."""

    __slots__ = ("direction", "free_at", "queue", "received", "receiver", "sender", "sent", "socket", "up")

    def __init__(self, socket: Socket, direction: Direction, sender: _Edge, receiver: _Edge) -> None:
        self.socket, self.direction, self.sender, self.receiver = socket, direction, sender, receiver
        self.up = direction == "up"
        self.sent, self.received = f"{sender.edge}.sent", f"{receiver.edge}.received"
        self.queue: deque[str | _End | _Ping] = deque()
        self.free_at = 0.0

    def send(self, text: str) -> None:
        """Put a frame on its way."""
        socket = self.socket
        network = socket.network
        if not self.sender.open:
            network.lost(socket, self.direction, text, "socket is closed")
            return
        if network.record_frames:
            network.frame(self.sent, socket, text)
        if socket.silent is not None:
            network.lost(socket, self.direction, text, socket.silent)
            return
        low, high = network.latency_s
        delay_s = low if low == high else low + (high - low) * network.rng.random()
        if network.rules:
            verdict = network.decide(FrameInFlight(socket.station_id, socket.number, self.direction, text))
            if type(verdict) is Drop:
                network.lost(socket, self.direction, text, verdict.why)
                if verdict.then_cut:
                    why = verdict.why
                    Timer(network.env, 0.0, lambda _: socket.cut(why))
                return
            if type(verdict) is Deliver:
                delay_s = verdict.delay_s
        self.put(text, delay_s)

    def put(self, item: str | _End | _Ping, delay_s: float) -> None:
        """Let `item` arrive after `delay_s`, behind everything before it."""
        env = self.socket.network.env
        now = env.now
        at = now + delay_s
        if at < self.free_at:
            delay_s = self.free_at - now
        else:
            self.free_at = at
        self.queue.append(item)
        Timer(env, delay_s, self._arrive)

    def _arrive(self, _: Any) -> None:
        # The heap may swap two arrivals of the same moment; taking from the queue keeps them in order.
        if not self.queue:
            return
        item = self.queue.popleft()
        socket, receiver = self.socket, self.receiver
        if item.__class__ is str:
            network, receive = socket.network, socket.on_up if self.up else socket.on_down
            if receive is not None and receiver.open and socket.silent is None and network.retelling is None:
                if network.record_frames:
                    network.frame(self.received, socket, item)
                receive(item)
                return
        if item.__class__ is _End:
            if receiver.open and socket.silent is None:
                socket.tell_gone(receiver, item[0])
            return
        if item.__class__ is _Ping:
            if receiver.open and socket.silent is None:
                socket.pinged(self.direction, item)
            return
        text: str = item  # type: ignore[assignment]
        network = socket.network
        receive = socket.on_up if self.up else socket.on_down
        if socket.silent is not None:
            network.lost(socket, self.direction, text, socket.silent)
        elif not receiver.open:
            network.lost(socket, self.direction, text, "nobody listens any more")
        elif receive is None:
            network.lost(socket, self.direction, text, "nobody reads it any more")
        elif network.retelling is not None:
            for one in (network.retelling.up if self.up else network.retelling.down)(socket, text):
                if network.record_frames:
                    network.frame(self.received, socket, one)
                receive(one)

    def lose_all(self, why: str) -> None:
        """Lose everything in flight."""
        queue, self.queue = self.queue, deque()
        for item in queue:
            if isinstance(item, str):
                self.socket.network.lost(self.socket, self.direction, item, why)


class _Edge:
    """One edge of a socket."""

    __slots__ = ("edge", "open")

    def __init__(self, edge: Edge) -> None:
        self.edge: Edge = edge
        self.open = True


class Socket:
    """One WebSocket connection of a station, the `number`th it opened. `node` is set by whoever answers the dial."""

    __slots__ = (
        "_csms",
        "_down",
        "_station",
        "_up",
        "network",
        "node",
        "number",
        "on_csms_closed",
        "on_down",
        "on_station_closed",
        "on_up",
        "proven",
        "send_down",
        "send_up",
        "silent",
        "station_id",
        "subprotocol",
    )

    def __init__(self, network: Network, station_id: str, number: int, subprotocol: str) -> None:
        self.network, self.station_id, self.number, self.node = network, station_id, number, ""
        self.subprotocol = subprotocol
        """What the station offers to speak, and then speaks."""
        self.on_up: Callable[[str], None] | None = None
        self.on_down: Callable[[str], None] | None = None
        self.on_csms_closed: Callable[[str], None] | None = None
        self.on_station_closed: Callable[[str], None] | None = None
        self.proven = True
        """Whether the station itself dialled, and can prove it, not somebody else in its name."""
        self.silent: str | None = None
        """Why every frame on it is lost, once it is half-open."""
        self._station, self._csms = _Edge("station"), _Edge("csms")
        self._up = _Lane(self, "up", self._station, self._csms)
        self._down = _Lane(self, "down", self._csms, self._station)
        self.send_up: Callable[[str], None] = self._up.send
        """Send a frame from the station's edge."""
        self.send_down: Callable[[str], None] = self._down.send
        """Send a frame from the CSMS's edge."""

    def is_open(self, edge: Edge) -> bool:
        """Tell whether `edge` has neither closed this socket nor learnt that it is gone."""
        return self._edge(edge).open

    def _edge(self, edge: Edge) -> _Edge:
        return self._station if edge == "station" else self._csms

    def close(self, edge: Edge, why: str) -> None:
        """Close it at `edge`: frames sent before still arrive, then the other edge is told."""
        end = self._edge(edge)
        if end.open:
            end.open = False
            self.network.closed(self, edge, why, by=edge)
            self._send_close(edge, why)

    def vanish(self, edge: Edge, why: str) -> None:
        """Lose the process at `edge`: it receives nothing any more, and the other edge is told."""
        end = self._edge(edge)
        if end.open:
            end.open = False
            self._send_close(edge, why)

    def ping(self, answered: Callable[[], None]) -> None:
        """Ask the station's edge for a pong. There is none from one that reads this socket no longer."""
        self._put(self._down, _Ping(answered))

    def pinged(self, direction: Direction, ping: _Ping) -> None:
        """Take a ping or a pong at the edge it arrived at."""
        if direction == "up":
            self.network.observe("pong", station=self.station_id, socket=self.number, node=self.node)
            ping.answered()
        elif self.on_down is not None:
            self._put(self._up, ping)

    def _send_close(self, edge: Edge, why: str) -> None:
        self._put(self._up if edge == "station" else self._down, _End(why))

    def _put(self, lane: _Lane, item: _End | _Ping) -> None:
        if self.silent is not None:
            return
        network = self.network
        delay_s = network.draw_latency()
        if network.rules:
            verdict = network.decide(FrameInFlight(self.station_id, self.number, lane.direction, ""))
            if type(verdict) is Drop:
                return
            if type(verdict) is Deliver:
                delay_s = verdict.delay_s
        lane.put(item, delay_s)

    def cut(self, why: str) -> None:
        """Break it: what is in flight is lost and both edges are told at once."""
        self._up.lose_all(why)
        self._down.lose_all(why)
        for end in (self._csms, self._station):
            if end.open:
                self.tell_gone(end, why)

    def half_open(self, why: str) -> None:
        """From now on everything on it vanishes, and neither edge is told, not even when the other closes."""
        if self.silent is None:
            self.silent = why

    def tell_gone(self, end: _Edge, why: str) -> None:
        """Tell an edge that this socket is gone."""
        end.open = False
        self.network.closed(self, end.edge, why)
        on_closed = self.on_station_closed if end.edge == "station" else self.on_csms_closed
        if on_closed is not None:
            on_closed(why)


class Network:
    """Everything between stations and CSMS. `dial` attaches the CSMS's end of a new socket, or returns False."""

    def __init__(
        self,
        env: simpy.Environment,
        rng: random.Random,
        observe: Observe,
        dial: Callable[[Socket], bool],
        record_frames: bool = True,
    ) -> None:
        self.env, self.rng, self.observe, self.dial, self.record_frames = env, rng, observe, dial, record_frames
        self.latency_s: tuple[float, float] = (0.01, 0.1)
        """Seconds a frame takes, drawn evenly between the two; no draw when they are the same."""
        self.rules: list[Rule] = []
        self.retelling: Retelling | None = None
        """Tells what arrives in another way; None leaves it as it is."""
        self._generations: dict[str, int] = {}

    # --- connections ---

    def open(self, station_id: str, subprotocol: str, *, proven: bool = True) -> Socket | None:
        """Open a station's next socket at once, or return None when nobody answers.

        `dial` may look at the socket's `subprotocol` and return False when it speaks another one. `proven` says whether
        whoever opens it proves to be the station.
        """
        number = self._generations.get(station_id, 0) + 1
        if self.rules and type(self.decide(FrameInFlight(station_id, number, "up", ""))) is Drop:
            return None
        socket = Socket(self, station_id, number, subprotocol)
        socket.proven = proven
        if not self.dial(socket):
            return None
        self._generations[station_id] = number
        about = {} if proven else {"proven": False}
        self.observe(
            "socket.opened",
            station=station_id,
            socket=number,
            node=socket.node,
            subprotocol=socket.subprotocol,
            **about,
        )
        return socket

    def connect(self, station_id: str, subprotocol: str, connected: Callable[[Socket | None], None]) -> None:
        """Open a station's next socket and hand it over, or None when nobody answers."""
        connected(self.open(station_id, subprotocol))

    def draw_latency(self) -> float:
        """Draw how long one frame takes."""
        low, high = self.latency_s
        return low if low == high else self.rng.uniform(low, high)

    # --- rules ---

    def add_rule(self, rule: Rule) -> None:
        """Apply `rule` to frames from now on, after the rules there are."""
        self.rules.append(rule)

    def remove_rule(self, rule: Rule) -> None:
        """Apply `rule` no longer."""
        self.rules = [other for other in self.rules if other is not rule]

    @contextlib.contextmanager
    def rule(self, rule: Rule) -> Iterator[Rule]:
        """Apply `rule` inside a `with` block."""
        self.add_rule(rule)
        try:
            yield rule
        finally:
            self.remove_rule(rule)

    def decide(self, frame: FrameInFlight) -> Verdict:
        """Return what the first rule that is not indifferent decides on a frame."""
        for rule in self.rules:
            verdict = rule(frame)
            if type(verdict) is not Pass:
                return verdict
        return PASS

    # --- recording ---

    def frame(self, edge: str, socket: Socket, text: str) -> None:
        """Record a frame at an edge."""
        self.observe("frame", edge=edge, station=socket.station_id, socket=socket.number, node=socket.node, text=text)

    def lost(self, socket: Socket, direction: Direction, text: str, why: str) -> None:
        """Record a frame that does not arrive."""
        if self.record_frames:
            self.observe(
                "frame.lost",
                direction=direction,
                station=socket.station_id,
                socket=socket.number,
                node=socket.node,
                text=text,
                why=why,
            )

    def closed(self, socket: Socket, edge: Edge, why: str, **who: Edge) -> None:
        """Record that an edge learnt that a socket is gone; `by` is the edge that closed it, if one did."""
        about = {"station": socket.station_id, "socket": socket.number, "node": socket.node}
        self.observe("socket.closed", **about, edge=edge, why=why, **who)
