"""A scripted station on a real socket: it sends exactly what a part of a check asks for, and records it.

Parts speak in the words of OCPP 1.6; `line_201` translates what is sent in 2.0.1.

Unlike the simulator's stations it has no behaviour of its own, so it can cut the connection behind any frame, repeat a
message under the same id or a new one, and write JSON in any legal form. CALLs of the CSMS are answered at once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from interlock.scenarios.judge.wire_check import PATIENCE_S
from interlock.scenarios.live import line_201
from interlock.scenarios.record import frames
from interlock.scenarios.record.frames import CALL, CALLERROR, CALLRESULT, Frame
from interlock.scenarios.record.versions import names
from interlock.simulator.network.dial import Network
from interlock.simulator.network.ports import StationSocket
from interlock.simulator.spec import OcppVersion

WAIT_S = PATIENCE_S + 1.0
"""How long a call waits for its answer: a little longer than what counts as late."""

STATUS_ACCEPTED = {"status": "Accepted"}
OBEYED = names(
    "CancelReservation ChangeAvailability ChangeConfiguration ClearCache ClearChargingProfile RemoteStartTransaction "
    "RemoteStopTransaction ReserveNow Reset SendLocalList SetChargingProfile"
)
ANSWERS: dict[str, dict[str, Any]] = {
    "GetConfiguration": {"configurationKey": [], "unknownKey": []},
    "UnlockConnector": {"status": "Unlocked"},
    "GetLocalListVersion": {"listVersion": 0},
    "GetCompositeSchedule": {"status": "Rejected"},
    "GetDiagnostics": {},
    "UpdateFirmware": {},
    "DataTransfer": {"status": "UnknownVendorId"},
    "TriggerMessage": {"status": "Rejected"},
    **dict.fromkeys(OBEYED, STATUS_ACCEPTED),
}
"""What a station answers that does as it is told; other actions are not implemented."""

Form = Callable[[list[Any]], str]
"""Writes a message as JSON text."""


def compact(message: list[Any]) -> str:
    """Without white space, characters as they are."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def indented(message: list[Any]) -> str:
    """With line breaks, and every character beyond ASCII escaped."""
    return json.dumps(message, indent=2)


def turned(message: list[Any]) -> str:
    """Members of all objects in the opposite order."""
    return json.dumps(_turned(message))


