"""What the live page asks the API for, and what its files may do, without a browser."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from interlock.csms.serve import page

from .serving import dialled, served
from .test_api import UNLOCK, Client, ready

on_a_loop = pytest.mark.asyncio
UI = sorted(page.FOLDER.glob("*"))


@on_a_loop
async def test_stations_at_a_glance() -> None:
    async with ready() as (csms, station, client):
        _, found = await client("GET", "/api/fleet")
        assert found["position"] == csms.records.position > 0
        assert found["next"] is None
        (one,) = found["stations"]
        assert one == {
            "id": "CP01",
            "online": True,
            "protocol": "ocpp1.6",
            "registration": "Accepted",
            "connectors": [[1, 1, "Available"]],
            "faulted": False,
            "charging": 0,
            "open": 0,
            "doubt": 0,
        }
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
        await station.say("StartTransaction", start)
        await station.say("StatusNotification", {"connectorId": 2, "errorCode": "GroundFailure", "status": "Faulted"})
        _, asked = await client("POST", "/api/stations/CP01/commands", UNLOCK)
        assert (await client("GET", f"/api/commands/{asked['id']}?wait=0"))[0] == 200
        _, found = await client("GET", "/api/fleet?id=CP01&id=CP02&id=" + "x" * 99)
        (one,) = found["stations"]
        assert (one["faulted"], one["charging"], one["open"] + one["doubt"]) == (True, 1, 1)


@on_a_loop
async def test_a_command_in_doubt_is_told_as_such_until_its_answer() -> None:
    async with ready(call_timeout_s=0.05) as (csms, station, client):
        await client("POST", "/api/stations/CP01/commands", UNLOCK)
        call = await station.hear()
        async with asyncio.timeout(10):
            while not (await client("GET", "/api/fleet"))[1]["stations"][0]["doubt"]:
                await asyncio.sleep(0.005)
        _, told = await client("GET", "/api/stations/CP01/commands")
        (one,) = told["commands"]
        assert (one["id"], one["command"], one["place"], one["state"]) == (call[1], "Unlock", [1, 1], "in-doubt")
        assert (one["open"], one["doubtful"], one["probe_of"]) == (True, True, None)
        await station.socket.send(f'[3,"{call[1]}",{{"status":"Unlocked"}}]')
        await client("GET", f"/api/commands/{call[1]}?wait=10s")
        _, told = await client("GET", "/api/stations/CP01/commands")
        assert [one["state"] for one in told["commands"]] == ["accepted"]
        assert (await client("GET", "/api/fleet"))[1]["stations"][0]["doubt"] == 0
        assert csms.alarms == []


@on_a_loop
async def test_the_fleet_comes_in_pages_and_by_name() -> None:
    async with served() as csms:
        client = Client(csms)
        for number in range(5):
            async with dialled(csms.url(f"CP{number}")) as station:
                await station.boot()
        _, first = await client("GET", "/api/fleet?limit=2")
        assert ([one["id"] for one in first["stations"]], first["next"]) == (["CP0", "CP1"], "CP1")
        _, rest = await client("GET", "/api/fleet?limit=3&after=CP1")
        assert ([one["id"] for one in rest["stations"]], rest["next"]) == (["CP2", "CP3", "CP4"], None)
        assert (await client("GET", "/api/fleet?" + "&".join(["id=CP1"] * 101)))[0] == 400
        assert (await client("GET", "/api/fleet?limit=0"))[0] == 400
        assert (await client("GET", "/api/fleet", token="wrong"))[0] == 401
        assert (await client("GET", "/api/stations/CP0/commands", token=None))[0] == 401


@on_a_loop
async def test_the_last_events_of_a_station() -> None:
    async with ready() as (_csms, station, client):
        await station.say("Heartbeat", {"odd": 1})
        stop = {"transactionId": 7, "meterStop": 5, "timestamp": "2026-01-01T00:00:00Z"}
        await station.say("StopTransaction", stop)
        _, events = await client("GET", "/api/stations/CP01/events?last=2")
        assert [one["type"] for one in events["events"]] == ["DeviationRecorded", "AnomalyRecorded"]
        _, events = await client("GET", "/api/stations/CP01/events?last=1000")
        assert events["events"][0]["version"] == 1
        for wrong in ("0", "1001", "x"):
            assert (await client("GET", f"/api/stations/CP01/events?last={wrong}"))[0] == 400
        _, found = await client("GET", "/api/stations/CP01/deviations")
        assert [one["what"] for one in found["anomalies"]] == ["stop of no known transaction"]


@on_a_loop
async def test_the_files_are_served_with_a_policy_and_without_a_token() -> None:
    async with served() as csms:
        client = Client(csms)
        for path in ("/", "/docs", *(f"/ui/{one.name}" for one in UI if one.name != "index.html")):
            assert (await client("GET", path, token=None))[0] == 200, path
        assert (await client("GET", "/", host="evil.test"))[0] == 400
        for path in ("/ui/../api.py", "/ui/", "/ui/%2e%2e/api.py", "/ui/index.html"):
            assert (await client("GET", path, token=None))[0] == 404, path
        _, text = await client("GET", "/docs", token=None)
        described = csms.api.described()
        for route in described["paths"]:
            assert f"<code>{route}</code>" in text


def test_the_policy_is_strict() -> None:
    assert "unsafe" not in page.POLICY
    assert page.POLICY.startswith("default-src 'none'")
    assert "require-trusted-types-for 'script'" in page.POLICY


@pytest.mark.parametrize("path", UI, ids=lambda path: path.name)
def test_the_files_make_no_markup_of_text_and_load_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function", text
    )
    assert not re.search(r"(src|href|from|import|url)\s*[=(]?\s*[\"']?(https?:)?//", text)
    assert not re.search(r"<script>|\son\w+=|\sstyle=", text)
    assert len(text.splitlines()) < 300


def test_the_check_of_the_files_bites(tmp_path: Path) -> None:
    for bad in (
        "x.innerHTML = name",
        '<img onerror="x()">',
        '<script src="https://cdn.test/x.js">',
        '<link href="//cdn.test/x.css">',
        'import x from "https://cdn.test/x.js"',
        "@import url(https://cdn.test/x.css)",
    ):
        path = tmp_path / "x"
        path.write_text(bad)
        with pytest.raises(AssertionError):
            test_the_files_make_no_markup_of_text_and_load_nothing_from_elsewhere(path)
