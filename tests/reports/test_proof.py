"""The page of a proof, and that each kind of folder has its own page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from interlock import reports

KILL = {"specimen": "a", "title": "<i>t</i>", "invariant": "I01", "ocpp": "1.6", "runs": 12, "schedules": 1}
KILL |= {"story": 1, "again": "interlock run x --csms a", "flagged": {"I01": 3, "I02": 2}}


def proof(**changed: Any) -> dict[str, Any]:
    reference = {"schedules": 20, "seconds": 1.5, "flagged": [], "never": ["cut"]}
    found = {"schema": 1, "verdict": "PASS", "ocpp": ["1.6"], "kills": [KILL], "absent": [], "without_kill": []}
    return {
        **found,
        "reference": reference,
        "names": {"I01": "one", "I02": "two"},
        "reproduce": "interlock prove a",
        **changed,
    }


def page(folder: Path, found: dict[str, Any]) -> str:
    (folder / "proof.json").write_text(json.dumps(found))
    made = reports.render(folder)
    assert made == folder / "proof.html"
    return re.sub("</?span>", "", made.read_text("utf-8"))


def test_a_matrix_has_names_signs_and_what_each_cell_means(tmp_path: Path) -> None:
    found = page(tmp_path, proof())
    assert "interlock prove a" in found
    assert "1 thing never happened in these schedules</summary>cut<" in found
    assert re.findall(r'class="dot (\w+)" role="img" aria-label="[^"]+">(.)<', found) == [
        ("PASS", "K"),
        ("PARTIAL", "x"),
    ]
    assert "a under OCPP 1.6: I02 two flagged it too, in 2 of 12 runs" in found
    assert "<i>t</i>" not in found
    assert "not caught:" not in found


def test_a_design_that_nothing_caught_is_on_the_first_screen(tmp_path: Path) -> None:
    lives = {**KILL, "schedules": None, "flagged": {}}
    flagged = {"schedules": 20, "seconds": 1.5, "flagged": [{"schedule": 7, "failed": ["I02"]}], "never": []}
    found = page(tmp_path, proof(verdict="FAIL", kills=[lives], reference=flagged))
    assert "not caught: <b>a</b> under OCPP 1.6" in found
    assert "schedule 7: I02" in found
    assert 'class="dot FAIL" role="img" aria-label="had to flag it and did not">!<' in found


@pytest.mark.parametrize(
    "wrong", [{}, {"kills": 7}, {"kills": [{}], "reference": {}}, {"kills": [7], "reference": None}]
)
def test_a_damaged_proof_is_said_to_be_one(tmp_path: Path, wrong: dict[str, Any]) -> None:
    (tmp_path / "proof.json").write_text(json.dumps(wrong))
    with pytest.raises(reports.RunUnreadable, match="damaged"):
        reports.render(tmp_path)


@pytest.mark.parametrize("name", ["results.json", "calls.json", "suite.json", "proof.json"])
def test_a_folder_is_read_as_what_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("[]")
    with pytest.raises(reports.RunUnreadable) as refused:
        reports.render(tmp_path)
    assert name in str(refused.value) or "run.json" in str(refused.value)
