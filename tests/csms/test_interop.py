"""Other people's OCPP: the `ocpp` package on either end, and an npm client where there is one."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import connect

from interlock.csms.domain import commands as do

from .serving import AT, served
from .test_server import types, until

pytestmark = pytest.mark.asyncio


class Charger(ChargePoint):  # type: ignore[misc]
    """A station as the `ocpp` package's users write one."""

    @on(Action.unlock_connector)
    def unlock(self, **_: Any) -> Any:
        return call_result.UnlockConnector("Unlocked")

    @on(Action.remote_start_transaction)
    def start_charging(self, **_: Any) -> Any:
        return call_result.RemoteStartTransaction("Accepted")

    @on(Action.reset)
    def reset(self, **_: Any) -> Any:
        return call_result.Reset("Rejected")

    @on(Action.get_configuration)
    def configuration(self, **_: Any) -> Any:
        return call_result.GetConfiguration([{"key": "HeartbeatInterval", "readonly": False, "value": "300"}], [])


async def test_the_ocpp_package_is_a_station() -> None:
    async with (
        served() as csms,
        connect(csms.url("CP07"), subprotocols=["ocpp1.6"]) as socket,  # type: ignore[list-item]
    ):
        charger = Charger("CP07", socket)
        reading = asyncio.create_task(charger.start())
        assert (await charger.call(call.BootNotification("V", "M"))).status == "Accepted"
        await charger.call(call.Heartbeat())
        await charger.call(call.StatusNotification(1, "NoError", "Available", timestamp=AT))
        assert (await charger.call(call.Authorize("TAG"))).id_tag_info["status"] == "Accepted"
        started = await charger.call(call.StartTransaction(1, "TAG", 5, AT))
        sampled = [{"timestamp": AT, "sampled_value": [{"value": "7"}]}]
        await charger.call(call.MeterValues(1, sampled, transaction_id=started.transaction_id))
        await charger.call(call.StopTransaction(meter_stop=9, timestamp=AT, transaction_id=started.transaction_id))
        assert (await types(csms, "CP07"))[-1] == "TransactionStopped"
        for number, (command, ends) in enumerate(
            (
                (do.Unlock(1), "accepted"),
                (do.Reset(True), "rejected"),
                (do.Relay("GetConfiguration", {}), "accepted"),
                (do.Relay("ClearCache", {}), "rejected"),  # it does not know it: NotImplemented
                (do.RemoteStart(1, "TAG"), "accepted"),
            )
        ):
            decided = await csms.node.operate("CP07", command, f"r{number}")
            assert decided.command_id is not None, decided

            async def is_over(command_id: str = decided.command_id, ends: str = ends) -> bool:
                return await csms.node.phase("CP07", command_id) == ends

            await until(is_over)
        reading.cancel()


NPM = """
const { RPCClient } = require('ocpp-rpc');
(async () => {
  const who = { endpoint: process.argv[2], identity: 'CP08', protocols: ['ocpp1.6'], strictMode: true };
  const client = new RPCClient(who);
  client.handle('UnlockConnector', () => ({ status: 'Unlocked' }));
  await client.connect();
  const at = new Date().toISOString();
  const boot = await client.call('BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' });
  await client.call('Heartbeat', {});
  await client.call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available' });
  const started = await client.call('StartTransaction', { connectorId: 1, idTag: 'TAG', meterStart: 5, timestamp: at });
  await client.call('StopTransaction', { transactionId: started.transactionId, meterStop: 9, timestamp: at });
  console.log(boot.status);
  await new Promise(done => setTimeout(done, 1500));
  await client.close();
})().catch(error => { console.error(error); process.exit(1); });
"""


@pytest.mark.skipif(
    os.environ.get("INTERLOCK_NPM") != "1" or shutil.which("npm") is None,
    reason="needs node, npm and INTERLOCK_NPM=1, as it installs ocpp-rpc from the registry",
)
async def test_an_npm_client_is_a_station(tmp_path: Path) -> None:
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "ocpp-rpc@2.2.1"]
    await asyncio.to_thread(subprocess.run, install, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    (tmp_path / "station.js").write_text(NPM)
    async with served() as csms:
        client = await asyncio.create_subprocess_exec(
            "node", "station.js", csms.url("").rstrip("/"), cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )

        async def stopped() -> bool:
            return (await types(csms, "CP08"))[-1:] == ["TransactionStopped"]

        await until(stopped)
        decided = await csms.node.operate("CP08", do.Unlock(1), "r1")
        out, _ = await asyncio.wait_for(client.communicate(), 20)
        assert (client.returncode, out.decode().strip()) == (0, "Accepted")
        assert decided.command_id is not None
        assert await csms.node.phase("CP08", decided.command_id) == "accepted"
