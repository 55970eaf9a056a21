"""The cost tables, small: everything is answered, and what was logged is found again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_small_one(tmp_path: Path) -> None:
    words = ["--stations", "40", "--events", "4000", "--seconds", "1.5", "--page", str(tmp_path / "page.md")]
    command = [sys.executable, str(ROOT / "loadtests" / "capacity" / "growth.py"), *words]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split(" | ") for line in (tmp_path / "page.md").read_text().splitlines() if line.startswith("| ")]
    assert [row[0].strip("| ") for row in rows] == ["stations", "---", "40", "events", "---", "4,000"]
    assert all(row[-1] == "none |" for row in (rows[2], rows[5]))
