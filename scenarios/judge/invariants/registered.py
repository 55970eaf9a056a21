"""What a station is registered as, from when on, and what it may say then: OCPP 2.0.1 B02.FR.09 and B03.FR.07."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.scenarios.record.frames import CALLRESULT, Frame
from interlock.scenarios.record.history import History

REFUSED = frozenset({"Pending", "Rejected"})
NEWER = "ocpp2.0.1"
ALWAYS = frozenset({"BootNotification", "NotifyReport", "NotifyMonitoringReport"})
"""What may be said before a boot is accepted; what a trigger asked for may be said, too."""
SETTLES_S = 5.0
"""How long before the first frame of a socket the log must have stood as it does."""
Socket = tuple[str, int]


@dataclass(slots=True)
class Since:
    """What something was, from when on."""

    since: list[tuple[float, str]] = field(default_factory=list)

    def between(self, first_s: float, last_s: float) -> set[str]:
        """Return each value in force at some moment of a span."""
        found: set[str] = set()
        for number, (t, value) in enumerate(self.since):
            until = self.since[number + 1][0] if number + 1 < len(self.since) else float("inf")
            if t <= last_s and until >= first_s:
                found.add(value)
        return found


def boots_are(history: History, node: str, first_s: float, last_s: float) -> set[str]:
    """Return how boots may be answered at a node within a span: as it is set, and as an operator set it anew."""
    found = history.derive(_set).get(node, Since([(0.0, history.rules["answers"]["registration"])]))
    return found.between(first_s, last_s)


def _set(history: History) -> dict[str, Since]:
    found: dict[str, Since] = {}
    for seen in history.of("registration.set"):
        first = 0.0, history.rules["answers"]["registration"]
        found.setdefault(seen["node"], Since([first])).since.append((seen.t, seen["status"]))
    return found


def _logged(history: History) -> dict[str, Since]:
    found: dict[str, Since] = {}
    for seen in history.of("stored"):
        if seen["type"] == "Booted":
            station = str(seen["stream"]).removeprefix("station-")
            found.setdefault(station, Since([(0.0, "Unregistered")])).since.append(
                (seen.t, seen["data"]["registration"])
            )
    return found


def _asked_for(history: History) -> dict[str, frozenset[str]]:
    """Return what each station was asked to send by a trigger, whenever that was."""
    found: dict[str, set[str]] = {}
    for command in history.commands.values():
        if command.kind == "Relay" and command.asked["action"] == "TriggerMessage":
            message = str(command.asked["payload"].get("requestedMessage"))
            found.setdefault(command.station, set()).add("SignCertificate" if message.startswith("Sign") else message)
    return {station: frozenset(asked) for station, asked in found.items()}


class Registered:
    """What sockets were told at boot, as far as their frames were read."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._told: dict[Socket, str] = {}
        self._first_s: dict[Socket, float] = {}

    def hear(self, socket: Socket, t: float) -> None:
        """Note a frame of a station."""
        self._first_s.setdefault(socket, t)

    def answer(self, socket: Socket, action: str, frame: Frame) -> None:
        """Note an answer."""
        if action == "BootNotification" and frame.kind == CALLRESULT:
            self._told[socket] = str(frame.payload.get("status"))

    def _states(self, socket: Socket, first_s: float, last_s: float) -> set[str]:
        logged = self.history.derive(_logged).get(socket[0], Since([(0.0, "Unregistered")]))
        return logged.between(first_s, last_s)

    def must_not(self, socket: Socket, action: str, version: str, last_s: float) -> bool:
        """Tell whether a station surely may not say something on a socket."""
        asked = self.history.derive(_asked_for).get(socket[0], frozenset())
        if version != NEWER or action in ALWAYS or action in asked:
            return False
        if socket in self._told:
            return self._told[socket] in REFUSED
        return self._states(socket, self._first_s[socket] - SETTLES_S, last_s) <= REFUSED

    def may_be_barred(self, socket: Socket, first_s: float, last_s: float) -> bool:
        """Tell whether a station may be refused for what it is registered as, at some moment of a span."""
        if self._told.get(socket) in REFUSED:
            return True
        return bool(self._states(socket, min(first_s, self._first_s.get(socket, first_s)), last_s) & REFUSED)


def bars(
    registered: Registered, socket: Socket, action: str, version: str, last_s: float
) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with a CALLRESULT to what may not be said."""
    if registered.must_not(socket, action, version, last_s):
        yield "answer", "CALLERROR SecurityError: its boot is not accepted", "a CALLRESULT"
