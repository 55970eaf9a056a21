"""The report of a conformance check: from `results.json` to a page, JUnit and Markdown."""

from __future__ import annotations

import fnmatch
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from interlock.reports import files
from interlock.reports.html import templates
from interlock.reports.run import clean, read_object, reading
from interlock.reports.scene import Line, Scene, place, raw
from interlock.reports.steps import StoryStep
from interlock.reports.story import Story
from interlock.reports.words import called, frame_label

WORDS = ("PASS", "PARTIAL", "FAIL", "INCONCLUSIVE", "ERROR", "NOT_APPLICABLE")


def render_check(directory: Path) -> Path:
    """Write `report.html` and `report.md` of a check; return where the page is. Raises `RunUnreadable`."""
    path = directory / "results.json"
    results = read_object(path)
    with reading(path):
        page = directory / "report.html"
        files.write(page, _page(results, directory))
        files.write(directory / "report.md", check_markdown(results))
    return page


STATES = {"met": "PASS", "failed": "FAIL", "open": "INCONCLUSIVE", "skipped": "NOT_APPLICABLE"}
"""What the state of an expectation counts as."""
SAID = {
    "PASS": "Every case that applied held.",
    "PARTIAL": "What must be held; something that should be was otherwise.",
    "FAIL": "What must be observed was not, in these cases.",
    "ERROR": "It could not be checked.",
}
"""What a verdict means here."""
STEPS = 40
"""Steps of a case's story, at most: the last ones."""


def _page(results: dict[str, Any], directory: Path) -> str:
    peer, cases = results["peer"], results["cases"]
    told = {**{name: peer.get(name) for name in ("vendor", "model", "firmware", "protocol", "station")}}
    told["declared"] = peer.get("declared")
    told["features"] = ", ".join(peer.get("features") or ())
    told.update({f"with {name}": version for name, version in results["versions"].items()})
    profiles = {profile: Counter[str]() for profile in dict.fromkeys(one["profile"] for one in cases)}
    for one in cases:
        profiles[one["profile"]][one["verdict"]] += 1
    total = Counter(one["verdict"] for one in cases)
    return (
        templates()
        .get_template("check.html")
        .render(
            results=results,
            said=SAID.get(results["verdict"], "No case told enough to say."),
            who=_who(results),
            told=[(name, value) for name, value in told.items() if value],
            cases=cases,
            words=WORDS,
            counted=[(word, total[word]) for word in WORDS if total[word]],
            profiles=list(profiles.items()),
            states=STATES,
            drawn=[(one, _scene(one, directory)) for profile in profiles for one in cases if one["profile"] == profile],
        )
    )


def _who(results: dict[str, Any]) -> str:
    peer = results["peer"]
    name = " ".join(clean(peer[one]) for one in ("vendor", "model") if peer.get(one))
    return name or clean(peer.get("declared") or "") or f"a {clean(results['role'], 20)}"


def _scene(case: dict[str, Any], directory: Path) -> Scene | None:
    """Return what was said during a case that did not hold, from the run directory."""
    if case["verdict"] not in ("FAIL", "PARTIAL", "INCONCLUSIVE"):
        return None
    rows = _rows(directory / str(case["run"]) / "history.jsonl", case["began"], case["ended"])
    found: list[Line] = []
    frames = (called(row["text"]) for row in rows if row.get("kind") == "frame")
    actions = dict(one for one in frames if one is not None)
    for row in rows:
        step = _step(row, actions)
        if step is not None:
            way = "mark" if step.to is None else "right" if step.to == "csms" else "left"
            right = 1 if step.to is None else 2
            found.append(Line(step, 1, right, way, place(step), f"{step.t:.2f}", raw(row), [], None))
    if not found:
        return None
    name = "case-" + re.sub(r"[^\w-]", "-", clean(case["id"], 60))
    lanes = (("station", "station"), ("csms", "CSMS"))
    story = Story(lanes, ())
    return Scene(name, clean(case["id"], 60), story, ("station", "CSMS"), tuple(found[-STEPS:]), False, ())


def _step(row: dict[str, Any], actions: dict[str, str]) -> StoryStep | None:
    if row.get("kind") == "frame":
        sent = row.get("edge") == "station.sent"
        lane, to = ("station", "csms") if sent else ("csms", "station")
        return StoryStep(row["i"], row["t"], lane, to, frame_label(row["text"], actions))
    if row.get("kind") in ("case.done", "socket.opened", "socket.closed"):
        label = clean(row.get("deed") or row["kind"], 60)
        return StoryStep(row["i"], row["t"], "station", None, label, "act")
    return None


def _rows(path: Path, began: int, ended: int) -> list[dict[str, Any]]:
    found = []
    try:
        for number, line in enumerate(files.lines(path)):
            if number > ended:
                break
            if number >= began:
                found.append(msgspec.json.decode(line, type=dict[str, Any]))
    except (OSError, msgspec.MsgspecError):
        return []
    return found


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
    wanted = results.get("broken", ())
    broken = {one["id"]: one for one in results["findings"] if one["id"] in wanted and one["broken"]}
    suite = ET.SubElement(
        root, "testsuite", name=f"interlock check {results['role']}", tests=str(len(results["cases"]) + len(broken))
    )
    for id, one in broken.items():
        rule = ET.SubElement(suite, "testcase", classname="ocpp16.rules", name=id, time="0")
        kind = "skipped" if any(fnmatch.fnmatchcase(id, glob) for glob in expected) else "failure"
        ET.SubElement(rule, kind, message=clean(f"{one['name']}: {one['why']}")).text = clean(one["example"])
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
