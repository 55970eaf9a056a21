"""The live page in a real browser, with a real server and stations at the other end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from interlock.scenarios.record.trace import read
from tests.browser.axe import serious
from tests.browser.conftest import Opened
from tests.csms.serving import AT, Served, Station, dialled, operated, served

pytestmark = pytest.mark.asyncio(loop_scope="package")
BAD = "<img src=x onerror=bad(1)>"
"""Text that would run if it were ever taken for markup. Neither it nor any station's id holds a slash."""


@asynccontextmanager
async def fleet(*names: str, **settings: Any) -> AsyncIterator[tuple[Served, str, list[Station]]]:
    """Serve, with stations that booted and have two connectors each; tell the page's address."""
    async with served(**settings) as csms, operated(csms) as port:
        stations = []
        sockets = [dialled(csms.url(quote(name, safe=""))) for name in names]
        for socket in sockets:
            station = await socket.__aenter__()
            await station.boot()
            for connector in (1, 2):
                await status(station, connector, "Available")
            stations.append(station)
        try:
            yield csms, f"http://127.0.0.1:{port}/", stations
        finally:
            for socket in sockets:
                await socket.__aexit__(None, None, None)


async def status(station: Station, connector: int, word: str, **more: str) -> None:
    payload = {"connectorId": connector, "errorCode": "NoError", "status": word, **more}
    assert (await station.say("StatusNotification", payload))[0] == 3


async def enter(page: Page, address: str) -> None:
    """Open the page with the token."""
    await page.goto(address)
    await page.get_by_label("API token").fill("token")
    await page.keyboard.press("Enter")
    await expect(page.locator("#feed")).to_have_text("live")


async def test_a_race_whose_command_is_in_doubt_until_its_late_answer(opened: Opened) -> None:
    settings = {"call_timeout_s": 0.2, "heartbeats": "every"}
    async with fleet("CP01", **settings) as (_, address, (station,)), opened() as page:
        await enter(page, address)
        tile = page.locator(".tile")
        await expect(tile).to_have_attribute("data-state", "online")
        await tile.get_by_role("link").click()
        await page.locator("[data-place='1.1']").get_by_role("button", name="Unlock").click()
        call = await station.hear()
        await station.socket.send(json.dumps([2, "beat", "Heartbeat", {}]))
        assert (await station.hear())[1] == "beat"
        assert (call[2], call[3]) == ("UnlockConnector", {"connectorId": 1})
        await expect(page.get_by_role("status").filter(has_text="in doubt")).to_be_visible()
        await expect(page.locator(".commands .pill")).to_have_text("in doubt")
        await expect(page.get_by_role("button", name="Close the doubt")).to_be_visible()
        await page.locator("[data-place='1.1']").get_by_role("button", name="Unlock").click()
        await expect(page.locator(".outcome")).to_contain_text("held by")
        await expect(page.get_by_role("button", name="Insist")).to_be_visible()
        await page.get_by_role("link", name="all stations").click()
        await expect(tile).to_have_attribute("data-state", "doubt")
        await tile.get_by_role("link").click()
        await station.socket.send(json.dumps([3, call[1], {"status": "Unlocked"}]))
        await expect(page.locator(".commands .pill")).to_have_text("accepted")
        await expect(page.locator(".events tr").first).to_contain_text("CommandAccepted")


