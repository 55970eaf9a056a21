"""The storage campaign, short: a real disk that is full under a real server, on the reference and on wrong designs."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.asyncio
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler, for the disk that fails")
@pytest.mark.parametrize(
    ("design", "code", "found"),
    [
        pytest.param("reference", 0, "PASS", marks=pytest.mark.slow),
        pytest.param("answered-before-durable", 1, "frames answered and lost", marks=pytest.mark.slow),
        pytest.param(*("acknowledged-before-durable", 1, "commands acknowledged and lost"), marks=pytest.mark.slow),
    ],
)
async def test_what_was_acknowledged_is_there_when_the_disk_was_full(design: str, code: int, found: str) -> None:
    words = ["--rounds", "1", "--only", "full disk", "--csms", design]
    command = [sys.executable, str(ROOT / "loadtests" / "damage" / "storage_faults.py"), *words]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert found in done.stdout
    if code:
        (line,) = (line for line in done.stdout.splitlines() if found in line)
        assert ", first: " in line
