"""However a load test ends, it ends: with a verdict on what there is, or one sentence why there is none."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.loadtests.loading import ROOT, environment, free_port, locust, verdict
from tests.simulator.wire import FakeCsms, csms

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(find_spec("locust") is None, reason="needs the extra load"),
]
SOON_S = 300.0


async def begin(*words: str, cwd: Path, files: int | None = None) -> asyncio.subprocess.Process:
    """Start `interlock load`, with so many open files at most."""

    def few() -> None:
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    program = "import sys; from interlock.scenarios.cli.main import main; main(sys.argv[1:])"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "load", *words, "--out", "run"),
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=few,
    )


async def end(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Wait for its end: (exit code, what it said, what it complained of)."""
    out, err = await asyncio.wait_for(process.communicate(), SOON_S)
    return process.returncode, out.decode(), err.decode()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON_S):
        while not true():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
async def test_interrupted_it_judges_what_there_is(number: signal.Signals, tmp_path: Path) -> None:
    async with csms(heartbeat_s=1) as server:
        process = await begin(server.url, "--users", "5", "--time", "10m", "--shape", "soak", cwd=tmp_path)
        await until(lambda: len(server.told("StatusNotification")) > 20)
        process.send_signal(number)
        code, out, err = await end(process)
    assert (code, err) == (3, ""), out
    assert "ending the sessions" in out
    assert "INCONCLUSIVE: 5 stations" in out
    assert "of 600 s" in out
    assert verdict(tmp_path / "run")["W02"] == "PASS"
    assert verdict(tmp_path / "run")["L06"] == "INCONCLUSIVE"


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
async def test_a_master_that_is_stopped_judges_what_its_workers_recorded(
    number: signal.Signals, tmp_path: Path
) -> None:
    port = str(free_port())
    async with csms(heartbeat_s=1) as server:
        common = ("--host", server.url, "--master-port", port)
        with (
            locust("--worker", "--master-host", "127.0.0.1", *common, cwd=tmp_path) as one,
            locust(
                *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "1"),
                *("--host", server.url, "-u", "4", "-r", "8", "--run-time", "10m", "--out", "run"),
                cwd=tmp_path,
            ) as master,
        ):
            await until(lambda: len(server.told("StatusNotification")) > 8)
            master.send_signal(number)
            async with asyncio.timeout(SOON_S):
                codes = [await asyncio.to_thread(process.wait) for process in (master, one)]
    assert codes[0] == 3
    assert verdict(tmp_path / "run")["L00"] == "PASS"
    assert verdict(tmp_path / "run")["L06"] == "INCONCLUSIVE"


def _error(server: FakeCsms) -> None:
    """Answer every call with a CALLERROR."""

    async def talk(socket: Any) -> None:
        async for text in socket:
            message = json.loads(text)
            server.heard.append(("", message[2], message[3]))
            await socket.send(json.dumps([4, message[1], "InternalError", "no", {}]))

    server._talk = talk  # type: ignore[method-assign]


def _noise(server: FakeCsms) -> None:
    """Answer every call with what is no OCPP-J."""

    async def talk(socket: Any) -> None:
        async for text in socket:
            server.heard.append(("", json.loads(text)[2], {}))
            await socket.send("\x00 <html>\u202e")

    server._talk = talk  # type: ignore[method-assign]


def _silence(server: FakeCsms) -> None:
    """Answer nothing."""
    server.script["BootNotification"] = lambda _: None