async def test_what_becomes_of_each_command_is_shown_and_it_is_asked_for_once(opened: Opened) -> None:
    async with fleet("CP01") as (csms, address, (station,)), opened() as page:
        await enter(page, f"{address}#/station/CP01")
        outcome, card = page.locator(".outcome"), page.locator("[data-place='1.1']")
        await page.get_by_role("button", name="Watch its frames").click()
        async with asyncio.timeout(10):
            while "CP01" not in csms.server.watched.of:
                await asyncio.sleep(0.01)

        async def answered(action: str, payload: dict[str, Any], says: dict[str, Any], shown: str) -> None:
            call = await station.hear()
            assert (call[2], call[3]) == (action, payload)
            await station.socket.send(json.dumps([3, call[1], says]))
            await expect(outcome).to_contain_text(shown)

        await card.get_by_label("Token for EVSE 1").fill("TAG")
        await page.keyboard.press("Enter")
        start = {"connectorId": 1, "idTag": "TAG"}
        await answered("RemoteStartTransaction", start, {"status": "Rejected"}, "the station said no")
        await page.get_by_role("button", name="Reset: soft").click()
        await answered("Reset", {"type": "Soft"}, {"status": "Accepted"}, "the station said yes")
        await page.get_by_label("Message to ask for").select_option("Heartbeat")
        await page.get_by_role("button", name="Trigger").click()
        await answered("TriggerMessage", {"requestedMessage": "Heartbeat"}, {"status": "Accepted"}, "TriggerMessage")
        await card.get_by_role("button", name="Out of service").click()
        change = {"connectorId": 1, "type": "Inoperative"}
        await answered("ChangeAvailability", change, {"status": "Accepted"}, "ChangeAvailability: accepted")
        assert len(csms.records.commands) == 4
        frames = page.locator(".frames tr")
        await expect(frames.filter(has_text="ChangeAvailability")).to_contain_text("CSMS → station")
        await expect(frames.filter(has_text="Rejected")).to_contain_text("station → CSMS")
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Save them as a trace").click()
        trace = read(Path(await (await saving.value).path()))
        said = [row[2]["text"] for row in trace.rows if row[1] == "frame"]
        assert sum("RemoteStartTransaction" in text for text in said) == 1
        assert len(said) >= 8
        await station.socket.close()
        async with asyncio.timeout(10):
            while csms.node.connections:
                await asyncio.sleep(0.01)
        await card.get_by_role("button", name="Unlock").click()
        await expect(outcome).to_contain_text("evidence shows that it did not happen")


async def test_a_station_of_ocpp_2_0_1_is_asked_in_its_own_words(opened: Opened) -> None:
    boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
    place = {"timestamp": AT, "connectorStatus": "Available", "evseId": 2, "connectorId": 1}
    async with (
        fleet() as (csms, address, _),
        opened() as page,
        dialled(csms.url("CP01"), subprotocols=["ocpp2.0.1"]) as station,
    ):
        await station.say("BootNotification", boot)
        await station.say("StatusNotification", place)
        await enter(page, f"{address}#/station/CP01")
        card = page.locator("[data-place='2.1']")
        await card.get_by_label("Token for EVSE 2").fill("TAG")

        async def asked(name: str, action: str, answer: str) -> Any:
            where = card if await card.get_by_role("button", name=name).count() else page
            await where.get_by_role("button", name=name).click()
            call = await station.hear()
            assert call[2] == action
            await station.socket.send(json.dumps([3, call[1], {"status": answer}]))
            await expect(page.locator(".outcome")).to_contain_text(f"{action}: ")
            await expect(page.locator(".commands .pill").first).not_to_have_text("requested")
            return call[3]

        assert await asked("Unlock", "UnlockConnector", "Unlocked") == {"evseId": 2, "connectorId": 1}
        start = await asked("Start", "RequestStartTransaction", "Rejected")
        assert (start["evseId"], start["idToken"]) == (2, {"idToken": "TAG", "type": "ISO14443"})
        assert await asked("Reset: on idle", "Reset", "Accepted") == {"type": "OnIdle"}
        assert await asked("Trigger", "TriggerMessage", "Accepted") == {"requestedMessage": "StatusNotification"}
        change = {"operationalStatus": "Inoperative", "evse": {"id": 2}}
        assert await asked("Out of service", "ChangeAvailability", "Accepted") == change


async def test_a_stations_text_stays_text(opened: Opened) -> None:
    name = "CP<img src=x onerror=bad()>"
    settings = {"unknown_tokens": "Accepted"}
    async with fleet(name, **settings) as (_, address, (station,)), opened() as page:
        boot = {"chargePointVendor": BAD[:20], "chargePointModel": BAD[:20], "firmwareVersion": BAD, "odd": BAD}
        assert (await station.say("BootNotification", boot))[0] == 3
        await status(station, 1, "Faulted", info=BAD, vendorErrorCode=BAD, vendorId=BAD)
        start = {"connectorId": 2, "idTag": "<img onerror=bad()>", "meterStart": 1, "timestamp": "2026-01-01T00:00:00Z"}
        assert (await station.say("StartTransaction", start))[0] == 3
        await station.say("Heartbeat", {BAD: BAD, "__proto__": {"x": BAD}})
        await station.say(BAD, {BAD: BAD})
        await station.say("StopTransaction", {"transactionId": 7, "reason": BAD})
        await enter(page, address)
        await expect(page.locator(".tile b")).to_have_text(name)
        await page.get_by_role("link", name=name).click()
        await expect(page.locator("h2")).to_contain_text(name)
        await expect(page.locator(".events")).to_contain_text(BAD)
        await expect(page.locator(".odd")).to_contain_text(BAD)
        await expect(page.locator("[data-place='2.1']")).to_contain_text("<img onerror=bad()>")
        assert await page.locator("img, script:not([src]), iframe").count() == 0


