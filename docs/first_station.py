"""A station of OCPP 1.6 in eighty lines, for `interlock check station`: python first_station.py ws://HOST:PORT/ID"""

import asyncio
import sys
from datetime import UTC, datetime

from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

KEYS = {"HeartbeatInterval": "300", "NumberOfConnectors": "1", "SupportedFeatureProfiles": "Core,RemoteTrigger"}


class Station(ChargePoint):
    status = "Available"  # of the class: a reset does not change it

    async def hello(self):
        answer = await self.call(call.BootNotification("First", "Example"))
        while answer.status != "Accepted":
            await asyncio.sleep(answer.interval)
            answer = await self.call(call.BootNotification("First", "Example"))
        await self.tell()

    async def tell(self):
        now = datetime.now(UTC).isoformat()
        for connector in (0, 1):
            await self.call(call.StatusNotification(connector, "NoError", self.status, timestamp=now))

    @on("GetConfiguration")
    def configuration(self, key=None):
        known = [{"key": one, "readonly": True, "value": KEYS[one]} for one in key or KEYS if one in KEYS]
        return call_result.GetConfiguration(known, [one for one in key or () if one not in KEYS])

    @on("ChangeConfiguration")
    def change(self, key, value):
        return call_result.ChangeConfiguration("Rejected")  # a key that it does not have, too: a mistake to be found

    @on("ChangeAvailability")
    def availability(self, connector_id, type):
        if connector_id > 1:
            return call_result.ChangeAvailability("Rejected")
        Station.status = "Available" if type == "Operative" else "Unavailable"
        return call_result.ChangeAvailability("Accepted")

    @after("ChangeAvailability")
    async def available(self, connector_id, type):
        await self.tell()

    @on("TriggerMessage")
    def trigger(self, requested_message, connector_id=None):
        return call_result.TriggerMessage("Accepted" if requested_message == "Heartbeat" else "NotImplemented")

    @after("TriggerMessage")
    async def triggered(self, requested_message, connector_id=None):
        if requested_message == "Heartbeat":
            await self.call(call.Heartbeat())

    @on("RemoteStartTransaction")
    def start_remotely(self, id_tag, **_):
        return call_result.RemoteStartTransaction("Rejected")  # it has nobody who could plug in

    @on("Reset")
    def reset(self, type):
        return call_result.Reset("Accepted")

    @after("Reset")
    async def reset_now(self, type):
        await self._connection.close()  # and boots on the next one


async def life(url):
    async for socket in connect(url, subprotocols=["ocpp1.6"]):  # again and again
        station = Station(url.rsplit("/", 1)[-1], socket)
        hello = asyncio.create_task(station.hello())
        try:
            await station.start()
        except ConnectionClosed:
            hello.cancel()
            await asyncio.gather(hello, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(life(sys.argv[1]))
