"""A failing run's report in a real browser: a violation is found by keyboard alone, at any width."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from interlock import reports
from tests.browser.axe import serious
from tests.browser.conftest import Opened
from tests.reports.conftest import ran

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of a suite with one failing run."""
    return ran(tmp_path_factory.mktemp("failed"), "--csms", "send-then-append") / "index.html"


LOOK: dict[str, Any] = {
    "words": "an answer",
    "level": "must",
    "why": "<b>none</b> came",
    "frames": [{"t": 1.5, "text": '[2,"1","X",{}]'}],
}
CASE: dict[str, Any] = {
    "title": "A case",
    "profile": "Core",
    "clause": "1.6 4.1",
    "level": "MUST",
    "run": "run",
    "reason": None,
}
CASE |= {"run": "run", "reason": None, "began": 0, "ended": 2, "seconds": 0.5}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a conformance check with a case of each verdict, one of which has a story."""
    folder = tmp_path_factory.mktemp("checked")
    (folder / "run").mkdir()
    frame = {"kind": "frame", "station": "CP01", "socket": 1, "node": "csms"}
    rows = [
        {"i": 0, "t": 0.0, "kind": "socket.opened", "station": "CP01"},
        {"i": 1, "t": 0.1, **frame, "edge": "station.sent", "text": '[2,"1","Heartbeat",{}]'},
        {"i": 2, "t": 0.2, **frame, "edge": "station.received", "text": '[3,"1",{}]'},
    ]
    (folder / "run" / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("PASS", "PARTIAL", "FAIL", "INCONCLUSIVE", "ERROR", "NOT_APPLICABLE")
    states = ("met", "failed", "failed", "open", "open", "skipped")
    cases = [
        {**CASE, "id": f"TC_{number:03}", "verdict": word, "looked": [{**LOOK, "state": state}]}
        for number, (word, state) in enumerate(zip(words, states, strict=True))
    ]
    finding = {"id": "W01", "name": "answers", "clause": "4.1", "level": "MUST", "checked": 3, "broken": 1}
    finding |= {"why": "no answer", "example": "<script>alert(1)</script>"}
    results = {
        "version": "1.6",
        "role": "csms",
        "verdict": "FAIL",
        "began": "2026-01-01",
        "address": "ws://127.0.0.1/",
        "trouble": None,
        "interrupted": False,
        "peer": {"vendor": "<i>V</i>", "model": "M", "features": ["Core"]},
        "versions": {"interlock": "0.1.0"},
        "cases": cases,
        "findings": [finding],
        "reproduce": "interlock check csms ws://127.0.0.1/",
    }
    (folder / "results.json").write_text(json.dumps(results))
    return reports.render_check(folder)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a load test."""
    folder = tmp_path_factory.mktemp("loaded")
    spec = {"began": "2026-01-01T00:00:00+00:00", "seconds": 5, "processes": [1]}
    about = {"scenario": "load-ramp", "title": "Load", "csms": "ws://127.0.0.1/", "seed": 0, "spec": spec}
    about |= {"observations": 1, "reproduce": "interlock load", "versions": {}}
    one = {"id": "W01", "name": "answers", "level": "MUST", "verdict": "FAIL", "checked": 3, "reason": None}
    one["violations"] = [{"message": "<b>m</b>", "expected": "e", "found": "f"}]
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "verdict.json").write_text(json.dumps({"verdict": "FAIL", "invariants": [one]}))
    times = {"p50_ms": 1, "p95_ms": 2, "p99_ms": 3, "max_ms": 4}
    row = {"type": "CALL", "name": "Heartbeat", "calls": 3, "answer": times, "due": times, "failed": 1}
    (folder / "calls.json").write_text(json.dumps({"calls": [row], "errors": []}))
    names = ("Timestamp", "Name", "Requests/s", "User Count", "Failures/s", "50%", "95%", "99%")
    rows = [(1767225600 + at, "Aggregated", at, 2, at % 2, 1, 2, "N/A") for at in range(4)]
    lines = [",".join(map(str, row)) for row in (names, *rows)]
    (folder / "locust_stats_history.csv").write_text("\n".join(lines) + "\n")
    return reports.render_load(folder)


async def tab_to(page: Page, text: str) -> None:
    """Press Tab until what has the focus says `text`."""
    for _ in range(60):
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
        await tab_to(page, "at 40.80 s")
        await page.keyboard.press("Enter")
        step, look = page.locator(":target"), page.locator(".look")
        await expect(step).to_contain_text("lock 1 unlocked (remote)")
        await expect(step).to_contain_text("I02")
        await expect(step).to_be_in_viewport()
        await expect(look).to_contain_text('"part":"lock"')
        await page.keyboard.press("ArrowUp")
        await expect(look.locator("pre")).to_have_text(re.compile(r'\[2,"\S+","UnlockConnector",\{"connectorId":1\}\]'))
        await expect(look.locator("tr", has_text="version")).to_contain_text("9")
        await page.locator(".step summary", has_text="append refused").hover()
        await expect(look).to_contain_text("append.refused")
        heads, times = page.locator(".heads"), page.locator(".time").first
        assert await heads.evaluate("(one) => getComputedStyle(one).position") == "sticky"
        assert await times.evaluate("(one) => getComputedStyle(one).position") == "sticky"
        await page.get_by_label("Find").fill("double unlock")
        await expect(page.locator("#invariants tbody tr:visible")).to_have_count(1)


async def test_a_matrix_is_walked_by_keyboard_and_gives_reasons(failed: Path, opened: Opened) -> None:
    async with opened() as page:
        await page.goto(failed.as_uri())
        await page.locator("#matrix td[tabindex='0']").focus()
        said = page.locator("#said")
        await expect(said).to_have_text("heartbeat-vs-unlock, I01 one frame per command: held")
        await page.keyboard.press("ArrowRight")
        await expect(said).to_have_text("heartbeat-vs-unlock, I02 no double unlock: violated something")
        for _ in range(14):
            await page.keyboard.press("ArrowRight")
        await expect(said).to_contain_text("had nothing to look at: no station was called offline")
        await page.get_by_label("verdict").select_option("PASS")
        await expect(page.locator("#matrix tbody tr:visible")).to_have_count(0)
        await page.get_by_label("verdict").select_option("FAIL")
        await page.locator("#matrix td[tabindex='0']").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="What happened")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_pages_fit_a_phone_and_are_for_everybody(
    failed: Path, checked: Path, loaded: Path, opened: Opened, *, dark: bool
) -> None:
    async with opened(width=360, color_scheme="dark" if dark else "light") as page:
        for path in (failed, *failed.parent.glob("*/*/report.html"), checked, loaded):
            await page.set_viewport_size({"width": 360, "height": 760})
            await page.goto(path.as_uri())
            assert await page.evaluate("document.documentElement.scrollWidth") == 360
            white = await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            assert white is not dark
            assert await serious(page) == []
            await page.set_viewport_size({"width": 1600, "height": 900})
            assert await page.evaluate("document.documentElement.scrollWidth") == 1600


async def test_axe_finds_what_is_planted(checked: Path, opened: Opened) -> None:
    async with opened() as page:
        await page.goto(checked.as_uri())
        await page.evaluate(
            "document.querySelector('.filters input').labels[0].replaceWith(document.createElement('input'))"
        )
        assert [one.partition(":")[0] for one in await serious(page)] == ["label"]
