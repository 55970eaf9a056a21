"""A foreign CSMS of OCPP 2.0.1 as a user of the `ocpp` library writes it, with an operator's side, and wrong ones.

`Newer` is the right one: transactions by the ids their stations give, told twice is told once, one CALL at a time.
`NewerHand` is its operator's side, `library_201` the socket. Nothing here comes from the reference.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import websockets
from ocpp.charge_point import camel_to_snake_case
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from ocpp.v201.enums import Action
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from interlock.csms.domain import commands as do
from interlock.csms.node import Decision
from interlock.scenarios.targets.control_file import COMMANDS
from interlock.scenarios.targets.wording import worded
from interlock.simulator.spec import OcppVersion
from tests.foreign.shells import station_of

Payload = dict[str, Any]
DONE = ("Accepted", "Unlocked", "Scheduled", "RebootRequired", "NoProfiles", "EmptyResultSet")
logging.getLogger("ocpp").setLevel(logging.CRITICAL)


class Newer:
    """A right CSMS. All its state is here; a station is known by its id."""

    blocked = ("TAG-BLOCKED",)
    patience_s = 20.0

    def __init__(self) -> None:
        self.transactions: dict[tuple[str, str], Payload] = {}
        self.statuses: dict[tuple[str, int], str] = {}
        self.lines: dict[str, _Station] = {}
        self.requests: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.remote_starts = 0
        self.tasks: set[asyncio.Task[None]] = set()

    # --- what stations tell ---

    def now(self) -> str:
        """The time."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def boot(self) -> Payload:
        """The answer to a boot."""
        return {"current_time": self.now(), "interval": 300, "status": "Accepted"}

    def heartbeat(self) -> Payload:
        """The answer to a heartbeat."""
        return {"current_time": self.now()}

    def card(self, card: str) -> str:
        """How a card is registered."""
        return "Blocked" if card in self.blocked else "Accepted"

    def running(self, card: str) -> bool:
        """Whether a transaction of this card runs."""
        return any(
            one["card"] == card and one["stop"] is None and one["status"] == "Accepted"
            for one in self.transactions.values()
        )

    def key(self, station: str, event: Payload) -> tuple[str, str]:
        """What makes a transaction the same transaction."""
        return station, event["transaction_info"]["transaction_id"]

    def event(self, station: str, event: Payload) -> Payload:
        """Take a TransactionEvent; return its answer. Events may come in any order."""
        key, card = self.key(station, event), (event.get("id_token") or {}).get("id_token")
        one = self.transactions.get(key)
        if one is None:
            one = {"station": station, "id": key[1], "seen": set(), "status": "Accepted"}
            one |= dict.fromkeys(("card", "evse", "at", "start", "stop"))
            self.keep(key, one)
        if event["seq_no"] not in one["seen"]:
            one["seen"].add(event["seq_no"])
            self.new(one, event)
        if card is None:
            return self.told(None)
        return self.told(one["status"] if event["event_type"] == "Started" else self.card(card))

    def keep(self, key: tuple[str, str], one: Payload) -> None:
        """Put a new transaction on record."""
        self.transactions[key] = one

    def new(self, one: Payload, event: Payload) -> None:
        """Put an event on record that was not told before."""
        card = (event.get("id_token") or {}).get("id_token")
        if event["event_type"] == "Started":
            if card:
                one["status"] = self.card(card)
            if card and one["status"] == "Accepted" and self.running(card):
                one["status"] = "ConcurrentTx"
            evse = (event.get("evse") or {}).get("id")
            one |= {"card": card, "evse": evse, "at": event["timestamp"], "start": register_wh(event)}
        if event["event_type"] == "Ended" and one["stop"] is None:
            one["stop"] = register_wh(event)

    def told(self, status: str | None) -> Payload:
        """The answer to an event."""
        return {"id_token_info": {"status": status}} if status else {}

    # --- what an operator asks for ---

    def ask(self, station: str, action: str, payload: Payload, request: str) -> tuple[str, str | None]:
        """Take a command; return what the operator is told, and its id."""
        if request in self.requests:
            return "known", self.requests[request]
        if station not in self.lines:
            return "unreachable", None
        name = f"c{len(self.states) + 1}"
        self.requests[request], self.states[name] = name, "requested"
        if action == "RequestStartTransaction":
            self.remote_starts += 1
            payload = {**payload, "remoteStartId": self.remote_starts}
        self.start(self.send(station, name, action, payload))
        return "accepted", name

    def start(self, work: Any) -> None:
        """Let something go on by itself."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def send(self, station: str, name: str, action: str, payload: Payload, **how: Any) -> None:
        """Send a command, and note what comes of it."""
        line = self.lines.get(station)
        if line is None:
            self.states[name] = "unknown"
            return
        words = getattr(call, action)(**camel_to_snake_case(payload))
        self.states[name] = "in-doubt"
        try:
            answer = await line.call(words, suppress=False, unique_id=name, **how)
        except (OCPPError, TypeError):  # TypeError: an answer without what the library has a place for
            self.states[name] = "rejected"
        except (TimeoutError, websockets.ConnectionClosed):
            self.states[name] = "unknown"
        else:
            results = getattr(answer, "set_variable_result", ())
            words = [one["attribute_status"] for one in results] or [getattr(answer, "status", "Accepted")]
            states = {self.state_of(word) for word in words}
            self.states[name] = "rejected" if "rejected" in states else "accepted"

    def state_of(self, word: str) -> str:
        """What a station's word means."""
        return "accepted" if word in DONE else "rejected"

    def record(self, station: str) -> list[Payload]:
        """All transactions of a station."""
        mine = [one for one in self.transactions.values() if one["station"] == station and one["at"] is not None]
        return [one for one in mine if one["status"] == "Accepted"]

    def evse_of(self, evse_id: int, connector_id: int) -> int:
        """Where a status belongs."""
        return evse_id


