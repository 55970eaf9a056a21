"""The report of a conformance check: from `results.json` to a page, JUnit and Markdown."""

from __future__ import annotations

import fnmatch
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from interlock.reports.chart import draw
from interlock.reports.run import clean, read_object, reading
from interlock.reports.story import Story, StoryStep

WORDS = ("PASS", "PARTIAL", "FAIL", "INCONCLUSIVE", "ERROR", "NOT_APPLICABLE")
STYLE = """
:root{--ink:#1c2430;--soft:#667080;--line:#d5dae1;--card:#f6f7f9;--page:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e3e8ef;--soft:#9aa5b4;--line:#37404d;--card:#1d242e;--page:#151b23}}
body{font:15px/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);
background:var(--page);max-width:1180px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}
.w{display:inline-block;padding:0 .5em;border-radius:4px;font-weight:600;font-size:.85em}
.PASS{background:#d9f2df;color:#0c5a22}.PARTIAL{background:#fff1cf;color:#6d4700}.FAIL{background:#fde0e0;color:#8f1414}
.ERROR{background:#f3d9f5;color:#6a1270}.INCONCLUSIVE{background:#e6e9ee;color:#3b4452}
.NOT_APPLICABLE{background:#eef0f3;color:#667080}
code,pre{font:12.5px ui-monospace,SFMono-Regular,Menlo,monospace}pre{background:var(--card);padding:.7rem;
overflow-x:auto;white-space:pre-wrap;word-break:break-all}details{margin:.6rem 0;padding:.4rem .8rem;
border:1px solid var(--line);border-radius:6px}summary{cursor:pointer}.soft{color:var(--soft)}
"""


def render_check(directory: Path) -> Path:
    """Write `report.html` and `report.md` of a check; return where the page is. Raises `RunUnreadable`."""
    path = directory / "results.json"
    results = read_object(path)
    with reading(path):
        page = directory / "report.html"
        page.write_text(_page(results, directory), "utf-8")
        (directory / "report.md").write_text(check_markdown(results), "utf-8")
    return page


def _word(word: str) -> str:
    return f'<span class="w {escape(word)}">{escape(word.replace("_", " "))}</span>'


def _page(results: dict[str, Any], directory: Path) -> str:
    peer, cases = results["peer"], results["cases"]
    who = _who(results)
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{escape(who)}</title><style>{STYLE}</style>",
        f"<h1>OCPP {escape(results['version'])} conformance: {escape(who)}</h1>",
        f"<p>{_word(results['verdict'])} <span class=soft>{escape(results['began'])}, "
        f"{escape(results['role'])} under test at {escape(clean(results['address']))}</span></p>",
    ]
    if results["trouble"]:
        parts.append(f"<p><b>{escape(clean(results['trouble']))}</b></p>")
    if results["interrupted"]:
        parts.append("<p><b>The check was interrupted: what follows is what is known so far.</b></p>")
    told = {**{name: peer.get(name) for name in ("vendor", "model", "firmware", "protocol", "station")}}
    told["declared"] = peer.get("declared")
    told["features"] = ", ".join(peer.get("features") or ())
    told.update({f"with {name}": version for name, version in results["versions"].items()})
    rows = [f"<tr><th>{escape(name)}<td>{escape(clean(value))}" for name, value in told.items() if value]
    parts.append(f"<table>{''.join(rows)}</table>")
    parts.append(_matrix(cases))
    parts += [_cases(cases, profile, directory) for profile in dict.fromkeys(one["profile"] for one in cases)]
    parts.append(_findings(results["findings"]))
    parts.append(f"<p class=soft>Again: <code>{escape(clean(results['reproduce'], 400))}</code></p></html>")
    return "\n".join(parts)


def _who(results: dict[str, Any]) -> str:
    peer = results["peer"]
    name = " ".join(clean(peer[one]) for one in ("vendor", "model") if peer.get(one))
    return name or clean(peer.get("declared") or "") or f"a {results['role']}"


def _matrix(cases: Sequence[dict[str, Any]]) -> str:
    counts = {profile: Counter[str]() for profile in dict.fromkeys(one["profile"] for one in cases)}
    for one in cases:
        counts[one["profile"]][one["verdict"]] += 1
    head = "".join(f"<th>{_word(word)}" for word in WORDS)
    rows = [
        f"<tr><th>{escape(profile)}" + "".join(f"<td>{count[word] or ''}" for word in WORDS)
        for profile, count in counts.items()
    ]
    return f"<h2>Cases by profile</h2><table><tr><th>Profile{head}{''.join(rows)}</table>"


def _cases(cases: Sequence[dict[str, Any]], profile: str, directory: Path) -> str:
    parts = [f"<h2>{escape(profile)}</h2>"]
    for one in cases:
        if one["profile"] != profile:
            continue
        reason = f" <span class=soft>{escape(clean(one['reason'], 300))}</span>" if one["reason"] else ""
        head = f"<summary>{_word(one['verdict'])} <b>{escape(one['id'])}</b> {escape(one['title'])}{reason}</summary>"
        about = (
            f"<p class=soft>{escape(one['clause'])}, {escape(one['level'])}, {one['seconds']:g} s, run {one['run']}</p>"
        )
        body = "".join(_looked(look) for look in one["looked"])
        chart = _chart(one, directory) if one["verdict"] in ("FAIL", "PARTIAL", "INCONCLUSIVE") else ""
        parts.append(f"<details>{head}{about}<table>{body}</table>{chart}</details>")
    return "".join(parts)