async def test_the_policy_forbids_markup_made_of_text_and_scripts_in_the_page(opened: Opened) -> None:
    async with fleet() as (_, address, _stations), opened() as page:
        await enter(page, address)
        made = (
            "() => { try { document.body.innerHTML = '<b>x</b>'; return 'made' } catch (error) { return error.name } }"
        )
        assert await page.evaluate(made) == "TypeError"
        await page.evaluate("() => { const one = document.createElement('img'); one.src = 'http://127.0.0.1:1/x' }")
        async with asyncio.timeout(10):
            while len(await page.evaluate("window.forbidden")) < 2:
                await asyncio.sleep(0.02)
        await page.evaluate("window.forbidden = []")


async def test_a_wrong_token_shows_nothing(opened: Opened) -> None:
    async with fleet("CP01") as (_, address, _stations), opened() as page:
        await page.goto(address)
        await page.get_by_label("API token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("That is not the token of this server.")
        assert await page.locator(".tile").count() == 0


async def test_ten_thousand_stations_are_a_screenful_of_tiles(opened: Opened) -> None:
    stations = [
        {
            "id": f"CP{number}",
            "online": number % 10 > 0,
            "protocol": "ocpp1.6",
            "registration": "Accepted",
            "connectors": [[1, 1, "Available"], [2, 1, "Charging"]],
            "faulted": number % 100 == 0,
            "charging": number % 2,
            "open": 0,
            "doubt": 0,
        }
        for number in range(10_000)
    ]
    async with fleet() as (_, address, _stations), opened() as page:
        whole = json.dumps({"position": 0, "stations": stations, "next": None})
        await page.route("**/api/fleet*", lambda route: route.fulfill(body=whole, content_type="application/json"))
        await enter(page, address)
        tiles = page.locator(".tile")
        await expect(tiles.first).to_contain_text("CP0")
        await expect(page.get_by_role("button", name="faulted 100")).to_be_visible()
        assert await tiles.count() < 150
        await tiles.first.get_by_role("link").focus()
        await page.keyboard.press("End")
        await expect(page.locator(":focus")).to_contain_text("CP9999")
        await page.keyboard.press("ArrowLeft")
        await expect(page.locator(":focus")).to_contain_text("CP9998")
        assert await tiles.count() < 150
        await page.get_by_label("Find a station").fill("cp7777")
        await expect(tiles).to_have_count(1)
        await page.get_by_label("Find a station").fill("cp77")
        await page.get_by_role("button", name="faulted").click()
        await expect(tiles).to_have_count(1)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_a_phone_shows_all_of_it(opened: Opened, dark: bool) -> None:
    how: dict[str, Any] = {"color_scheme": "dark" if dark else "light", "reduced_motion": "reduce"}
    async with fleet("CP01", "X" * 48) as (_, address, (station, _other)), opened(width=360, **how) as page:
        await station.say("DataTransfer", {"vendorId": "v" * 255})
        await enter(page, address)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        await expect(page.locator(".tile")).to_have_count(2)
        assert await page.evaluate(overflow) == 0
        assert await serious(page) == []
        for name in ("CP01", "X" * 48):
            await page.goto(f"{address}#/station/{name}")
            await expect(page.locator("[data-place='2.1']")).to_be_visible()
            assert await page.evaluate(overflow) == 0
        assert await serious(page) == []
        light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (light == "rgb(255, 255, 255)") is not dark
        await page.goto(f"{address}docs")
        await expect(page.get_by_role("heading", name="/api/fleet")).to_be_visible()
        assert await page.evaluate(overflow) == 0
        assert await serious(page) == []