def register_wh(event: Payload) -> int:
    """Return the meter's register in an event, in Wh."""
    found = 0.0
    for value in event.get("meter_value") or ():
        for one in value["sampled_value"]:
            if one.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register":
                unit = one.get("unit_of_measure") or {}
                wh = one["value"] * 10.0 ** unit.get("multiplier", 0) * (1000 if unit.get("unit") == "kWh" else 1)
                found = wh
    return round(found)


class _Station(ChargePoint):  # type: ignore[misc]
    """One connection."""

    def __init__(self, id: str, socket: Any, csms: Newer) -> None:
        super().__init__(id, socket, response_timeout=csms.patience_s)
        self.csms = csms

    @on(Action.boot_notification)
    def boot(self, **_: Any) -> Any:
        return call_result.BootNotification(**self.csms.boot())

    @on(Action.heartbeat)
    def heartbeat(self, **_: Any) -> Any:
        return call_result.Heartbeat(**self.csms.heartbeat())

    @on(Action.authorize)
    def authorize(self, id_token: Payload, **_: Any) -> Any:
        return call_result.Authorize({"status": self.csms.card(id_token["id_token"])})

    @on(Action.status_notification)
    def status(self, evse_id: int, connector_id: int, connector_status: str, **_: Any) -> Any:
        self.csms.statuses[self.id, self.csms.evse_of(evse_id, connector_id)] = connector_status
        return call_result.StatusNotification()

    @on(Action.meter_values)
    def meters(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on(Action.data_transfer)
    def data(self, **_: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @on(Action.transaction_event)
    def event(self, **event: Any) -> Any:
        return call_result.TransactionEvent(**self.csms.event(self.id, event))

    @on(Action.log_status_notification)
    def log(self, **_: Any) -> Any:
        return call_result.LogStatusNotification()

    @on(Action.firmware_status_notification)
    def firmware(self, **_: Any) -> Any:
        return call_result.FirmwareStatusNotification()

    @on(Action.notify_event)
    def notify(self, **_: Any) -> Any:
        return call_result.NotifyEvent()

    @on(Action.notify_report)
    def notify_report(self, **_: Any) -> Any:
        return call_result.NotifyReport()

    @on(Action.security_event_notification)
    def security(self, **_: Any) -> Any:
        return call_result.SecurityEventNotification()


@contextlib.asynccontextmanager
async def library_201(csms: Newer) -> AsyncIterator[str]:
    """The `ocpp` library on `websockets`, which speaks 2.0.1 and nothing else."""

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        line = _Station(station_of(socket.request.path), socket, csms)
        csms.lines[line.id] = line
        try:
            with contextlib.suppress(websockets.ConnectionClosed):
                await line.start()
        finally:
            if csms.lines.get(line.id) is line:
                del csms.lines[line.id]

    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")]) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ocpp"


class NewerHand:
    """The operator's side of it, as a check uses one."""

    tells = frozenset(("requests", "outcomes", "transactions", "connectors"))
    commands = frozenset(COMMANDS)
    ocpp: OcppVersion = "2.0.1"

    def __init__(self, csms: Newer) -> None:
        self.csms = csms

    async def check(self) -> None:
        """It is there."""

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command."""
        answer: Any
        answer, id = self.csms.ask(station, *worded(command, self.ocpp), request_id)
        return Decision(answer, id)

    async def phase(self, command_id: str) -> str | None:
        """Where a command stands."""
        return self.csms.states.get(command_id)

    async def events(self, station: str) -> list[dict[str, Any]] | None:
        """Starts and stops."""
        found: list[Payload] = []

        def note(type: str, **data: Any) -> None:
            found.append({"version": len(found) + 1, "id": f"{station}:{len(found)}", "type": type, "data": data})

        for one in self.csms.record(station):
            name = {"transaction_id": one["id"]}
            start = {"evse": one["evse"], "id_token": one["card"], "meter_start_wh": one["start"]}
            note("TransactionStarted", **name, **start, started_at=one["at"], command_id=None)
            if one["stop"] is not None:
                note("TransactionStopped", **name, meter_stop_wh=one["stop"])
        return found

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        """What it believes of connectors."""
        return [
            {"evse": evse, "connector": 1, "status": status}
            for (name, evse), status in self.csms.statuses.items()
            if name == station
        ]


# --- wrong ones ------------------------------------------------------------------------------------------------------


class _AcceptsBlockedCards(Newer):
    """A blocked card is accepted at the start of a transaction."""

    def told(self, status: str | None) -> Payload:
        return super().told("Accepted" if status == "Blocked" else status)


class _RecordsTwice(Newer):
    """An event that is told twice is on record twice."""

    def event(self, station: str, event: Payload) -> Payload:
        if event["event_type"] == "Started" and self.key(station, event) in self.transactions:
            one = self.transactions[self.key(station, event)]
            self.transactions[station, f"{one['id']}#{len(self.transactions)}"] = dict(one)
        return super().event(station, event)


class _CutsIds(Newer):
    """Transaction ids are kept to 20 characters."""

    def key(self, station: str, event: Payload) -> tuple[str, str]:
        station, name = super().key(station, event)
        return station, name[:20]


class _AnyEventEnds(Newer):
    """The last reading of any event is the meter at the end."""

    def new(self, one: Payload, event: Payload) -> None:
        super().new(one, event)
        if event["event_type"] == "Updated":
            one["stop"] = register_wh(event)


class _LosesEvents(Newer):
    """One transaction in three is answered and then lost."""

    def keep(self, key: tuple[str, str], one: Payload) -> None:
        self.kept = getattr(self, "kept", 0) + 1
        if self.kept % 3:
            super().keep(key, one)


class _ReadsKwhAsWh(Newer):
    """The unit of a reading is not looked at."""

    def event(self, station: str, event: Payload) -> Payload:
        for value in event.get("meter_value") or ():
            for one in value["sampled_value"]:
                one.pop("unit_of_measure", None)
        return super().event(station, event)


class _NeverEnds(Newer):
    """A card stays in use when its transaction has ended."""

    def running(self, card: str) -> bool:
        return any(one["card"] == card for one in self.transactions.values())


class _UnlocksFirstEvse(Newer):
    """Every unlock is sent to EVSE 1."""

    async def send(self, station: str, name: str, action: str, payload: Payload, **how: Any) -> None:
        place = {"evseId": 1} if action == "UnlockConnector" else {}
        await super().send(station, name, action, {**payload, **place}, **how)


class _SendsUnlocksTwice(Newer):
    """Each unlock is sent a second time."""

    async def send(self, station: str, name: str, action: str, payload: Payload, **how: Any) -> None:
        await super().send(station, name, action, payload, **how)
        if action == "UnlockConnector":
            await super().send(station, f"{name}-again", action, payload, **how)


class _SendsAgainUnanswered(Newer):
    """A CALL without an answer in five seconds is sent again."""

    patience_s = 5.0

    async def send(self, station: str, name: str, action: str, payload: Payload, **how: Any) -> None:
        await super().send(station, name, action, payload, **how)
        if self.states[name] == "unknown":
            await super().send(station, f"{name}-again", action, payload, **how)


class _LosesRemoteStartIds(Newer):
    """A start is requested without a remoteStartId."""

    async def send(self, station: str, name: str, action: str, payload: Payload, **how: Any) -> None:
        if action == "RequestStartTransaction":
            payload, how = {**payload, "remoteStartId": None}, {"skip_schema_validation": True}
        await super().send(station, name, action, payload, **how)


class _SameRemoteStartId(Newer):
    """Every start is requested under the remoteStartId 1."""

    async def send(self, station: str, name: str, action: str, payload: Payload, **how: Any) -> None:
        same = {"remoteStartId": 1} if action == "RequestStartTransaction" else {}
        await super().send(station, name, action, {**payload, **same}, **how)


class _StopsAnother(Newer):
    """A stop is requested for the transaction that began last, whatever was asked for."""

    async def send(self, station: str, name: str, action: str, payload: Payload, **how: Any) -> None:
        if action == "RequestStopTransaction":
            payload = {"transactionId": [one["id"] for one in self.transactions.values()][-1]}
        await super().send(station, name, action, payload, **how)


class _AllIsAccepted(Newer):
    """What a station rejects is accepted on record."""

    def state_of(self, word: str) -> str:
        return "accepted"


class _ConnectorsAreEvses(Newer):
    """A status is filed under its connector's number, which is 1 at every EVSE."""

    def evse_of(self, evse_id: int, connector_id: int) -> int:
        return connector_id


class _NoIntervalAtBoot(Newer):
    """A boot is answered without what a station needs, which the library lets nobody send: with an error."""

    def boot(self) -> Payload:
        return {"current_time": self.now(), "status": "Accepted", "interval": None}


class _NoTokenInfo(Newer):
    """A start with a card is answered without saying whether the card is accepted."""

    def told(self, status: str | None) -> Payload:
        return {}


WRONG_NEWER: dict[str, tuple[str, Callable[[], Newer]]] = {}
"""Wrong ones by name: what is wrong, and what makes one."""
for _kind in (
    *(_AcceptsBlockedCards, _RecordsTwice, _CutsIds, _AnyEventEnds, _LosesEvents, _ReadsKwhAsWh, _NeverEnds),
    *(_UnlocksFirstEvse, _SendsUnlocksTwice, _SendsAgainUnanswered, _LosesRemoteStartIds, _SameRemoteStartId),
    *(_StopsAnother, _AllIsAccepted, _ConnectorsAreEvses, _NoIntervalAtBoot, _NoTokenInfo),
):
    _name = "".join(f"-{one.lower()}" if one.isupper() else one for one in _kind.__name__[1:]).lstrip("-")
    _sentence = (_kind.__doc__ or "").split(".")[0]
    WRONG_NEWER[f"{_name}-201"] = _sentence[0].lower() + _sentence[1:], _kind
