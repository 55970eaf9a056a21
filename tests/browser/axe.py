"""What axe-core finds on a page: WCAG's rules, judged in the browser. Installed for the tests alone."""

from __future__ import annotations

from importlib.resources import files

from playwright.async_api import Page

SOURCE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
LEVELS = ("serious", "critical")
RUN = f"""(() => {{ {SOURCE} }})(); axe.run(document, {{ resultTypes: ["violations"] }})"""


async def serious(page: Page) -> list[str]:
    """Return the serious findings on a page as it is now: rule, element and why.

    The page's policy allows no script but its own, so axe is evaluated through the debugger, not loaded by the page.
    """
    session = await page.context.new_cdp_session(page)
    asked = {"expression": RUN, "awaitPromise": True, "returnByValue": True, "allowUnsafeEvalBlockedByCSP": True}
    answer = await session.send("Runtime.evaluate", asked)
    await session.detach()
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return [
        f"{found['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for found in answer["result"]["value"]["violations"]
        if found["impact"] in LEVELS
        for node in found["nodes"]
    ]
