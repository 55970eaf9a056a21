"""Rules of the simulated network: the fate of each frame, and of the opening and closing of a socket.

A rule is called with a frame and returns `PASS`, `Deliver(delay_s)` or `Drop(why)`; the first that returns something
else than `PASS` decides.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Direction = Literal["up", "down"]

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Pass:
    """The rule does not concern this frame."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """The frame takes `delay_s`, whatever the network's latency; frames behind it wait for it."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Drop:
    """The frame is lost, and with `then_cut` the socket with it."""

    why: str
    then_cut: bool = False


PASS = Pass()
Verdict = Pass | Deliver | Drop


class FrameInFlight:
    """A frame a rule decides on. Its parts are read only when a rule asks for them.

    `message_type` is 0 for the opening handshake and for the close of a socket, which carry no text.
    """

    __slots__ = ("_parts", "direction", "number", "station_id", "text")

    def __init__(self, station_id: str, number: int, direction: Direction, text: str) -> None:
        self.station_id, self.number, self.direction, self.text = station_id, number, direction, text
        self._parts: list[Any] | None = None

    def _read(self) -> list[Any]:
        if self._parts is None:
            parts: Any = []
            if self.text:
                with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
                    parts = _decode(self.text)
            self._parts = parts if isinstance(parts, list) else []
        return self._parts

    @property
    def message_type(self) -> int:
        """2 CALL, 3 CALLRESULT, 4 CALLERROR, 0 when it is none of these."""
        parts = self._read()
        return parts[0] if parts and parts[0] in (2, 3, 4) else 0

    @property
    def message_id(self) -> str:
        """The message id, or nothing."""
        parts = self._read()
        return parts[1] if len(parts) > 1 and isinstance(parts[1], str) else ""

    @property
    def action(self) -> str:
        """The action of a CALL, or nothing."""
        parts = self._read()
        return parts[2] if self.message_type == 2 and len(parts) > 2 and isinstance(parts[2], str) else ""


Rule = Callable[[FrameInFlight], Verdict]


@dataclass
class Cut:
    """Drops everything, new connections included. The sockets that stand do not notice."""

    station_id: str | None = None
    direction: Direction | None = None

    def __call__(self, frame: FrameInFlight) -> Verdict:
        """Decide on a frame."""
        if self.station_id not in (None, frame.station_id) or self.direction not in (None, frame.direction):
            return PASS
        return Drop("cut")


@dataclass
class CutAfter:
    """Lets `frames` frames of a station pass, then loses the next and the socket with it. Once."""

    station_id: str
    frames: int

    def __call__(self, frame: FrameInFlight) -> Verdict:
        """Decide on a frame."""
        if frame.station_id != self.station_id or not frame.text or self.frames < 0:
            return PASS
        self.frames -= 1
        return Drop("line cut", then_cut=True) if self.frames < 0 else PASS


@dataclass
class Latency:
    """Frames take `low_s` to `high_s`, drawn from `rng`."""

    low_s: float
    high_s: float
    rng: random.Random
    station_id: str | None = None

    def __call__(self, frame: FrameInFlight) -> Verdict:
        """Decide on a frame."""
        if self.station_id not in (None, frame.station_id):
            return PASS
        return Deliver(self.rng.uniform(self.low_s, self.high_s))


class _Answers:
    """Recognises the answers to CALLs of one action that were made while the rule stood.

    They are the station's answers, or with `to_station` the CSMS's answers to the station's CALLs.
    """

    def __init__(self, action: str, station_id: str | None, to_station: bool) -> None:
        self.action, self.station_id = action, station_id
        self._asks: Direction = "up" if to_station else "down"
        self._asked: dict[tuple[str, str], None] = {}

    def is_answer(self, frame: FrameInFlight) -> bool:
        """Tell whether this is an answer to such a CALL, and note the CALLs."""
        if self.station_id not in (None, frame.station_id):
            return False
        kind, key = frame.message_type, (frame.station_id, frame.message_id)
        if frame.direction == self._asks:
            if kind == 2 and frame.action == self.action:
                self._asked[key] = None
            return False
        return kind in (3, 4) and key in self._asked


class LoseAnswer(_Answers):
    """The answers to CALLs of `action` are lost after the effect, at most `times` of them, and the socket with them."""

    def __init__(
        self,
        action: str,
        station_id: str | None = None,
        then_cut: bool = False,
        to_station: bool = False,
        times: int | None = None,
    ) -> None:
        super().__init__(action, station_id, to_station)
        self.then_cut, self.left = then_cut, times

    def __call__(self, frame: FrameInFlight) -> Verdict:
        """Decide on a frame."""
        if self.left == 0 or not self.is_answer(frame):
            return PASS
        if self.left is not None:
            self.left -= 1
        return Drop("answer lost", self.then_cut)


class DelayAnswer(_Answers):
    """The answers to CALLs of `action` take `delay_s`; what is sent after them waits behind them."""

    def __init__(self, action: str, delay_s: float, station_id: str | None = None, to_station: bool = False) -> None:
        super().__init__(action, station_id, to_station)
        self.delay_s = delay_s

    def __call__(self, frame: FrameInFlight) -> Verdict:
        """Decide on a frame."""
        return Deliver(self.delay_s) if self.is_answer(frame) else PASS
