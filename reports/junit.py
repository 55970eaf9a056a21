"""JUnit XML, as CI systems read it: a suite for each scenario, a case for each seed."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from interlock.reports.run import clean, violations


def junit(verdicts: Sequence[dict[str, Any]], seconds: Sequence[float] = (), meant: Sequence[bool] = ()) -> str:
    """Return JUnit XML for the `verdict.json` contents of several runs, and how long each took.

    `meant` says which of them have to fail: these are skipped when they did, and fail when they passed.
    """
    root = ET.Element("testsuites", name="interlock")
    suites: dict[str, ET.Element] = {}
    for number, verdict in enumerate(verdicts):
        name = clean(verdict.get("scenario") or "?")
        suite = suites.get(name)
        if suite is None:
            suite = suites[name] = ET.SubElement(root, "testsuite", name=name)
        csms, seed = clean(verdict.get("csms") or "?"), clean(verdict.get("seed"))
        took = f"{seconds[number] if number < len(seconds) else 0.0:.3f}"
        case = ET.SubElement(suite, "testcase", classname=f"interlock.{name}.{csms}", name=f"seed {seed}", time=took)
        properties = ET.SubElement(case, "properties")
        for key, value in (("seed", seed), ("csms", csms), ("reproduce", clean(verdict.get("reproduce") or ""))):
            ET.SubElement(properties, "property", name=key, value=value)
        _result(case, verdict, meant=number < len(meant) and meant[number])
    for element in [*suites.values(), root]:
        cases = list(element.iter("testcase"))
        element.set("tests", str(len(cases)))
        element.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
        for what in ("failure", "error", "skipped"):
            plural = {"failure": "failures", "error": "errors", "skipped": "skipped"}[what]
            element.set(plural, str(sum(case.find(what) is not None for case in cases)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _result(case: ET.Element, verdict: dict[str, Any], *, meant: bool) -> None:
    again = f"again: {clean(verdict.get('reproduce') or '')}"
    match verdict.get("verdict"):
        case "PASS" if meant:
            ET.SubElement(case, "failure", message="passed although it was expected to fail", type="unexpected")
        case "PASS" if verdict.get("flaky"):
            ids = ", ".join(clean(one) for one in verdict["flaky"])
            flaky = ET.SubElement(case, "flakyFailure", message=f"violated at first: {ids}", type="violation")
            flaky.text = f"{_reason(verdict)}\n{again}"
        case "PASS":
            return
        case "FAIL" if meant:
            ids = ", ".join(dict.fromkeys(clean(one["id"]) for one, _ in violations(verdict)))
            ET.SubElement(case, "skipped", message=f"expected to fail: {ids}")
        case "NOT_APPLICABLE":
            ET.SubElement(case, "skipped", message=f"not applicable: {_reason(verdict)}")
        case "INCONCLUSIVE":
            ET.SubElement(case, "skipped", message=f"inconclusive: {_reason(verdict)}")
        case "FAIL":
            told = [
                f"{clean(one['id'])} {clean(one['name'])}: {clean(violation.get('message', ''))}\n"
                f"  expected {clean(violation.get('expected', ''))}\n  found    {clean(violation.get('found', ''))}"
                for one, violation in violations(verdict)
            ]
            ids = ", ".join(dict.fromkeys(clean(one["id"]) for one, _ in violations(verdict)))
            failure = ET.SubElement(case, "failure", message=f"violated: {ids}", type="violation")
            failure.text = "\n".join([*told, again])
        case _:
            why = [clean(one.get("reason") or "") for one in verdict.get("invariants", ()) if one["verdict"] == "ERROR"]
            why = [clean(verdict["reason"]), *why] if verdict.get("reason") else why
            error = ET.SubElement(case, "error", message="could not be judged", type="error")
            error.text = "\n".join([*why, again])


def _reason(verdict: dict[str, Any]) -> str:
    """Return why a run was not judged."""
    if verdict.get("reason"):
        return clean(verdict["reason"])
    why = [one for one in verdict.get("invariants", ()) if one["verdict"] == "INCONCLUSIVE"]
    return clean("; ".join(f"{one['id']}: {one['reason']}" for one in why[:3])) or "not enough was seen to tell"
