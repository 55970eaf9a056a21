"""The wire: sockets between stations and nodes, with latency, and rules that decide the fate of single frames.

Frames of one socket and direction never overtake each other. A socket can be closed, cut, go silently dead (half-open)
or lose the process at one of its ends; which edge learns of it, and when, is what differs.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import simpy

Direction = Literal["up", "down"]
Edge = Literal["station", "csms"]
Observe = Callable[..., None]

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Pass:
    """No opinion: the next rule decides."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Deliver the frame this much later than the line alone would."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Drop:
    """Lose the frame."""

    why: str


Fate = Pass | Deliver | Drop
PASS = Pass()


class FrameInFlight:
    """A frame on its way, read only as far as a rule asks."""

    __slots__ = ("_parsed", "direction", "socket", "text")

    def __init__(self, socket: Socket, direction: Direction, text: str) -> None:
        self.socket, self.direction, self.text = socket, direction, text
        self._parsed: list[Any] | None = None

    @property
    def station_id(self) -> str:
        """The station at one end."""
        return self.socket.station_id

    @property
    def parts(self) -> list[Any]:
        """The elements of the message, or none when it is not one."""
        if self._parsed is None:
            try:
                found = _decode(self.text)
            except msgspec.DecodeError:
                found = None
            self._parsed = found if isinstance(found, list) and len(found) >= 3 else [0, "", ""]
        return self._parsed


Rule = Callable[[FrameInFlight], Fate]


class Cut:
    """Loses every frame of a station, or of all."""

    def __init__(self, station_id: str | None = None) -> None:
        self.station_id = station_id

    def __call__(self, frame: FrameInFlight) -> Fate:
        """Decide one frame."""
        return Drop("silence") if self.station_id in (None, frame.station_id) else PASS


class _Answers:
    """Recognises the answers to CALLs of one action, made by the CSMS or, if `to_station`, by the station."""

    def __init__(self, action: str, station_id: str | None, to_station: bool = False) -> None:
        self.action, self.station_id = action, station_id
        self._asks: Direction = "up" if to_station else "down"
        self._asked: dict[tuple[str, str], None] = {}

    def is_answer(self, frame: FrameInFlight) -> bool:
        if self.station_id not in (None, frame.station_id):
            return False
        kind, message_id = frame.parts[:2]
        key = (frame.station_id, str(message_id))
        if frame.direction == self._asks:
            if kind == 2 and frame.parts[2] == self.action:
                self._asked[key] = None
            return False
        return kind in (3, 4) and key in self._asked


class LoseAnswer(_Answers):
    """Loses the answer to a CALL after its effect, and perhaps the socket with it."""

    def __init__(
        self, action: str, station_id: str | None = None, then_cut: bool = True, to_station: bool = False
    ) -> None:
        super().__init__(action, station_id, to_station)
        self.then_cut = then_cut

    def __call__(self, frame: FrameInFlight) -> Fate:
        """Decide one frame."""
        if not self.is_answer(frame):
            return PASS
        if self.then_cut:
            frame.socket.cut_soon("answer lost")
        return Drop("answer lost")


class DelayAnswer(_Answers):
    """Delays the answer to a CALL, and by order of the line all that comes after it."""

    def __init__(self, action: str, delay_s: float, station_id: str | None = None) -> None:
        super().__init__(action, station_id)
        self.delay_s = delay_s

    def __call__(self, frame: FrameInFlight) -> Fate:
        """Decide one frame."""
        return Deliver(self.delay_s) if self.is_answer(frame) else PASS


