"""`interlock fleet` as a user meets it, against servers on this machine."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.record.history import History
from interlock.scenarios.refused import Refused
from tests.simulator.wire import FakeCsms, csms, now

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[2]
RUN = "import sys; from interlock.scenarios.cli.main import main; main(sys.argv[1:])"
SOON_S = 300.0


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


async def started(*arguments: str | Path, cwd: Path) -> asyncio.subprocess.Process:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("INTERLOCK", "GITHUB"))}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN, *map(str, arguments)),
        cwd=cwd,
        env={**env, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> Ended:
    try:
        out, err = await asyncio.wait_for(process.communicate(), SOON_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def interlock(*arguments: str | Path, cwd: Path) -> Ended:
    return await ended(await started(*arguments, cwd=cwd))


async def until(true: Any) -> None:
    async with asyncio.timeout(SOON_S):
        while not true():
            await asyncio.sleep(0.01)


# --- what works ------------------------------------------------------------------------------------------------------


async def test_a_fleet_is_let_in_used_judged_and_reported(tmp_path: Path) -> None:
    async with csms(heartbeat_s=1) as server:
        done = await interlock(
            "fleet", server.url, "-n", "3", "--time", "6s", "--seed", "7", "--out", "run", cwd=tmp_path
        )
    assert (done.code, done.err) == (0, "")
    assert f"ws://127.0.0.1:{server.port}/ocpp/CP01" in done.out
    assert f"ws://127.0.0.1:{server.port}/ocpp/CP03" in done.out
    assert "seed 7" in done.out
    assert "p99 ms" in done.out
    assert "PASS: 3 of 3 stations connected" in done.out
    # Nobody stays behind: what was begun was ended and told.
    assert len(server.told("StartTransaction")) == len(server.told("StopTransaction")) > 0
    assert {told["idTag"] for told in server.told("Authorize")} == {"TAG-DRIVER"}
    history = History.read(tmp_path / "run")
    kinds = history.kinds
    assert {"frame", "ledger", "session.begun", "session.ended", "socket.opened", "socket.closed", "truth"} <= set(
        kinds
    )
    assert {seen["edge"] for seen in history.of("frame")} == {"station.sent", "station.received"}
    assert all(seen["pending"] == 0 for seen in history.of("outbox"))
    assert len(history.of("socket.opened")) == len(history.of("socket.closed")) == 3
    report = await interlock("report", "run", cwd=tmp_path)
    assert report.code == 0
    assert (tmp_path / "run" / "report.html").exists()
    again = await interlock("judge", "run", "--quiet", cwd=tmp_path)
    assert (again.code, again.out.split(":")[0]) == (0, "PASS")


async def test_json_and_nothing_else(tmp_path: Path) -> None:
    async with csms() as server:
        done = await interlock(
            *("fleet", server.url, "-n", "2", "--profile", "idle", "--time", "1s", "--json", "--password", "x y"),
            *("--id-prefix", "L%", "--rate", "1000"),
            cwd=tmp_path,
        )
    summary = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert (summary["verdict"], summary["connected"], summary["reconnects"]) == ("PASS", 2, 0)
    assert summary["actions"]["BootNotification"]["calls"] == 2
    assert summary["urls"][0].endswith("/ocpp/L%2501")
    assert base64.b64decode(server.headers["Authorization"].removeprefix("Basic ")) in (b"L%01:x y", b"L%02:x y")
    assert "x y" not in json.dumps(summary)
    run = (tmp_path / "interlock-out" / "fleet" / "run.json").read_text("utf-8")
    assert "x y" not in run


async def test_a_password_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    async with csms() as server:
        done = await interlock(
            *("fleet", server.url, "-n", "1", "--profile", "idle", "--time", "1", "-q", "--password-file", "secret"),
            cwd=tmp_path,
        )
        assert done.code == 0
        assert len(done.out.splitlines()) == 1
        assert server.headers["Authorization"] == "Basic Q1AwMTpmcm9tLWEtZmlsZQ=="


async def test_a_storm_reconnects_and_boots_once(tmp_path: Path) -> None:
    async with csms() as server:
        process = await started(
            *("fleet", server.url, "-n", "2", "--profile", "idle", "--time", "0", "--json"), cwd=tmp_path
        )
        try:
            await until(lambda: len(server.sockets) == 2)
            await server.stop()
            await server.start()
            server.sockets.clear()
            await until(lambda: len(server.sockets) == 2)
        finally:
            process.send_signal(signal.SIGTERM)
        done = await ended(process)
    summary = json.loads(done.out)
    assert (summary["connects"], summary["reconnects"], summary["interrupted"]) == (4, 2, True)
    assert any("1012" in why for why in summary["closes"])
    assert done.code == 0


async def test_ctrl_c_gives_the_summary_so_far_and_closes_the_sockets(tmp_path: Path) -> None:
    async with csms() as server:
        process = await started("fleet", server.url, "-n", "3", "--time", "1h", "--out", "run", cwd=tmp_path)
        await until(lambda: server.told("StartTransaction"))
        process.send_signal(signal.SIGINT)
        done = await ended(process)
        assert done.code == 0
        assert "interrupted after" in done.err
        assert "StartTransaction" in done.out
        assert len(server.told("StartTransaction")) == len(server.told("StopTransaction"))
        await until(lambda: all(socket.close_code == 1000 for socket in server.sockets.values()))
    assert History.read(tmp_path / "run").of("phase")[-1]["name"] == "leaving"


# --- what is wrong with the CSMS -------------------------------------------------------------------------------------


async def test_a_csms_that_answers_wrongly_is_told_so(tmp_path: Path) -> None:
    async with csms() as server:
        server.script["BootNotification"] = lambda _: {"status": "Maybe", "currentTime": "now", "interval": 1}
        done = await interlock("fleet", server.url, "-n", "1", "--time", "1s", "--out", "run", cwd=tmp_path)
    assert done.code == 1
    assert "W03 answers are valid" in done.out
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text("utf-8"))
    assert verdict["verdict"] == "FAIL"
    assert {one["verdict"] for one in verdict["invariants"] if one["id"].startswith("I")} == {"NOT_APPLICABLE"}


async def test_transactions_that_share_a_number_are_found(tmp_path: Path) -> None:
    async with csms() as server:
        server.script["StartTransaction"] = lambda _: {"transactionId": 5, "idTagInfo": {"status": "Accepted"}}
        process = await started("fleet", server.url, "-n", "2", "--time", "0", "-q", cwd=tmp_path)
        await until(lambda: len(server.told("StartTransaction")) >= 4)
        process.send_signal(signal.SIGINT)
        done = await ended(process)
    assert done.code == 1
    assert done.out.startswith("FAIL")


@pytest.mark.parametrize(
    ("status", "words"), [(401, "the password is wrong or missing"), (404, "nothing is at that path")]
)
async def test_a_fleet_that_is_not_let_in_says_why(status: int, words: str, tmp_path: Path) -> None:
    async with csms(status=HTTPStatus(status)) as server:
        done = await interlock("fleet", server.url, "-n", "5", "--out", "run", "--password", "no", cwd=tmp_path)
    assert done.code == 3
    assert words in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


async def test_a_closed_port_is_an_error_and_no_pass(tmp_path: Path) -> None:
    server = FakeCsms()
    await server.start()
    await server.stop()
    done = await interlock("fleet", server.url, cwd=tmp_path)
    assert (done.code, done.err) == (
        3,
        f"interlock: nothing listens at 127.0.0.1:{server.port} (connection refused)\n",
    )


async def test_a_station_that_is_never_let_in_is_no_pass(tmp_path: Path) -> None:
    async with csms() as server:
        allowed = server._request

        def only_the_first(connection: Any, request: Any) -> Any:
            server.status = None if request.path.endswith("CP01") else HTTPStatus.FORBIDDEN
            return allowed(connection, request)

        server._request = only_the_first  # type: ignore[method-assign]
        await server.stop()
        await server.start()
        done = await interlock("fleet", server.url, "-n", "2", "--profile", "idle", "--time", "1s", cwd=tmp_path)
    assert done.code == 3
    assert "1 of 2 stations were never connected" in done.out
    assert "is it registered there" in done.out


# --- what is wrong with the command ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("http://localhost",), "ws://"),
        (("ws://h", "--ocpp", "2.1"), "--ocpp is one of 1.6, 2.0.1, mixed"),
        (("ws://h", "--profile", "wild"), "there is no profile 'wild'"),
        (("ws://h", "--time", "soon"), "--time is a time"),
        (("ws://h", "--password", "a", "--password-file", "b"), "not both"),
        (("ws://h", "--password-file", "nowhere"), "nowhere cannot be read"),
        (("ws://h", "--ca", "x.pem"), "for wss://"),
        (("wss://h", "--ca", "x.pem"), "there is no file x.pem"),
        (("wss://h", "--key", "x.pem"), "--key goes with --cert"),
        (("ws://h", "--id-prefix", "a:b"), "without a colon"),
        (("ws://h", "--id-tag", "x" * 21), "1 to 20 characters"),
        (("ws://h", "-n", "99999999"), "open files"),
    ],
)
async def test_a_mistake_is_one_sentence_and_exit_2(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from interlock.scenarios.cli.main import app

    del tmp_path
    done = CliRunner().invoke(app, ["fleet", *arguments])
    assert isinstance(done.exception, Refused)
    assert words in done.exception.sentence
    assert done.exception.code == 2


async def test_the_command_line_starts_without_websockets() -> None:
    code = "import sys, scenarios.cli; sys.exit('websockets' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT)
    assert await asyncio.wait_for(process.wait(), SOON_S) == 0


@pytest.mark.parametrize(
    ("ocpp", "starts", "events"), [pytest.param("2.0.1", 0, 4, marks=pytest.mark.slow), ("mixed", 2, 2)]
)
async def test_a_fleet_of_another_version(tmp_path: Path, ocpp: str, starts: int, events: int) -> None:
    async with csms() as server:
        server.both = True
        done = await interlock("fleet", server.url, "-n", "4", "--ocpp", ocpp, "--time", "20s", cwd=tmp_path)
    assert (done.code, done.err) == (0, ""), done.out
    assert "PASS" in done.out
    spoken = {action: {station for station, name, _ in server.heard if name == action} for _, action, _ in server.heard}
    assert len(spoken["BootNotification"]) == 4
    assert len(spoken.get("StartTransaction", ())) == starts
    assert len(spoken.get("TransactionEvent", ())) == events
    ends = [p for p in server.told("TransactionEvent") if p["eventType"] == "Ended"]
    begins = [p for p in server.told("TransactionEvent") if p["eventType"] == "Started"]
    assert len(ends) == len(begins) > 0


async def test_an_answer_that_2_0_1_does_not_know_is_a_violation(tmp_path: Path) -> None:
    async with csms() as server:
        server.subprotocol = "ocpp2.0.1"
        server.script["Authorize"] = lambda payload: {"idTagInfo": {"status": "Accepted"}}
        done = await interlock("fleet", server.url, "-n", "1", "--ocpp", "2.0.1", "--time", "12s", cwd=tmp_path)
    assert done.code == 1, done.out
    assert "W03" in done.out


# --- somebody else's CSMS --------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_against_the_ocpp_package(tmp_path: Path) -> None:
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call, call_result
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    unlocked: list[str] = []

    class Central(ChargePoint):  # type: ignore[misc]
        @on("BootNotification")
        def boot(self, **_: Any) -> Any:
            return call_result.BootNotification(current_time=now(), interval=60, status="Accepted")

        @on("StatusNotification")
        def status(self, **_: Any) -> Any:
            return call_result.StatusNotification()

        @on("Heartbeat")
        def heartbeat(self) -> Any:
            return call_result.Heartbeat(current_time=now())

        @on("Authorize")
        def authorize(self, **_: Any) -> Any:
            return call_result.Authorize(id_tag_info={"status": "Accepted"})

        @on("StartTransaction")
        def start_transaction(self, **_: Any) -> Any:
            Central.number += 1
            return call_result.StartTransaction(Central.number, {"status": "Accepted"})

        @on("StopTransaction")
        def stop_transaction(self, **_: Any) -> Any:
            return call_result.StopTransaction()

        @on("MeterValues")
        def meter_values(self, **_: Any) -> Any:
            return call_result.MeterValues()

        number = 0

    async def talk(socket: ServerConnection) -> None:
        assert socket.request is not None
        central = Central(socket.request.path.rpartition("/")[2], socket)
        running = asyncio.ensure_future(central.start())
        answer = await central.call(call.UnlockConnector(connector_id=1))
        unlocked.append(answer.status)
        with contextlib.suppress(ConnectionClosed):
            await running

    async with serve(talk, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        done = await interlock("fleet", f"ws://127.0.0.1:{port}", "-n", "2", "--time", "12s", cwd=tmp_path)
    assert (done.code, done.err) == (0, ""), done.out
    assert unlocked == ["Unlocked", "Unlocked"]
    assert "PASS" in done.out