def _turned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _turned(one) for name, one in reversed(value.items())}
    return [_turned(one) for one in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a call: the answer, or why there is none ("no answer", "closed", "cut")."""

    frame: Frame | None
    why: str = ""

    @property
    def word(self) -> str:
        """The answer without ids and times, for comparison: a status, "answered", an error's code, or why none."""
        frame = self.frame
        if frame is None:
            return self.why
        if frame.kind == CALLERROR:
            return f"CALLERROR {frame.code}"
        info = frame.field("idTagInfo")
        status = info.get("status") if isinstance(info, dict) else frame.field("status")
        return str(status) if status is not None else "answered"

    def field(self, name: str) -> Any:
        """Return a member of the answer, None where there is none."""
        return self.frame.field(name) if self.frame is not None and self.frame.kind == CALLRESULT else None


@dataclass(slots=True)
class Line:
    """One station. `clock` gives seconds since `began`, UTC."""

    network: Network
    station: str
    clock: Callable[[], float]
    began: datetime
    ids: Callable[[], str] = field(default_factory=lambda: map(str, itertools.count(1)).__next__)
    form: Form = compact
    newer: line_201.Newer | None = None
    """What puts its words into those of 2.0.1; None: it speaks 1.6."""
    answers: Callable[[Frame], dict[str, Any] | None] | None = None
    """Payload of the answer to a CALL of the CSMS, None: CALLERROR NotImplemented; where it is not given, `usual`."""
    answer_calls: bool = True
    answer_after_s: float = 0.1
    """How long after a CALL its answer leaves, so that one that did not wait for it is seen."""
    socket: StationSocket | None = None
    ended: str = ""
    """Why the last socket ended."""
    _open: dict[str, tuple[asyncio.Future[Reply], str, dict[str, Any]]] = field(default_factory=dict)
    """CALLs without an answer, by id, with their actions and payloads in the words of 1.6."""

    @property
    def ocpp(self) -> OcppVersion:
        """The version it speaks."""
        return "1.6" if self.newer is None else "2.0.1"

    def usual(self, frame: Frame) -> dict[str, Any] | None:
        """Return what a station answers that does as it is told."""
        if self.newer is None:
            return ANSWERS.get(frame.action)
        return line_201.of_variables(frame) or line_201.ANSWERS.get(frame.action)

    @property
    def up(self) -> bool:
        """Whether it has a socket."""
        return self.socket is not None

    # --- connections ---

    async def dial(self) -> bool:
        """Open a socket; return whether the CSMS let it in."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[StationSocket | None] = loop.create_future()

        def arrived(socket: StationSocket | None) -> None:
            if not came.done():  # nobody waits any more where the time was used up
                came.set_result(socket)

        self.network.connect(self.station, f"ocpp{self.ocpp}", arrived)
        socket = await came
        self.socket, self.ended = socket, "" if socket is not None else "not let in"
        if socket is None:
            return False
        socket.on_down = lambda text, socket=socket: self._heard(socket, text)
        socket.on_station_closed = lambda why, socket=socket: self._lost(socket, why)
        if not getattr(socket, "open", True):  # closed in the moment in which it opened
            self.socket, self.ended = None, "closed at once"
        return self.socket is not None

    def cut(self, why: str = "cut by the check") -> None:
        """Lose the connection at once, without a close frame."""
        if self.socket is not None:
            socket, self.socket = self.socket, None
            socket.vanish("station", why)
        self._drop("cut")

    def half_open(self) -> None:
        """Neither hear nor say anything on this connection any more; the CSMS is not told."""
        if self.socket is not None:
            socket, self.socket = self.socket, None
            socket.half_open("half-open")
        self._drop("cut")

    def close(self) -> None:
        """Close cleanly."""
        if self.socket is not None:
            self.socket.close("station", "the station has ended")
            self.socket = None
        self._drop("cut")

    def _lost(self, socket: StationSocket, why: str) -> None:
        if socket is self.socket:
            self.socket, self.ended = None, why
            self._drop("closed")

    def _drop(self, why: str) -> None:
        waiting, self._open = list(self._open.values()), {}
        for one, *_ in waiting:
            if not one.done():
                one.set_result(Reply(None, why))

    # --- messages ---

    def say(self, text: str) -> None:
        """Send a text as it is."""
        if self.socket is not None:
            self.socket.send_up(text)

    def send(self, action: str, payload: dict[str, Any], id: str | None = None) -> tuple[str, asyncio.Future[Reply]]:
        """Send a CALL; return its id and what will hold the answer."""
        name = id or self.ids()
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if not self.up:
            future.set_result(Reply(None, "closed"))
            return name, future
        self._open[name] = future, action, payload
        sent = (action, payload) if self.newer is None else self.newer.call(action, payload)
        self.say(self.form([CALL, name, *sent]))
        return name, future

    async def call(self, action: str, payload: dict[str, Any], id: str | None = None) -> Reply:
        """Send a CALL and wait for its answer."""
        name, future = self.send(action, payload, id)
        try:
            async with asyncio.timeout(WAIT_S):
                return await future
        except TimeoutError:
            self._open.pop(name, None)
            return Reply(None, "no answer")

    def _heard(self, socket: StationSocket, text: str) -> None:
        frame = frames.read(text)
        if frame is None or socket is not self.socket:
            return
        if frame.is_answer:
            waiting = self._open.pop(frame.id, None)
            if waiting is not None and not waiting[0].done():
                future, action, told = waiting
                future.set_result(Reply(frame if self.newer is None else self.newer.answer(action, told, frame)))
        elif frame.kind == CALL and self.answer_calls:
            payload = (self.answers or self.usual)(frame)
            answer = (
                [CALLERROR, frame.id, "NotImplemented", "", {}] if payload is None else [CALLRESULT, frame.id, payload]
            )
            if self.answer_after_s:
                later = asyncio.get_running_loop().call_later
                later(self.answer_after_s, lambda: self.say(self.form(answer)) if socket is self.socket else None)
            else:
                self.say(self.form(answer))

    # --- times ---

    def now(self, ago_s: float = 0.0) -> datetime:
        """Return the time of day, or what it was `ago_s` before."""
        return self.began + timedelta(seconds=self.clock() - ago_s)
