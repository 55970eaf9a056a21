"""A right CSMS on tornado: one port for stations and operators, records in SQLite, an HTTP interface, a control file.

It keeps cards without case, takes no keys for requests, names its states with words of its own, asks one thing of a
station at a time, and tells samples. Wrong ones are made of it by `Tables` that differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from tests.foreign.brain import Payload

TABLES = """
create table card(tag text primary key collate nocase, status text, expiry text, parent text);
create table tx(id integer primary key autoincrement, cp text, evse int, tag text, begun text, start int, stop int,
    unique(cp, evse, tag, begun, start));
create table plug(cp text, evse int, word text, at text, primary key(cp, evse));
create table job(id text primary key, cp text, action text, payload text, state text);
create table sample(tx int, cp text, at text, value text, unit text, measurand text, phase text, context text);
insert into card values('TAG-DRIVER', 'Accepted', null, null), ('TAG-2', 'Accepted', null, 'TAG-GROUP'),
    ('TAG-BLOCKED', 'Blocked', null, null), ('TAG-EXPIRED', 'Expired', '2021-01-01T00:00:00Z', null);
insert into sqlite_sequence values('tx', 5000);
"""
CONTROL = """
url = "http://127.0.0.1:PORT"
check = { path = "/api/ok" }
ask.path = "/api/jobs"
ask.body = { cp = "{station}", action = "{action}", args = "{payload}" }
ask.accepted = [200]
ask.unreachable = [409]
ask.id = "id"
outcome = { path = "/api/job/{command}", state = "state" }
cards = { Accepted = ["TAG-DRIVER", "TAG-2"], Blocked = ["TAG-BLOCKED"], Expired = ["TAG-EXPIRED"] }
connectors = { path = "/api/cp/{station}", each = "plugs", connector = "evse", status = "word" }
online = { path = "/api/cp/{station}", online = "up" }
[states]
requested = ["sent"]
in-doubt = ["unsure"]
accepted = ["done"]
rejected = ["refused"]
unknown = ["dropped"]
[transactions]
path = "/api/tx/{station}"
each = "rows"
id = "id"
connector = "evse"
id_token = "tag"
meter_start_wh = "start"
started_at = "begun"
meter_stop_wh = "stop"
[samples]
path = "/api/samples/{station}/{transaction}"
each = "rows"
value = "value"
at = "at"
unit = "unit"
measurand = "measurand"
phase = "phase"
context = "context"
"""
NEEDED: dict[str, dict[str, type]] = {
    "BootNotification": {"chargePointVendor": str, "chargePointModel": str},
    "Authorize": {"idTag": str},
    "StatusNotification": {"connectorId": int, "status": str, "errorCode": str},
    "StartTransaction": {"connectorId": int, "idTag": str, "meterStart": int, "timestamp": str},
    "StopTransaction": {"meterStop": int, "timestamp": str, "transactionId": int},
    "MeterValues": {"connectorId": int, "meterValue": list},
    "DataTransfer": {"vendorId": str},
    **{one: {} for one in ("Heartbeat", "DiagnosticsStatusNotification", "FirmwareStatusNotification")},
}
YES = ("Accepted", "Unlocked", "Scheduled", "RebootRequired")
WORDLESS = ("GetConfiguration", "GetLocalListVersion", "GetDiagnostics", "UpdateFirmware")
SAID_S = 25.0


class Wrong(Exception):
    """A CALLERROR: code."""


class Tables:
    """All that it knows."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.executescript(TABLES)
        self.links: dict[str, Link] = {}

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Ask, or change something."""
        return [dict(row) for row in self.db.execute(sql, values).fetchall()]

    def one(self, sql: str, *values: Any) -> dict[str, Any] | None:
        """Return the first row."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def info(self, tag: str) -> Payload:
        """How a card is registered."""
        card = self.one("select * from card where tag = ?", tag)
        if card is None:
            return {"status": "Invalid"}
        more = {"expiryDate": card["expiry"], "parentIdTag": card["parent"]}
        return {"status": card["status"], **{name: value for name, value in more.items() if value}}

    # --- requests of stations ---

    def answer(self, cp: str, action: str, payload: Any) -> Payload:
        """Answer a request. Raises `Wrong`."""
        if action not in NEEDED:
            raise Wrong("NotImplemented")
        if not isinstance(payload, dict):
            raise Wrong("FormationViolation")
        for name, kind in NEEDED[action].items():
            if name not in payload:
                raise Wrong("OccurenceConstraintViolation")
            if type(payload[name]) is not kind:
                raise Wrong("TypeConstraintViolation")
        method: Callable[[str, Payload], Payload] | None = getattr(self, f"on_{action}", None)
        return method(cp, payload) if method is not None else {}

    def now(self) -> str:
        """The time."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def on_BootNotification(self, cp: str, p: Payload) -> Payload:
        return {"status": "Accepted", "currentTime": self.now(), "interval": 600}

    def on_Heartbeat(self, cp: str, p: Payload) -> Payload:
        return {"currentTime": self.now()}

    def on_DataTransfer(self, cp: str, p: Payload) -> Payload:
        return {"status": "UnknownVendorId"}

    def on_Authorize(self, cp: str, p: Payload) -> Payload:
        return {"idTagInfo": self.info(p["idTag"])}

    def on_StatusNotification(self, cp: str, p: Payload) -> Payload:
        self.rows(
            "insert or replace into plug values(?, ?, ?, ?)", cp, p["connectorId"], p["status"], p.get("timestamp")
        )
        return {}

    def on_StartTransaction(self, cp: str, p: Payload) -> Payload:
        told = cp, p["connectorId"], p["idTag"], p["timestamp"], p["meterStart"]
        self.rows("insert or ignore into tx(cp, evse, tag, begun, start) values(?, ?, ?, ?, ?)", *told)
        row = self.one("select id from tx where (cp, evse, tag, begun, start) = (?, ?, ?, ?, ?)", *told)
        return {"transactionId": row["id"] if row else 0, "idTagInfo": self.info(p["idTag"])}

    def on_StopTransaction(self, cp: str, p: Payload) -> Payload:
        number = p["transactionId"]
        self.rows("update tx set stop = ? where id = ? and cp = ? and stop is null", p["meterStop"], number, cp)
        return {"idTagInfo": self.info(p["idTag"])} if isinstance(p.get("idTag"), str) else {}

    def on_MeterValues(self, cp: str, p: Payload) -> Payload:
        for reading in p["meterValue"] if "transactionId" in p else ():
            for sample in reading["sampledValue"]:
                more = (sample.get(name) for name in ("unit", "measurand", "phase", "context"))
                row = p["transactionId"], cp, reading["timestamp"], sample["value"], *more
                self.rows("insert into sample values(?, ?, ?, ?, ?, ?, ?, ?)", *row)
        return {}

    # --- commands ---

    def ask(self, cp: str, action: str, payload: Payload) -> str | None:
        """Take a command; return its id, None where the station is away."""
        if cp not in self.links:
            return None
        job = str(uuid.uuid4())
        self.rows("insert into job values(?, ?, ?, ?, 'sent')", job, cp, action, json.dumps(payload))
        self.links[cp].jobs.put_nowait(job)
        return job

    def settle(self, cp: str, frame: list[Any]) -> None:
        """Note an answer of a station, late ones too."""
        job = self.one("select * from job where id = ? and cp = ? and state in ('sent', 'unsure')", frame[1], cp)
        if job is None:
            return
        word = frame[2].get("status") if frame[0] == 3 and isinstance(frame[2], dict) else None
        state = "done" if word in YES else "refused" if isinstance(word, str) else "unsure"
        if frame[0] == 3 and job["action"] in WORDLESS:
            state = "done"
        if frame[0] == 4 and frame[2] in ("NotSupported", "NotImplemented"):
            state = "refused"
        self.rows("update job set state = ? where id = ?", state, job["id"])

    def doubt(self, job: str, state: str = "unsure") -> None:
        """Note that a command has no answer."""
        self.rows("update job set state = ? where id = ? and state = 'sent'", state, job)


class Link(WebSocketHandler):
    """One connection of a station."""

    def initialize(self, tables: Tables) -> None:
        self.tables = tables
        self.jobs: asyncio.Queue[str] = asyncio.Queue()
        self.waiting: dict[str, asyncio.Event] = {}
        self.cp, self.sender = "", None

    def select_subprotocol(self, offered: list[str]) -> str | None:
        return "ocpp1.6" if "ocpp1.6" in offered else None

    def open(self, *args: str, **kwargs: str) -> None:
        self.cp = unquote(args[0])
        if self.selected_subprotocol is None:
            self.close(1002)
            return
        before, self.tables.links[self.cp] = self.tables.links.get(self.cp), self
        if before is not None:
            before.close()
        self.sender: asyncio.Task[None] | None = asyncio.ensure_future(self._send())

    def on_close(self) -> None:
        if self.sender is not None:
            self.sender.cancel()
        if self.tables.links.get(self.cp) is self:
            del self.tables.links[self.cp]
        for job in self.waiting:
            self.tables.doubt(job)
        while not self.jobs.empty():
            self.tables.doubt(self.jobs.get_nowait(), "dropped")

    async def _send(self) -> None:
        while True:
            job = self.tables.one("select * from job where id = ?", await self.jobs.get())
            assert job is not None
            answered = self.waiting[job["id"]] = asyncio.Event()
            self.say([2, job["id"], job["action"], json.loads(job["payload"])])
            try:
                async with asyncio.timeout(SAID_S):
                    await answered.wait()
            except TimeoutError:
                self.tables.doubt(job["id"])

    def say(self, frame: list[Any]) -> None:
        """Send a message, if somebody is there."""
        with contextlib.suppress(WebSocketClosedError):
            self.write_message(json.dumps(frame))

    def on_message(self, message: str | bytes) -> None:
        try:
            frame = json.loads(message)
        except ValueError:
            frame = [2, "-1"]
        match frame:
            case [3 | 4, str() as name, _, *_]:
                self.tables.settle(self.cp, frame)
                if name in self.waiting:
                    self.waiting.pop(name).set()
            case [2, str() as name, str() as action, payload]:
                try:
                    self.say([3, name, self.tables.answer(self.cp, action, payload)])
                except Wrong as error:
                    self.say([4, name, str(error), "", {}])
            case [2, str() as name, *_]:
                self.say([4, name, "FormationViolation", "", {}])


class Desk(RequestHandler):
    """The operator's interface."""

    def initialize(self, tables: Tables) -> None:
        self.tables = tables

    def get(self, path: str) -> None:
        """Tell what it has."""
        match [unquote(one) for one in path.split("/")]:
            case ["job", job]:
                self.write(self.tables.one("select id, state from job where id = ?", job) or {})
            case ["cp", cp]:
                plugs = self.tables.rows("select evse, word from plug where cp = ?", cp)
                self.write({"up": cp in self.tables.links, "plugs": plugs})
            case ["tx", cp]:
                self.write({"rows": self.tables.rows("select * from tx where cp = ?", cp)})
            case ["samples", cp, tx]:
                self.write({"rows": self.tables.rows("select * from sample where cp = ? and tx = ?", cp, tx)})
            case _:
                self.write({})

    def post(self, path: str) -> None:
        """Take a command."""
        asked = json.loads(self.request.body)
        job = self.tables.ask(asked["cp"], asked["action"], asked["args"])
        self.set_status(200 if job else 409)
        self.write({"id": job} if job else {})


@contextlib.asynccontextmanager
async def tabular(tables: Tables) -> AsyncIterator[tuple[str, str]]:
    """Serve it in this loop; yield where stations connect, and its control file."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        routes = [(r"/ocpp/(.*)", Link, {"tables": tables}), (r"/api/(.*)", Desk, {"tables": tables})]
        server = HTTPServer(Application(routes, log_function=lambda _: None))  # type: ignore[arg-type]
        server.add_socket(listening)
        port = listening.getsockname()[1]
        try:
            yield f"ws://127.0.0.1:{port}/ocpp", CONTROL.replace("PORT", str(port))
        finally:
            server.stop()
            await server.close_all_connections()
            tables.db.close()


Served = Callable[[], contextlib.AbstractAsyncContextManager[tuple[str, str]]]
SERVED: dict[str, Served] = {"tabular": lambda: tabular(Tables())}
"""Right CSMSs that are asked over HTTP, as their control file says."""
