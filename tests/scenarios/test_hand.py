"""A hand on simulated stations: its deeds, and who may not do them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import simpy

from interlock.scenarios.hand.deeds import DEEDS, NoSuchDeed, perform
from interlock.scenarios.hand.feed import KEPT, Feed
from interlock.scenarios.hand.page import LOOPBACK, Hand
from interlock.simulator.fleet import FleetSpec, build
from interlock.simulator.station import Station

ASK = "GET /api/fleet HTTP/1.1"


def stations(count: int = 2) -> tuple[Station, ...]:
    """Build stations that are switched on and reach nobody."""
    env = simpy.Environment()

    def nothing(kind: str, **fields: Any) -> None:
        pass

    class Nowhere:
        def draw_latency(self) -> float:
            return 0.1

        def connect(self, station_id: str, subprotocol: str, connected: Any) -> None:
            pass

    made = build(env, FleetSpec(count, "CP", {"evses": 2}), 0, Nowhere(), nothing).stations
    for station in made:
        station.start()
    env.run(until=300)
    return made


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Hand, int]]:
    where: list[str] = []
    hand = Hand(0, "token", where.append)
    await hand.open(stations(), lambda: 1.0)
    assert where[0].startswith(f"http://{LOOPBACK}:")
    try:
        yield hand, int(where[0].rstrip("/").rpartition(":")[2])
    finally:
        await hand.close()


async def said(port: int, first: str = ASK, body: bytes = b"", **headers: Any) -> tuple[int, str]:
    """Ask over a socket; return the status and the rest."""
    shown = {"Host": f"127.0.0.1:{port}", "Authorization": "Bearer token", "Connection": "close"}
    shown |= {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        shown |= {"Content-Type": shown.get("Content-Type", "application/json"), "Content-Length": str(len(body))}
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "".join(f"{name}: {value}\r\n" for name, value in shown.items() if value)
    writer.write(f"{first}\r\n{head}\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), answer.decode()


@pytest.mark.asyncio
async def test_only_its_own_page_with_the_token_may_ask() -> None:
    async with served() as (_, port):
        assert (await said(port))[0] == 200
        assert (await said(port, Origin=f"http://127.0.0.1:{port}"))[0] == 200
        for status, headers in (
            (401, {"Authorization": ""}),
            (401, {"Authorization": "Bearer other"}),
            (403, {"Origin": "http://evil.example"}),
            (403, {"Origin": "null"}),
            (400, {"Host": "evil.example"}),
        ):
            assert (await said(port, ASK, b"", **headers))[0] == status, headers
        deed = json.dumps({"deed": "plug", "evse": 1}).encode()
        post = "POST /api/stations/CP01/deeds HTTP/1.1"
        assert (await said(port, post, deed, Content_Type="text/plain"))[0] == 415
        status, text = await said(port, "GET / HTTP/1.1", Authorization="")
        assert status == 200
        assert "script-src 'self'" in text
        assert "default-src 'none'" in text


@pytest.mark.asyncio
async def test_a_deed_is_done_and_told() -> None:
    async with served() as (hand, port):
        post = "POST /api/stations/CP01/deeds HTTP/1.1"
        status, text = await said(port, post, json.dumps({"deed": "plug", "evse": 1}).encode())
        assert (status, "the cable is in" in text) == (200, True)
        status, text = await said(port, "GET /api/stations/CP01 HTTP/1.1")
        assert '"plugged":true' in text
        hand._feed.end()
        status, text = await said(port, "GET /api/events?after=0 HTTP/1.1")
        assert status == 200
        for body, wanted in ((b"[]", 422), (b"{", 422), (b'{"deed":"fly"}', 422), (b" " * 200_000, 413)):
            assert (await said(port, post, body))[0] == wanted
        assert (await said(port, "POST /api/stations/CP99/deeds HTTP/1.1", b"{}"))[0] == 404


GOOD: dict[str, dict[str, Any]] = {
    "plug": {"evse": 1},
    "unplug": {"evse": 1},
    "swipe": {"evse": 2, "card": "TAG"},
    "sag": {"volts": 50, "seconds": 1.5},
    "power-cut": {"seconds": 2},
    "fail": {"evse": 0, "fault": "GroundFailure"},
    "clear": {"evse": 0},
    "cut": {},
    "dial": {},
    "heartbeat": {},
    "status": {"evse": 0},
    "meter": {"evse": 1},
    "raw": {"text": "[2"},
}


BAD: tuple[Any, ...] = (None, True, -1, 9_999, 1e9, float("nan"), "", "x" * 70_000, [1], {})


@pytest.mark.parametrize("deed", DEEDS)
def test_each_deed_takes_what_it_needs_and_nothing_else(deed: str) -> None:
    (station,) = stations(1)
    told = perform(station, {"deed": deed, **GOOD[deed]})
    assert told[0].islower()
    assert not told.endswith(".")
    for name in GOOD[deed]:
        for bad in BAD:
            with pytest.raises(NoSuchDeed):
                perform(station, {"deed": deed, **GOOD[deed], name: bad})


@pytest.mark.asyncio
async def test_who_is_too_far_behind_begins_again() -> None:
    feed = Feed()
    for number in range(KEPT + 10):
        feed.add("frame", "CP01", {"station": "CP01", "text": str(number)}, 0.0)
    assert [page async for page in feed.follow(0)] == []
    following = feed.follow(KEPT)
    page = await anext(following)
    assert page.count(b"data: ") == 10
    await following.aclose()
