"""Wrong inputs of every command, in process: one sentence, the right exit code, no traceback, nothing on stdout."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from interlock.scenarios.cli import main as cli

RACE = "heartbeat-vs-unlock"
USAGE = {
    # run
    "run": "nothing to run",
    "run heartbeat-v-unlock": "did you mean heartbeat-vs-unlock?",
    "run I02": "is no scenario but one of the invariants",
    "run i02": "is no scenario but one of the invariants",
    "run ''": "no scenario is called ''",
    "run none.py": "there is no scenario file none.py",
    "run text.py": "text.py cannot be loaded",
    "run empty.py": "empty.py defines no SCENARIO",
    "run deed.py": "no deed or fault is called 'heartbeets'; did you mean heartbeats?",
    "run params.py": "heartbeats has no parameter 'cont'; did you mean count?",
    "run persona.py": "no persona is called 'pain'; did you mean plain?",
    f"run {RACE} --suite": "not both",
    f"run {RACE} --csms send-the-append": "did you mean send-then-append?",
    f"run {RACE} --csms none.py:X": "there is no file none.py",
    f"run {RACE} --csms empty.py:X": "defines no CSMS called X",
    f"run {RACE} --ocpp 3": "--ocpp: it is one of '1.6', '2.0.1', 'both', not '3'",
    f"run {RACE} --jobs 0": "--jobs: it is 1 or more",
    f"run {RACE} --bounds x": "--bounds: it is a whole number",
    f"run {RACE} --seed -1": "--seed: it is 0 or more",
    f"run {RACE} --seed": "--seed",
    f"run {RACE} --password x": "--password goes with --target",
    f"run {RACE} --target ws://h/x": "--target and --control go together",
    f"run {RACE} --target h --control http://h": "begins with ws:// or wss://",
    f"run {RACE} --target ws://h/x --control none.toml": "none.toml",
    f"run {RACE} --expected-failures none": "none cannot be read",
    f"run {RACE} --out empty.py": "--out",
    f"run {RACE} --retries -1": "--retries: it is 0 or more",
    f"run {RACE} --retries 2": "--retries goes with --target",
    # a file of the user's that ends the program: that is no run that held
    "run ends.py": "ends.py cannot be loaded: it ends the program",
    f"run {RACE} --csms ./ends.py:X": "ends.py cannot be loaded: it ends the program",
    "search ends.py --budget 5": "ends.py cannot be loaded: it ends the program",
    "serve --store memory: --csms ./ends.py:X": "ends.py cannot be loaded: it ends the program",
    "load --csms ./ends.py:X": "ends.py cannot be loaded: it ends the program",
    "load --shape ends.py": "ends.py cannot be loaded: it ends the program",
    "worlds --csms ./ends.py:X": "ends.py cannot be loaded: it ends the program",
    "check station --virtual --cases cases": "cases/ends.py cannot be run: it ends the program",
    # where nothing can be left
    "search --out empty.py": "--out: empty.py cannot be made: it is a file",
    "fleet ws://h/x --out empty.py": "--out: empty.py cannot be made: it is a file",
    "fleet ws://h/x --out empty.py/x": "--out: empty.py/x cannot be made: Not a directory",
    "load --out empty.py": "--out: empty.py cannot be made: it is a file",
    "prove --out empty.py": "--out: empty.py cannot be made: it is a file",
    "prove --cases --out empty.py": "--out: empty.py cannot be made: it is a file",
    "worlds --out empty.py": "--out: empty.py cannot be made: it is a file",
    "check station --virtual --out empty.py": "--out: empty.py cannot be made: it is a file",
    "check csms reference --out empty.py": "--out: empty.py cannot be made: it is a file",
    "judge text.py --out empty.py": "--out: empty.py cannot be made: it is a file",
    "judge text.py --write /proc/x": "--write: /proc/x cannot be written",
    "new case x --out empty.py": "--out: empty.py cannot be made: it is a file",
    f"run {RACE} --junit /proc/x.xml": "--junit: /proc/x.xml cannot be written",
    "check station --virtual --junit empty.py/x.xml": "--junit: empty.py cannot be made: it is a file",
    # files that hold something else
    f"run {RACE} --expected-failures binary": "binary cannot be read: it is not text in UTF-8",
    "check station --virtual --expected-failures binary": "binary cannot be read: it is not text in UTF-8",
    "check station --virtual --expected-failures text.py": "text.py line 1 is not `NAME [until",
    "check station --declare binary": "binary cannot be read: it is not text in UTF-8",
    "check station --declare stranger.toml": "stranger.toml: unknown key stranger",
    "check station --operator http --hand binary": "binary cannot be read: it is not text in UTF-8",
    "check station --operator http --hand stranger.toml": "stranger.toml: unknown key odd",
    f"run {RACE} --target ws://h/x --control utf16.toml": "utf16.toml cannot be read: it is not text in UTF-8",
    f"run {RACE} --target ws://h/x --control .": "--control: . cannot be read: Is a directory",
    "serve --config utf16.toml": "utf16.toml cannot be read: it is not text in UTF-8",
    "load --shape utf16.toml": "utf16.toml cannot be read: it is not text in UTF-8",
    "fleet ws://h/x --ids @binary": "binary cannot be read: it is not text in UTF-8",
    "fleet ws://h/x --password-file empty.py": "--password-file: the first line of empty.py is empty",
    "fleet wss://h/x --ca binary": "binary is not what TLS can use: there is no certificate in PEM form in it",
    "fleet wss://h/x --cert empty.py": "empty.py is not what TLS can use: a certificate and a key in PEM form",
    "check station --cert binary --key binary": "binary is not what TLS can use: a certificate and a key in PEM form",
    "load --compare binary": "--compare binary is a file",
    "load --compare old": "--compare old is no run of `interlock load`, or a damaged one",
    # addresses and numbers
    "fleet ws://h:abc/x": "'ws://h:abc/x' is not a URL: a port is a number up to 65535",
    "fleet ws://h:99999/x": "'ws://h:99999/x' is not a URL: a port is a number up to 65535",
    "fleet ws://h/x --rate inf": "--rate: it is a number, not inf",
    "serve --offline-s inf": "--offline-s: it is a number, not inf",
    "serve --lateness-s 1e400": "--lateness-s: it is a number, not inf",
    "load --commands inf": "--commands: it is a number, not inf",
    "load ws://h/x --control ftp://h": "--control is http://HOST:PORT, https://HOST:PORT or a file, not 'ftp://h'",
    f"run {RACE} --target ws://h/x --control http://h:99999": "--control is http://HOST:PORT, https://HOST:PORT or a",
    "check csms ws://h/x --control http://h": "--control needs the API's token in INTERLOCK_API_TOKEN",
    "serve --allow-origin h": "--allow-origin is http://HOST:PORT",
    "check csms reference --card x": "--card is CARD=STATUS",
    "check csms reference --card x=Blocked": "--card and --id-tag are for a CSMS on sockets",
    "check station --cases ''": "--cases names no case",
    # empty words, as of variables that are not set
    f"run {RACE} --out ''": "--out: it is empty, perhaps a variable that is not set",
    f"run {RACE} --junit=": "--junit: it is empty",
    "report ''": "RUN_DIR: it is empty",
    "judge ''": "FILE: it is empty",
    "run -k ''": "-k '' matches no scenario",
    "run --tag ''": "no scenario has the tag ''; `interlock run --suite --list` shows the tags",
    f"run {RACE} --csms ''": "no CSMS is called ''",
    "serve --node ''": "--node is 1 to 12 letters",
    f"run {RACE} --target ws://h/x --control bom.toml --ids ''": "--ids names no station",
    # values of the wrong kind
    f"run {RACE} --target ws://h/x --control bom.toml": "bom.toml: missing key ask",
    f"run {RACE} --target ws://h/x --control kind.toml": "kind.toml: [ask] has to be a table, not text",
    f"run {RACE} --target ws://h/x --control twice.toml": "twice.toml is not TOML",
    f"run {RACE} --target ws://h/x --control key.toml": "key.toml: unknown key urll; did you mean url?",
    f"run {RACE} --target ws://h/x --control slow.toml": "timeout_s is more than 0",
    f"run {RACE} --target ws://u:p@h/x --control bom.toml": "the URL holds a user or a password",
    f"run {RACE} --target ws://h/x?q=1 --control bom.toml": "goes on after its path",
    f"run {RACE} --target 'ws://[::1/x' --control bom.toml": "is not a URL",
    f"run {RACE} --target 'ws://h/a b' --control bom.toml": "has to percent-encode",
    f"run {RACE} --target ws://h/x --control bom.toml --header x": "--header is 'NAME: VALUE'",
    f"run {RACE} --target ws://h/x --control bom.toml --wait never": "--wait is a time such as 60s",
    f"run {RACE} --target ws://h/x --control bom.toml --insecure": "are for wss://",
    f"run {RACE} --seeds 99999999999": "--seeds: it is at most 1000000",
    "serve --config bool.toml": "--quiet: it is true or false",
    "serve --config port.toml": "--ocpp-port: it is at most 65535",
    "check station --virtual --declare kinds.toml": "kinds.toml: [features] has to be a table, not a whole number",
    "check station --virtual --declare values.toml": "[values] connectr is nothing known; did you mean connector?",
    "check station --virtual --declare limits.toml": "limits.toml: [limits] answer is more than 0",
    "check station --operator http --hand ftp.toml": "ftp.toml: [plug] url begins with http:// or https://",
    "check station --operator http --hand place.toml": "[plug] knows no {conector}; did you mean connector?",
    "check station --operator http --hand text.toml": "text.toml: [run] has to be text, not a whole number",
    "check station --virtual --cases numbers": "numbers/a.py: CASES is a list of cases, not int",
    "check station --virtual --profile Cor": "there is no profile 'Cor'",
    "check station --listen 127.0.0.1:99999": "--listen is HOST:PORT",
    "check station --virtual --resume": "there is no check to go on with",
    f"run {RACE} --expected-failures typo": "'heartbeat-vs-unlok'; did you mean heartbeat-vs-unlock?",
    f"run {RACE} --expected-failures date": "'2026-13-45' is no date such as 2030-01-31",
    f"run {RACE} --out loop": "--out: loop cannot be made",
    f"run {RACE} --target ws://h/x --control loop": "loop cannot be read: Too many levels of symbolic links",
    "prove --cases --budget 5": "--budget does not go with --cases",
    "prove --cases --seed 1": "--seed does not go with --cases",
    "load --shape raises.py": "raises.py cannot be loaded: ZeroDivisionError",
    "load --rate 0": "--rate: it is 0.01 or more",
    # near misses
    "run --tag rce": "no scenario has the tag 'rce'; did you mean race?",
    "search --invariant i02": "there is no invariant 'i02'; did you mean I02?",
    "prove lock-in-memoy": "there is no specimen 'lock-in-memoy'; did you mean lock-in-memory?",
    "prove --cases TC_001_SC": "there is no case 'TC_001_SC'; did you mean TC_001_CS?",
    "serve --config near.toml": "ocpp_prt is no option; did you mean ocpp_port?",
    "target tri": "there is no command 'tri'; did you mean try?; `interlock target --help` lists them",
    "target try": "FILE is missing; `interlock target try --help` says what it is",
    # load
    "load http://h": "begins with ws:// or wss://",
    "load --shape rmp": "did you mean ramp?",
    "load --shape none.toml": "none.toml cannot be read",
    "load --time soon": "--time is a time such as 60s",
    "load --time 0": "has no end",
    "load --users 0": "--users: it is 1 or more",
    "load --users 4 --processes 5": "more than --users 4",
    "load --users 999 --processes 256": "would only wait for each other",
    "load --fail-if p95(StartTransacton)<1s": "did you mean StartTransaction?",
    "load --fail-if p95(StartTransaction.anser)<1s": "did you mean answer?",
    "load --fail-if fast": "is no bound",
    "load --compare none": "it has no run.json",
    "load --control http://h": "--control goes with a URL",
    "load --csms nope": "no CSMS is called 'nope'",
    "load ws://h/x --csms send-then-append": "not both",
    f"load --id-prefix {'x' * 40}": "at most",
    f"load --id-tag {'x' * 21}": "1 to 20 characters",
    "load ws://h/x --ids A,B --users 3": "needs as many --ids",
    "load ws://h/x --ca none.pem": "--ca",
    # fleet
    "fleet": "URL is missing",
    "fleet ws://h/x --stations 0": "--stations: it is 1 or more",
    "fleet ws://h/x --time x": "--time is a time",
    "fleet ws://h/x --profile dya": "there is no profile 'dya'",
    # serve
    "serve x": "x is too much",
    "serve --profile 9": "--profile: it is at most 3",
    "serve --profile 2": "needs --certificate and --private-key",
    "serve --store x": "--store is sqlite:///FILE",
    "serve --store sqlite:///none/x.db": "there is no folder none",
    "serve --node 'a b'": "--node is 1 to 12 letters",
    "serve --heartbeats often": "--heartbeats is presence or every",
    "serve --slots 5 --connectors 2": "--slots 5 is more than --connectors 2",
    "serve --host 0.0.0.0": "sends everything in the clear",
    "serve --config none.toml": "none.toml cannot be read",
    "serve --config text.py": "is not TOML",
    "serve --protocols 3": "--protocols",
    "serve --loop fast": "--loop is auto, asyncio or uvloop",
    "serve --log-format yaml": "--log-format is text or json, not 'yaml'",
    # search, prove, worlds
    "search --budget x": "--budget is a time",
    "search --csms nope": "no CSMS is called 'nope'",
    "prove --budget 0": "--budget is a time",
    "prove nope": "nope",
    "worlds --csms nope": "no CSMS is called 'nope'",
    # check
    "check": "",
    "check statio": "there is no command 'statio'; did you mean station?",
    "check station --listen x": "--listen is HOST:PORT",
    "check csms": "URL is missing",
    "check csms http://h": "begins with ws:// or wss://",
    # the rest
    "": "",
    "serv": "did you mean serve?",
    "explain": "ID is missing",
    "explain i2": "did you mean I02?",
    "explain targets": "did you mean `interlock list targets`?",
    "list scenario": "did you mean scenarios?",
    "judge": "FILE is missing",
    "replay": "RUN_DIR is missing",
    "report": "RUN_DIR is missing",
    "config serv": "did you mean serve?",
    "config run --sede 3": "there is no option --sede",
    "new": "KIND is missing",
    "new scenrio x": "did you mean scenario?",
    "new scenario X": "small letters",
}
UNTOLD = {
    "judge none": "none cannot be read",
    "judge text.py": "text.py",
    "replay none": "is no readable run directory",
    "report none": "is not a folder",
    "report .": "holds no run",
    "judge .": ". is no run directory, for it has no run.json",
    "judge deep.json": "the JSON that begins here does not end",
    "judge loop": "loop cannot be read: Too many levels of symbolic links",
    "judge newer": "run.json has schema 99, this program reads",
    "judge empty.py": "empty.py holds no message",
    "judge utf16.toml": "utf16.toml is UTF-16; write it as UTF-8",
    "report damaged": "suite.json is damaged: it does not hold what Interlock writes",
    "replay binary": "binary is no readable run directory",
    f"run {RACE} --junit /dev/full --quiet": "--junit: /dev/full cannot be written: No space left on device",
}
FILES = {
    "text.py": "this is = no Python and no TOML\n",
    "empty.py": "",
    "deed.py": "steps=(step('heartbeets', 3.0),)",
    "params.py": "steps=(step('heartbeats', 3.0, cont=1),)",
    "persona.py": "steps=(), persona='pain'",
    "ends.py": "raise SystemExit(0)\n",
    "cases/ends.py": "raise SystemExit(0)\n",
    "stranger.toml": "[stranger]\nodd = 1\n",
    "near.toml": "ocpp_prt = 1\n",
    "old/run.json": "{}",
    "kind.toml": "url = 'http://h'\nask = 'x'\n",
    "twice.toml": "url = 'http://h'\nurl = 'http://h'\n",
    "key.toml": "urll = 'http://h'\n",
    "slow.toml": "url = 'http://h'\ntimeout_s = -1\n[ask]\npath = '/x'\nbody = '{payload}'\naccepted = [200]\n",
    "bool.toml": "quiet = 'maybe'\n",
    "port.toml": "ocpp_port = 99999\n",
    "kinds.toml": "features = 7\n",
    "values.toml": "[values]\nconnectr = 1\n",
    "limits.toml": "[limits]\nanswer = -5\n",
    "ftp.toml": "[plug]\nurl = 'ftp://x'\n",
    "place.toml": "[plug]\nrun = 'plug {conector}'\n",
    "text.toml": "[plug]\nrun = 5\n",
    "numbers/a.py": "CASES = 5\n",
    "typo": "heartbeat-vs-unlok\n",
    "date": "heartbeat-vs-unlock until 2026-13-45\n",
    "raises.py": "1 / 0\n",
    "deep.json": "[" * 200_000,
    "newer/run.json": '{"schema": 99}',
    "damaged/suite.json": '{"runs": 7}',
}
BYTES = {
    "binary": b"\x7fELF\xa2\x00\xff",
    "utf16.toml": "url = 'x'".encode("utf-16"),
    "bom.toml": b"\xef\xbb\xbfurl = 'http://h'",
}


def ended(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(shlex.split(line))
    out, err = capsys.readouterr()
    return end.value.code, out, err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        head = "from interlock.scenarios.spec import Scenario, step\nSCENARIO = Scenario('a', 'b', 'c', "
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{head}{text})\n" if text.startswith("steps") else text)
    for name, data in BYTES.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTERLOCK_API_TOKEN", raising=False)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", [*USAGE, *UNTOLD])
def test_a_wrong_input_is_one_sentence_and_the_right_exit_code(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ended(line, capsys)
    assert code == (2 if line in USAGE else 3), err
    says = USAGE.get(line, UNTOLD.get(line, ""))
    if not says:
        assert "Usage:" in out  # without a command, that is what helps
        return
    assert says in err
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("interlock: ")
    for word in ("Traceback", "pydantic", "Input should", "Invalid value", "Value error", "<int", "None"):
        assert word not in err


def test_there_are_enough() -> None:
    assert len(USAGE) + len(UNTOLD) >= 180


@pytest.mark.parametrize("command", ["", "run", "load", "fleet", "serve", "search", "prove", "worlds", "judge", "new"])
def test_help_is_plain_and_fits_80_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = ended(f"{command} --help", capsys)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for word in ("<int", "<str", "<path", "<file", "[[", "env var: INTERLOCK_RUN", "\x1b"):
        assert word not in out