class Socket:
    """One WebSocket connection of one station; `number` counts its connections from 1."""

    __slots__ = (
        "_due",
        "_line",
        "_network",
        "_open",
        "node",
        "number",
        "on_csms_closed",
        "on_down",
        "on_station_closed",
        "on_up",
        "station_id",
    )

    def __init__(self, network: Network, station_id: str, number: int) -> None:
        self._network, self.station_id, self.number, self.node = network, station_id, number, ""
        self._open: dict[str, bool] = {"station": True, "csms": True}
        self._line: Literal["up", "silent", "dead"] = "up"
        self._due = {"up": 0.0, "down": 0.0}
        self.on_up: Callable[[str], None] | None = None
        self.on_down: Callable[[str], None] | None = None
        self.on_csms_closed: Callable[[str], None] | None = None
        self.on_station_closed: Callable[[str], None] | None = None

    # --- frames ---

    def send_up(self, text: str) -> None:
        """Send a frame from the station to the CSMS."""
        self._send("up", "station", text)

    def send_down(self, text: str) -> None:
        """Send a frame from the CSMS to the station."""
        self._send("down", "csms", text)

    def _send(self, direction: Direction, edge: Edge, text: str) -> None:
        if not self._open[edge]:
            return
        network = self._network
        if network.record_frames:
            network.note_frame(f"{edge}.sent", self, text)
        extra_s = 0.0
        if network.rules:
            fate = network.fate(FrameInFlight(self, direction, text))
            if isinstance(fate, Drop):
                self._lost(direction, text, fate.why)
                return
            if isinstance(fate, Deliver):
                extra_s = fate.delay_s
        if self._line != "up":
            self._lost(direction, text, f"line {self._line}")
            return
        self._after(direction, extra_s, lambda _: self._arrive(direction, text))

    def _after(self, direction: Direction, extra_s: float, callback: Callable[[Any], None]) -> None:
        network = self._network
        now = network.env.now
        due = max(now + network.latency() + extra_s, self._due[direction])
        self._due[direction] = due
        timeout = network.env.timeout(due - now)
        assert timeout.callbacks is not None
        timeout.callbacks.append(callback)

    def _arrive(self, direction: Direction, text: str) -> None:
        edge: Edge = "csms" if direction == "up" else "station"
        receiver = self.on_up if direction == "up" else self.on_down
        if self._line != "up" or not self._open[edge] or receiver is None:
            self._lost(direction, text, f"line {self._line}" if self._line != "up" else f"{edge} gone")
            return
        if self._network.record_frames:
            self._network.note_frame(f"{edge}.received", self, text)
        receiver(text)

    def _lost(self, direction: Direction, text: str, why: str) -> None:
        if self._network.record_frames:
            self._network.observe(
                "frame.lost",
                direction=direction,
                station=self.station_id,
                socket=self.number,
                node=self.node,
                text=text,
                why=why,
            )

    # --- the end of it ---

    def close(self, edge: Edge, why: str) -> None:
        """Close in good order: the other edge learns after what was sent before has arrived."""
        if not self._open[edge]:
            return
        self._close(edge, why, tell=False)
        self._tell_other(edge, why)

    def vanish(self, edge: Edge, why: str) -> None:
        """The process at an edge died: it hears nothing any more, the other learns from the reset."""
        self.close(edge, why)

    def cut(self, why: str) -> None:
        """Reset the connection: frames in flight are lost, both edges learn at once."""
        if self._line == "dead":
            return
        self._line = "dead"
        for edge in ("station", "csms"):
            self._close(edge, why, tell=True)  # type: ignore[arg-type]

    def cut_soon(self, why: str) -> None:
        """Reset the connection right after what happens now."""
        timeout = self._network.env.timeout(0)
        assert timeout.callbacks is not None
        timeout.callbacks.append(lambda _: self.cut(why))

    def half_open(self, why: str) -> None:
        """Lose everything both ways from now on, and tell neither edge."""
        if self._line == "up":
            self._line = "silent"

    def _tell_other(self, edge: Edge, why: str) -> None:
        other: Edge = "csms" if edge == "station" else "station"
        if self._line == "up":
            self._after("up" if edge == "station" else "down", 0.0, lambda _: self._close(other, why, tell=True))

    def _close(self, edge: Edge, why: str, *, tell: bool) -> None:
        if not self._open[edge]:
            return
        self._open[edge] = False
        self._network.observe(
            "socket.closed", station=self.station_id, socket=self.number, node=self.node, edge=edge, why=why
        )
        told = self.on_csms_closed if edge == "csms" else self.on_station_closed
        if tell and told is not None:
            told(why)


class Network:
    """All sockets of a world. `dial` attaches the CSMS end of a new one, or returns False: nobody there."""

    def __init__(
        self,
        env: simpy.Environment,
        rng: random.Random,
        observe: Observe,
        dial: Callable[[Socket], bool],
        *,
        record_frames: bool = True,
    ) -> None:
        self.env, self.rng, self.observe, self.dial = env, rng, observe, dial
        self.record_frames = record_frames
        self.latency_s: tuple[float, float] = (0.01, 0.1)
        self.rules: list[Rule] = []
        self._numbers: dict[str, int] = {}

    def latency(self) -> float:
        """Draw the delay of one frame."""
        low, high = self.latency_s
        return low if low == high else self.rng.uniform(low, high)

    def open(self, station_id: str) -> Socket | None:
        """Open a connection, or return None: refused."""
        number = self._numbers.get(station_id, 0) + 1
        socket = Socket(self, station_id, number)
        if not self.dial(socket):
            return None
        self._numbers[station_id] = number
        self.observe("socket.opened", station=station_id, socket=number, node=socket.node)
        return socket

    def note_frame(self, edge: str, socket: Socket, text: str) -> None:
        """Record a frame passing an edge."""
        self.observe(
            "frame", edge=edge, station=socket.station_id, socket=socket.number, node=socket.node, text=text
        )

    # --- rules ---

    def fate(self, frame: FrameInFlight) -> Fate:
        """Ask the rules; the first that has an opinion decides."""
        for rule in self.rules:
            fate = rule(frame)
            if not isinstance(fate, Pass):
                return fate
        return PASS

    @contextlib.contextmanager
    def rule(self, rule: Rule) -> Iterator[Rule]:
        """Let a rule decide for as long as the block lasts."""
        self.rules.append(rule)
        try:
            yield rule
        finally:
            self.rules.remove(rule)
