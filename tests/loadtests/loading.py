"""`interlock load` and Locust in processes of their own: Locust patches sockets when it is imported."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCUSTFILE = ROOT / "loadtests" / "locustfile.py"
SOON_S = 300.0


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK", "GITHUB", "LOCUST"))}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def interlock(*words: str | Path, cwd: Path) -> Ended:
    command = [sys.executable, "-m", "interlock", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=SOON_S)
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def locust(*words: str | Path, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Start Locust with our file; it does not outlive the block."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary", *map(str, words)]
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def verdict(run: Path) -> dict[str, Any]:
    """What each check said, by its id."""
    document = json.loads((run / "verdict.json").read_text("utf-8"))
    return {one["id"]: one["verdict"] for one in document["invariants"]}
