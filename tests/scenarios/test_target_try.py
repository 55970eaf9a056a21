"""`interlock target`: the file it writes can be read, and each place of one is tried against what is there."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from websockets.asyncio.server import serve

from interlock.scenarios.cli.main import app
from interlock.scenarios.live import target_try
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.refused import Refused
from interlock.scenarios.targets.control_file import NoTarget, load
from interlock.scenarios.targets.http_target import HttpTarget
from interlock.scenarios.targets.target import TargetGone
from interlock.simulator.network.address import parse
from interlock.simulator.network.dial import tls_context
from tests.foreign.brain import Brain
from tests.foreign.commanded import COMMANDED
from tests.foreign.operated import WRONG_OPERATED, Hand, Operated
from tests.foreign.shells import SPEAKS, _talk, raw
from tests.foreign.wrong import WRONG


async def tried(brain: Operated, monkeypatch: pytest.MonkeyPatch, hand: Hand | None = None) -> dict[str, bool]:
    monkeypatch.setattr(target_try, "LEAVES_S", 0.5)
    async with raw(brain) as url:
        work = target_try.try_all(Reach(parse(url)), hand or Hand(brain), "TRY", datetime.now(UTC))
        return {one.place: one.works async for one in work}


def test_every_place_of_a_right_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    found = asyncio.run(tried(Operated(), monkeypatch))
    assert set(found.values()) == {True}
    assert {"[check]", "[commands.Unlock]", "[commands.RemoteStop]", "[connectors]", "[transactions]"} <= set(found)


def test_a_command_that_never_comes_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    found = asyncio.run(tried(WRONG_OPERATED["never-sends"][1](), monkeypatch))
    assert not found["[commands.Unlock]"]
    assert found["[connectors]"]


def test_a_record_in_which_nothing_is_found_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind(Hand):
        async def connectors(self, station: str) -> list[dict[str, Any]] | None:
            return []

        async def events(self, station: str) -> list[dict[str, Any]] | None:
            raise TargetGone("[transactions] path is answered 404")

    brain = Operated()
    found = asyncio.run(tried(brain, monkeypatch, Blind(brain)))
    assert (found["[connectors]"], found["[transactions]"], found["[commands.Unlock]"]) == (False, False, True)


def test_a_station_that_is_not_accepted_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuses(Operated):
        def on_BootNotification(self, station: str, payload: dict[str, Any]) -> dict[str, Any]:
            return {"status": "Rejected", "currentTime": self.now(), "interval": 3600}

    with pytest.raises(Refused, match="does not accept the station TRY; --station names one"):
        asyncio.run(tried(Refuses(), monkeypatch))


# --- over TLS --------------------------------------------------------------------------------------------------------


def test_a_csms_behind_tls_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and is not here")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    name = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    made = [openssl, "req", "-x509", *kind, *name, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True, timeout=30)
    monkeypatch.setattr(target_try, "LEAVES_S", 5.0)
    brain = Operated()

    async def work(trusted: Path | None) -> list[bool]:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(cert, key)
        async with serve(lambda socket: _talk(brain, socket), "127.0.0.1", 0, subprotocols=SPEAKS, ssl=ours) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            tls = tls_context(trusted, None, None, insecure=False)
            way = Reach(parse(f"wss://127.0.0.1:{port}/ocpp"), tls=tls)
            return [one.works async for one in target_try.try_all(way, Hand(brain), "TLS", datetime.now(UTC))]

    assert set(asyncio.run(work(cert))) == {True}
    with pytest.raises(Refused, match="is not trusted"):
        asyncio.run(work(None))


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["interlock", "steve", "citrineos", "websocket"])
def test_a_ready_file_is_written_with_its_address(kind: str, tmp_path: Path) -> None:
    out = tmp_path / "control.toml"
    words = ["target", "init", str(out), "--kind", kind]
    done = CliRunner().invoke(app, words if kind == "websocket" else [*words, "--url", "https://csms.example:8443"])
    assert done.exit_code == 0, done.output
    described = load(out, {"INTERLOCK_API_TOKEN": "x", "STEVE_BASIC_CREDENTIALS": "x"})
    assert described.url == ("" if kind == "websocket" else "https://csms.example:8443")


def test_questions_are_asked_for_any_other(tmp_path: Path) -> None:
    out = tmp_path / "control.toml"
    answers = "other\nhttp://127.0.0.1:7\n/cs/{station}/do\n202\n/health\nTOKEN_OF_MINE\n"
    done = CliRunner().invoke(app, ["target", "init", str(out)], input=answers)
    assert done.exit_code == 0, done.output
    assert "set TOKEN_OF_MINE in the environment" in done.output
    described = load(out, {"TOKEN_OF_MINE": "x"})
    assert (described.ask.path, described.ask.accepted) == ("/cs/{station}/do", (202,))
    assert described.headers == {"Authorization": "Bearer ${TOKEN_OF_MINE}"}


def test_what_is_left_to_fill_in_is_a_control_file_once_it_is(tmp_path: Path) -> None:
    out = tmp_path / "mine.toml"
    answers = "other\nhttp://127.0.0.1:8080\n/commands\n202\n/health\n-\n"
    assert CliRunner().invoke(app, ["target", "init", str(out)], input=answers).exit_code == 0
    assert load(out, {}).ask.body == {"station": "{station}", "action": "{action}", "payload": "{payload}"}
    out.write_text(re.sub(r"(?m)^# (\[\w+\]|\w+ = )", r"\1", out.read_text()))
    assert load(out, {}).tells == {"payloads", "outcomes", "transactions", "connectors", "online"}


def test_a_wrong_answer_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "control.toml"
    done = CliRunner().invoke(app, ["target", "init", str(out), "--kind", "interlock", "--url", "ws://h"])
    assert isinstance(done.exception, Refused)
    assert not out.exists()
    out.write_text("mine")
    done = CliRunner().invoke(app, ["target", "init", str(out), "--kind", "websocket"])
    assert "--force" in str(done.exception)
    assert out.read_text() == "mine"


# --- killing and starting it -----------------------------------------------------------------------------------------

FILE = 'url = "http://127.0.0.1:9"\n[check]\npath = "/"\n[ask]\naccepted = [200]\npath = "/{station}"\n' + (
    'body = { action = "{action}", payload = "{payload}" }\n[restart]\n'
)


def described(folder: Path, restart: str) -> HttpTarget:
    path = folder / "control.toml"
    path.write_text(FILE + restart, "utf-8")
    return HttpTarget(load(path, {}), {}, folder)


def test_a_command_line_runs_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "open('killed', 'w')"
    target = described(tmp_path, f'command = ["{sys.executable}", "-c", "{code}"]\n')
    monkeypatch.setattr("interlock.scenarios.targets.http_target.UP_S", 0.0)
    looks = iter((False, False, True))

    async def up() -> bool:
        return next(looks)

    monkeypatch.setattr(target, "_is_up", up)
    asyncio.run(target.restart())
    assert target.restarts
    assert (tmp_path / "killed").exists()
    assert next(looks, None) is None


@pytest.mark.parametrize(
    ("restart", "says"),
    [
        (f'command = ["{sys.executable}", "-c", "raise SystemExit(3)"]\n', "ended with 3"),
        ('command = ["/nowhere/at/all"]\n', "cannot be run"),
        (f'command = ["{sys.executable}", "-c", ""]\nwithin_s = 0.3\n', "not up again within 0.3 s"),
    ],
)
def test_what_does_not_start_again_is_one_sentence(restart: str, says: str, tmp_path: Path) -> None:
    target = described(tmp_path, restart)
    with pytest.raises(TargetGone, match=says):
        asyncio.run(target.restart())


@pytest.mark.parametrize(
    ("restart", "says"),
    [
        ("", "either a command line or a path"),
        ('command = ["x"]\npath = "/x"\n', "either a command line or a path"),
        ('path = "x"\n', "begins with /"),
        ('path = "/x"\nwithin_s = 0\n', "within_s"),
        ('paht = "/x"\n', "did you mean path"),
    ],
)
def test_a_mistake_in_restart_is_one_sentence(restart: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(NoTarget, match=says):
        described(tmp_path, restart)


def test_specimens_have_names_of_their_own() -> None:
    assert not set(COMMANDED) & set(WRONG_OPERATED)
    assert not set(COMMANDED) & set(WRONG)
    assert isinstance(Operated(), Brain)
