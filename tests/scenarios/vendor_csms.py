"""A CSMS as its users write one with the `ocpp` package, knowing nothing of Interlock; and wrong ones."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from ocpp.charge_point import camel_to_snake_case
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

TAGS = {
    **dict.fromkeys(("TAG-VALID", "TAG-OTHER", "TAG-GROUP"), "Accepted"),
    "TAG-BLOCKED": "Blocked",
    "TAG-EXPIRED": "Expired",
}


def now() -> str:
    return datetime.now(UTC).isoformat()


class Central(ChargePoint):  # type: ignore[misc]
    """One station's connection; subclasses are wrong in one part."""

    transactions = itertools.count(1)

    def info(self, tag: str) -> dict[str, Any]:
        known = {"parent_id_tag": "TAG-PARENT"} if tag == "TAG-GROUP" else {}
        return {"status": TAGS.get(tag, "Invalid"), **known}

    @on("BootNotification")
    def boot(self, **_: Any) -> Any:
        return call_result.BootNotification(now(), 300, "Accepted")

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(now())

    @on("StatusNotification")
    def status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on("Authorize")
    def authorize(self, id_tag: str) -> Any:
        return call_result.Authorize(self.info(id_tag))

    @on("StartTransaction")
    def start_transaction(self, id_tag: str, **_: Any) -> Any:
        return call_result.StartTransaction(next(self.transactions), self.info(id_tag))

    @on("StopTransaction")
    def stop_transaction(self, **_: Any) -> Any:
        return call_result.StopTransaction()

    @on("MeterValues")
    def meter_values(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on("DataTransfer")
    def data(self, **_: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @on("FirmwareStatusNotification")
    def firmware(self, **_: Any) -> Any:
        return call_result.FirmwareStatusNotification()

    @on("DiagnosticsStatusNotification")
    def diagnostics(self, **_: Any) -> Any:
        return call_result.DiagnosticsStatusNotification()

    @on("SignedFirmwareStatusNotification")
    def signed_firmware(self, **_: Any) -> Any:
        return call_result.SignedFirmwareStatusNotification()

    @on("LogStatusNotification")
    def log(self, **_: Any) -> Any:
        return call_result.LogStatusNotification()

    @on("SecurityEventNotification")
    def security_event(self, **_: Any) -> Any:
        return call_result.SecurityEventNotification()

    @on("SignCertificate")
    def sign(self, csr: str) -> Any:
        return call_result.SignCertificate("Accepted")

    @after("SignCertificate")
    async def signed(self, csr: str) -> None:
        await self.call(call.CertificateSigned("-----BEGIN CERTIFICATE-----"), suppress=True)

    async def order(self, action: str, payload: dict[str, Any]) -> None:
        """Have the station do something."""
        await self.call(getattr(call, action)(**camel_to_snake_case(payload)), suppress=True)


class VendorCsms:
    """A server, and whoever operates it."""

    def __init__(self, kind: Callable[..., Central] = Central, subprotocols: tuple[str, ...] = ("ocpp1.6",)) -> None:
        self.kind, self.subprotocols = kind, subprotocols
        self.stations: dict[str, Central] = {}
        self.tasks: set[asyncio.Task[Any]] = set()
        self.port = self.control_port = 0

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        name = socket.request.path.rpartition("/")[2]
        station = self.stations[name] = self.kind(name, socket)
        with contextlib.suppress(ConnectionClosed):
            await station.start()

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        station = self.stations[names["station"]]
        task = asyncio.get_running_loop().create_task(self._order(station, names["action"], dict(names["payload"])))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _order(self, station: Central, action: str, payload: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            await station.order(action, payload)

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """An HTTP interface: POST /STATION/ACTION with the payload."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length")), 0)
        status = "404 Not Found"
        if head.startswith("POST "):
            _, station, action = head.split()[1].split("/")
            payload = json.loads(await reader.readexactly(length))
            await self.do("ask", {"station": station, "action": action, "payload": payload})
            status = "202 Accepted"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[VendorCsms]:
        async with (
            serve(self.serve, "127.0.0.1", 0, subprotocols=self.subprotocols) as server,  # type: ignore[arg-type]
            await asyncio.start_server(self.control, "127.0.0.1", 0) as control,
        ):
            self.port = next(iter(server.sockets)).getsockname()[1]
            self.control_port = control.sockets[0].getsockname()[1]
            yield self
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)


CONTROL = """
url = "http://127.0.0.1:{port}"
[ask]
path = "/{{station}}/{{action}}"
body = "{{payload}}"
accepted = [202]
"""


# --- wrong in one part -----------------------------------------------------------------------------------------------


class LetsEverybodyIn(Central):
    def info(self, tag: str) -> dict[str, Any]:
        return {"status": "Accepted"}


class AuthorizesAndRefuses(Central):
    @on("StartTransaction")
    def start_transaction(self, id_tag: str, **_: Any) -> Any:
        return call_result.StartTransaction(next(self.transactions), {"status": "Invalid"})


class LetsNobodyIn(Central):
    def info(self, tag: str) -> dict[str, Any]:
        return {"status": "Invalid"}


class CallsBlockedInvalid(Central):
    def info(self, tag: str) -> dict[str, Any]:
        return {"status": "Accepted" if TAGS.get(tag) == "Accepted" else "Invalid"}


class OneNumberForAll(Central):
    @on("StartTransaction")
    def start_transaction(self, id_tag: str, **_: Any) -> Any:
        return call_result.StartTransaction(1, self.info(id_tag))


class RefusesStarts(Central):
    @on("StartTransaction")
    def start_transaction(self, id_tag: str, **_: Any) -> Any:
        raise ValueError("no")


class PendingForEver(Central):
    @on("StatusNotification")
    def status(self, **_: Any) -> Any:
        raise ValueError("not yet")


class ForgetsOrders(Central):
    async def order(self, action: str, payload: dict[str, Any]) -> None:
        pass


class SoftensResets(Central):
    async def order(self, action: str, payload: dict[str, Any]) -> None:
        await super().order(action, {**payload, "type": "Soft"} if action == "Reset" else payload)


class OtherConnector(Central):
    async def order(self, action: str, payload: dict[str, Any]) -> None:
        await super().order(action, {**payload, "connectorId": 2} if action == "UnlockConnector" else payload)


class StopsSomethingElse(Central):
    async def order(self, action: str, payload: dict[str, Any]) -> None:
        await super().order(action, {"transactionId": 4711} if action == "RemoteStopTransaction" else payload)


class OtherTag(Central):
    async def order(self, action: str, payload: dict[str, Any]) -> None:
        await super().order(action, {**payload, "idTag": "X"} if action == "RemoteStartTransaction" else payload)


class RoundsValues(Central):
    async def order(self, action: str, payload: dict[str, Any]) -> None:
        await super().order(action, {**payload, "value": "100"} if action == "ChangeConfiguration" else payload)


class AsksForOneKey(Central):
    async def order(self, action: str, payload: dict[str, Any]) -> None:
        await super().order(action, {"key": ["HeartbeatInterval"]} if action == "GetConfiguration" else payload)


class RefusesEnds(Central):
    @on("StopTransaction")
    def stop_transaction(self, transaction_id: int, **_: Any) -> Any:
        if transaction_id > 900_000:
            raise ValueError("no such transaction")
        return call_result.StopTransaction()


WRONG: dict[type[Central], str] = {
    LetsEverybodyIn: "TC_023_1_CSMS",
    AuthorizesAndRefuses: "TC_003_CSMS",
    CallsBlockedInvalid: "TC_023_3_CSMS",
    OneNumberForAll: "IL_259_CSMS",
    RefusesStarts: "TC_037_1_CSMS",
    PendingForEver: "TC_001_CSMS",
    ForgetsOrders: "TC_061_CSMS",
    SoftensResets: "TC_013_CSMS",
    OtherConnector: "TC_017_1_CSMS",
    StopsSomethingElse: "TC_012_CSMS",
    OtherTag: "TC_010_CSMS",
    RoundsValues: "TC_021_CSMS",
    AsksForOneKey: "TC_019_1_CSMS",
    RefusesEnds: "IL_239_CSMS",
}
"""Every wrong CSMS, and the case that has to catch it."""
