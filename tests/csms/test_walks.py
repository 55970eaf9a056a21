"""What is seen of a node in each step of many walks is what was approved: see `walks`.

`INTERLOCK_APPROVE=1` writes the digests anew. To see what a change does, compare the texts that two states of the code
write: `INTERLOCK_WALKS=some-folder pytest tests/csms/test_walks.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .walks import WAYS, walked

APPROVED = Path(__file__).parent / "approved_walks"


def path_of(name: str) -> Path:
    return APPROVED / f"{name.replace(' ', '-')}.txt"


@pytest.mark.parametrize("name", WAYS)
def test_a_walk_goes_as_it_was_approved(name: str) -> None:
    rows = walked(name)
    if folder := os.environ.get("INTERLOCK_WALKS"):
        (Path(folder) / path_of(name).name).write_text("\n".join(f"{row}\n{text}" for row, text in rows), "utf-8")
    if os.environ.get("INTERLOCK_APPROVE"):
        path_of(name).write_text("\n".join(row for row, _ in rows) + "\n", "utf-8")
    approved = path_of(name).read_text("utf-8").splitlines()
    assert len(rows) == len(approved)
    for (row, text), line in zip(rows, approved, strict=True):
        assert row == line, f"in this step other things are seen than were approved:\n{text}"


def test_every_approved_walk_is_there() -> None:
    assert {path.name for path in APPROVED.glob("*.txt")} == {path_of(name).name for name in WAYS}


def test_a_walk_is_the_same_twice() -> None:
    assert walked("2.0.1 pending") == walked("2.0.1 pending")
