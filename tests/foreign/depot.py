"""A foreign CSMS of OCPP 2.0.1 written by hand on a bare WebSocket, with records that are dicts, and wrong ones.

Every event of a transaction is kept by its seqNo, and what a transaction comes to is worked out when somebody asks.
Boots are told to come back every minute, message ids are UUIDs, and a vendor's data is in some answers. Nothing here
comes from the reference or from the `ocpp` library.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from websockets import ConnectionClosed
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from interlock.csms.domain import commands as do
from interlock.csms.node import Decision
from interlock.scenarios.targets.control_file import COMMANDS
from interlock.scenarios.targets.wording import worded
from interlock.simulator.spec import OcppVersion
from tests.foreign.shells import station_of

Payload = dict[str, Any]
REGISTER = "Energy.Active.Import.Register"
NEEDED: dict[str, tuple[str, ...]] = {
    "BootNotification": ("chargingStation", "reason"),
    "Heartbeat": (),
    "Authorize": ("idToken",),
    "StatusNotification": ("timestamp", "connectorStatus", "evseId", "connectorId"),
    "MeterValues": ("evseId", "meterValue"),
    "TransactionEvent": ("eventType", "timestamp", "triggerReason", "seqNo", "transactionInfo"),
    "NotifyEvent": ("generatedAt", "seqNo", "eventData"),
    "NotifyReport": ("requestId", "generatedAt", "seqNo"),
    "SecurityEventNotification": ("type", "timestamp"),
    "FirmwareStatusNotification": ("status",),
    "LogStatusNotification": ("status",),
    "DataTransfer": ("vendorId",),
}
YES = ("Accepted", "Unlocked", "Scheduled", "RebootRequired", "NoProfiles", "EmptyResultSet")


class Wrong(Exception):
    """A CALLERROR: its code."""


class Depot:
    """A right CSMS."""

    blocked = ("tag-blocked",)
    patience_s = 20.0

    def __init__(self) -> None:
        self.stations: dict[str, Payload] = {}
        self.lines: dict[str, _Line] = {}
        self.tickets: dict[str, Payload] = {}
        self.by_request: dict[str, str] = {}
        self.counted = 1000

    def of(self, station: str) -> Payload:
        """The record of a station."""
        return self.stations.setdefault(station, {"booted": False, "places": {}, "sessions": {}})

    # --- what stations tell ---

    def answer(self, station: str, action: str, told: Any) -> Payload:
        """Answer a CALL. Raises `Wrong`."""
        if action not in NEEDED:
            raise Wrong("NotImplemented")
        if not isinstance(told, dict):
            raise Wrong("FormatViolation")
        if not all(name in told for name in NEEDED[action]):
            raise Wrong("OccurrenceConstraintViolation")
        if action != "BootNotification" and not self.of(station)["booted"]:
            raise Wrong("SecurityError")
        self.valid(action, told)
        method = getattr(self, f"on_{action}", None)
        return method(station, told) if method is not None else {}

    def valid(self, action: str, told: Payload) -> None:
        """Refuse what is not valid."""
        place = action != "StatusNotification" or type(told["evseId"]) is type(told["connectorId"]) is int
        if not place:
            raise Wrong("TypeConstraintViolation")

    def now(self) -> str:
        """The time."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def on_BootNotification(self, station: str, told: Payload) -> Payload:
        self.of(station)["booted"] = True
        more = {"customData": {"vendorId": "depot", "site": 7}}
        return {"currentTime": self.now(), "interval": 60, "status": "Accepted", **more}

    def on_Heartbeat(self, station: str, told: Payload) -> Payload:
        return {"currentTime": self.now()}

    def on_DataTransfer(self, station: str, told: Payload) -> Payload:
        return {"status": "UnknownVendorId"}

    def on_Authorize(self, station: str, told: Payload) -> Payload:
        return {"idTokenInfo": self.card(told["idToken"])}

    def card(self, token: Payload) -> Payload:
        """How a token is registered: letters make no difference, and nobody's token is always accepted."""
        blocked = token["type"] != "NoAuthorization" and token["idToken"].lower() in self.blocked
        return {"status": "Blocked" if blocked else "Accepted"}

    def on_StatusNotification(self, station: str, told: Payload) -> Payload:
        place = told["evseId"], told["connectorId"]
        if all(place):
            self.of(station)["places"][place] = told["connectorStatus"]
        return {}

    def on_TransactionEvent(self, station: str, told: Payload) -> Payload:
        name = told["transactionInfo"].get("transactionId")
        if not isinstance(name, str):
            raise Wrong("OccurrenceConstraintViolation")
        self.keep(self.book(station), name, told)
        self.join(station, told)
        return {"idTokenInfo": self.card(told["idToken"])} if "idToken" in told else {}

    def book(self, station: str) -> dict[str, dict[int, Payload]]:
        """Where transactions of a station are kept."""
        found: dict[str, dict[int, Payload]] = self.of(station)["sessions"]
        return found

    def keep(self, book: dict[str, dict[int, Payload]], name: str, told: Payload) -> None:
        """Keep an event, the first one with its seqNo."""
        book.setdefault(name, {}).setdefault(told["seqNo"], told)

    def join(self, station: str, told: Payload) -> None:
        """Note that a start which was requested began a transaction."""
        number = told["transactionInfo"].get("remoteStartId")
        for one in self.tickets.values():
            mine = one["station"] == station and one["action"] == "RequestStartTransaction"
            if mine and number is not None and one["payload"]["remoteStartId"] == number and one["state"] == "unknown":
                one["state"] = "confirmed"

    # --- what it comes to ---

    def record(self, station: str) -> list[Payload]:
        """All transactions of a station of which the beginning is known."""
        found = [self.summary(name, events) for name, events in self.book(station).items()]
        return [one for one in found if one["at"] is not None]

    def summary(self, name: str, events: dict[int, Payload]) -> Payload:
        """What a transaction comes to."""
        told = [events[number] for number in self.ordered(events)]
        began = next((one for one in told if one["eventType"] == "Started"), {})
        ended = next((one for one in told if one["eventType"] == "Ended"), None)
        card = self.of_all([one["idToken"]["idToken"] for one in told if "idToken" in one])
        place = next((one["evse"] for one in told if "evse" in one), {})
        start, stop = self.energy(began, "Transaction.Begin"), self.energy(ended or {}, "Transaction.End")
        stop = start if ended is not None and stop is None else stop
        at = {"at": began.get("timestamp"), "evse": self.evse(place)}
        return {"id": name, **at, "card": card, "start": start, "stop": stop if ended is not None else None}

    def ordered(self, events: dict[int, Payload]) -> list[int]:
        """The order in which events count."""
        return sorted(events)

    def of_all(self, cards: list[str]) -> str | None:
        """Whose transaction it is."""
        return cards[0] if cards else None

    def evse(self, place: Payload) -> int | None:
        """Where it was."""
        return place.get("id")

    def energy(self, event: Payload, context: str) -> int | None:
        """The register in an event's readings, in Wh."""
        found: dict[bool, float] = {}
        for value in event.get("meterValue", ()):
            for one in value["sampledValue"]:
                if one.get("measurand", REGISTER) == REGISTER and "phase" not in one:
                    found[one.get("context") == context] = one["value"] * self.factor(one.get("unitOfMeasure", {}))
        read = found.get(True, found.get(False))
        return None if read is None else round(read)

    def factor(self, unit: Payload) -> float:
        """How many Wh one of this is."""
        return 10.0 ** unit.get("multiplier", 0) * (1000 if unit.get("unit") == "kWh" else 1)

    # --- what an operator asks for ---

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        """Take a command; return what the operator is told, and its id."""
        if request in self.by_request:
            return "known", self.by_request[request]
        line = self.lines.get(station)
        if line is None:
            return "unreachable", None
        if action == "RequestStartTransaction" and "remoteStartId" not in payload:
            self.counted += 1
            payload = {**payload, "remoteStartId": self.counted}
        name = str(uuid.uuid4())
        self.by_request[request] = name
        self.tickets[name] = {"station": station, "action": action, "payload": payload, "state": "requested"}
        line.queue.put_nowait(name)
        return "accepted", name

    restarts = False
    """Whether it can be killed and started again."""

    def fall(self) -> None:
        """Lose every connection, and what is not on disk: here nothing."""
        for line in list(self.lines.values()):
            line.socket.transport.abort()
            line.end()
        self.lines.clear()

    def outcome(self, action: str, said: Payload) -> str:
        """What an answer means."""
        results = said.get("setVariableResult", said.get("getVariableResult"))
        words = [one["attributeStatus"] for one in results] if results is not None else [said.get("status", "")]
        done = action in ("GetLocalListVersion", "GetTransactionStatus") or all(word in YES for word in words)
        return "accepted" if done else "rejected"


