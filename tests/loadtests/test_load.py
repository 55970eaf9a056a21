"""`interlock load` as a user meets it: against ours, against wrong ones, against nobody."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.record.history import History
from tests.loadtests.loading import SOON_S, Ended, free_port, interlock, locust, verdict
from tests.simulator.wire import FakeCsms, csms

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(find_spec("locust") is None, reason="needs the extra load"),
]


async def load(*words: str | Path, cwd: Path) -> Ended:
    return await asyncio.to_thread(interlock, "load", *words, "--out", "run", cwd=cwd)


async def test_ours_is_started_loaded_judged_and_reported(tmp_path: Path) -> None:
    done = await load("--users", "12", "--time", "5s", "--seed", "3", "--commands", "6", cwd=tmp_path)
    assert (done.code, done.err) == (0, ""), done
    assert "seed 3" in done.out
    assert "PASS: 12 stations" in done.out
    words = verdict(tmp_path / "run")
    assert {words[name] for name in ("W00", "W01", "W02", "W07", "L00", "L02", "L03", "L04")} == {"PASS"}
    calls = json.loads((tmp_path / "run" / "calls.json").read_text())["calls"]
    counts = {(one["type"], one["name"]): one["calls"] for one in calls}
    history = History.read(tmp_path / "run")
    sent = [seen for seen in history.of("frame") if seen["edge"] == "station.sent" and '[2,"' in seen["text"]]
    assert sum(n for (kind, _), n in counts.items() if kind == "CALL") == len(sent)
    assert counts["CALL", "BootNotification"] == counts["WS", "connect"] == 12
    page = (tmp_path / "run" / "load.html").read_text("utf-8")
    assert "<svg" in page
    assert "MiB" in page
    shown = re.sub(r'xmlns[:\w]*="[^"]*"', "", page)
    assert "http" not in shown.replace("http-equiv", "").replace("http://127.0.0.1", "")
    report = await asyncio.to_thread(interlock, "report", "run", cwd=tmp_path)
    assert (report.code, report.err) == (0, "")


async def test_a_wrong_design_is_found_out_by_its_records(tmp_path: Path) -> None:
    words = ("--users", "15", "--time", "6s", "--commands", "15", "--csms", "send-then-append", "-q")
    done = await load(*words, cwd=tmp_path)
    assert done.code == 1, done
    assert done.out.startswith("FAIL: L03")


def _one_id(server: FakeCsms) -> None:
    server.script["StartTransaction"] = lambda _: {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}


def _out_of_order(server: FakeCsms) -> None:
    """Answer each status with the message id of the one before."""
    talk = server._talk

    async def mixed(socket: Any) -> None:
        send, before = socket.send, ["nobody-asked"]

        async def late(text: str) -> None:
            kind, message_id, payload = json.loads(text)
            before.append(message_id)
            await send(json.dumps([kind, before[-2] if payload == {} else message_id, payload]))

        socket.send = late
        await talk(socket)

    server._talk = mixed  # type: ignore[method-assign]


def _garbage(server: FakeCsms) -> None:
    server.script["StatusNotification"] = lambda _: {"unheard": "of"}


@pytest.mark.parametrize(
    ("wrong", "seconds", "check"),
    [
        pytest.param(_one_id, 6, "W07", marks=pytest.mark.slow),
        pytest.param(_out_of_order, 2, "W02", marks=pytest.mark.slow),
        (_garbage, 2, "W03"),
    ],
)
async def test_fast_and_wrong_fails(
    wrong: Callable[[FakeCsms], None], seconds: int, check: str, tmp_path: Path
) -> None:
    server = FakeCsms()
    wrong(server)
    await server.start()
    try:
        # All at once and by known names: on both of a station's connectors a session begins within 4 s.
        words = ("--users", "4", "--shape", "meters", "--id-prefix", "W-", "--time", f"{seconds}s", "-q")
        done = await load(server.url, *words, cwd=tmp_path)
    finally:
        await server.stop()
    assert done.code == 1, done
    assert check in done.out.split(" stations")[0]
    assert verdict(tmp_path / "run")[check] == "FAIL"


async def test_nobody_listens(tmp_path: Path) -> None:
    port = free_port()
    done = await load(f"ws://127.0.0.1:{port}/ocpp", "--users", "2", "--time", "5s", "-q", cwd=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert done.err == f"interlock: nothing listens at 127.0.0.1:{port} (connection refused)\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("http://127.0.0.1:1",), "begins with ws://"),
        (("ws://127.0.0.1:1/ocpp", "--shape", "flood"), "there is no shape 'flood'"),
        (("ws://127.0.0.1:1/ocpp", "--time", "0"), "has no end"),
        (("ws://127.0.0.1:1/ocpp", "--users", "9999999"), "open files"),
        (("ws://127.0.0.1:1/ocpp", "--control", "nowhere.toml"), "nowhere.toml cannot be read"),
    ],
)
async def test_wrong_usage_is_one_sentence(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    done = await load(*words, "-q", cwd=tmp_path)
    assert done.code == 2, done
    assert sentence in done.err
    assert done.err.count("\n") == 1


async def test_two_workers_hand_in_what_they_recorded(tmp_path: Path) -> None:
    port = str(free_port())
    async with csms(heartbeat_s=1) as server:
        common = ("--host", server.url, "--master-port", port)
        with (
            locust("--worker", "--master-host", "127.0.0.1", *common, cwd=tmp_path) as one,
            locust("--worker", "--master-host", "127.0.0.1", *common, cwd=tmp_path) as two,
            locust(
                *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "2"),
                *("--host", server.url, "-u", "8", "-r", "8", "--run-time", "4s", "--out", "run"),
                cwd=tmp_path,
            ) as master,
        ):
            async with asyncio.timeout(SOON_S):
                codes = [await asyncio.to_thread(process.wait) for process in (master, one, two)]
    assert codes == [0, 0, 0]
    history = History.read(tmp_path / "run")
    assert len({seen["station"][:-6] for seen in history.of("socket.opened")}) == 2
    assert len(history.of("socket.opened")) == 8
    assert {one["index"] for one in history.run["spec"]["processes"]} == {0, 1}
    assert verdict(tmp_path / "run")["L00"] == "PASS"
    calls = {one["name"]: one["calls"] for one in json.loads((tmp_path / "run" / "calls.json").read_text())["calls"]}
    assert calls["BootNotification"] == len(server.told("BootNotification")) == 8
    for action in ("StatusNotification", "StartTransaction", "StopTransaction"):
        assert calls.get(action, 0) == len(server.told(action))
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "calls.json",
        "distributions.json",
        "hgrm",
        "history.jsonl",
        "metrics.txt",
        "run.json",
        "summary.json",
        "verdict.json",
    ]
