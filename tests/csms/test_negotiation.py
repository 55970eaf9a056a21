"""Which OCPP version a socket speaks: what a station offers, what is spoken here, and what follows from it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interlock.csms import codec
from interlock.csms.dialects import BY_SUBPROTOCOL, chosen, negotiate, recorded

from .serving import BOOT, Served, Station, dialled, served

OLD, NEW = "ocpp1.6", "ocpp2.0.1"
BOOT_201 = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}


@pytest.mark.parametrize(
    ("offered", "spoken", "agreed"),
    [
        ([OLD], [NEW, OLD], OLD),
        ([OLD, NEW], [NEW, OLD], NEW),  # the server's order counts, not the station's
        ([OLD, NEW], [OLD, NEW], OLD),
        (["ocpp2.1", OLD], [NEW, OLD], OLD),
        ([OLD, OLD], [OLD], OLD),
        ([NEW], [OLD], None),
        (["ocpp1.5", "soap", ""], [NEW, OLD], None),
        (["ocpp2.0.1.1"], [NEW, OLD], None),
        ([], [NEW, OLD], None),
    ],
)
def test_the_first_of_ours_that_is_offered(offered: list[str], spoken: list[str], agreed: str | None) -> None:
    assert negotiate(offered, spoken) == agreed


def test_protocols_are_chosen_by_name_and_order() -> None:
    assert list(BY_SUBPROTOCOL) == [NEW, OLD]
    assert list(chosen(["1.6", NEW])) == [OLD, NEW]
    for wrong in (["3.0"], ["1.6", ""], []):
        with pytest.raises(ValueError, match=r"protocols are ocpp2\.0\.1, ocpp1\.6"):
            chosen(wrong)


def test_a_log_that_names_no_protocol_is_of_1_6() -> None:
    assert [recorded(one).SUBPROTOCOL for one in ("", OLD, NEW, "ocpp9")] == [OLD, OLD, NEW, OLD]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("offered", "protocols", "agreed"),
    [
        ([OLD], (NEW, OLD), OLD),
        ([OLD, NEW], (NEW, OLD), NEW),
        ([OLD, NEW], (OLD, NEW), OLD),
        (["ocpp2.1", OLD], (NEW, OLD), OLD),
        ([NEW], (NEW,), NEW),
    ],
)
async def test_the_handshake_names_what_is_spoken(offered: Any, protocols: tuple[str, ...], agreed: str) -> None:
    async with served(protocols=protocols) as csms, dialled(csms.url(), subprotocols=offered) as station:
        assert station.socket.subprotocol == agreed
        answer = await station.say("BootNotification", BOOT if agreed == OLD else BOOT_201)
        assert answer[2]["status"] == "Accepted"
        assert await protocols_in_the_log(csms) == [agreed]


@pytest.mark.asyncio
@pytest.mark.parametrize(("offered", "protocols"), [([NEW], (OLD,)), ([OLD], (NEW,)), (["ocpp1.5"], (NEW, OLD))])
async def test_nothing_in_common_ends_in_a_close_without_the_header(offered: Any, protocols: tuple[str, ...]) -> None:
    async with served(protocols=protocols) as csms, dialled(csms.url(), subprotocols=offered) as station:
        assert station.socket.subprotocol is None
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(station.socket.recv(), 10)
        assert closed.value.rcvd is not None
        assert protocols[0] in closed.value.rcvd.reason
        assert await csms.node.store.streams("station-") == []


@pytest.mark.asyncio
async def test_an_id_that_2_0_1_does_not_allow_is_refused_there_only() -> None:
    async with served() as csms:
        with pytest.raises(InvalidStatus) as refused:
            await connect(csms.url("A:B"), subprotocols=[NEW], compression=None)  # type: ignore[list-item]
        assert refused.value.response.status_code == 400
        with pytest.raises(InvalidStatus):
            await connect(csms.url("RDAM%20123"), subprotocols=[NEW], compression=None)  # type: ignore[list-item]
        async with dialled(csms.url("A:B"), subprotocols=[OLD]) as station:
            assert (await station.boot())[2]["status"] == "Accepted"


@pytest.mark.asyncio
async def test_a_station_that_was_upgraded_is_understood_on_each_of_its_connections() -> None:
    async with served(acceptance="strict") as csms:
        async with dialled(csms.url(), subprotocols=[OLD]) as station:
            await station.boot()
            assert (await station.say("Heartbeat", {"x": 1}))[2] == "FormationViolation"
            assert (await raw(station, "[2,1,2]")) is None
        async with dialled(csms.url(), subprotocols=[NEW]) as station:
            await station.say("BootNotification", BOOT_201)
            assert (await station.say("Heartbeat", {"x": 1}))[2] == "FormatViolation"
            assert (await station.say("BootNotification", BOOT))[2] == "OccurrenceConstraintViolation"
            assert (await raw(station, "[2,1,2]"))[1:3] == ["-1", "RpcFrameworkError"]
            assert (await raw(station, '[2,"a"'))[1:3] == ["-1", "RpcFrameworkError"]
            assert (await raw(station, '[5,"a",{}]'))[1:3] == ["a", "MessageTypeNotSupported"]
            assert (await raw(station, '[3,"a",1]')) is None  # an answer is never answered
            assert (await raw(station, '[2,"a","Heartbeat",{"a":1,"a":2}]'))[1:3] == ["a", "FormatViolation"]
        assert await protocols_in_the_log(csms) == [OLD, NEW]


async def raw(station: Station, frame: str) -> Any:
    """Send a frame, and a heartbeat behind it; return the answer to the frame, or None where there is none."""
    await station.socket.send(frame)
    found = await station.say("Heartbeat", {})
    if found[0] == 3:
        return None
    assert (await station.hear())[0] == 3
    return found


async def protocols_in_the_log(csms: Served, station: str = "CP01") -> list[str]:
    """Return the protocol of each connection in a station's log."""
    found = []
    for stored in await csms.node.store.read(f"station-{station}"):
        if stored.type == "CameOnline":
            found.append(codec.decode(stored.type, stored.data).protocol)  # type: ignore[union-attr]
    return found
