"""A whole session of a 2.0.1 station built with other people's OCPP: the `ocpp` package as its users write one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from ocpp.v201.enums import Action
from websockets.asyncio.client import connect

from interlock.csms.domain import commands as do

from .serving import Served, kinds, served
from .test_api import Client
from .test_server import until

pytestmark = pytest.mark.asyncio
AT = "2026-01-01T00:00:00Z"
TOKEN = {"id_token": "TAG", "type": "ISO14443"}
EVSE = {"id": 1, "connector_id": 1}


class Charger(ChargePoint):  # type: ignore[misc]
    """A station with one EVSE whose lock stays shut while it charges."""

    def __init__(self, name: str, socket: Any) -> None:
        super().__init__(name, socket)
        self.started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.stopped = asyncio.Event()
        self.seq_no = 0

    @on(Action.request_start_transaction)
    def start_charging(self, remote_start_id: int, **_: Any) -> Any:
        self.started.set_result(remote_start_id)
        return call_result.RequestStartTransaction("Accepted")

    @on(Action.request_stop_transaction)
    def stop_charging(self, transaction_id: str) -> Any:
        self.stopped.set()
        return call_result.RequestStopTransaction("Accepted" if transaction_id == "T1" else "Rejected")

    @on(Action.unlock_connector)
    def unlock(self, evse_id: int, connector_id: int) -> Any:
        if (evse_id, connector_id) != (1, 1):
            return call_result.UnlockConnector("UnknownConnector")
        busy = self.started.done() and not self.stopped.is_set()
        return call_result.UnlockConnector("OngoingAuthorizedTransaction" if busy else "Unlocked")

    @on(Action.reset)
    def reset(self, **_: Any) -> Any:
        return call_result.Reset("Scheduled")

    @on(Action.change_availability)
    def availability(self, **_: Any) -> Any:
        return call_result.ChangeAvailability("Accepted")

    @on(Action.trigger_message)
    def trigger(self, **_: Any) -> Any:
        return call_result.TriggerMessage("NotImplemented")

    @on(Action.get_transaction_status)
    def transaction_status(self, **_: Any) -> Any:
        return call_result.GetTransactionStatus(False, True)

    @on(Action.get_variables)
    def get_variables(self, get_variable_data: Any) -> Any:
        one = {**get_variable_data[0], "attribute_status": "Accepted", "attribute_value": "300"}
        return call_result.GetVariables([one])

    @on(Action.set_variables)
    def set_variables(self, set_variable_data: Any) -> Any:
        named = {name: set_variable_data[0][name] for name in ("component", "variable")}
        return call_result.SetVariables([{**named, "attribute_status": "Accepted"}])

    async def event(self, event_type: str, reason: str, info: Any = None, **more: Any) -> Any:
        """Send the next event of its transaction."""
        told = {"transaction_id": "T1", **(info or {})}
        seq_no, self.seq_no = self.seq_no, self.seq_no + 1
        return await self.call(call.TransactionEvent(event_type, AT, reason, seq_no, told, **more))


def reading(value: float, context: str) -> list[dict[str, Any]]:
    """Return one reading of the register in kWh."""
    sampled = {"value": value, "context": context, "unit_of_measure": {"unit": "kWh"}}
    return [{"timestamp": AT, "sampled_value": [sampled]}]


async def test_the_ocpp_package_is_a_2_0_1_station() -> None:
    async with (
        served() as csms,
        connect(csms.url("CP09"), subprotocols=["ocpp2.0.1"]) as socket,  # type: ignore[list-item]
    ):
        charger = Charger("CP09", socket)
        listening = asyncio.create_task(charger.start())
        booted = await charger.call(call.BootNotification({"vendor_name": "V", "model": "M"}, "PowerUp"))
        assert (booted.status, booted.interval) == ("Accepted", 300)
        await charger.call(call.Heartbeat())
        await charger.call(call.StatusNotification(AT, "Available", 1, 1))
        assert (await charger.call(call.Authorize(TOKEN))).id_token_info["status"] == "Accepted"
        await charger.call(call.SecurityEventNotification("StartupOfTheDevice", AT))
        assert (await charger.call(call.DataTransfer("com.example"))).status == "UnknownVendorId"

        await ends(csms, do.Unlock(1, 1), "accepted")
        started = await csms.node.operate("CP09", do.RemoteStart(1, "TAG"), "start")
        remote_start_id = await asyncio.wait_for(charger.started, 10)
        told = await charger.event(
            "Started",
            "RemoteStart",
            {"remote_start_id": remote_start_id, "charging_state": "Charging"},
            evse=EVSE,
            id_token=TOKEN,
            meter_value=reading(0.005, "Transaction.Begin"),
        )
        assert told.id_token_info["status"] == "Accepted"
        await charger.event("Updated", "MeterValuePeriodic", meter_value=reading(0.007, "Sample.Periodic"))
        state = await csms.records.station("CP09")
        assert state is not None
        assert state.open_transaction(1) is not None
        assert started.command_id is not None
        assert state.commands[started.command_id].transaction_id == "T1"
        await ends(csms, do.Unlock(1, 1), "rejected")
        await ends(csms, do.RemoteStop("T1"), "accepted")
        await charger.event(
            "Ended", "RemoteStop", {"stopped_reason": "Remote"}, meter_value=reading(0.009, "Transaction.End")
        )
        state = await csms.records.station("CP09")
        assert state is not None
        ended = state.transactions["T1"]
        assert (ended.open, ended.meter_start_wh, ended.meter_stop_wh) == (False, 5, 9)
        assert (await kinds(csms, "CP09"))[-1] == "TransactionStopped"

        await ends(csms, do.Reset(False), "accepted")
        await ends(csms, do.ChangeAvailability(1, False), "accepted")
        variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        for action, payload, phase in (
            ("TriggerMessage", {"requestedMessage": "Heartbeat"}, "rejected"),
            ("GetTransactionStatus", {"transactionId": "T1"}, "accepted"),
            ("GetVariables", {"getVariableData": [variable]}, "accepted"),
            ("SetVariables", {"setVariableData": [{**variable, "attributeValue": "60"}]}, "accepted"),
            ("ClearCache", {}, "rejected"),  # it does not know it: NotImplemented
        ):
            body = {"action": action, "payload": payload}
            status, asked = await Client(csms)("POST", "/api/stations/CP09/commands", body)
            assert status == 202, asked
            await reaches(csms, asked["id"], phase)
        listening.cancel()


async def ends(csms: Served, command: do.Command, phase: str) -> None:
    """Ask for a command and wait for how it ends."""
    decided = await csms.node.operate("CP09", command, f"{command}{csms.node.clock.now()}")
    assert decided.command_id is not None, decided
    await reaches(csms, decided.command_id, phase)


async def reaches(csms: Served, command_id: str, phase: str) -> None:
    """Wait until a command stands where it should."""

    async def there() -> bool:
        return await csms.node.phase("CP09", command_id) == phase

    await until(there)