class Restarted(Depot):
    """A right one that can be killed, and has everything on disk that it answered."""

    restarts = True


class _Line:
    """One connection: CALLs leave one at a time, and answers are given while one is open."""

    def __init__(self, csms: Depot, station: str, socket: ServerConnection) -> None:
        self.csms, self.station, self.socket = csms, station, socket
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.open: dict[str, asyncio.Future[tuple[int, Payload]]] = {}
        self.work = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        while True:
            name = await self.queue.get()
            one = self.csms.tickets[name]
            self.open[name] = asyncio.get_running_loop().create_future()
            one["state"] = "in-doubt"
            with contextlib.suppress(ConnectionClosed):
                await self.socket.send(json.dumps([2, name, one["action"], one["payload"]]))
            try:
                kind, said = await asyncio.wait_for(self.open[name], self.csms.patience_s)
                one["state"] = self.csms.outcome(one["action"], said) if kind == 3 else "rejected"
            except TimeoutError:
                one["state"] = "unknown"

    def answered(self, message: list[Any]) -> None:
        """Take an answer, also one that comes late."""
        waiting = self.open.pop(message[1], None)
        if waiting is None:
            return
        said = message[2] if isinstance(message[2], dict) else {}
        if not waiting.done():
            waiting.set_result((message[0], said))
        elif message[0] == 3:
            one = self.csms.tickets[message[1]]
            one["state"] = self.csms.outcome(one["action"], said)

    def end(self) -> None:
        """Give up what is open; what had not left never does."""
        self.work.cancel()
        for name in self.open:
            one = self.csms.tickets[name]
            one["state"] = "unknown" if one["state"] == "in-doubt" else one["state"]
        while not self.queue.empty():
            self.csms.tickets[self.queue.get_nowait()]["state"] = "refuted"

    def heard(self, text: str) -> str | None:
        """Return what is said to a text."""
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, list) or len(message) < 3 or not isinstance(message[1], str):
            return json.dumps([4, "-1", "RpcFrameworkError", "", {}])
        if message[0] in (3, 4):
            self.answered(message)
            return None
        if message[0] != 2 or len(message) != 4:
            return json.dumps(
                [4, message[1], "MessageTypeNotSupported" if message[0] != 2 else "ProtocolError", "", {}]
            )
        try:
            return json.dumps([3, message[1], self.csms.answer(self.station, message[2], message[3])])
        except Wrong as error:
            return json.dumps([4, message[1], str(error), "", {}])
        except (TypeError, KeyError, AttributeError):
            return json.dumps([4, message[1], "TypeConstraintViolation", "", {}])


