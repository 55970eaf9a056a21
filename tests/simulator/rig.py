"""A station, a network and, where the CSMS would be, a peer that answers by script."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import simpy

from interlock.simulator.assembly import build_station
from interlock.simulator.network.links import Network, Socket
from interlock.simulator.personas import PERSONAS
from interlock.simulator.spec import StationSpec
from interlock.simulator.v16 import Controller
from interlock.simulator.v16.status import Status

Answer = dict[str, Any] | str | None
"""A payload, the code of a CALLERROR, or nothing at all."""


@dataclass(frozen=True)
class Said:
    """A CALL of a station."""

    at: float
    socket: int
    message_id: str
    action: str
    payload: dict[str, Any]


class Peer:
    """Answers every CALL at once; `script` replaces the answers to an action."""

    def __init__(self, env: simpy.Environment, interval: int = 300) -> None:
        self.env = env
        self.reachable = True
        self.sockets: dict[str, Socket] = {}
        self.closed: list[tuple[int, str]] = []
        self.said: list[Said] = []
        self.results: dict[str, Any] = {}
        """Payload of the answer to each CALL of ours, or (code, description)."""
        self.script: dict[str, Callable[[dict[str, Any]], Answer]] = {}
        self.interval = interval
        self._transactions = itertools.count(1001)
        self._ids = itertools.count(1)

    def dial(self, socket: Socket) -> bool:
        """Take a new socket."""
        if not self.reachable:
            return False
        socket.node = "peer"
        socket.on_up = lambda text: self.hear(socket, text)
        socket.on_csms_closed = lambda why: self.closed.append((socket.number, why))
        self.sockets[socket.station_id] = socket
        return True

    @property
    def socket(self) -> Socket:
        """The newest socket."""
        return next(reversed(self.sockets.values()))

    def hear(self, socket: Socket, text: str) -> None:
        """Take a frame."""
        try:
            message = json.loads(text)
        except ValueError:
            return
        if len(message) < 3:
            return
        if message[0] == 3:
            self.results[message[1]] = message[2]
        elif message[0] == 4:
            self.results[message[1]] = (message[2], message[3])
        elif message[0] == 2:
            _, message_id, action, payload = message
            self.said.append(Said(self.env.now, socket.number, message_id, action, payload))
            script = self.script.get(action, self._usual(action))
            answer = script(payload)
            if isinstance(answer, dict):
                socket.send_down(json.dumps([3, message_id, answer]))
            elif answer is not None:
                socket.send_down(json.dumps([4, message_id, answer, "", {}]))

    def _usual(self, action: str) -> Callable[[dict[str, Any]], Answer]:
        def answer(payload: dict[str, Any]) -> Answer:
            now = "2026-01-01T00:00:00.000Z"
            match action:
                case "BootNotification":
                    return {"status": "Accepted", "currentTime": now, "interval": self.interval}
                case "Heartbeat":
                    return {"currentTime": now}
                case "Authorize":
                    return {"idTagInfo": {"status": "Accepted"}}
                case "StartTransaction":
                    return {"transactionId": next(self._transactions), "idTagInfo": {"status": "Accepted"}}
                case _:
                    return {}

        return answer

    def call(self, action: str, payload: dict[str, Any], message_id: str | None = None) -> str:
        """Send a CALL on the newest socket."""
        message_id = message_id or f"m{next(self._ids)}"
        self.socket.send_down(json.dumps([2, message_id, action, payload]))
        return message_id


class Rig:
    """One station on a bench."""

    controller: Controller
    controller_class: type = Controller
    peer_class: type[Peer] = Peer

    def __init__(self, seed: int = 1, latency_s: tuple[float, float] = (0.01, 0.05), **spec: Any) -> None:
        self.env = simpy.Environment()
        self.seen: list[dict[str, Any]] = []
        self.peer = self.peer_class(self.env)
        self.network = Network(self.env, random.Random(f"{seed}:network"), self.observe, self.peer.dial)
        self.network.latency_s = latency_s
        if isinstance(persona := spec.get("persona"), str):
            spec["persona"] = PERSONAS[persona]
        self.spec = StationSpec("CP1", **spec)
        self.station = build_station(self.env, self.spec, random.Random(f"{seed}:CP1"), self.network, self.observe)
        assert isinstance(self.station.controller, self.controller_class)
        self.controller = self.station.controller
        self.station.start()

    def observe(self, kind: str, **fields: Any) -> None:
        """Record an observation."""
        self.seen.append({"t": round(self.env.now, 6), "kind": kind, **fields})

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.env.run(self.env.now + seconds)

    def up(self) -> Rig:
        """Let it boot and be accepted."""
        self.run(20.0)
        assert self.station.controller.conversation.online
        return self

    def charge(self, connector: int = 1, id_tag: str = "TAG") -> Rig:
        """Plug in, show a card and let the session begin."""
        assert self.station.plug(connector)
        assert self.station.swipe(connector, id_tag)
        self.run(5.0)
        assert self.station.evses[connector - 1].session is not None
        return self

    def call(self, action: str, *, wait: float = 3.0, **payload: Any) -> Any:
        """Have the CSMS call, wait, and return the answer if there is one."""
        message_id = self.peer.call(action, payload)
        self.run(wait)
        return self.peer.results.get(message_id)

    def of(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the observations of a kind that have these fields."""
        return [
            seen
            for seen in self.seen
            if seen["kind"] == kind and all(seen.get(name) == value for name, value in fields.items())
        ]

    def said(self, *actions: str) -> list[Said]:
        """Return the station's CALLs of these actions."""
        return [said for said in self.peer.said if said.action in actions]

    def statuses(self, connector: int = 1) -> list[str]:
        """Return what the CSMS was told of a connector."""
        return [
            said.payload["status"]
            for said in self.said("StatusNotification")
            if said.payload["connectorId"] == connector
        ]

    def status(self, connector: int) -> Status:
        """Return the status of a connector, as the controller has it."""
        statuses = list(self.controller.statuses())
        return statuses[connector]

    @property
    def whole(self) -> Status:
        """The status of the station itself."""
        return self.status(0)

    def unlocks(self, connector: int = 1) -> list[dict[str, Any]]:
        """Return the remote movements of a lock."""
        return self.of("ledger", connector=connector, part="lock", action="unlocked", by="remote")
