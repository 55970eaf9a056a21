"""Stories about commands: asked, sent, answered, in doubt, proven, given up, forced, closed by hand."""

from __future__ import annotations

from typing import Any

from interlock.csms.dialects import v201
from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Rules
from interlock.csms.settings import Settings

from .stories import Line, Story, story

BOOT = {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "S", "firmwareVersion": "1.2"}
BOOT_201 = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M", "serialNumber": "S"}}


async def booted(s: Story, node: str = "n", station: str = "CP1") -> Line:
    """Return the line of a station that speaks 1.6 and has booted."""
    line = await s.plug(node, station)
    await line.say("BootNotification", BOOT)
    return line


async def booted_201(s: Story, node: str = "n", station: str = "CP1") -> Line:
    """Return the line of a station that speaks 2.0.1 and has booted."""
    line = await s.plug(node, station, v201)
    await line.say("BootNotification", BOOT_201)
    return line


def status(connector: int, word: str, second: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a StatusNotification of 1.6."""
    time = {} if second is None else {"timestamp": f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}Z"}
    return {"connectorId": connector, "status": word, "errorCode": "NoError", **time, **more}


ANSWERS: list[tuple[do.Command, str]] = [
    (do.Unlock(1), "Unlocked"),
    (do.Unlock(2), "UnlockFailed"),
    (do.Unlock(1), "NotSupported"),
    (do.Reset(True), "Accepted"),
    (do.Reset(False), "Rejected"),
    (do.ChangeAvailability(1, True), "Accepted"),
    (do.ChangeAvailability(2, False, 1), "Scheduled"),
    (do.ChangeAvailability(0, False), "Rejected"),
    (do.RemoteStop("7"), "Accepted"),
    (do.RemoteStop("8"), "Rejected"),
    (do.RemoteStart(2, "TAG"), "Rejected"),
    (do.Relay("ClearCache", {}), "Accepted"),
    (do.Relay("TriggerMessage", {"requestedMessage": "Heartbeat"}), "NotImplemented"),
    (do.Relay("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}), "RebootRequired"),
]


@story()
async def each_command_and_answer_of_1_6(s: Story) -> None:
    line = await booted(s)
    for number, (command, word) in enumerate(ANSWERS):
        await s.ask(command, f"r{number}")
        await s.wait(1)
        if line.asked:
            await line.answer({"status": word})
    await s.ask(do.Relay("GetConfiguration", {"key": ["A"]}), "g1")
    await line.answer({"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": "s"}]})
    await s.ask(do.Relay("GetConfiguration", {}), "g2")
    await line.answer({"configurationKey": "odd"})
    await s.look()


ANSWERS_201: list[tuple[do.Command, dict[str, Any]]] = [
    (do.Unlock(1, 1), {"status": "Unlocked"}),
    (do.Unlock(2, 1), {"status": "OngoingAuthorizedTransaction"}),
    (do.Reset(True), {"status": "Accepted"}),
    (do.Reset(False, 2), {"status": "Scheduled"}),
    (do.ChangeAvailability(0, True), {"status": "Accepted"}),
    (do.ChangeAvailability(1, False), {"status": "Scheduled"}),
    (do.ChangeAvailability(2, False, 1), {"status": "Rejected"}),
    (do.RemoteStop("t-7"), {"status": "Accepted"}),
    (do.RemoteStart(1, "TAG", 4711, {"idToken": {"type": "Central"}}), {"status": "Rejected"}),
    (do.RemoteStart(2, "TAG", 4712), {"status": "Accepted", "transactionId": "t-9"}),
    (do.Relay("ClearCache", {}), {"status": "Accepted"}),
    (do.Relay("TriggerMessage", {"requestedMessage": "Heartbeat"}), {"status": "Accepted"}),
    (do.Relay("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}), {"status": "EmptyResultSet"}),
    (do.Relay("GetLocalListVersion", {}), {"versionNumber": 3}),
    (do.Relay("GetLocalListVersion", {}), {"versionNumber": "odd"}),
    (
        do.Relay(
            "SetVariables",
            {"setVariableData": [{"component": {"name": "A"}, "variable": {"name": "B"}, "attributeValue": "1"}]},
        ),
        {
            "setVariableResult": [
                {"attributeStatus": "Rejected", "component": {"name": "A"}, "variable": {"name": "B"}},
                {"attributeStatus": "Accepted", "component": {"name": "A"}, "variable": {"name": "B"}},
            ]
        },
    ),
]


@story()
async def each_command_and_answer_of_2_0_1(s: Story) -> None:
    line = await booted_201(s)
    for number, (command, answer) in enumerate(ANSWERS_201):
        await s.ask(command, f"r{number}")
        await s.wait(1)
        if line.asked:
            await line.answer(answer)
    await s.look()


@story()
async def errors_and_odd_answers(s: Story) -> None:
    line = await booted(s)
    for number, code in enumerate(("NotImplemented", "NotSupported", "InternalError", "GenericError", "SecurityError")):
        await s.ask(do.Unlock(1 + number % 2), f"r{number}")
        await line.fail(code)
    await s.wait(200)
    ids = [await s.ask(do.Unlock(1), "o1"), await s.ask(do.Reset(True), "o2")]
    await line.answer({"status": "Perhaps"})
    await s.wait(31)
    await line.answer({}, which=-1)
    await line.answer({"status": "Unlocked", "more": 1}, which=-2)
    await line.answer({"status": "UnlockFailed"}, which=-2)
    await line.answer({"status": "UnlockFailed"}, which=-2)
    await line.raw('[3,"nobody-asked-this",{"status":"Accepted"}]')
    await line.raw('[4,"nobody-asked-that","InternalError","",{}]')
    await s.look(*ids)


@story()
async def errors_of_2_0_1(s: Story) -> None:
    line = await booted_201(s)
    for number, code in enumerate(("NotImplemented", "FormatViolation", "SecurityError", "InternalError", "RpcFramew")):
        await s.ask(do.Unlock(1 + number % 2, 1), f"r{number}")
        await line.fail(code)
    await s.wait(31)
    await s.look()


@story()
async def calls_wait_for_each_other(s: Story) -> None:
    line = await booted(s)
    one = await s.ask(do.Unlock(1), "r1")
    two = await s.ask(do.Unlock(2), "r2")
    three = await s.ask(do.Reset(False), "r3")
    await s.wait(10)
    await line.answer({"status": "Unlocked"})
    await s.wait(40)
    await s.look(one, two, three)
    await line.answer({"status": "Unlocked"})
    await s.wait(200)
    await s.look(one, two, three)


@story()
async def what_is_refused(s: Story) -> None:
    await s.ask(do.Unlock(1), "away")
    line = await booted(s)
    for number, command in enumerate(
        [
            do.Unlock(0),
            do.Unlock(3),
            do.Unlock(1, 2),
            do.ChangeAvailability(3, True),
            do.ChangeAvailability(0, True, 1),
            do.ChangeAvailability(1, True, 2),
            do.Reset(True, 3),
            do.RemoteStart(0, "TAG"),
            do.RemoteStart(3, "TAG"),
            do.RemoteStop("1"),
            do.RemoteStop("x"),
        ]
    ):
        await s.ask(command, f"n{number}")
    await s.ask(do.RemoteStart(1, "TAG"), "h1")
    await s.ask(do.RemoteStart(1, "TAG"), "h1")
    await s.ask(do.RemoteStart(1, "OTHER"), "h2")
    await s.ask(do.Unlock(1), "h3")
    await s.ask(do.Unlock(2), "h4")
    await s.ask(do.Unlock(2), "h5")
    await s.ask(do.RemoteStart(2, "TAG"), "h6")
    await s.ask(do.Reset(True), "h7")
    await s.ask(do.Reset(True), "h8")
    await s.ask(do.ChangeAvailability(1, False), "h9")
    await s.ask(do.Unlock(1), "forced", force=True)
    await s.ask(do.Unlock(1), "forced", force=True)
    await line.answer({"status": "Accepted"}, which=0)
    await s.wait(2)
    await s.look()


@story(rules=Rules(2, 1))
async def one_start_at_a_time(s: Story) -> None:
    line = await booted(s)
    await s.nodes["n"].register_token("TAG", "Accepted")
    await s.ask(do.RemoteStart(1, "TAG"), "r1")
    await s.ask(do.RemoteStart(2, "TAG"), "r2")
    await line.answer({"status": "Rejected"})
    await s.ask(do.RemoteStart(2, "TAG"), "r3")
    await line.answer({"status": "Accepted"})
    start = {"connectorId": 2, "idTag": "TAG", "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
    await line.say("StartTransaction", start)
    await s.ask(do.RemoteStart(1, "TAG"), "r4")
    await s.look()


@story()
async def a_start_in_doubt_is_refuted(s: Story) -> None:
    line = await booted(s)
    start = await s.ask(do.RemoteStart(1, "TAG"), "r1")
    await s.wait(100)
    await line.say("StatusNotification", status(1, "Available"))
    await s.wait(55)
    await line.answer({"status": "Accepted"})
    await line.say("StatusNotification", status(2, "Available"))
    await line.say("StatusNotification", status(1, "Preparing"))
    await s.look(start)
    await line.say("StatusNotification", status(1, "Available"))
    await s.look(start)
    await line.answer({"status": "Accepted"}, which=0)
    await s.wait(300)
    await s.look(start)


@story()
async def a_start_in_doubt_stays_unknown(s: Story) -> None:
    line = await booted(s)
    start = await s.ask(do.RemoteStart(1, "TAG"), "r1")
    for _ in range(30):
        await s.wait(20)
        if len(line.asked) == 3:
            await line.answer({"status": "Rejected"})
            await line.say("StatusNotification", status(1, "Available"))
            line.asked.append(line.asked[-1])
    await s.look(start)
    await s.ask(do.RemoteStart(1, "TAG"), "r2")
    against = await s.nodes["n"].close_doubt("CP1", start, "the driver says it never began")
    s.note(f"closed by hand: {against}")
    against = await s.nodes["n"].close_doubt("CP1", start, "again")
    s.note(f"closed by hand: {s.plain(str(against))}")
    s.note(f"closed by hand: {await s.nodes['n'].close_doubt('CP1', 'nothing', 'again')}")
    await line.answer({"status": "Accepted"}, which=0)
    await s.look(start)


@story()
async def a_start_in_doubt_is_asked_about_in_2_0_1(s: Story) -> None:
    line = await booted_201(s)
    one = await s.ask(do.RemoteStart(1, "TAG", 11), "r1")
    two = await s.ask(do.RemoteStart(2, "TAG", 12), "r2")
    await s.wait(20)
    await line.answer({"status": "Accepted"})
    await s.wait(135)
    await line.answer({"messagesInQueue": True})
    await s.wait(60)
    await line.answer({"messagesInQueue": False, "ongoingIndicator": False})
    await s.wait(120)
    await s.look(one, two)
    await s.wait(300)
    await s.look(one, two)


@story()
async def an_accepted_start_lapses(s: Story) -> None:
    line = await booted(s)
    start = await s.ask(do.RemoteStart(1, "TAG"), "r1")
    await line.answer({"status": "Accepted"})
    await s.wait(89)
    await s.look(start)
    await s.wait(2)
    await line.answer({"status": "Accepted"})
    await line.say("StatusNotification", status(1, "Available"))
    await s.look(start)
    await s.ask(do.RemoteStart(1, "TAG"), "r2")
    await line.answer({"status": "Accepted"})
    await s.wait(600)
    await s.look(start)


@story()
async def an_answer_on_another_socket(s: Story) -> None:
    line = await booted(s)
    unlock = await s.ask(do.Unlock(1), "r1")
    queued = await s.ask(do.Unlock(2), "r2")
    await line.drop()
    await s.look(unlock, queued)
    await s.ask(do.Unlock(2), "r3")
    second = await booted(s)
    second.asked = list(line.asked)
    await second.answer({"status": "Unlocked"}, which=0)
    await s.look(unlock, queued)
    await s.wait(60)
    await s.ask(do.Unlock(2), "r4")
    third = await s.plug(proven=True)
    await s.wait(40)
    await third.say("Heartbeat")
    await s.wait(200)
    await s.look(unlock)


@story()
async def a_stop_in_doubt_is_shown_by_its_transaction(s: Story) -> None:
    line = await booted(s)
    await s.nodes["n"].register_token("TAG", "Accepted")
    start = {"connectorId": 1, "idTag": "tag", "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
    await line.say("StartTransaction", start)
    number = int(next(iter((await s.nodes["n"].handler.load("CP1")).state.transactions)))
    stop = await s.ask(do.RemoteStop(str(number)), "r1")
    again = await s.ask(do.RemoteStop(str(number)), "r2")
    await s.wait(31)
    ended = {"transactionId": number, "meterStop": 50, "timestamp": "2026-01-01T00:01:00Z", "reason": "Remote"}
    await line.say("StopTransaction", ended)
    await s.look(stop, again)
    late = await s.ask(do.RemoteStop(str(number)), "r3")
    await s.wait(200)
    await s.look(stop, again, late)


@story()
async def a_crash_in_the_middle(s: Story) -> None:
    line = await booted(s)
    await s.nodes["n"].register_token("TAG", "Blocked")
    unlock = await s.ask(do.Unlock(1), "r1")
    start = await s.ask(do.RemoteStart(2, "TAG"), "r2")
    await line.say("StatusNotification", status(1, "Charging", 0))
    await s.crash()
    await s.wait(5)
    await s.start()
    await s.look(unlock, start)
    second = await booted(s)
    second.asked = list(line.asked)
    await second.say("Authorize", {"idTag": "tag"})
    await s.ask(do.Unlock(1), "r1")
    await s.wait(90)
    await second.answer({"status": "Unlocked"}, which=0)
    await s.wait(900)
    await s.look(unlock, start)


@story()
async def two_nodes_and_a_station_that_moves(s: Story) -> None:
    await s.start("b")
    line = await booted(s)
    unlock = await s.ask(do.Unlock(1), "r1", node="b")
    await s.ask(do.Unlock(1), "r1")
    await line.answer({"status": "Unlocked"})
    start = await s.ask(do.RemoteStart(1, "TAG"), "r2", node="b")
    moved = await s.plug("b")
    await s.wait(2)
    await moved.say("Heartbeat")
    await s.ask(do.Unlock(2), "r3")
    if moved.asked:
        await moved.answer({"status": "Unlocked"})
    await line.say("Heartbeat")
    await s.ask(do.Unlock(2), "r4", node="b")
    await s.wait(400)
    await s.look(unlock, start)
    await s.look(unlock, start, node="b")


@story(settings=Settings(residency="per-request", snapshot_events=3, heartbeats="every", offline_timer="polled"))
async def loaded_for_each_request(s: Story) -> None:
    line = await booted(s)
    unlock = await s.ask(do.Unlock(1), "r1")
    await line.say("Heartbeat")
    await line.answer({"status": "Unlocked"})
    start = await s.ask(do.RemoteStart(1, "TAG"), "r2")
    await s.wait(31)
    await line.say("StatusNotification", status(1, "Available", 3))
    await s.wait(1500)
    await s.look(unlock, start)
    await s.nodes["n"].stop()
    await s.start()
    await s.look(unlock, start)


@story(settings=Settings(snapshot_events=2, snapshot_every_s=10.0))
async def stopped_and_started_again(s: Story) -> None:
    line = await booted(s)
    unlock = await s.ask(do.Unlock(1), "r1")
    await s.wait(11)
    kept = await s.store.load_snapshot("station-CP1")
    s.note(f"snapshot of {kept.version if kept else 'nothing'}")
    await line.say("StatusNotification", status(2, "Faulted", 3, errorCode="GroundFailure", info="wet"))
    await s.nodes["n"].stop()
    kept = await s.store.load_snapshot("station-CP1")
    s.note(f"snapshot of {kept.version if kept else 'nothing'}")
    await s.start()
    await s.look(unlock)
    await s.wait(300)
    await s.look(unlock)
