"""Stories about stations: presence, sockets, boots, statuses, odd frames, notices, and what a node keeps of them."""

from __future__ import annotations

from typing import Any

from interlock.csms.dialects import v201
from interlock.csms.domain import commands as do
from interlock.csms.settings import Settings

from .stories import Story, story
from .stories_commands import BOOT, BOOT_201, booted, status


@story()
async def silence_and_return(s: Story) -> None:
    line = await booted(s)
    await s.wait(800)
    await line.say("Heartbeat")
    await s.wait(899)
    await s.look()
    await s.wait(2)
    await s.look()
    await s.ask(do.Unlock(1), "r1")
    line.connection.alive(s.now())
    await s.wait(1)
    await s.look()
    await s.ask(do.Unlock(1), "r2")
    await line.answer({"status": "Unlocked"})
    await s.wait(899)
    line.connection.alive(s.now())
    await s.wait(899)
    await line.drop()
    await s.ask(do.Unlock(1), "r3")
    await s.wait(10)
    await s.look()


@story(settings=Settings(offline_timer="polled", controls="ignored", heartbeats="every", offline_after_s=100.0))
async def silence_found_by_a_sweep(s: Story) -> None:
    line = await booted(s)
    await s.wait(90)
    await line.say("Heartbeat")
    await s.wait(60)
    line.connection.alive(s.now())
    await s.wait(100)
    await s.look()
    line.connection.alive(s.now())
    await s.wait(1)
    await s.look()
    await line.say("Heartbeat")
    await s.wait(300)


@story()
async def a_crash_and_a_station_that_was_online(s: Story) -> None:
    await booted(s)
    other = await booted(s, station="CP2")
    await s.wait(500)
    await s.crash()
    await s.wait(600)
    await s.start()
    await s.wait(300)
    second = await s.plug(station="CP2")
    await second.say("Heartbeat")
    await s.wait(599)
    await s.look()
    await s.wait(2)
    await s.look()
    await s.look(station="CP2")
    assert other is not second


@story()
async def two_sockets_of_one_station(s: Story) -> None:
    first = await booted(s)
    second = await s.plug()
    await s.wait(1)
    await second.say("Heartbeat")
    await s.wait(5)
    first.pongs = False
    third = await s.plug()
    await s.wait(1)
    await third.raw('[2,"early","BootNotification",{"chargePointVendor":"W","chargePointModel":"X"}]')
    await s.wait(5)
    await s.look()
    await first.say("Heartbeat")
    await first.drop()
    await s.ask(do.Unlock(1), "r1")
    await third.answer({"status": "Unlocked"})
    fourth = await s.plug(proven=True)
    await s.wait(1)
    await third.drop()
    await s.ask(do.Unlock(1), "r2")
    await fourth.answer({"status": "Unlocked"})
    await fourth.drop()
    await s.ask(do.Unlock(1), "r3")
    fifth = await s.plug()
    await fifth.drop()
    await s.look()


@story()
async def a_socket_that_speaks_another_version(s: Story) -> None:
    line = await booted(s)
    unlock = await s.ask(do.Unlock(1), "r1")
    await line.drop()
    newer = await s.plug(dialect=v201)
    await newer.say("BootNotification", BOOT_201)
    await s.ask(do.Unlock(1, 1), "r2")
    await s.ask(do.Relay("ChangeConfiguration", {"key": "A", "value": "1"}), "r3")
    await s.wait(2)
    newer.asked.append(line.asked[0])
    await newer.answer({"status": "Unlocked"})
    await s.look(unlock)
    older = await s.plug(proven=True)
    await older.say("Heartbeat")
    await s.ask(do.Reset(True, 1), "r4")
    await s.ask(do.RemoteStop("no-number"), "r5", force=True)
    await s.wait(2)
    await s.look()


@story(settings=Settings(registration="Pending", heartbeat_interval_s=17.5))
async def not_accepted_yet_in_1_6(s: Story) -> None:
    line = await booted(s)
    await line.say("Heartbeat")
    start = {"connectorId": 1, "idTag": "T", "meterStart": 1, "timestamp": "2026-01-01T00:00:00Z"}
    await line.say("StartTransaction", start)
    await s.ask(do.Relay("GetConfiguration", {}), "r1")
    await s.look()


@story(settings=Settings(registration="Rejected"))
async def not_accepted_in_2_0_1(s: Story) -> None:
    line = await s.plug(dialect=v201)
    await line.say("Heartbeat")
    await line.say("BootNotification", BOOT_201)
    await line.say("Heartbeat")
    told = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": "2026-01-01T00:00:00Z"}
    await line.say("StatusNotification", told)
    await s.ask(do.Relay("TriggerMessage", {"requestedMessage": "StatusNotification"}), "r1")
    await s.ask(do.Relay("TriggerMessage", {"requestedMessage": "BootNotification"}), "r2")
    await line.say("StatusNotification", told)
    await line.say("BootNotification", BOOT_201)
    await s.look()


