"""Any CSMS as a target, by a file: the same verdicts as by the adapter of our own, and every mistake in a sentence."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from interlock.csms.domain import commands as do
from interlock.scenarios.judge.invariants import INVARIANTS
from interlock.scenarios.names import TARGETS
from interlock.scenarios.targets import http_target
from interlock.scenarios.targets.answers import Closed, Misfit
from interlock.scenarios.targets.control_file import Ask, Described, NoTarget, Online, Samples, load
from interlock.scenarios.targets.http_target import HttpTarget
from interlock.scenarios.targets.target import TELLS, TargetGone

from .test_cli import interlock
from .test_cli_serve import serving
from .test_cli_target import SERVE, TOKEN, verdicts

FILES = sorted(TARGETS.glob("*.toml"))
SECRETS = {"INTERLOCK_API_TOKEN": "secret-of-a-test", "STEVE_BASIC_CREDENTIALS": "c2VjcmV0"}
NEEDS_A_LOG = {
    "I01",
    "I04",
    "I06",
    "I08",
    "I10",
    "I13",
    "I14",
    "I21",
    "I23",
    "I27",
    "I33",
    "I34",
    "I35",
    "I36",
    "I38",
    "I39",
    "I40",
    "I41",
    "I42",
    "I43",
    "I44",
    "I45",
    "I46",
    "I47",
    "I48",
    "I49",
}


def ours(folder: Path, url: str, cut: str = "") -> Path:
    """Write the file for `interlock serve` at `url`, without its tables from `cut` on."""
    text = re.sub(r"(?m)^url = .*$", f'url = "{url}"', (TARGETS / "interlock.toml").read_text("utf-8"))
    path = folder / "control.toml"
    path.write_text(text[: text.index(cut)] if cut else text)
    return path


# --- the same verdicts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("design", "scenario", "caught"),
    [
        pytest.param("reference", "heartbeat-vs-unlock", set[str](), marks=pytest.mark.slow),
        pytest.param("reference", "two-unlocks-one-node", set[str](), marks=pytest.mark.slow),
        ("send-then-append", "heartbeat-vs-unlock", {"I02", "I04", "R23"}),
    ],
)
def test_a_file_reaches_the_verdicts_of_the_built_in_adapter(
    tmp_path: Path, design: str, scenario: str, caught: set[str]
) -> None:
    found = []
    with serving(tmp_path, *SERVE, "--csms", design) as (_, stations, operators):
        for out, control in (("by-url", operators), ("by-file", str(ours(tmp_path, operators)))):
            flags = ("--target", stations, "--control", control, "--out", out)
            done = interlock("run", scenario, *flags, cwd=tmp_path, **TOKEN)
            assert done.returncode == bool(caught), done.stdout + done.stderr
            found.append(verdicts(tmp_path / out))
    assert found[0] == found[1]
    assert {id for id, verdict in found[1].items() if verdict == "FAIL"} == caught


@pytest.mark.parametrize(("design", "caught"), [("reference", set[str]()), ("send-then-append", {"I02", "R23"})])
def test_what_a_csms_does_not_tell_is_not_judged_and_never_right(tmp_path: Path, design: str, caught: set[str]) -> None:
    with serving(tmp_path, *SERVE, "--csms", design) as (_, stations, operators):
        control = ours(tmp_path, operators, "[outcome]")  # commands can be asked for, and nothing is told
        done = interlock(
            "run", "heartbeat-vs-unlock", "--target", stations, "--control", control, cwd=tmp_path, **TOKEN
        )
    assert done.returncode == bool(caught), done.stdout + done.stderr
    found = verdicts(tmp_path / "interlock-out")
    assert {id for id, verdict in found.items() if verdict == "FAIL"} == caught
    assert {found[id] for id in {*NEEDS_A_LOG, "I05", "I07", "I18", "I24"}} == {"NOT_APPLICABLE"}
    [report] = (tmp_path / "interlock-out").glob("**/verdict.json")
    reasons = {one["id"]: one["reason"] for one in json.loads(report.read_text())["invariants"]}
    assert (reasons["I04"], reasons["I07"]) == ("the CSMS does not tell its log", "the CSMS does not tell its outcomes")


def test_outcomes_and_beliefs_are_judged_without_a_log(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE, "--csms", "doubt-is-failure", "--call-timeout-s", "1") as (_, stations, operators):
        control = ours(tmp_path, operators, "# A log")
        done = interlock("run", "operator-retries", "--target", stations, "--control", control, cwd=tmp_path, **TOKEN)
    found = verdicts(tmp_path / "interlock-out")
    assert found["I07"] == "FAIL", done.stdout  # it says "rejected", and the lock has moved
    assert found["I06"] == "NOT_APPLICABLE"


def test_every_invariant_that_needs_records_names_some_that_can_be_told() -> None:
    assert {one.records for one in INVARIANTS.values() if one.records} <= TELLS
    assert {id for id, one in INVARIANTS.items() if one.records == "log"} == NEEDS_A_LOG


# --- mistakes --------------------------------------------------------------------------------------------------------

FILE = """
url = "http://127.0.0.1:1"
[headers]
Authorization = "Bearer ${INTERLOCK_API_TOKEN}"
[ask]
path = "/{station}"
body = "{payload}"
accepted = [200]
id = "id"
"""
STATE = 'state = "s"\n[states]\naccepted = ["x"]'


SAMPLES_OF = '[samples]\npath = "/{transaction}"\neach = "@"\nvalue = "v"'


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("url = ", "ulr = ", r"unknown key ulr"),
        ('id = "id"', 'idd = "id"', r"\[ask\] unknown key idd"),
        ("accepted = [200]", "", r"\[ask\] missing key accepted"),
        ("[200]", "200", r"\[ask.accepted\] has to be a list, not a whole number"),
        ("[200]", "[200]\nrefused = [409, 200]", r"\[ask\] status 200 cannot mean two things"),
        ("[ask]", "[ask", r"is not TOML"),
        ("http://127.0.0.1:1", "127.0.0.1:1", r"url looks like http://HOST:PORT"),
        ("http://127.0.0.1:1", "http://host:port", r"url is no address"),
        ("http://127.0.0.1:1", "http://me:hidden@127.0.0.1:1", r"url holds a user or password"),
        ("/{station}", "/all", r"says \{station\} nowhere"),
        ("/{station}", "{station}", r"needs a path that begins with /"),
        ("/{station}", "/{staton}", r"\{staton\} is nothing known for"),
        ('"{payload}"', '{ c = "{connectorId}" }', r"no command can be asked for"),
        ('body = "{payload}"', "commands = 1", r"\[ask\] unknown key commands"),
        ('id = "id"', '[commands.Unlock]\nbody = { c = 1 }', r"\[commands.Unlock\] says \{connectorId\} nowhere"),
        ('"{payload}"', '"{payload} "', r"body is a table"),
        ('id = "id"', 'id = "a..b"', r"\[ask\] id = 'a..b' is no JMESPath expression"),
        ('id = "id"', 'method = "SEND"', r"method is one of GET"),
        ('id = "id"', 'id = "id"\n[commands.Open]\npath = "/"', r"\[commands.Open\] is no command"),
        ('id = "id"', 'state = "s"', r"\[states\] is missing"),
        ('id = "id"', 'state = "s"\n[states]\ndone = ["x"]', r"\[states\] 'done' is no state"),
        ('id = "id"', 'state = "s"\n[states]\naccepted = ["x"]\nrejected = ["x"]', r"'x' stands for two states"),
        ('id = "id"', '[outcome]\npath = "/{command}"\n' + STATE, r"\[ask\] needs id"),
        ('id = "id"', f'id = "id"\n[outcome]\npath = "/x"\n{STATE}', r"says \{command\} nowhere"),
        ('id = "id"', '[connectors]\npath = "/x"\neach = "@"\nconnector = "c"\nstatus = "s"', r"says \{station\}"),
        ('id = "id"', 'id = "id"\ntimeout_s = 3', r"\[ask\] unknown key timeout_s"),
        ('id = "id"', 'id = "id"\n' + SAMPLES_OF, r"\[samples\] needs \[transactions\]"),
        ('id = "id"', 'id = "id"\n' + SAMPLES_OF.replace("transaction}", "station}"), r"says \{transaction\} nowhere"),
        ("url", "timeout_s = 0\nurl", r"timeout_s is more than 0"),
        ("Authorization =", '"X Y" =', r"'X Y' is no name of a header"),
        ("Bearer ", "Bearer {station} ", r"goes with every request"),
        ("INTERLOCK_API_TOKEN", "NO_SUCH", r"the environment variable NO_SUCH is not set"),
        ("INTERLOCK_API_TOKEN", "TWO_LINES", r"the environment variable TWO_LINES has characters"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_one_sentence(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    path = tmp_path / "control.toml"
    environment = {**SECRETS, "TWO_LINES": "hidden\nhidden"}
    path.write_text(FILE)
    load(path, environment)  # is right before it is made wrong
    assert was in FILE
    path.write_text(FILE.replace(was, becomes, 1))
    with pytest.raises(NoTarget) as refused:
        load(path, environment)
    sentence = str(refused.value)
    assert re.search(says, sentence), sentence
    assert "\n" not in sentence
    assert "hidden" not in sentence
    assert "secret" not in sentence


def test_the_command_says_it_and_leaves_with_2(tmp_path: Path) -> None:
    (tmp_path / "control.toml").write_text(FILE.replace("[200]", '["ok"]'))
    flags = ("--target", "ws://127.0.0.1:1/x", "--quiet", "--control")
    for control, says in (
        ("control.toml", "[ask.accepted[0]] has to be a whole number"),
        ("none.toml", "cannot be read"),
    ):
        done = interlock("run", "heartbeat-vs-unlock", *flags, control, cwd=tmp_path, **TOKEN)
        assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
        assert says in done.stderr


def test_a_wrong_secret_is_told_without_being_shown(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        flags = ("--target", stations, "--control", ours(tmp_path, operators))
        done = interlock("run", "heartbeat-vs-unlock", *flags, cwd=tmp_path, INTERLOCK_API_TOKEN="hidden-but-wrong")
    assert done.returncode == 3
    assert "answers [check] with 401" in done.stderr
    assert "hidden-but-wrong" not in done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_examples_are_right_and_can_be_read_with_explain(tmp_path: Path, path: Path) -> None:
    described = load(path, SECRETS)
    assert described.websocket_only or described.askable >= {"Unlock", "RemoteStart", "RemoteStop"}
    done = interlock("explain", path.stem, cwd=tmp_path)
    assert done.stdout.rstrip() == path.read_text("utf-8").rstrip()
    assert "NOT TRIED" in done.stdout or path.stem in ("interlock", "websocket")


def test_explain_target_shows_a_file_to_start_from(tmp_path: Path) -> None:
    done = interlock("explain", "target", cwd=tmp_path)
    (tmp_path / "mine.toml").write_text(done.stdout)
    assert load(tmp_path / "mine.toml", SECRETS).tells == TELLS


# --- an interface of another shape -----------------------------------------------------------------------------------

Answer = Callable[[str, str, Any], tuple[int, Any]]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Serve HTTP, answering by a function of method, path and body."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, told = answer(self.command, self.path, json.loads(body) if body else None)
            text = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _any

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def steve(url: str) -> HttpTarget:
    described = load(TARGETS / "steve.toml", SECRETS)
    return HttpTarget(_at(described, url), SECRETS)


def _at(described: Described, url: str) -> Described:
    import msgspec

    return msgspec.structs.replace(described, url=url)


def test_an_outcome_in_the_answer_and_transactions_instead_of_a_log() -> None:
    seen: list[tuple[str, str, Any]] = []
    row = {"id": 7, "connectorId": 1, "ocppIdTag": "T", "startValue": "100", "startTimestamp": "2026-01-01T00:00:00Z"}

    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        seen.append((method, path, body))
        if method == "POST":
            return 200, {"taskId": 5, "successResponses": [{"chargeBoxId": "A B", "response": "Unlocked"}]}
        if path.startswith("/api/v1/transactions"):
            return 200, [{**row, "stopValue": "150"}, {**row, "id": 8, "stopValue": None}]
        return 200, {"connectors": [{"connectorId": 1, "status": "Available"}]}

    with answering(answer) as url:
        target = steve(url)
        decided = asyncio.run(target.operate("A B", do.Unlock(2), "r1"))
        assert (decided.answer, decided.command_id) == ("accepted", "5")
        assert asyncio.run(target.phase("5")) == "accepted"
        events = asyncio.run(target.events("A B"))
        assert events is not None
        assert [(one["type"], one["data"]["transaction_id"]) for one in events] == [
            ("TransactionStarted", "7"),
            ("TransactionStopped", "7"),
            ("TransactionStarted", "8"),
        ]
        assert events[1]["data"]["meter_stop_wh"] == 150
        assert asyncio.run(target.connectors("A B")) == [{"evse": 1, "connector": 1, "status": "Available"}]
    assert seen[0] == ("POST", "/api/v1/operations/UnlockConnector", {"chargeBoxIdList": ["A B"], "connectorId": 2})
    assert seen[1][1].startswith("/api/v1/transactions?chargeBoxId=A%20B&")
    assert target.tells == {"outcomes", "transactions", "connectors"}


@pytest.mark.parametrize(
    ("status", "told", "says"),
    [
        (200, {"taskId": 5, "successResponses": [{"response": "Molten"}]}, "state is 'Molten'"),
        (200, b"<html>", "is not JSON"),
    ],
)
def test_an_answer_that_does_not_fit_is_told(status: int, told: Any, says: str) -> None:
    with answering(lambda *_: (status, told)) as url, pytest.raises(TargetGone, match=says):
        asyncio.run(steve(url).operate("A", do.Unlock(2), "r1"))


def test_a_redirect_is_not_followed_with_the_secret() -> None:
    seen = []

    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        seen.append(path)
        return 302, None

    with answering(answer) as url, pytest.raises(TargetGone, match="with 302"):
        asyncio.run(steve(url).check())
    assert "/elsewhere" not in seen


def test_an_answer_nobody_can_read_ends_the_run_and_is_not_the_csms_s_fault(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        control = ours(tmp_path, operators)
        control.write_text(control.read_text("utf-8").replace('id = "id"  ', 'id = "nowhere"  ', 1))
        done = interlock(
            "run", "heartbeat-vs-unlock", "--target", stations, "--control", control, cwd=tmp_path, **TOKEN
        )
    assert done.returncode == 3, done.stdout
    assert "[ask] id = 'nowhere' finds nothing" in done.stderr


def test_a_command_the_file_does_not_give_leaves_the_scenario_out(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as (_, stations, operators):
        control = tmp_path / "control.toml"
        text = FILE.replace("http://127.0.0.1:1", operators).replace(
            'path = "/{station}"', 'path = "/api/stations/{station}"'
        )
        text = text.replace('body = "{payload}"\n', "")
        control.write_text(text + '[commands.Reset]\nbody = "{payload}"\n')
        done = interlock(
            "run", "heartbeat-vs-unlock", "--target", stations, "--control", control, cwd=tmp_path, **TOKEN
        )
    assert done.returncode == 3, done.stdout + done.stderr
    [report] = (tmp_path / "interlock-out").glob("**/verdict.json")
    reasons = {one["reason"] for one in json.loads(report.read_text())["invariants"]}
    assert reasons == {"--control does not say how to ask for Unlock"}


# --- one format for `run` and `load` ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('id = "id"', 'idd = "id"', r"\[ask\] unknown key idd; did you mean id\?"),
        ("url = ", "ulr = ", r"unknown key ulr; did you mean url\?"),
        ('id = "id"', '[commands.Unlok]\npath = "/x"', r"did you mean \[commands.Unlock\]\?"),
    ],
)
def test_a_wrong_key_is_told_with_the_nearest_right_one(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(FILE.replace(was, becomes, 1))
    with pytest.raises(NoTarget, match=says):
        load(path, SECRETS)


def test_a_csms_with_nothing_but_a_websocket(tmp_path: Path) -> None:
    described = load(TARGETS / "websocket.toml", {})
    assert (described.askable, described.tells) == (frozenset(), frozenset())
    asyncio.run(HttpTarget(described, {}).check())  # there is nothing to reach
    (tmp_path / "c.toml").write_text('websocket_only = true\nurl = "http://h"\n')
    with pytest.raises(NoTarget, match="stands alone"):
        load(tmp_path / "c.toml", {})
    (tmp_path / "c.toml").write_text("")
    with pytest.raises(NoTarget, match="missing key url"):
        load(tmp_path / "c.toml", {})


def test_citrineos_is_asked_with_the_payload_of_the_command() -> None:
    seen: list[tuple[str, str, Any]] = []

    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        seen.append((method, path, body))
        return 200, [{"success": "A" in path}]

    with answering(answer) as url:
        target = HttpTarget(_at(load(TARGETS / "citrineos.toml", {}), url), {})
        assert asyncio.run(target.operate("A", do.Unlock(2), "r1")).answer == "accepted"
        assert asyncio.run(target.operate("B", do.Unlock(2), "r2")).answer == "refused"
    assert seen[0] == ("POST", "/ocpp/1.6/evdriver/unlockConnector?identifier=A&tenantId=1", {"connectorId": 2})


@pytest.mark.parametrize("keyed", [True, False])
def test_a_request_whose_connection_was_reset_is_made_again_where_it_is_the_same_request(
    keyed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A POST without a key would be another request."""
    made = list[str]()

    async def fetch(request: urllib.request.Request, timeout_s: float) -> tuple[int, Any]:
        made.append(request.get_method())
        if len(made) == 1:
            raise Closed("reset")
        return 200, {"id": "c1"}

    monkeypatch.setattr(http_target, "fetch", fetch)
    monkeypatch.setattr(http_target, "AGAIN_S", 0.0)
    body = {"a": "{action}", "p": "{payload}", **({"k": "{request}"} if keyed else {})}
    target = HttpTarget(Described(url="http://h", ask=Ask(path="/{station}", accepted=(200,), body=body, id="id")), {})
    if keyed:
        assert asyncio.run(target.operate("CP01", do.Unlock(1), "r1")).answer == "accepted"
    else:
        with pytest.raises(Closed):
            asyncio.run(target.operate("CP01", do.Unlock(1), "r1"))
    assert made == ["POST"] * (1 + keyed)


