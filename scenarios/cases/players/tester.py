"""The half of both players that speaks OCPP-J: makes CALLs, answers those of the peer, notes every frame.

Lenient: everything the peer sends is recorded, and every CALL is answered: as the case expects (`expected`), else as
its script sets (`replies`), else as usual (`usual`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from interlock.scenarios.cases import match, schemas
from interlock.scenarios.cases.language import LATE_S
from interlock.scenarios.cases.players.notebook import Notebook
from interlock.scenarios.cases.replies import Replies
from interlock.scenarios.judge.exchange import CALL, parse

_encode = msgspec.json.Encoder().encode
FLOOD = 2000
"""Frames of a peer within `FLOOD_S` after which it is cut off."""
FLOOD_S = 2.0


class Line(Protocol):
    """One open socket."""

    number: int

    def send(self, text: str) -> None:
        """Send a text."""

    def close(self, code: int, why: str) -> None:
        """Close it."""


@dataclass(slots=True)
class Peer:
    """What the peer reported of itself."""

    station: str = ""
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    protocol: str = ""
    boots: int = 0


class Tester:
    """`bound` are the values that cases name. `trouble` says, in one sentence, why no case can be run any more."""

    def __init__(self, book: Notebook, bound: dict[str, Any], began: datetime) -> None:
        self.book, self.bound, self._began = book, bound, began
        self.line: Line | None = None
        self.peer = Peer()
        self.replies = Replies()
        self.expected: Callable[[str, Any], dict[str, Any] | None] = lambda action, payload: None
        self.trouble: str | None = None
        self.invalid: list[str] = []
        self._ids = itertools.count(1)
        self._transactions = itertools.count(1001)
        self._recent: list[float] = []

    @property
    def now(self) -> datetime:
        """The present time of day: what the tester's clock shows."""
        return datetime.fromtimestamp(self._began.timestamp() + self.book.now, UTC)

    def time(self) -> str:
        """Return the present as OCPP writes it."""
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def new_transaction(self) -> int:
        """Return a transactionId that was not used before."""
        return next(self._transactions)

    # --- out ---

    def call(self, action: str, payload: Mapping[str, Any]) -> str:
        """Make a CALL; return its message id."""
        name = f"t{next(self._ids)}"
        self.send(_encode([2, name, action, payload]).decode())
        return name

    def send(self, text: str) -> None:
        """Send any text, if there is a connection."""
        if self.line is not None:
            self.book.frame(text, ours=True, socket=self.line.number)
            self.line.send(text)

    # --- in ---

    def opened(self, line: Line, headers: dict[str, Any]) -> None:
        """Take a new connection."""
        self.line = line
        self.book.observe("socket.opened", socket=line.number, node="tester", headers=headers)

    def closed(self, line: Line, why: str) -> None:
        """Take note that a connection is gone."""
        if self.line is line:
            self.line = None
        self.book.observe("socket.closed", socket=line.number, node="tester", why=why)

    def arrived(self, line: Line, text: str) -> None:
        """Take a frame of the peer's."""
        self.book.frame(text, ours=False, socket=line.number)
        if self._floods():
            self.trouble = f"the peer sent more than {FLOOD} frames in {FLOOD_S:g} s"
            line.close(1008, "too many frames")
            return
        kind, name, action, payload = parse(text)
        if kind == CALL and line is self.line:
            self._answer(name, action, payload)

    def _floods(self) -> bool:
        now = self.book.now
        self._recent.append(now)
        if len(self._recent) <= FLOOD:
            return False
        oldest = self._recent.pop(0)
        return now - oldest < FLOOD_S

    def _answer(self, name: str, action: str, payload: Any) -> None:
        if action not in schemas.actions():
            self.send(_encode([4, name, "NotImplemented", f"{action[:50]} is no action of OCPP 1.6", {}]).decode())
            return
        if action == "BootNotification":
            self._greet(payload)
        wanted = self.expected(action, payload)
        late_s = 0.0
        if wanted is None and (reply := self.replies.next(action)) is not None:
            late_s = 0.0 if reply.late is None else self.bound[reply.late] + LATE_S
            if reply.code is not None:
                self.send(_encode([4, name, reply.code, "", {}]).decode())
                return
            if reply.payload is None:
                return
            wanted = match.fill(reply.payload, {**self.bound, "now": self.time()}, self.now)
        usual = self.usual(action, payload)
        if wanted is not None and wanted.get("idTagInfo", {}).get("status") == "Accepted":
            wanted = {**wanted, "idTagInfo": {**usual.get("idTagInfo", {}), **wanted["idTagInfo"]}}
        answer = self.again(action, payload, schemas.sample(f"{action}Response", {**usual, **(wanted or {})}))
        text = _encode([3, name, answer]).decode()
        if late_s:
            asyncio.get_running_loop().call_later(late_s, self._send_late, self.line, text)
        else:
            self.send(text)
        self.did(action, payload, answer)

    def _send_late(self, line: Line | None, text: str) -> None:
        if line is self.line:
            self.send(text)

    def _greet(self, payload: Mapping[str, Any]) -> None:
        peer = self.peer
        vendor, model = (str(payload.get(f"chargePoint{what}", ""))[:50] for what in ("Vendor", "Model"))
        if peer.boots and (vendor, model) != (peer.vendor, peer.model):
            self.trouble = f"it came back as another: {vendor} {model} now, {peer.vendor} {peer.model} before"
        peer.boots += 1
        peer.vendor, peer.model = vendor, model
        peer.firmware = str(payload.get("firmwareVersion", ""))[:50]

    def usual(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return what keeps a right peer going."""
        raise NotImplementedError

    def again(self, action: str, payload: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a CALL, or the one that was given before where it is told again."""
        return answer

    def did(self, action: str, payload: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Carry out what an accepted CALL demands."""


class AsCsms(Tester):
    """The answers of a CSMS."""

    interval_s = 300

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._started: dict[tuple[Any, ...], dict[str, Any]] = {}
        """How the start of each session that runs was answered, by its content."""

    def again(self, action: str, payload: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        """A start that is told again, because its answer was lost, has the number that it was given (3.7)."""
        if action == "StartTransaction":
            said = tuple(str(payload.get(name)) for name in ("connectorId", "idTag", "timestamp", "meterStart"))
            return self._started.setdefault(said, answer)
        if action == "StopTransaction":
            number = payload.get("transactionId")
            self._started = {key: one for key, one in self._started.items() if one["transactionId"] != number}
        return answer

    def usual(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return what keeps a right station going."""
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": self.time(), "interval": self.interval_s}
            case "Heartbeat":
                return {"currentTime": self.time()}
            case "Authorize":
                return {"idTagInfo": self.tag_info(payload.get("idTag"))}
            case "StartTransaction":
                info = self.tag_info(payload.get("idTag"))
                return {"transactionId": self.new_transaction(), "idTagInfo": info}
            case _:
                return {}

    def tag_info(self, tag: Any) -> dict[str, Any]:
        """Return the idTagInfo of a tag, compared without case (CiString)."""
        bound, shown = self.bound, str(tag).casefold()
        for word in ("Invalid", "Expired", "Blocked"):
            if shown == str(bound[f"{word.lower()}_tag"]).casefold():
                return {"status": word}
        group = shown in (str(bound["tag"]).casefold(), str(bound["group_tag"]).casefold())
        return {"status": "Accepted", **({"parentIdTag": bound["parent_tag"]} if group else {})}


class AsStation(Tester):
    """The answers of a station that does nothing beyond its script, except keeping a new password."""

    password: str | None = None

    def did(self, action: str, payload: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Connect with a new password from now on, if one was set (1.6 security, use case A01)."""
        sets = action == "ChangeConfiguration" and answer.get("status") == "Accepted"
        if sets and str(payload.get("key")).lower() == "authorizationkey":
            self.password = str(payload.get("value"))

    def usual(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return what keeps a right CSMS going."""
        match action:
            case "GetConfiguration":
                return {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]}
            case "TriggerMessage" | "RemoteStartTransaction" | "RemoteStopTransaction":
                return {"status": "Rejected"}
            case _:
                return {}
