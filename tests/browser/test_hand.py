"""The page of `interlock fleet` in a real browser: a station of the simulator is played by hand against a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from interlock.scenarios.cli.reach import address_of
from interlock.scenarios.hand.page import Hand
from interlock.scenarios.live.fleet import Fleet, Plan
from interlock.scenarios.live.reach import Reach
from tests.browser.axe import serious
from tests.browser.conftest import Opened
from tests.csms.serving import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="package")


@asynccontextmanager
async def played(out: Path) -> AsyncIterator[tuple[Served, str]]:
    """Serve, with two idle stations of a fleet that has a page; tell its address."""
    async with served(unknown_tokens="Accepted") as csms:
        where: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        plan = Plan(
            reach=Reach(address_of(csms.url(""))),
            stations=2,
            profile="idle",
            seed=0,
            seconds=None,
            rate=100.0,
            prefix="CP",
            connectors=2,
            id_tag="TAG",
            versions=("1.6",),
            out=out,
            began=datetime.now(UTC),
            reproduce="interlock fleet",
        )
        fleet = Fleet(plan, lambda _: None, Hand(0, "token", where.set_result))
        running = asyncio.ensure_future(fleet._run())
        try:
            yield csms, await where
        finally:
            fleet._interrupt()
            fleet._interrupt()
            await running
            asyncio.get_running_loop().set_exception_handler(None)


async def enter(page: Page, address: str) -> None:
    await page.goto(address)
    await page.get_by_label("Token of this page").fill("token")
    await page.keyboard.press("Enter")
    await expect(page.locator("#feed")).to_have_text("live")


async def test_a_station_is_played_by_hand(tmp_path: Path, opened: Opened) -> None:
    async with played(tmp_path) as (_, address), opened(reduced_motion="reduce") as page:
        await enter(page, address)
        await expect(page.locator(".tile")).to_have_count(2)
        await page.get_by_role("link", name="CP01").click()
        await expect(page.locator("h2 .pill")).to_have_text("online")
        card, said = page.locator("[data-place='1']"), page.locator(".outcome")
        await card.get_by_role("button", name="Plug in").click()
        await expect(said).to_have_text("the cable is in")
        await card.get_by_role("button", name="Swipe").click()
        await expect(card.locator(".pill")).to_have_text("Charging")
        await expect(card).to_contain_text("contactor closed")
        rows = page.locator(".frames tr")
        await expect(rows.filter(has_text="StartTransaction").first).to_contain_text('"idTag":"TAG-DRIVER"')
        await page.get_by_label("A frame to send").fill('[2,"<b>","Heartbeat",{}]')
        await page.get_by_role("button", name="Send this frame").click()
        await expect(rows.filter(has_text="station → CSMS").filter(has_text="<b>")).to_contain_text("Heartbeat")
        await expect(rows.filter(has_text="CSMS → station").filter(has_text="<b>")).to_contain_text("currentTime")
        await page.get_by_role("button", name="Let the supply sag").click()
        await expect(said).to_have_text("the supply sags by 60 V for 10 s")
        await page.get_by_role("button", name="Cut the line").click()
        await expect(rows.filter(has_text="socket.closed").first).to_contain_text("cut by hand")
        await card.get_by_label("Fault of EVSE 1").select_option("GroundFailure")
        await card.get_by_role("button", name="Break").click()
        await expect(card.locator(".bad")).to_have_text("fault GroundFailure")
        assert await serious(page) == []
        await page.emulate_media(color_scheme="dark")
        assert await serious(page) == []
        await page.set_viewport_size({"width": 360, "height": 760})
        assert await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        await page.get_by_role("link", name="all stations").click()
        await expect(page.locator(".tile[data-state='faulted']")).to_contain_text("CP01")
