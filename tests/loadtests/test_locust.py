"""The Locust users in a process of their own (Locust patches sockets): fast is not enough, answers must be right."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from tests.scenarios.test_cli_serve import serving

# Not imported: it would patch this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="pip install 'ocpp-interlock[load]'")
FILE = Path(__file__).parents[2] / "loadtests" / "locustfile.py"


def locust(url: str, cwd: Path, *flags: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", str(FILE), "--host", url.rstrip("/"), "--headless"]
    shown = ["--only-summary", "--run-time", "6s", "--spawn-rate", "100", "--stop-timeout", "1"]
    return subprocess.run(
        [*command, *shown, *flags], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )


def test_the_reference_is_fast_and_right(tmp_path: Path) -> None:
    with serving(tmp_path, "--store", "memory:", "--tokens", "Accepted") as (_, stations, operators):
        env = {"INTERLOCK_API_TOKEN": "secret-of-a-test", "INTERLOCK_CONTROL": operators}
        done = locust(stations, tmp_path, "--users", "42", "--csv", "out", **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every answer was right" in done.stdout
    rows = (tmp_path / "out_stats.csv").read_text("utf-8")
    for action in ("BootNotification", "Heartbeat", "StatusNotification", "Authorize", "unlock"):
        assert f",{action}," in rows


async def wrong_csms(socket: Any) -> None:
    """Answer everything, and every start with the same transaction."""
    with suppress(ConnectionClosed):
        async for text in socket:
            _, message_id, action, _ = json.loads(text)
            answers: dict[str, Any] = {
                "BootNotification": {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300},
                "StartTransaction": {"transactionId": 1, "idTagInfo": {"status": "Accepted"}},
                "Authorize": {"idTagInfo": {"status": "Accepted"}},
            }
            await socket.send(json.dumps([3, message_id, answers.get(action, {})]))


@pytest.mark.asyncio
async def test_one_transaction_id_for_two_sessions_is_found(tmp_path: Path) -> None:
    async with serve(wrong_csms, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"ws://127.0.0.1:{port}/ocpp"
        done = await asyncio.to_thread(locust, url, tmp_path, "--users", "10", "--run-time", "12s")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "WRONG: one transaction id for two sessions" in done.stdout


def test_a_closed_port_is_no_pass(tmp_path: Path) -> None:
    done = locust("ws://127.0.0.1:9/ocpp", tmp_path, "--users", "2")
    assert done.returncode == 3, done.stdout
    assert "nothing was answered" in done.stdout