@pytest.mark.parametrize(
    ("flaw", "code", "checks"),
    [
        (_error, (1, 3), {"W00", "L05", "W09", "W01"}),
        pytest.param(_noise, (1,), {"W08"}, marks=pytest.mark.slow),
        pytest.param(_silence, (1, 3), {"W00", "W01", "L05"}, marks=pytest.mark.slow),
    ],
)
async def test_a_csms_that_answers_badly(
    flaw: Callable[[FakeCsms], None], code: tuple[int, ...], checks: set[str], tmp_path: Path
) -> None:
    server = FakeCsms()
    flaw(server)
    await server.start()
    try:
        got, out, err = await end(await begin(server.url, "--users", "3", "--time", "3s", "-q", cwd=tmp_path))
    finally:
        await server.stop()
    assert got in code, (got, out, err)
    assert "Traceback" not in err
    assert out.count("\n") == 1
    found = verdict(tmp_path / "run")
    assert {name for name, word in found.items() if word in ("FAIL", "ERROR", "INCONCLUSIVE")} & checks, found
    counted = json.loads((tmp_path / "run" / "calls.json").read_text())["calls"]
    boots = next((one for one in counted if one["name"] == "BootNotification"), {"calls": 0, "failed": 0})
    assert boots["calls"] <= len(server.told("BootNotification"))
    if flaw is _error:
        assert boots["failed"] == boots["calls"] > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": HTTPStatus.UNAUTHORIZED}, "401"),
        ({"status": HTTPStatus.NOT_FOUND}, "404"),
        ({"subprotocol": None}, "subprotocol"),
    ],
)
async def test_who_is_not_let_in_is_told_why(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    async with csms(**changes) as server:
        code, out, err = await end(await begin(server.url, "--users", "2", "--time", "5s", "-q", cwd=tmp_path))
    assert (code, out) == (3, ""), (out, err)
    assert sentence in err
    assert err.startswith("interlock: ")
    assert err.count("\n") == 1


@pytest.mark.slow
async def test_a_port_that_answers_no_handshake_is_one_sentence(tmp_path: Path) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        code, out, err = await end(await begin(url, "--users", "2", "--time", "2s", "-q", cwd=tmp_path))
    assert (code, out, err.count("\n")) == (3, "", 1), (out, err)
    assert "is it ws:// perhaps?" in err


async def test_more_stations_than_open_files(tmp_path: Path) -> None:
    async with csms() as server:
        process = await begin(server.url, "--users", "500", "--time", "5s", "-q", cwd=tmp_path, files=300)
        code, out, err = await end(process)
    assert (code, out) == (2, ""), (out, err)
    assert "open files" in err
    assert err.count("\n") == 1


async def test_started_stopped_and_started_again_in_the_web_interface(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def ask(path: str, **form: object) -> Any:
        data = urlencode(form).encode() if form or path == "/stop" else None
        with urllib.request.urlopen(f"{url}{path}", data, timeout=10) as answer:
            return json.loads(answer.read())

    def is_up() -> bool:
        try:
            return bool(ask("/stats/requests"))
        except OSError:
            return False

    async with csms(heartbeat_s=1) as server:
        command = [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py")]
        command += ["--web-host", "127.0.0.1", "--web-port", str(port), "--host", server.url, "--out", "run"]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(SOON_S):
                while not await asyncio.to_thread(is_up):
                    await asyncio.sleep(0.1)
            runs, prefixes = [], set()
            for users in (2, 3):
                before = len(server.told("BootNotification"))
                told = await asyncio.to_thread(ask, "/swarm", user_count=users, spawn_rate=10, host=server.url)
                assert told["success"], told
                await until(lambda users=users, before=before: len(server.told("BootNotification")) >= before + users)
                await asyncio.to_thread(ask, "/stop")
                await until(lambda: (tmp_path / "run" / "summary.json").exists())
                runs.append(json.loads((tmp_path / "run" / "summary.json").read_text()))
                prefixes.add(json.loads((tmp_path / "run" / "run.json").read_text())["spec"]["prefix"])
                (tmp_path / "run" / "summary.json").unlink()
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), SOON_S)
    assert [(one["verdict"], one["stations"]) for one in runs] == [("PASS", 2), ("PASS", 3)]
    assert len(prefixes) == 2, "runs that begin in the same second have stations of their own"