def test_a_csms_may_tell_of_presence_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = [{"state": "up"}, {"state": "down"}, None, {"state": 7}]

    async def fetch(request: urllib.request.Request, timeout_s: float) -> tuple[int, Any]:
        return 200, told.pop(0)

    monkeypatch.setattr(http_target, "fetch", fetch)
    online = Online(path="/{station}", online="state == 'up'")
    target = HttpTarget(Described(url="http://h", online=online), {})
    found = [asyncio.run(target.connectors("CP01")) for _ in range(3)]
    assert found == [[{"online": True}], [{"online": False}], [{"online": False}]]
    plain = HttpTarget(Described(url="http://h", online=Online(path="/{station}", online="state")), {})
    with pytest.raises(Misfit, match=r"finds 7, not true or false; write such as state == '7'"):
        asyncio.run(plain.connectors("CP01"))


def test_meter_values_are_read_by_the_names_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    rows = [{"v": 1500, "u": "Wh"}, {"v": "1.6", "u": None}, {"v": None, "u": "Wh"}]

    async def fetch(request: urllib.request.Request, timeout_s: float) -> tuple[int, Any]:
        asked.append(request.full_url)
        return 200, {"rows": [rows.pop(0)]}

    monkeypatch.setattr(http_target, "fetch", fetch)
    shape = Samples(path="/{station}/{transaction}", each="rows", value="v", unit="u")
    target = HttpTarget(Described(url="http://h", samples=shape), {})
    found = [asyncio.run(target.samples("A B", "7")) for _ in range(2)]
    assert found == [[{"value": "1500", "unit": "Wh"}], [{"value": "1.6", "unit": None}]]
    assert asked[0] == "http://h/A%20B/7"
    with pytest.raises(Misfit, match=r"\[samples\] value = 'v' finds no number"):
        asyncio.run(target.samples("A", "7"))
