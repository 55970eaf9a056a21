"""A failing run's report in a real browser: a violation is found by keyboard alone, at any width."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Opened
from tests.reports.conftest import ran

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of a suite with one failing run."""
    return ran(tmp_path_factory.mktemp("failed"), "--csms", "send-then-append") / "index.html"


async def tab_to(page: Page, text: str) -> None:
    """Press Tab until what has the focus says `text`."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        if (await page.locator(":focus").inner_text()).strip() == text:
            return
    raise AssertionError(f"no Tab leads to {text}")


async def test_a_violation_is_followed_by_keyboard(failed: Path, opened: Opened) -> None:
    async with opened() as page:
        await page.goto(failed.as_uri())
        await tab_to(page, "I02")
        await page.keyboard.press("Enter")
        await expect(page.locator("#I02")).to_be_in_viewport()
        await page.keyboard.press("Tab")
        await expect(page.locator("#I02 figure")).to_be_focused()
        await expect(page.locator("#I02 figure")).to_contain_text("VIOLATED")
        await tab_to(page, "to the verdict")
        await page.keyboard.press("Enter")
        await tab_to(page, "I15 justified refusal")
        await page.keyboard.press("Enter")
        await expect(page.locator("#I15")).to_be_in_viewport()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_pages_fit_a_phone(failed: Path, opened: Opened, dark: bool) -> None:
    async with opened(width=360, color_scheme="dark" if dark else "light") as page:
        for path in (failed, *failed.parent.glob("*/*/report.html")):
            await page.goto(path.as_uri())
            assert await page.evaluate("document.documentElement.scrollWidth") == 360
            white = await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            assert white is not dark
