"""The verdict in Locust's web interface, in a real browser: none yet, then FAIL with a link to the report."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from interlock.loadtests.users.verdict_page import add_verdict
from tests.browser.conftest import Opened
from tests.reports.test_load_page import page as load_page

flask = pytest.importorskip("flask", reason="needs the extra load")
pytestmark = pytest.mark.asyncio(loop_scope="package")
BAD = "<img src=x onerror=bad(1)>"


@contextmanager
def interface(found: dict[str, Any]) -> Iterator[str]:
    """Serve a page of Locust's form; `found` holds the summary of the last run, once there is one."""
    from werkzeug.serving import make_server

    app = flask.Flask(__name__)
    app.add_url_rule("/", "index", lambda: '<!doctype html><title>Locust</title><body><div id="root"></div></body>')
    add_verdict(app, lambda: found.get("summary"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_the_verdict_comes_to_the_page_and_leads_to_the_report(opened: Opened, tmp_path: Path) -> None:
    load_page(tmp_path, None)
    found: dict[str, Any] = {}
    with interface(found) as address:
        async with opened(width=360) as page:
            await page.goto(address)
            foot = page.locator("#interlock")
            await expect(foot).to_contain_text("not judged yet")
            found["summary"] = {
                "verdict": "FAIL",
                "failed": ["L03", BAD],
                "stations": 5,
                "commands": 2,
                "run": str(tmp_path),
            }
            await expect(foot).to_contain_text("FAIL L03")
            await expect(foot).to_contain_text(BAD)  # as text
            await expect(foot).to_have_css("background-color", "rgb(161, 28, 28)")
            await foot.get_by_role("link", name="report").click()
            await expect(page.locator("h1")).to_have_text("Load")
