"""The results of a stage of a check, and the output and exit code of a command that ran one or two."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import typer

from interlock.scenarios.cli.places import write


@dataclass(frozen=True, slots=True)
class Done:
    """One stage: exit code, verdict, what `--json` prints of it, and its JUnit XML."""

    code: int
    word: str
    document: Mapping[str, Any]
    junit: str


def leave(done: Mapping[str, Done], junit: Path | None, *, as_json: bool) -> NoReturn:
    """Write and print what came of the stages, by name, and leave: with 1 where one failed, else with the worst."""
    if junit is not None:
        write("--junit", junit, joined([one.junit for one in done.values()]))
    codes = [one.code for one in done.values()]
    if as_json:
        documents = {name: one.document for name, one in done.items()}
        typer.echo(json.dumps(documents if len(done) > 1 else next(iter(documents.values())), indent=1, sort_keys=True))
    elif len(done) > 1:
        print(", ".join(f"{name} {one.word}" for name, one in done.items()))
    raise typer.Exit(1 if 1 in codes else max(codes))


def joined(texts: Sequence[str]) -> str:
    """Return one JUnit document with the suites of several."""
    if len(texts) == 1:
        return texts[0]
    root = ET.Element("testsuites", name="interlock")
    for text in texts:
        found = ET.fromstring(text)
        root.extend([found] if found.tag == "testsuite" else list(found))
    for what in ("tests", "failures", "errors", "skipped"):
        root.set(what, str(sum(int(suite.get(what, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