@story()
async def statuses(s: Story) -> None:
    line = await booted(s)
    for told in (
        status(0, "Available", 0),
        status(1, "Available", 10),
        status(1, "Available", 10),
        status(1, "Charging", 5),
        status(1, "Faulted", 11, errorCode="GroundFailure", info="wet", vendorId="v", vendorErrorCode="7"),
        status(1, "Faulted", 11, errorCode="GroundFailure", info="dry"),
        status(2, "Available"),
        status(2, "Available"),
        status(7, "Available", 3),
        status(2, "Preparing", 59),
        status(2, "Available", 1),
    ):
        await line.say("StatusNotification", told)
    await s.look()
    await s.wait(200)
    await line.say("StatusNotification", status(2, "Charging", 3))
    await line.say("StatusNotification", status(2, "Charging", 190))
    await line.say("StatusNotification", {**status(2, "Finishing"), "timestamp": "1970-01-01T00:00:00Z"})
    await line.say("StatusNotification", {**status(1, "Reserved"), "timestamp": "2026-01-01T05:00:00.250+05:00"})
    await s.look()


@story()
async def odd_frames(s: Story) -> None:
    line = await booted(s)
    for frame in (
        "",
        "no json",
        "[]",
        "{}",
        "[2]",
        '[2,"a","Heartbeat"]',
        '[2,"b","Heartbeat",[]]',
        '[2,"c","Heartbeat",null]',
        '[2,7,"Heartbeat",{}]',
        '[2,"","Heartbeat",{}]',
        '[2,"d",7,{}]',
        '[2,"e","Fly",{}]',
        '[2,"f","Reset",{"type":"Hard"}]',
        '[2,"' + "x" * 37 + '","Heartbeat",{}]',
        '[5,"g","Heartbeat",{}]',
        '["2","h","Heartbeat",{}]',
        '[3,"i"]',
        '[3,"j",{}]',
        '[4,"k"]',
        '[4,"l","Code","text",{}]',
        '[2,"m","Heartbeat",{},1]',
        '[2,"n","Heartbeat",{}]',
        '[2,"n","Heartbeat",{}]',
        '[2,"o","Heartbeat",{"more":1}]',
        '[2,"p","Authorize",{}]',
        '[2,"q","Authorize",{"idTag":7}]',
        '[2,"r","Authorize",{"idTag":"' + "x" * 21 + '"}]',
        '[2,"s","BootNotification",{"chargePointVendor":"' + "x" * 30 + '"}]',
        '[2,"t","StatusNotification",{"connectorId":1,"status":"Sleeping","errorCode":"NoError"}]',
        '[2,"u","StatusNotification",{"connectorId":1,"status":"Available","errorCode":"Odd","info":null}]',
        '[2,"v","StatusNotification",{"connectorId":1,"status":"Available","timestamp":"yesterday"}]',
        '[2,"w","StatusNotification",{"connectorId":-1,"status":"Available","errorCode":"NoError"}]',
        '[2,"x","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1.5,"timestamp":"2026-01-01T00:00:00"}]',
        '[2,"y","StartTransaction",{"connectorId":"1","idTag":"T","meterStart":5}]',
        '[2,"z","StopTransaction",{"transactionId":1,"meterStop":5,"reason":"Because"}]',
        '[2,"A","MeterValues",{"connectorId":1,"meterValue":[]}]',
        '[2,"B","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z"}]}]',
        '[2,"C","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":5,"unit":"Celcius"}]}]}]',
        '[2,"D","DataTransfer",{}]',
    ):
        await line.raw(frame)
    await s.look()


@story(settings=Settings(acceptance="strict"))
async def odd_frames_taken_strictly(s: Story) -> None:
    line = await booted(s)
    frames: list[tuple[str, dict[str, Any]]] = [
        ("Heartbeat", {"more": 1}),
        ("BootNotification", {"chargePointVendor": "x" * 30}),
        ("BootNotification", {"chargePointVendor": "x" * 30, "chargePointModel": "M"}),
        ("StatusNotification", {"connectorId": 1, "status": "Available"}),
        ("StatusNotification", {"connectorId": 1, "status": "Sleeping", "errorCode": "NoError"}),
        ("MeterValues", {"connectorId": 1, "meterValue": [{"sampledValue": [{"value": 5}]}]}),
    ]
    for action, payload in frames:
        await line.say(action, payload)
    await s.ask(do.Unlock(1), "r1")
    await line.answer({"status": "Unlocked", "more": 1})
    await s.look()


@story()
async def notices_of_1_6(s: Story) -> None:
    line = await booted(s)
    time = "2026-01-01T00:00:03Z"
    for action, payload in (
        ("FirmwareStatusNotification", {"status": "Downloading"}),
        ("FirmwareStatusNotification", {"status": "Downloading"}),
        ("DiagnosticsStatusNotification", {"status": "Uploaded"}),
        ("LogStatusNotification", {"status": "Uploading", "requestId": 3}),
        ("SecurityEventNotification", {"type": "Tamper", "timestamp": time, "techInfo": "open"}),
        ("SignedFirmwareStatusNotification", {"status": "Installed", "requestId": 4}),
        ("SignCertificate", {"csr": "x"}),
        ("DataTransfer", {"vendorId": "v", "messageId": "m", "data": "d"}),
    ):
        await line.say(action, payload)
    await line.say("BootNotification", {**BOOT, "chargePointSerialNumber": "T", "firmwareVersion": "2", "iccid": "i"})
    await s.look()
