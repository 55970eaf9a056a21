"""The verdict in Locust's web interface: a line at the foot of its page, the report, and figures for Prometheus."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interlock import reports

FOOT = """<div id="interlock" role="status" style="position:fixed;bottom:0;left:0;right:0;padding:8px 16px;z-index:9999;
font:15px system-ui,sans-serif;background:#24292f;color:#fff"></div><script>
const foot = document.getElementById("interlock");
async function look() {
  try {
    const told = await (await fetch("interlock/verdict")).json();
    foot.textContent = told.line;
    foot.style.background = {PASS: "#1a6b32", FAIL: "#a11c1c", ERROR: "#a11c1c"}[told.verdict] || "#24292f";
    if (told.verdict) {
      const link = document.createElement("a");
      link.href = "interlock/report"; link.textContent = " report"; link.style.color = "#fff";
      foot.append(link);
    }
  } catch (error) { foot.textContent = "Interlock: the load test is over, its process has ended"; }
}
look(); setInterval(look, 2000);
</script></body>"""

Summary = dict[str, Any]


def line_of(summary: Summary | None) -> str:
    """Return what the foot of the page says: of a run that is not judged yet, that."""
    if summary is None:
        return "Interlock: not judged yet; a run is judged when it stops"
    failed = f" {', '.join(summary['failed'])}" if summary["failed"] else ""
    return f"Interlock: {summary['verdict']}{failed}   {summary['stations']} stations, {summary['commands']} commands"


def add_verdict(app: Any, summary: Callable[[], Summary | None]) -> None:
    """Add it to the web interface's Flask app; `summary` returns what the last run left, None while there is none."""
    from flask import Response

    def judged() -> Any:
        found = summary()
        told = {"verdict": None if found is None else found["verdict"], "line": line_of(found), "summary": found}
        return Response(json.dumps(told), mimetype="application/json")

    def report() -> Any:
        found = summary()
        if found is None:
            return Response(line_of(None) + "\n", 404, mimetype="text/plain")
        page = reports.render_load(Path(found["run"]))
        return Response(page.read_text("utf-8"), mimetype="text/html")

    def metrics() -> Any:
        found = summary()
        if found is None:
            return Response("# EOF\n", mimetype="application/openmetrics-text")
        text = (Path(found["run"]) / "metrics.txt").read_text("utf-8")
        return Response(text, content_type="application/openmetrics-text; version=1.0.0; charset=utf-8")

    def foot(response: Any) -> Any:
        if response.mimetype == "text/html" and not response.direct_passthrough:
            page = response.get_data(as_text=True)
            if '<div id="root"' in page and 'id="interlock"' not in page:
                response.set_data(page.replace("</body>", FOOT, 1))
        return response

    app.add_url_rule("/interlock/verdict", "interlock_verdict", judged)
    app.add_url_rule("/interlock/report", "interlock_report", report)
    app.add_url_rule("/metrics", "interlock_metrics", metrics)
    app.after_request(foot)
