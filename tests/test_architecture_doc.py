"""Every file, function, room and link that docs/architecture.md names is there, and every room is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOC = ROOT / "docs" / "architecture.md"
STEP = re.compile(r"`([\w/]+\.py): ([\w.]+)`")
NOT_ROOMS = {"scenarios/judge/invariants", "scenarios/judge/wire_checks", "csms/dialects/v201"}
"""Folders of files of one kind inside a room, under the rule of that room."""


def missing(text: str, root: Path) -> list[str]:
    """Return the steps of a text whose file or function does not exist."""
    return [f"{path}: {name}" for path, name in STEP.findall(text) if not _defined(root / path, name)]


def _defined(path: Path, name: str) -> bool:
    if not path.is_file():
        return False
    found: ast.AST = ast.parse(path.read_text("utf-8"))
    for part in name.split("."):
        inside = [
            one for one in ast.walk(found) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        ]
        body = getattr(found, "body", [])
        found = next((one for one in inside if one in body and one.name == part), None)  # type: ignore[assignment]
        if found is None:
            return False
    return True


def test_every_step_is_a_file_and_a_function_that_exist() -> None:
    text = DOC.read_text("utf-8")
    assert len(STEP.findall(text)) > 25
    assert missing(text, ROOT) == []


@pytest.mark.parametrize("step", ["csms/nowhere.py: run", "csms/node.py: Csms.nothing", "csms/node.py: operate"])
def test_a_step_that_does_not_exist_is_found(step: str) -> None:
    assert missing(f"first `{step}`, then on", ROOT) == [step]


def rooms(text: str) -> set[str]:
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([\w/]+)`", row)}


def test_the_rooms_are_those_there_are() -> None:
    named = rooms(DOC.read_text("utf-8"))
    packages = {"csms", "simulator", "scenarios", "reports", "loadtests"}
    there = {
        path.parent.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("__init__.py")
        if len(path.relative_to(ROOT).parts) > 2
    }
    assert named - packages == there - NOT_ROOMS


def test_it_is_one_page_and_its_links_lead_somewhere() -> None:
    text = DOC.read_text("utf-8")
    assert len(text.splitlines()) < 120
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (DOC.parent / link).exists(), link
