"""A real browser, one for each worker, where there is one; pages of it that report what a policy forbade."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.conftest import NO_BROWSER

NAMES = ("chromium", "chromium-browser", "google-chrome")
WATCH = """
window.forbidden = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.forbidden.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
SHOTS = Path(__file__).parents[2] / "reports" / "out" / "screens"
Opened = Callable[..., AbstractAsyncContextManager[Page]]


def executable() -> str | None:
    """Return the browser to take: `INTERLOCK_BROWSER`, or the first that is installed."""
    return os.environ.get("INTERLOCK_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Name the event loop: one is enough here."""
    return {"asyncio": asyncio.new_event_loop}


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Start the browser, or skip what needs one."""
    found = executable()
    if found is None:
        pytest.skip(NO_BROWSER)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="package")
async def opened(browser: Browser, request: pytest.FixtureRequest) -> Opened:
    """Return what opens a page, `how` being the options of a browser context; at its end nothing was forbidden."""

    @asynccontextmanager
    async def open_page(*, width: int = 1200, **how: Any) -> AsyncIterator[Page]:
        context = await browser.new_context(viewport={"width": width, "height": 760}, **how)
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(f"dialog {dialog.message}"))
        page.set_default_timeout(20_000)
        await page.add_init_script(WATCH)
        try:
            yield page
            SHOTS.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=SHOTS / f"{request.node.originalname}.png")
            assert await page.evaluate("window.forbidden") == []
            assert errors == []
        finally:
            await context.close()

    return open_page
