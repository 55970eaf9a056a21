"""A station as a vendor would write it with the `ocpp` package, knowing nothing of Interlock; and wrong ones."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from ocpp.exceptions import OCPPError
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from interlock.scenarios.cases.players.hand import CannotDo

KEYS = {
    **dict.fromkeys(("ClockAlignedDataInterval", "ResetRetries", "TransactionMessageRetryInterval"), "0"),
    **dict.fromkeys(("LocalAuthorizeOffline", "StopTransactionOnInvalidId"), "true"),
    **dict.fromkeys(("LocalPreAuthorize", "AuthorizeRemoteTxRequests"), "false"),
    **dict.fromkeys(("MeterValuesAlignedData", "MeterValuesSampledData"), "Voltage"),
    **dict.fromkeys(("StopTxnAlignedData", "StopTxnSampledData", "ConnectorPhaseRotation"), ""),
    "ConnectionTimeOut": "2",
    "HeartbeatInterval": "300",
    "MeterValueSampleInterval": "0",
    "StopTransactionOnEVSideDisconnect": "true",
    "UnlockConnectorOnEVSideDisconnect": "true",
    "GetConfigurationMaxKeys": "50",
    "NumberOfConnectors": "1",
    "SupportedFeatureProfiles": "Core,RemoteTrigger",
    "TransactionMessageAttempts": "3",
}
READONLY = ("GetConfigurationMaxKeys", "NumberOfConnectors", "SupportedFeatureProfiles")


class Wires(ChargePoint):  # type: ignore[misc]
    """One connection; what CALLs do is in `station`."""

    def __init__(self, station: Vendor, socket: Any) -> None:
        super().__init__(station.id, socket)
        self.station = station

    @on("RemoteStartTransaction")
    def start_remotely(self, id_tag: str, connector_id: int | None = None, **_: Any) -> Any:
        return call_result.RemoteStartTransaction(self.station.remote_start(connector_id, id_tag))

    @on("RemoteStopTransaction")
    def stop_remotely(self, transaction_id: int) -> Any:
        return call_result.RemoteStopTransaction(self.station.remote_stop(transaction_id))

    @on("UnlockConnector")
    def unlock(self, connector_id: int) -> Any:
        return call_result.UnlockConnector(self.station.unlock(connector_id))

    @on("Reset")
    def reset(self, type: str) -> Any:
        return call_result.Reset("Accepted")

    @after("Reset")
    def reset_now(self, type: str) -> None:
        self.station.soon(self.station.reset(type))

    @on("ChangeAvailability")
    def availability(self, connector_id: int, type: str) -> Any:
        return call_result.ChangeAvailability(self.station.availability(connector_id, type))

    @on("ChangeConfiguration")
    def change(self, key: str, value: str) -> Any:
        return call_result.ChangeConfiguration(self.station.change(key, value))

    @on("GetConfiguration")
    def configuration(self, key: list[str] | None = None) -> Any:
        keys = self.station.keys
        known = [{"key": one, "readonly": one in READONLY, "value": keys[one]} for one in key or keys if one in keys]
        return call_result.GetConfiguration(known, [one for one in key or () if one not in keys] or None)

    @on("ClearCache")
    def clear(self) -> Any:
        return call_result.ClearCache("Accepted")

    @on("DataTransfer")
    def data(self, **_: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @on("TriggerMessage")
    def trigger(self, requested_message: str, connector_id: int | None = None) -> Any:
        return call_result.TriggerMessage(self.station.trigger(requested_message, connector_id))


class Vendor:
    """A station with one socket; subclasses are wrong in one part."""

    def __init__(self, url: str, id: str = "VENDOR-7") -> None:
        self.url, self.id = url, id
        self.keys = dict(KEYS)
        self.wires: Wires | None = None
        self.plugged = self.running = False
        self.status = "Available"
        self.tag: str | None = None
        self.transaction: int | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.rebooted = True

    # --- its life ---

    async def run(self) -> None:
        while True:
            with contextlib.suppress(OSError, ConnectionClosed, TimeoutError):
                async with connect(f"{self.url}/{self.id}", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
                    self.wires = Wires(self, socket)
                    self.soon(self.hello())
                    await self.wires.start()
            self.wires = None
            await asyncio.sleep(0.05)

    def soon(self, coroutine: Any) -> None:
        async def guarded() -> None:
            with contextlib.suppress(ConnectionClosed, TimeoutError, OCPPError, AttributeError):
                await coroutine

        task = asyncio.get_running_loop().create_task(guarded())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def say(self, message: Any) -> Any:
        assert self.wires is not None
        return await self.wires.call(message)

    async def hello(self) -> None:
        if self.rebooted:
            await self.say(call.BootNotification("Model 7", "Vendor", firmware_version="7.7"))
            self.rebooted = False
        await self.tell(self.status)

    def now(self) -> str:
        return datetime.now(UTC).isoformat()

    async def tell(self, status: str, error: str = "NoError") -> None:
        self.status = status
        await self.say(call.StatusNotification(1, error, status, timestamp=self.now()))

    # --- sessions ---

    def remote_start(self, connector: int | None, tag: str) -> str:
        if connector not in (None, 1) or self.running or self.status == "Unavailable" or len(tag) > 20:
            return "Rejected"
        self.soon(self.accept(tag, ask=self.keys["AuthorizeRemoteTxRequests"] == "true"))
        return "Accepted"

    async def accept(self, tag: str, *, ask: bool) -> None:
        if ask and (await self.say(call.Authorize(tag))).id_tag_info["status"] != "Accepted":
            return
        self.tag = tag
        if self.plugged:
            await self.begin()
            return
        await self.tell("Preparing")
        await asyncio.sleep(float(self.keys["ConnectionTimeOut"]))
        if self.tag == tag and not self.running:
            self.tag = None
            await self.tell("Available")

    async def begin(self) -> None:
        assert self.tag is not None
        self.running = True
        answer = await self.say(call.StartTransaction(1, self.tag, 100, self.now()))
        self.transaction = answer.transaction_id
        if answer.id_tag_info["status"] != "Accepted":
            await self.end("DeAuthorized")
            return
        await self.tell("Charging")

    def remote_stop(self, transaction: int) -> str:
        if not self.running or transaction != self.transaction:
            return "Rejected"
        self.soon(self.end("Remote"))
        return "Accepted"

    async def end(self, reason: str, tag: str | None = None) -> None:
        transaction, self.running, self.tag = self.transaction, False, None
        await self.say(call.StopTransaction(150, self.now(), transaction, reason, tag))
        await self.tell("Finishing" if self.plugged else "Available")

    def unlock(self, connector: int) -> str:
        if connector != 1:
            return "NotSupported"
        if self.running:
            self.soon(self.end("UnlockCommand"))
        return "Unlocked"

    async def reset(self, kind: str) -> None:
        if self.running:
            await self.end(f"{kind}Reset")
        self.rebooted = True
        self.status = "Unavailable" if self.status == "Unavailable" else "Preparing" if self.plugged else "Available"
        assert self.wires is not None
        await self.wires._connection.close()

    def availability(self, connector: int, kind: str) -> str:
        if connector not in (0, 1):
            return "Rejected"
        self.soon(self.tell("Unavailable" if kind == "Inoperative" else "Preparing" if self.plugged else "Available"))
        return "Accepted"

    def change(self, key: str, value: str) -> str:
        if key not in self.keys:
            return "NotSupported"
        if key in READONLY or (self.keys[key].isdigit() and not value.isdigit()) or len(value) > 100:
            return "Rejected"
        self.keys[key] = value
        return "Accepted"

    def trigger(self, message: str, connector: int | None) -> str:
        if connector not in (None, 0, 1):
            return "Rejected"
        values = [{"timestamp": self.now(), "sampled_value": [{"value": "5"}]}]
        what: Any = {
            "Heartbeat": call.Heartbeat(),
            "BootNotification": call.BootNotification("Model 7", "Vendor"),
            "StatusNotification": call.StatusNotification(1, "NoError", self.status, timestamp=self.now()),
            "MeterValues": call.MeterValues(1, values, transaction_id=self.transaction if self.running else None),
        }.get(message)
        if what is None:
            return "NotImplemented"
        self.soon(self.say(what))
        return "Accepted"

    # --- its hand ---

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        match deed:
            case "plug":
                self.plugged = True
                await self.tell("Preparing")
                if self.tag is not None and not self.running:
                    await self.begin()
            case "unplug":
                self.plugged = False
                if self.running:
                    await self.end("EVDisconnected")
                await self.tell("Available")
            case "swipe" if self.running:
                await self.end("Local", str(names["tag"]))
            case "swipe":
                self.soon(self.accept(str(names["tag"]), ask=True))
            case "clear_fault" | "free_lock":
                pass
            case _:
                raise CannotDo(f"this rig cannot {deed}")


@asynccontextmanager
async def powered(vendor: Vendor) -> AsyncIterator[Vendor]:
    """Let a station live."""
    life = asyncio.get_running_loop().create_task(vendor.run())
    try:
        yield vendor
    finally:
        for task in (life, *vendor.tasks):
            task.cancel()
        await asyncio.gather(life, *vendor.tasks, return_exceptions=True)


# --- wrong in one part -----------------------------------------------------------------------------------------------


class ForgetsTheReason(Vendor):
    async def end(self, reason: str, tag: str | None = None) -> None:
        await super().end("Local", tag)


class NeverFinishes(Vendor):
    async def end(self, reason: str, tag: str | None = None) -> None:
        transaction, self.running, self.tag = self.transaction, False, None
        await self.say(call.StopTransaction(150, self.now(), transaction, reason, tag))
        await self.tell("Available")


class StopsTwice(Vendor):
    async def end(self, reason: str, tag: str | None = None) -> None:
        await self.say(call.StopTransaction(150, self.now(), self.transaction, reason, tag))
        await super().end(reason, tag)


class StopsAnything(Vendor):
    def remote_stop(self, transaction: int) -> str:
        self.soon(self.end("Remote"))
        return "Accepted"


class StartsAtZero(Vendor):
    def remote_start(self, connector: int | None, tag: str) -> str:
        return super().remote_start(connector or 1, tag)


class AcceptsAndSleeps(Vendor):
    def remote_start(self, connector: int | None, tag: str) -> str:
        return "Accepted"


class StartsBusy(Vendor):
    def remote_start(self, connector: int | None, tag: str) -> str:
        if self.running:
            return "Accepted"
        return super().remote_start(connector, tag)


class OwnNumber(Vendor):
    async def end(self, reason: str, tag: str | None = None) -> None:
        self.transaction = 1
        await super().end(reason, tag)


class KnowsEveryKey(Vendor):
    def change(self, key: str, value: str) -> str:
        self.keys[key] = value
        return "Accepted"


class UnlocksAnything(Vendor):
    def unlock(self, connector: int) -> str:
        super().unlock(1)
        return "Unlocked"


class IgnoresInvalidTags(Vendor):
    async def accept(self, tag: str, *, ask: bool) -> None:
        if ask:
            await self.say(call.Authorize(tag))
        await super().accept(tag, ask=False)


class OtherTag(Vendor):
    async def begin(self) -> None:
        self.tag = "00000000"
        await super().begin()


class ForgetsAvailability(Vendor):
    async def reset(self, kind: str) -> None:
        self.status = "Available"
        await super().reset(kind)


class NoStatus(Vendor):
    async def tell(self, status: str, error: str = "NoError") -> None:
        if status != "Charging":
            await super().tell(status, error)


class TriggersNothing(Vendor):
    def soon(self, coroutine: Any) -> None:
        if getattr(coroutine, "__name__", "") == "say":
            coroutine.close()
        else:
            super().soon(coroutine)


WRONG: dict[type[Vendor], str] = {
    ForgetsTheReason: "TC_012_CS",
    NeverFinishes: "TC_012_CS",
    StopsTwice: "TC_012_CS",
    OwnNumber: "TC_012_CS",
    StopsAnything: "TC_028_CS",
    StartsAtZero: "TC_027_CS",
    StartsBusy: "TC_026_CS",
    AcceptsAndSleeps: "TC_010_CS",
    OtherTag: "TC_010_CS",
    NoStatus: "TC_010_CS",
    KnowsEveryKey: "TC_040_1_CS",
    UnlocksAnything: "TC_031_CS",
    IgnoresInvalidTags: "TC_023_CS",
    ForgetsAvailability: "TC_014_CS",
    TriggersNothing: "TC_054_CS",
}
"""Every wrong station, and the case that has to catch it."""
