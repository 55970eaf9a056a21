"""`interlock serve` as a process: its addresses, its mistakes in a sentence, its end, and its return."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from interlock.csms.serve import open_files
from interlock.scenarios.cli.main import app
from interlock.scenarios.refused import Refused

from .test_cli import ROOT, RUN, interlock


@contextmanager
def serving(cwd: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run it on free ports; yield the process and its two addresses."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", RUN, "serve", "--ocpp-port", "0", "--api-port", "0", *flags],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "INTERLOCK_API_TOKEN": "secret-of-a-test"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = [process.stdout.readline().split()[-1] for _ in range(2)]
        yield process, *found
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for its end; return what it printed and was not read yet, `readline`'s buffer included."""
    process.wait(timeout=20)
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.read(), process.stderr.read()


def get(url: str) -> object:
    request = urllib.request.Request(url, headers={"Authorization": "Bearer secret-of-a-test"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def test_too_few_files_are_said_before_anything_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_files, "limit", lambda: 64)
    log = tmp_path / "log.sqlite"
    done = CliRunner().invoke(app, ["serve", "--ocpp-port", "0", "--api-port", "0", "--store", f"sqlite:///{log}"])
    assert isinstance(done.exception, Refused)
    assert done.exception.sentence == "this process may open 64 files, and needs 128 at least: ulimit -n"
    assert not log.exists()


def test_a_fleet_dials_in_and_what_it_told_is_there_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, "--tokens", "Accepted") as (process, stations, operators):
        assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/ocpp/", stations)
        done = interlock("fleet", stations, "-n", "5", "--time", "16s", "--out", "fleet", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        first = get(f"{operators}/api/stations")
        process.send_signal(signal.SIGTERM)
        out, err = ended(process)
        assert process.returncode == 0, err
        assert "stopped: everything acknowledged is in the store" in out
        assert "secret-of-a-test" not in out + err
    with serving(tmp_path) as (process, _, operators):
        again = get(f"{operators}/api/stations")
        assert [one["id"] for one in again["stations"]] == [one["id"] for one in first["stations"]]  # type: ignore[index]
        process.send_signal(signal.SIGINT)
        out, _ = ended(process)
        assert process.returncode == 0
        assert re.search(r"interlock\.sqlite: [1-9]\d* events, 5 stations, 0 commands without an outcome", out)


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for flag, other in (("--ocpp-port", "--api-port"), ("--api-port", "--ocpp-port")):
            done = interlock("serve", flag, port, other, "0", "--store", "memory:", cwd=tmp_path)
            assert done.returncode == 3
            assert re.search(rf"interlock: {flag} {port} on 127\.0\.0\.1: .*in use", done.stderr)
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--host", "0.0.0.0"], 2, "listens on loopback only"),
        (["--profile", "1", "--host", "0.0.0.0"], 2, "in the clear"),
        (["--profile", "2"], 2, "needs --certificate and --private-key"),
        (["--profile", "2", "--certificate", "no.pem", "--private-key", "no.pem"], 2, "no.pem"),
        (["--profile", "3", "--certificate", "a", "--private-key", "b"], 2, "--clients"),
        (["--store", "mysql://u:hunter2@h/d"], 2, "not 'mysql://***@h/d'"),
        (["--store", "sqlite:///no/such/folder/x"], 2, "no folder"),
        (["--store", "postgresql://u:hunter2@127.0.0.1:9/d"], 3, "postgresql://***@127.0.0.1:9/d cannot be used"),
        (["--node", "a b"], 2, "--node is"),
        (["--slots", "3"], 2, "more than --connectors"),
        (["--heartbeats", "never"], 2, "presence or every"),
        (["--token-file", "no/such/folder"], 2, "--token-file no/such/folder"),
        (["--api-host", "0.0.0.0"], 2, "in the clear to 0.0.0.0"),
        (["--protocols", "1.6,1.7"], 2, "--protocols: '1.7' is not spoken here; protocols are ocpp2.0.1, ocpp1.6"),
        (["--config", "no.toml"], 2, "--config no.toml cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, flags: list[str], code: int, says: str) -> None:
    done = interlock("serve", "--ocpp-port", "0", "--api-port", "0", *flags, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "hunter2" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(("flags", "kind"), [((), 3), (("--strict",), 4)])
def test_a_message_that_breaks_its_schema_is_taken_unless_it_is_strict(
    tmp_path: Path, flags: tuple[str, ...], kind: int
) -> None:
    with (
        serving(tmp_path, "--store", "memory:", *flags) as (_, stations, _operators),
        connect(f"{stations}CP01", subprotocols=[Subprotocol("ocpp1.6")]) as station,
    ):
        station.send('[2,"1","Authorize",{"idTag":"A","connectorId":1}]')
        assert json.loads(station.recv(10))[:2] == [kind, "1"]


def test_it_speaks_the_protocols_it_is_told_in_that_order(tmp_path: Path) -> None:
    with serving(tmp_path, "--store", "memory:", "--protocols", "1.6,2.0.1") as (process, _, _):
        process.send_signal(signal.SIGTERM)
        out, _ = ended(process)
        assert "protocols: ocpp1.6, ocpp2.0.1\n" in out


def test_a_file_that_is_no_store_is_one_sentence_and_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letters.txt"
    path.write_text("dear all, " * 1000)
    done = interlock("serve", "--store", f"sqlite:///{path}", "--ocpp-port", "0", "--api-port", "0", cwd=tmp_path)
    assert done.returncode == 3
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_text() == "dear all, " * 1000


def test_the_token_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    with serving(tmp_path, "--store", "memory:", "--token-file", "token"):
        path = tmp_path / "token"
        assert path.read_text() == "secret-of-a-test"
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_may_hold_the_options_and_a_word_it_does_not_know_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text('store = "memory:"\nnode = "from-file"\nconnectors = 7\nport = 1\n')
    done = interlock("serve", "--config", str(file), cwd=tmp_path)
    assert done.returncode == 2
    assert "port is no option; did you mean api_port?" in done.stderr
    file.write_text('store = "memory:"\nnode = "not a name"\n')
    done = interlock("serve", "--config", str(file), cwd=tmp_path)
    assert "--node is 1 to 12" in done.stderr
    file.write_text('store = "memory:"\nocpp_port = 9\n')
    with serving(tmp_path, "--config", str(file)) as (_, stations, _operators):
        assert not stations.endswith(":9/ocpp/")  # what is typed wins


def test_after_a_kill_the_log_is_looked_over_and_that_is_said(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, _, operators):
        request = urllib.request.Request(
            f"{operators}/api/tokens/TAG",
            data=b'{"status": "Accepted"}',
            method="PUT",
            headers={"Authorization": "Bearer secret-of-a-test", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        process.kill()
        process.wait(10)
    with serving(tmp_path) as (process, _, operators):
        assert get(f"{operators}/api/tokens/TAG") == {"token": "TAG", "status": "Accepted"}
        process.send_signal(signal.SIGTERM)
        out, err = ended(process)
        assert process.returncode == 0, err
        assert "interlock.sqlite: 1 events" in out
        assert "it was not closed; looked over, and sound" in out


def test_a_stop_does_not_wait_for_whoever_follows_events_or_waits_for_a_command(tmp_path: Path) -> None:
    with serving(tmp_path, "--store", "memory:") as (process, _, operators):
        port = int(operators.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as follower:
            follower.sendall(
                b"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret-of-a-test\r\n\r\n"
            )
            assert b"200 OK" in follower.recv(4096)
            process.send_signal(signal.SIGTERM)
            _, err = ended(process)
        assert (process.returncode, err) == (0, "")