def _looked(look: dict[str, Any]) -> str:
    shown = {"met": "PASS", "failed": "FAIL", "open": "INCONCLUSIVE", "skipped": "NOT_APPLICABLE"}[look["state"]]
    frames = "".join(f"<pre>{frame['t']:.3f} s  {escape(clean(frame['text'], 2000))}</pre>" for frame in look["frames"])
    why = f"<br>{escape(clean(look['why'], 400))}" if look["why"] else ""
    should = " (should)" if look["level"] == "should" else ""
    return f"<tr><td>{_word(shown)}<td>expected {escape(clean(look['words'], 400))}{should}{why}{frames}"


def _chart(case: dict[str, Any], directory: Path) -> str:
    """Draw what was said during a case, from the run directory."""
    rows = _rows(directory / str(case["run"]) / "history.jsonl", case["began"], case["ended"])
    steps = []
    for row in rows:
        if row.get("kind") == "frame":
            sent = row.get("edge") == "station.sent"
            lane, to = ("station", "csms") if sent else ("csms", "station")
            steps.append(StoryStep(row["i"], row["t"], lane, to, clean(_label(row["text"]), 100)))
        elif row.get("kind") in ("case.done", "socket.opened", "socket.closed"):
            steps.append(
                StoryStep(row["i"], row["t"], "station", None, clean(row.get("deed") or row["kind"], 60), "act")
            )
    story = Story((("station", "station"), ("csms", "CSMS")), tuple(steps[-40:]))
    return draw(story, case["id"])


def _rows(path: Path, began: int, ended: int) -> list[dict[str, Any]]:
    import msgspec

    found = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                if began <= number <= ended:
                    found.append(msgspec.json.decode(line, type=dict[str, Any]))
    except (OSError, msgspec.MsgspecError):
        return []
    return found


def _label(text: str) -> str:
    import msgspec

    try:
        parts = msgspec.json.decode(text)
        kind = {2: "", 3: "answer ", 4: "error "}[parts[0]]
        return f"{kind}{parts[2] if parts[0] != 3 else ''} {msgspec.json.encode(parts[-1]).decode()}"
    except (msgspec.MsgspecError, LookupError, TypeError, RecursionError):
        return text


def _findings(findings: Sequence[dict[str, Any]]) -> str:
    rows = []
    for one in findings:
        word = "PASS" if not one["broken"] else "FAIL" if one["level"] == "MUST" else "PARTIAL"
        example = (
            f"<br>{escape(clean(one['why']))}<pre>{escape(clean(one['example'], 400))}</pre>" if one["broken"] else ""
        )
        rows.append(
            f"<tr><td>{_word(word)}<td>{escape(one['id'])} {escape(one['name'])} "
            f"<span class=soft>{escape(one['clause'])} ({escape(one['level'])})</span>"
            f"<br>{one['broken']} of {one['checked']}{example}"
        )
    return f"<h2>Seen beside the cases, on every frame</h2><table>{''.join(rows)}</table>"


# --- for machines ----------------------------------------------------------------------------------------------------


def check_markdown(results: dict[str, Any]) -> str:
    """Return a check as Markdown."""
    lines = [f"# OCPP {results['version']} conformance: {_who(results)}", ""]
    lines += [f"**{results['verdict']}**  {results['began']}", ""]
    if results["trouble"]:
        lines += [clean(results["trouble"]), ""]
    lines += ["| case | title | profile | verdict | why |", "|---|---|---|---|---|"]
    for one in results["cases"]:
        cells = [one["id"], one["title"], one["profile"], one["verdict"], clean(one["reason"])]
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def check_junit(results: dict[str, Any], expected: Sequence[str] = ()) -> str:
    """Return a check as JUnit XML. What was expected to fail is skipped when it did, and fails when it passed."""
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root, "testsuite", name=f"interlock check {results['role']}", tests=str(len(results["cases"]))
    )
    for one in results["cases"]:
        case = ET.SubElement(
            suite, "testcase", classname=f"ocpp16.{one['profile']}", name=one["id"], time=f"{one['seconds']:g}"
        )
        told = "\n".join(
            f"{look['state']}: {clean(look['words'])} {clean(look['why'])}"
            for look in one["looked"]
            if look["state"] != "met"
        )
        meant = any(fnmatch.fnmatchcase(one["id"], glob) for glob in expected)
        match one["verdict"]:
            case "PASS" if meant:
                ET.SubElement(case, "failure", message="passed although it was expected to fail")
            case "PASS":
                pass
            case "FAIL" | "PARTIAL" if meant:
                ET.SubElement(case, "skipped", message=f"expected to fail: {clean(one['reason'])}")
            case "FAIL":
                ET.SubElement(case, "failure", message=clean(one["reason"])).text = told
            case "ERROR" | "INCONCLUSIVE":
                ET.SubElement(case, "error", message=clean(one["reason"])).text = told
            case _:
                ET.SubElement(case, "skipped", message=f"{one['verdict']}: {clean(one['reason'])}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