@contextlib.asynccontextmanager
async def depot_201(csms: Depot) -> AsyncIterator[str]:
    """Serve it."""

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        station = station_of(socket.request.path)
        line, old = _Line(csms, station, socket), csms.lines.get(station)
        csms.lines[station] = line
        if old is not None:
            old.end()
            await old.socket.close()
        try:
            async for text in socket:
                said = line.heard(text if isinstance(text, str) else "")
                if said is not None:
                    await socket.send(said)
        except ConnectionClosed:
            pass
        finally:
            line.end()
            if csms.lines.get(station) is line:
                del csms.lines[station]

    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")]) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ocpp"


class DepotHand:
    """Its operator's side, as a check uses one."""

    tells = frozenset(("requests", "outcomes", "transactions", "connectors", "online"))
    commands = frozenset(COMMANDS)
    ocpp: OcppVersion = "2.0.1"
    places = True

    def __init__(self, csms: Depot) -> None:
        self.csms = csms
        self.restarts = csms.restarts

    async def check(self) -> None:
        """It is there."""

    async def restart(self) -> None:
        """Kill it and start it again."""
        self.csms.fall()
        await asyncio.sleep(0.2)

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command."""
        answer: Any
        answer, name = self.csms.ask(station, *worded(command, self.ocpp), request_id)
        return Decision(answer, name)

    async def phase(self, command_id: str) -> str | None:
        """Where a command stands."""
        return str(self.csms.tickets[command_id]["state"])

    async def events(self, station: str) -> list[dict[str, Any]] | None:
        """Starts and stops."""
        found: list[Payload] = []
        for one in self.csms.record(station):
            name = {"transaction_id": one["id"]}
            start = {"evse": one["evse"], "id_token": one["card"], "meter_start_wh": one["start"]}
            about = {**name, **start, "started_at": one["at"], "command_id": None}
            found.append({"type": "TransactionStarted", "data": about})
            if one["stop"] is not None:
                found.append({"type": "TransactionStopped", "data": {**name, "meter_stop_wh": one["stop"]}})
        return [{"version": n, "id": f"{station}:{n}", **one} for n, one in enumerate(found, 1)]

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        """What it believes of connectors."""
        here = {"online": station in self.csms.lines}
        return [
            {"evse": evse, "connector": connector, "status": status, **here}
            for (evse, connector), status in self.csms.of(station)["places"].items()
        ] or [here]


class Orderly(Depot):
    """Right: what is told of a transaction that did not begin yet is answered and left alone (E04)."""

    def keep(self, book: dict[str, dict[int, Payload]], name: str, told: Payload) -> None:
        """Keep an event of a transaction that is known, or begins."""
        if name in book or told["eventType"] == "Started":
            super().keep(book, name, told)
