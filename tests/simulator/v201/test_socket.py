"""A 2.0.1 station on a real socket, against a CSMS written with the `ocpp` package's own 2.0.1 classes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.simulator.rig201 import NOW
from tests.simulator.wire import csms, rig

pytestmark = [pytest.mark.asyncio, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Central(ChargePoint):  # type: ignore[misc]
    """Accepts everything and keeps what it is told. `ocpp` checks each frame in both directions against its schema."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.heard: list[tuple[str, dict[str, Any]]] = []

    @on("BootNotification")
    def boot(self, **told: Any) -> Any:
        self.heard.append(("BootNotification", told))
        return call_result.BootNotification(current_time=NOW, interval=60, status="Accepted")

    @on("StatusNotification")
    def status(self, **told: Any) -> Any:
        self.heard.append(("StatusNotification", told))
        return call_result.StatusNotification()

    @on("NotifyEvent")
    def event(self, **told: Any) -> Any:
        self.heard.append(("NotifyEvent", told))
        return call_result.NotifyEvent()

    @on("NotifyReport")
    def report(self, **told: Any) -> Any:
        self.heard.append(("NotifyReport", told))
        return call_result.NotifyReport()

    @on("Heartbeat")
    def heartbeat(self, **_: Any) -> Any:
        return call_result.Heartbeat(current_time=NOW)

    @on("Authorize")
    def authorize(self, **told: Any) -> Any:
        self.heard.append(("Authorize", told))
        return call_result.Authorize(id_token_info={"status": "Accepted"})

    @on("TransactionEvent")
    def transaction(self, **told: Any) -> Any:
        self.heard.append(("TransactionEvent", told))
        info = {"status": "Accepted"} if "id_token" in told else None
        return call_result.TransactionEvent(id_token_info=info)

    @on("MeterValues")
    def meter_values(self, **told: Any) -> Any:
        self.heard.append(("MeterValues", told))
        return call_result.MeterValues()

    def events(self) -> list[dict[str, Any]]:
        return [told for action, told in self.heard if action == "TransactionEvent"]


@contextlib.asynccontextmanager
async def central() -> AsyncIterator[tuple[str, list[Central]]]:
    found: list[Central] = []

    async def talk(socket: ServerConnection) -> None:
        assert socket.request is not None
        found.append(Central(socket.request.path.rpartition("/")[2], socket))
        with contextlib.suppress(ConnectionClosed):
            await found[-1].start()

    async with serve(talk, "127.0.0.1", 0, subprotocols=["ocpp2.0.1"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ocpp", found


@pytest.mark.parametrize("status_by", ["status", "event"])
async def test_a_whole_session_against_the_ocpp_package(status_by: str) -> None:
    async with central() as (url, found), rig(url) as outside:
        station = outside.station(ocpp="2.0.1", status_by=status_by, meter_interval_s=1.0)
        await outside.until(lambda: station.online and not station.statuses_pending, "a boot")
        csms = found[0]

        async def ask(request: Any) -> Any:
            return await asyncio.wait_for(csms.call(request), 10.0)

        token = {"id_token": "OP", "type": "Central"}
        assert station.plug(1)
        started = await ask(call.RequestStartTransaction(id_token=token, remote_start_id=17, evse_id=1))
        assert started.status == "Accepted"
        await outside.until(lambda: len(csms.events()) >= 2, "a start and a reading")
        name = csms.events()[0]["transaction_info"]["transaction_id"]
        assert csms.events()[0]["transaction_info"]["remote_start_id"] == 17
        assert (await ask(call.GetTransactionStatus(transaction_id=name))).ongoing_indicator is True
        assert (await ask(call.UnlockConnector(evse_id=1, connector_id=1))).status == "OngoingAuthorizedTransaction"
        asked = {"component": {"name": "TxCtrlr"}, "variable": {"name": "TxStopPoint"}}
        read = await ask(call.GetVariables(get_variable_data=[asked]))
        assert read.get_variable_result[0]["attribute_value"] == "EVConnected"
        wanted = {
            "component": {"name": "TxCtrlr"},
            "variable": {"name": "EVConnectionTimeOut"},
            "attribute_value": "50",
        }
        written = await ask(call.SetVariables(set_variable_data=[wanted]))
        assert written.set_variable_result[0]["attribute_status"] == "Accepted"
        assert (await ask(call.RequestStopTransaction(transaction_id=name))).status == "Accepted"
        station.unplug(1)
        await outside.until(lambda: csms.events()[-1]["event_type"] == "Ended" and not station.outbox_pending, "an end")
        assert [event["seq_no"] for event in csms.events()] == list(range(len(csms.events())))
        assert csms.events()[-1]["transaction_info"]["stopped_reason"] == "Remote"
        assert (await ask(call.UnlockConnector(evse_id=2, connector_id=1))).status == "Unlocked"
        assert (await ask(call.ChangeAvailability(operational_status="Inoperative"))).status == "Accepted"
        assert (await ask(call.GetBaseReport(request_id=1, report_base="FullInventory"))).status == "Accepted"
        await outside.until(lambda: any(action == "NotifyReport" for action, _ in csms.heard), "a report")
        assert (await ask(call.TriggerMessage(requested_message="MeterValues"))).status == "Accepted"
        assert (await ask(call.ClearCache())).status == "Accepted"
        assert (await ask(call.DataTransfer(vendor_id="Interlock"))).status == "Accepted"
        assert (await ask(call.Reset(type="Immediate"))).status == "Accepted"
        await outside.until(lambda: len(found) == 2 and station.online, "a second boot")
        assert [told["reason"] for action, told in found[1].heard if action == "BootNotification"] == ["RemoteReset"]


async def test_a_csms_that_speaks_another_version_is_explained() -> None:
    async with csms() as server, rig(server.url) as outside:
        server.subprotocol = None
        outside.station(ocpp="2.0.1")
        await outside.until(lambda: outside.network.refusals, "a refusal")
        assert "did not agree on the subprotocol ocpp2.0.1" in outside.network.last_refusal
