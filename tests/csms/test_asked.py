"""What an operator asks for is what the station is asked for, and what it answers is what the operator can read."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given

from interlock.csms.dialects import NotAcceptable, v16, v201
from interlock.csms.domain import commands as do

from .hostile_frames import refused
from .schemas import valid
from .serving import dialled, served
from .test_api import Client
from .values import steady

PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
}


@pytest.mark.parametrize("action", v16.ACTIONS)
def test_all_of_a_valid_request_is_in_the_frame_or_it_is_refused(action: str) -> None:
    """OCPP 1.6 sections 5 and 6, by each action's own schema."""
    sent = 0

    @given(valid(v16.document(action)))
    @steady(60)
    def whole(payload: dict[str, Any]) -> None:
        nonlocal sent
        command = refused(lambda: v16.command(action, payload))  # with a legal code and a reason
        if command is None:
            return
        called, frame = v16.call(command)
        assert called == action
        if not isinstance(command, do.SetPassword):
            assert frame == payload
        sent += 1

    whole()
    assert sent


@pytest.mark.parametrize("action", sorted(v201.ACTIONS))
def test_the_same_in_2_0_1(action: str) -> None:
    @given(valid(v201.document(action)))
    @steady(15)
    def whole(payload: dict[str, Any]) -> None:
        command: Any = None
        with contextlib.suppress(NotAcceptable):
            command = v201.command(action, payload)
        if command is None:
            return
        called, frame = v201.call(command)
        assert called == action
        if not isinstance(command, do.SetPassword):
            assert frame == payload

    whole()


ODD = {"status": "Accepted", "vendorRemark": None}


@pytest.mark.parametrize(
    ("payload", "accepted"),
    [
        ({"status": "Accepted"}, True),
        (ODD, True),
        ({"status": "accepted"}, True),
        ({"status": "Rejected", "reason": "busy"}, False),
        ({"status": "Perhaps"}, None),
        ({"status": None}, None),
        ({}, None),
        ({"Status": "Accepted"}, True),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_an_answer_is_known_by_its_status(payload: dict[str, Any], accepted: bool | None, strict: bool) -> None:
    command = do.Reset(hard=False)
    if accepted is None or (strict and set(payload) != {"status"}) or (strict and payload["status"].islower()):
        with pytest.raises(NotAcceptable):
            v16.answer(command, payload, strict=strict)
        return
    answer = v16.answer(command, payload, strict=strict)
    assert answer.accepted is accepted
    assert answer.payload == payload  # the whole of it


@pytest.mark.asyncio
async def test_a_remote_start_keeps_its_profile() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        client = Client(csms)
        await station.boot()
        asked = {"connectorId": 1, "idTag": "TAG1", "chargingProfile": PROFILE}
        body = {"action": "RemoteStartTransaction", "payload": asked}
        status, found = await client("POST", "/api/stations/CP01/commands", body)
        assert status == 202
        assert (await station.hear())[2:] == ["RemoteStartTransaction", asked]
        broken = {**asked, "chargingProfile": {**PROFILE, "stackLevel": "high"}}
        body = {"action": "RemoteStartTransaction", "payload": broken}
        status, found = await client("POST", "/api/stations/CP01/commands", body)
        assert status == 422
        assert "stackLevel" in found["detail"]


ANSWERS = [
    {"configurationKey": [{"key": "VendorLampMode", "readonly": False, "value": "blink-7"}], "unknownKey": ["Nothing"]},
    {"configurationKey": [{"key": "VendorLampMode", "readonly": "no", "value": None}], "vendor": {"deep": [1, 2]}},
    {"configurationKey": {"key": "VendorLampMode", "value": "x" * 900}},
    {},
]


@pytest.mark.asyncio
@pytest.mark.parametrize("payload", ANSWERS)
async def test_a_whole_answer_is_kept_and_can_be_read(payload: dict[str, Any]) -> None:
    async with served() as csms, dialled(csms.url()) as station:
        client = Client(csms)
        await station.boot()
        body = {"action": "GetConfiguration", "payload": {}}
        _, asked = await client("POST", "/api/stations/CP01/commands", body)
        call = await station.hear()
        await station.socket.send(json.dumps([3, call[1], payload]))
        _, found = await client("GET", f"/api/commands/{asked['id']}?wait=10s")
        assert found["state"] == "accepted"
        assert found["history"][-1]["answer"] == payload
