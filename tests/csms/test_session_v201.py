"""A 2.0.1 station on a socket: remote starts in doubt and their evidence, availability, and the operator's words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from interlock.csms.domain import commands as do

from .serving import Served, Station, dialled, kinds, served
from .test_api import Client
from .test_dialect_v201 import TOKEN, TOLD, data, event, notified
from .test_negotiation import BOOT_201, NEW, OLD
from .test_server import basic, until

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def station(**settings: Any) -> AsyncIterator[tuple[Served, Station]]:
    """Serve, and let a 2.0.1 station in that has two EVSEs and was accepted."""
    async with served(**settings) as csms, dialled(csms.url(), subprotocols=[NEW]) as found:
        assert (await found.say("BootNotification", BOOT_201))[2]["status"] == "Accepted"
        yield csms, found


async def asked(csms: Served, found: Station, command: do.Command, request_id: str = "r1") -> tuple[str, Any]:
    """Let the operator ask for a command; return its id and the CALL the station gets."""
    decided = await csms.node.operate("CP01", command, request_id)
    assert decided.command_id is not None, decided
    return decided.command_id, await found.hear()


async def reaches(csms: Served, command_id: str, phase: str) -> None:
    """Wait until a command stands where it should."""

    async def there() -> bool:
        return await csms.node.phase("CP01", command_id) == phase

    await until(there)


async def tell(found: Station, action: str, payload: dict[str, Any]) -> Any:
    """Make a CALL and return the payload of its answer; a CALL that arrives meanwhile is lost."""
    answer = await found.say(action, payload)
    while answer[0] != 3:
        answer = await found.hear()
    return answer[2]


# --- doubt about a remote start --------------------------------------------------------------------------------------


@pytest.mark.parametrize("event_type", ["Started", "Updated", "Ended"])
async def test_a_start_without_an_answer_is_confirmed_by_its_id(event_type: str) -> None:
    async with station(call_timeout_s=0.2) as (csms, found):
        command_id, call = await asked(csms, found, do.RemoteStart(1, "TAG"))
        assert call[2] == "RequestStartTransaction"
        assert call[3]["evseId"] == 1
        assert call[3]["idToken"] == TOKEN
        await reaches(csms, command_id, "in-doubt")
        info = {"remoteStartId": call[3]["remoteStartId"]}
        await tell(found, "TransactionEvent", event(event_type, "RemoteStart", 0, info, evse={"id": 1}))
        assert await csms.node.phase("CP01", command_id) == "confirmed"


async def test_a_start_of_the_same_token_on_the_same_evse_is_no_evidence_without_the_id() -> None:
    async with station(call_timeout_s=0.2) as (csms, found):
        command_id, call = await asked(csms, found, do.RemoteStart(1, "TAG"))
        await reaches(csms, command_id, "in-doubt")
        local = event("Started", "Authorized", 0, evse={"id": 1}, idToken=TOKEN)
        await tell(found, "TransactionEvent", local)
        other = event("Started", "RemoteStart", 0, {"remoteStartId": call[3]["remoteStartId"] + 1}, evse={"id": 2})
        other["transactionInfo"]["transactionId"] = "T2"
        await tell(found, "TransactionEvent", other)
        assert await csms.node.phase("CP01", command_id) == "in-doubt"


async def test_an_event_that_comes_before_the_answer_shows_the_start() -> None:
    async with station() as (csms, found):
        command_id, call = await asked(csms, found, do.RemoteStart(1, "TAG"))
        info = {"remoteStartId": call[3]["remoteStartId"]}
        await tell(found, "TransactionEvent", event("Started", "RemoteStart", 0, info, evse={"id": 1}))
        assert await csms.node.phase("CP01", command_id) == "confirmed"
        await found.socket.send(json.dumps([3, call[1], {"status": "Accepted"}]))
        await tell(found, "Heartbeat", {})
        assert "ContradictingEvidence" not in await kinds(csms)


@pytest.mark.parametrize(("queued", "phase"), [(False, "refuted"), (True, "unknown")])
async def test_a_station_with_nothing_left_to_tell_did_not_start(queued: bool, phase: str) -> None:
    patience = {"lateness_s": 0.1, "settle_s": 0.0, "probe_every_s": 0.1, "probes": 2}
    async with station(call_timeout_s=0.2, **patience) as (csms, found):
        command_id, _ = await asked(csms, found, do.RemoteStart(1, "TAG"))
        for _ in range(2 if queued else 1):
            probe = await found.hear()
            assert probe[2:] == ["GetTransactionStatus", {}]
            await found.socket.send(json.dumps([3, probe[1], {"messagesInQueue": queued}]))
        await reaches(csms, command_id, phase)


# --- doubt about other commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "action", "evidence", "other"),
    [
        (
            do.RemoteStop("T1"),
            "TransactionEvent",
            event("Updated", "RemoteStop", 2),
            event("Updated", "ChargingStateChanged", 1),
        ),
        (
            do.Unlock(1, 1),
            "TransactionEvent",
            event("Updated", "UnlockCommand", 2),
            event("Updated", "EVCommunicationLost", 1),
        ),
        (
            do.Reset(True),
            "BootNotification",
            {**BOOT_201, "reason": "RemoteReset"},
            {**BOOT_201, "reason": "PowerUp"},
        ),
    ],
)
async def test_only_what_the_command_causes_is_evidence(
    command: do.Command, action: str, evidence: dict[str, Any], other: dict[str, Any]
) -> None:
    async with station(call_timeout_s=0.2) as (csms, found):
        await tell(found, "TransactionEvent", event("Started", "Authorized", 0, evse={"id": 1}, idToken=TOKEN))
        command_id, _ = await asked(csms, found, command)
        await reaches(csms, command_id, "in-doubt")
        await tell(found, action, other)
        assert await csms.node.phase("CP01", command_id) == "in-doubt"
        await tell(found, action, evidence)
        assert await csms.node.phase("CP01", command_id) == "confirmed"


@pytest.mark.parametrize(("again", "phase"), [(False, "confirmed"), (True, "unknown")])
async def test_an_unlock_given_up_is_shown_by_what_no_later_one_did(again: bool, phase: str) -> None:
    async with station(call_timeout_s=0.2, lateness_s=0.1) as (csms, found):
        await tell(found, "TransactionEvent", event("Started", "Authorized", 0, evse={"id": 1}, idToken=TOKEN))
        command_id, _ = await asked(csms, found, do.Unlock(1, 1))
        await reaches(csms, command_id, "unknown")
        if again:
            later, call = await asked(csms, found, do.Unlock(1, 1), "r2")
            await found.socket.send(json.dumps([3, call[1], {"status": "Unlocked"}]))
            await reaches(csms, later, "accepted")
        await tell(found, "TransactionEvent", event("Updated", "UnlockCommand", 1))
        assert await csms.node.phase("CP01", command_id) == phase


async def test_a_status_is_no_evidence_while_events_wait() -> None:
    patience = {"lateness_s": 0.1, "settle_s": 0.0, "probe_every_s": 60.0, "probes": 2}
    async with station(call_timeout_s=0.2, **patience) as (csms, found):
        command_id, call = await asked(csms, found, do.RemoteStart(1, "TAG"))
        probe = await found.hear()
        await found.socket.send(json.dumps([3, probe[1], {"messagesInQueue": True}]))
        free = {"timestamp": TOLD, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        await tell(found, "StatusNotification", free)
        assert await csms.node.phase("CP01", command_id) == "in-doubt"
        info = {"remoteStartId": call[3]["remoteStartId"]}
        await tell(found, "TransactionEvent", event("Started", "RemoteStart", 0, info, evse={"id": 1}, offline=True))
        assert await csms.node.phase("CP01", command_id) == "confirmed"


# --- what the station says -------------------------------------------------------------------------------------------


async def test_availability_by_event_is_the_connectors_state() -> None:
    async with station() as (csms, found):
        both = notified(data("Available", id=1, connectorId=1), data("Occupied", id=2, connectorId=1))
        assert await tell(found, "NotifyEvent", both) == {}
        state = await csms.records.station("CP01")
        assert state is not None
        assert {place: one.status for place, one in state.connectors.items()} == {
            (1, 1): "Available",
            (2, 1): "Occupied",
        }
        before = await kinds(csms)
        await tell(found, "NotifyEvent", both)  # told again
        assert await kinds(csms) == before


async def test_each_message_of_a_transaction_counts_once_and_is_always_answered() -> None:
    async with station(unknown_tokens="Invalid") as (csms, found):
        await csms.node.register_token("TAG", "Accepted")
        lower = {"idToken": "tag", "type": "ISO14443"}
        started = event("Started", "Authorized", 0, evse={"id": 1, "connectorId": 1}, idToken=lower)
        for _ in range(2):  # a token is the same in any case (CiString)
            assert await tell(found, "TransactionEvent", started) == {"idTokenInfo": {"status": "Accepted"}}
        assert await tell(found, "TransactionEvent", event("Updated", "MeterValuePeriodic", 2)) == {}
        ended = event("Ended", "StopAuthorized", 3, idToken={"idToken": "OTHER", "type": "ISO14443"})
        assert await tell(found, "TransactionEvent", ended) == {"idTokenInfo": {"status": "Invalid"}}
        unknown = event("Ended", "EVDeparted", 9)
        unknown["transactionInfo"]["transactionId"] = "of-another-csms"
        assert await tell(found, "TransactionEvent", unknown) == {}
        seen = [one for one in await kinds(csms) if one.startswith("Transaction")]
        assert seen == ["TransactionStarted", "TransactionUpdated", "TransactionStopped", "TransactionStopped"]


async def test_no_authorization_is_accepted_and_an_empty_card_is_not() -> None:
    async with station(unknown_tokens="Invalid") as (_, found):
        for kind, status in (("NoAuthorization", "Accepted"), ("ISO14443", "Invalid")):
            answer = await tell(found, "Authorize", {"idToken": {"idToken": "", "type": kind}})
            assert answer == {"idTokenInfo": {"status": status}}


async def test_what_is_not_folded_is_kept_once_and_answered_each_time() -> None:
    async with station() as (csms, found):
        told = {"type": "InvalidMessages", "timestamp": TOLD}
        mixed = notified(data("Available", id=1, connectorId=1), data("1", "Connector", "Problem", id=1, connectorId=1))
        for _ in range(2):
            assert await tell(found, "SecurityEventNotification", told) == {}
            assert await tell(found, "NotifyEvent", mixed) == {}
        assert await tell(found, "SecurityEventNotification", {**told, "techInfo": "other"}) == {}
        seen = (await kinds(csms))[2:]
        assert seen == ["NoticeReceived", "StatusReported", "NoticeReceived", "NoticeReceived"]


async def ask_for(csms: Served, found: Station, message: str) -> None:
    """Let the operator trigger a message; the station accepts."""
    _, call = await asked(csms, found, do.Relay("TriggerMessage", {"requestedMessage": message}), message)
    await found.socket.send(json.dumps([3, call[1], {"status": "Accepted"}]))


@pytest.mark.parametrize(("registration", "reports"), [("Pending", True), ("Rejected", False)])
async def test_a_station_that_is_not_accepted_may_boot_and_send_what_it_is_asked_for(
    registration: Any, reports: bool
) -> None:
    boot = BOOT_201
    report = {"requestId": 1, "generatedAt": TOLD, "seqNo": 0}
    async with served(registration=registration) as csms:
        async with dialled(csms.url(), subprotocols=[NEW]) as found:
            assert (await found.say("Heartbeat", {}))[0] == 3  # nobody has told it yet
            assert (await found.say("BootNotification", boot))[2]["status"] == registration
        async with dialled(csms.url(), subprotocols=[NEW]) as found:  # a new socket changes nothing
            refused = await found.say("Heartbeat", {})
            assert (refused[0], refused[2]) == (4, "SecurityError")
            assert (await found.say("NotifyReport", report))[0] == (3 if reports else 4)
            await ask_for(csms, found, "Heartbeat")
            assert (await found.say("Heartbeat", {}))[0] == (3 if reports else 4)
            assert (await found.say("BootNotification", boot))[2]["status"] == registration
        async with dialled(csms.url(), subprotocols=[OLD]) as old:
            assert (await old.say("Heartbeat", {}))[0] == 3  # 1.6 leaves it to the station


# --- what the operator says ------------------------------------------------------------------------------------------


async def test_an_operator_speaks_as_the_station_does() -> None:
    async with station() as (csms, found), dialled(csms.url("CP02"), subprotocols=[OLD]) as old:
        await old.boot()
        ask = Client(csms)
        unlock = {"action": "UnlockConnector", "payload": {"evseId": 1, "connectorId": 1}}
        assert (await ask("POST", "/api/stations/CP01/commands", unlock))[0] == 202
        assert (await found.hear())[2:] == ["UnlockConnector", {"evseId": 1, "connectorId": 1}]
        assert (await ask("POST", "/api/stations/CP02/commands", unlock))[0] == 422
        unlock["payload"] = {"connectorId": 1}
        assert (await ask("POST", "/api/stations/CP01/commands", unlock))[0] == 422
        assert (await ask("POST", "/api/stations/CP02/commands", unlock))[0] == 202
        assert (await old.hear())[2:] == ["UnlockConnector", {"connectorId": 1}]
        _, described = await ask("GET", "/openapi.json")
        assert "GetVariables" in str(described)
        assert "GetConfiguration" in str(described)


async def test_a_station_that_is_away_is_still_spoken_of_in_its_own_words() -> None:
    async with served(offline_after_s=0.2) as csms:
        async with dialled(csms.url(), subprotocols=[NEW]) as found:
            await found.say("BootNotification", BOOT_201)
        ask = Client(csms)

        async def away() -> bool:
            return (await ask("GET", "/api/stations/CP01"))[1]["online"] is False

        await until(away)
        _, about = await ask("GET", "/api/stations/CP01")
        assert about["protocol"] == NEW
        for payload, status in (({"evseId": 1, "connectorId": 1}, 503), ({"connectorId": 1}, 422)):
            body = {"action": "UnlockConnector", "payload": payload}
            assert (await ask("POST", "/api/stations/CP01/commands", body))[0] == status


async def test_what_is_relayed_keeps_its_answer() -> None:
    async with station() as (csms, found):
        ask = Client(csms)
        wanted = {
            "getVariableData": [{"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}]
        }
        status, told = await ask("POST", "/api/stations/CP01/commands", {"action": "GetVariables", "payload": wanted})
        assert status == 202
        call = await found.hear()
        assert call[2:] == ["GetVariables", wanted]
        answer = {
            "getVariableResult": [
                {"attributeStatus": "Accepted", "attributeValue": "300", **wanted["getVariableData"][0]}
            ]
        }
        await found.socket.send(json.dumps([3, call[1], answer]))
        await reaches(csms, told["id"], "accepted")
        assert "300" in str(await ask("GET", f"/api/commands/{told['id']}"))


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        ([3, {"status": "Unlocked"}], "accepted"),
        ([3, {"status": "UnlockFailed"}], "rejected"),
        ([3, {"status": "OngoingAuthorizedTransaction"}], "rejected"),
        ([3, {"status": "UnknownConnector"}], "rejected"),
        ([3, {"status": "Perhaps"}], "in-doubt"),
        ([4, "NotImplemented", "", {}], "rejected"),
        ([4, "FormatViolation", "", {}], "rejected"),
        ([4, "OccurenceConstraintViolation", "", {}], "rejected"),
        ([4, "InternalError", "", {}], "in-doubt"),
        ([4, "RpcFrameworkError", "", {}], "in-doubt"),
    ],
)
async def test_what_an_unlock_comes_to(answer: list[Any], phase: str) -> None:
    async with station() as (csms, found):
        command_id, call = await asked(csms, found, do.Unlock(1, 1))
        await found.socket.send(json.dumps([answer[0], call[1], *answer[1:]]))
        await reaches(csms, command_id, phase)


@pytest.mark.parametrize("status", ["Accepted", "Rejected", "RebootRequired"])
async def test_a_password_is_changed_and_stands_in_no_log(status: str) -> None:
    old, new = "old-key-01234567", "new-key-01234567"
    named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    body = {"action": "SetVariables", "payload": {"setVariableData": [{**named, "attributeValue": new}]}}
    async with served(profile=1) as csms:
        await csms.keys.set("CP01", old)
        async with dialled(csms.url(), subprotocols=[NEW], additional_headers=basic("CP01", old)) as found:
            await found.say("BootNotification", BOOT_201)
            accepted, told = await Client(csms)("POST", "/api/stations/CP01/commands", body)
            assert accepted == 202
            call = await found.hear()
            assert call[2:] == ["SetVariables", body["payload"]]
            result = {"setVariableResult": [{"attributeStatus": status, **named}]}
            await found.socket.send(json.dumps([3, call[1], result]))
            phases = {"Accepted": "accepted", "Rejected": "rejected", "RebootRequired": "in-doubt"}
            await reaches(csms, told["id"], phases[status])
        log = b"".join(one.data for one in await csms.node.store.read_all())
        assert new.encode() not in log
        fits = old if status == "Rejected" else new  # after the reboot, and then the old one no longer does
        for key in (new, old):
            at_the_door = dialled(csms.url(), subprotocols=[NEW], additional_headers=basic("CP01", key))
            if key == fits:
                async with at_the_door as found:
                    assert (await found.say("Heartbeat", {}))[0] == 3
            else:
                with pytest.raises(InvalidStatus):
                    await at_the_door.__aenter__()
