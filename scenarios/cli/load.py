"""`interlock load`: Locust users that are charging stations and operators, against any CSMS or against ours.

Locust patches sockets when it is imported, so it runs in a process of its own, with `loadtests/locustfile.py`, which
is found by its path and never imported. What it leaves is a run directory; this adds what the CSMS's process cost, and
a page with both.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import math
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time as wall
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.scenarios.cli import load_compare
from interlock.scenarios.cli import reach as options
from interlock.scenarios.cli.load_compare import earlier
from interlock.scenarios.cli.load_screen import Screen
from interlock.scenarios.cli.places import check_folder
from interlock.scenarios.judge import thresholds
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.live.load_shape import BUILT_IN
from interlock.scenarios.live.load_shape_file import find
from interlock.scenarios.live.serve_process import ServeProcess
from interlock.scenarios.refused import UNTOLD, Refused, extra
from interlock.scenarios.runner import REFERENCE, csms_class
from interlock.scenarios.targets.target import TOKEN_VARIABLE, token_for
from interlock.scenarios.user_file import read_text

CORES = os.cpu_count() or 1
PER_CORE = 4
"""Processes of one core: more of them only wait for each other."""
LOCUSTFILE = Path(__file__).resolve().parents[2] / "loadtests" / "locustfile.py"
LOOK_S = 0.5
CLOSING_S = 1.0
"""How long a CSMS of ours, whose log is thrown away, may take to end."""
ENDING_S = 240.0
"""Beyond its time a run may take this long to end, hand in its records and be judged."""
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(slots=True)
class Cost:
    """What the CSMS's process used: (Unix time, share of a core, bytes of memory)."""

    pid: int
    samples: list[tuple[float, float, int]] = field(default_factory=list)
    _before: tuple[float, float] | None = None

    def sample(self) -> None:
        """Look at /proc, where there is one."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            now, busy_s = wall.time(), (int(fields[11]) + int(fields[12])) / TICKS
            if self._before is not None and now > self._before[0]:
                share = (busy_s - self._before[1]) / (now - self._before[0])
                self.samples.append((now, share, int(fields[21]) * PAGE_BYTES))
            self._before = now, busy_s

    def write(self, path: Path) -> None:
        """Write it as CSV."""
        lines = ["unix,cpu,rss_bytes", *(f"{at:.3f},{share:.4f},{rss}" for at, share, rss in self.samples)]
        path.write_text("\n".join(lines) + "\n", "utf-8")


@dataclass(frozen=True, slots=True)
class Served:
    """A CSMS to load: where stations connect, where operators ask, and what it costs, where it is ours."""

    url: str
    control: str
    token: str
    cost: Cost | None = None


def load(
    url: Annotated[
        str | None,
        typer.Argument(metavar="URL", help="Where the CSMS is: ws:// or wss://; default: one of ours is started."),
    ] = None,
    users: Annotated[int, typer.Option("--users", "-u", min=1, help="How many stations.")] = 50,
    shape: Annotated[
        str, typer.Option(help=f"What happens: {', '.join(BUILT_IN)}, or a FILE.toml or FILE.py (docs/load.md).")
    ] = "ramp",
    time: Annotated[str, typer.Option(help="How long: `60s`, `5m`, `1h`.")] = "60s",
    rate: Annotated[float | None, typer.Option(min=0.01, help="Stations switched on a second.")] = None,
    commands: Annotated[float | None, typer.Option(min=0, help="Operator's requests a second.")] = None,
    control: Annotated[
        str, typer.Option(help=f"Operator's API: http://HOST:PORT of `interlock serve`, or TOML ({TOKEN_VARIABLE}).")
    ] = "",
    processes: Annotated[int, typer.Option(min=1, max=256, help="Processes that make the load.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="What everything random is drawn from.")] = 0,
    csms: Annotated[str, typer.Option(help="Without a URL: the reference, or a wrong design by name.")] = REFERENCE,
    id_prefix: Annotated[str, typer.Option(help="What station ids begin with; default: new for each run.")] = "",
    id_tag: Annotated[str, typer.Option(help="The card all drivers show.")] = "TAG-DRIVER",
    connectors: Annotated[int, typer.Option(min=1, max=20, help="Connectors of each station.")] = 2,
    password: options.Password = None,
    password_file: options.PasswordFile = None,
    header: options.Headers = None,
    ids: options.Ids = None,
    ca: options.Ca = None,
    cert: options.Cert = None,
    key: options.Key = None,
    insecure: options.Insecure = False,
    wait: options.Wait = "0",
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="BOUND", help="Fail unless 'p95(StartTransaction.answer)<200ms'; may be repeated."),
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="RUN", help="An earlier run: show what changed, and the noise.")
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="Show it in Locust's web interface; ends with Ctrl-C.")] = False,
    web_port: Annotated[int, typer.Option(min=0, max=65535, help="Where on this machine; 0: any.")] = 8089,
    out: Annotated[Path, typer.Option(help="Where to keep the run.")] = Path("interlock-out/load"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
) -> None:
    """Load a CSMS with stations and operators, and see how fast it is and whether it stays right.

    A CSMS that was fast and wrong exits 1. Ctrl-C or SIGTERM ends the sessions and judges what there is.
    """
    seconds = _checked(url, time, id_prefix, id_tag, control, csms)
    what, bounds, before = find(shape), _bounds(fail_if or []), earlier(compare, out)
    if control and not control.startswith(("http://", "https://")):
        control = str(Path(control).resolve())  # Locust runs in a folder of its own
    secret, names = options.secret_of(password, password_file), options.ids_of(ids)
    headers = options.headers_of(header)
    _check_reach(url, (ca, cert, key), users, processes, names, wait, insecure=insecure)
    _check_installed()
    from interlock.scenarios.live.fleet import make_room

    # Ours holds all of them in one process.
    make_room(users if url is None else math.ceil(users / processes))
    speed = rate if rate is not None else max(10.0, users / (0.2 * seconds))
    asked = commands if commands is not None else min(20.0, max(1.0, users / 20))
    words = [
        *(("--shape", shape) if shape in BUILT_IN else ("--load-shape", json.dumps(what.as_json()))),
        *(word for bound in bounds for word in ("--fail-if", str(bound).replace(" ", ""))),
        *("--users", str(users), "--run-time", f"{seconds:g}s", "--spawn-rate", f"{speed:g}"),
        *("--seed", str(seed), "--commands", f"{asked:g}", "--id-prefix", id_prefix, "--id-tag", id_tag),
        *("--connectors", str(connectors), "--out", str(out.resolve())),
        *(
            word
            for name, file in (("--ca", ca), ("--cert", cert), ("--key", key))
            if file
            for word in (name, str(file))
        ),
        *(("--insecure",) if insecure else ()),
        *(_processes(processes) if processes > 1 else ()),
        *("--reproduce", _again(locals())),
    ]
    check_folder("--out", out)
    _forget(out)
    say = Screen(quiet=quiet or as_json)
    page = _web_port(web_port) if web else None
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C
    with tempfile.TemporaryDirectory(prefix="interlock-load-") as folder, _target(url, control, csms, folder) as target:
        say.begin(target.url, target.control, users, what.name, seconds, seed, ours=target.cost is not None, page=page)
        private = _private(secret, headers, names)
        summary = _run(target, words, None if web else seconds, private, out, Path(folder), say, page)
    changed = None if before is None else load_compare.write(out, before)
    _finish(out, summary, changed, as_json=as_json, say=say)


# --- what was asked --------------------------------------------------------------------------------------------------


def _checked(url: str | None, time: str, prefix: str, id_tag: str, control: str, csms: str) -> float:
    seconds = options.seconds_of("--time", time)
    if seconds is None:
        raise Refused("--time 0 has no end; a load test has one, such as 60s, 5m or 1h")
    if url is not None:
        options.address_of(url)
    elif control:
        raise Refused("--control goes with a URL; without one a CSMS of ours is started, and its API is known")
    if control:
        _check_control(control)
    csms_class(csms)
    if url is not None and csms != REFERENCE:
        raise Refused("give a URL or --csms, not both")
    options.check_prefix(prefix)
    if len(prefix) > 36:
        raise Refused("--id-prefix has at most 36 characters here: a number of the process and the station follow")
    if not 1 <= len(id_tag) <= 20:
        raise Refused("a card's id has 1 to 20 characters in OCPP 1.6")
    return seconds


def _bounds(texts: list[str]) -> list[thresholds.Threshold]:
    try:
        return [thresholds.parse(text) for text in texts]
    except thresholds.NoThreshold as error:
        raise Refused(f"--fail-if: {error}") from None


def _check_control(control: str) -> None:
    if token_for(control, os.environ) is not None:
        return
    from interlock.scenarios.targets.control_file import NoTarget
    from interlock.scenarios.targets.control_file import load as read

    try:
        read(Path(control), os.environ)
    except NoTarget as error:
        raise Refused(f"--control: {error}") from None


def _check_reach(
    url: str | None,
    files: tuple[Path | None, Path | None, Path | None],
    users: int,
    processes: int,
    ids: tuple[str, ...],
    wait: str,
    *,
    insecure: bool,
) -> None:
    """Refuse what does not go together, and wait for a CSMS that is still starting."""
    options.check_files(url is not None and options.address_of(url).secure, *files, insecure=insecure)
    if processes > 1 and processes > PER_CORE * CORES:
        most = PER_CORE * CORES
        raise Refused(f"--processes {processes} would only wait for each other: with {CORES} cores take at most {most}")
    if processes > users:
        raise Refused(f"--processes {processes} is more than --users {users}: each needs a station")
    if ids and processes > 1:
        raise Refused("--ids goes with one process: leave --processes away")
    if ids and users > len(ids):
        raise Refused(f"--users {users} needs as many --ids, and there are {len(ids)}")
    if url is not None and options.seconds_of("--wait", wait):
        asyncio.run(options.reach(url, wait=wait).there())


def _check_installed() -> None:
    if importlib.util.find_spec("locust") is None or importlib.util.find_spec("websocket") is None:
        raise Refused(f"load tests need Locust; {extra('load')}")
    if not LOCUSTFILE.is_file():
        raise Refused(f"{LOCUSTFILE} is missing: this installation was made without the load tests")


def _web_port(port: int) -> int:
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    except OSError as error:
        raise Refused(f"--web-port {port}: {error.strerror or error}", UNTOLD) from None


def _processes(number: int) -> list[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return [
        *("--processes", str(number), "--master-bind-host", "127.0.0.1", "--master-host", "127.0.0.1"),
        *("--master-bind-port", port, "--master-port", port),
    ]


def _again(given: dict[str, Any]) -> str:
    """Return the line that does this again, without the password."""
    words = ["interlock", "load", *([given["url"]] if given["url"] else [])]
    for name, default in (
        ("users", 50),
        ("shape", "ramp"),
        ("time", "60s"),
        ("rate", None),
        ("commands", None),
        ("control", ""),
        ("processes", 1),
        ("seed", None),
        ("csms", REFERENCE),
        ("id_prefix", ""),
        ("id_tag", "TAG-DRIVER"),
        ("connectors", 2),
        ("fail_if", None),
    ):
        value = given[name]
        if isinstance(value, list):
            words += [word for one in value for word in (f"--{name.replace('_', '-')}", one)]
            continue
        if value is not None and value != default:
            words += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join([*words, *options.again(given)])


def _forget(out: Path) -> None:
    """Take away what an earlier run left, or it could be taken for this one's."""
    names = (
        "run.json",
        "history.jsonl",
        "verdict.json",
        "summary.json",
        "calls.json",
        "distributions.json",
        "metrics.txt",
        load_compare.FILE,
        "csms.csv",
        "load.html",
        "report.html",
    )
    for path in [out / name for name in names] + list(out.glob("locust_*.csv")):
        path.unlink(missing_ok=True)


# --- the CSMS --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _target(url: str | None, control: str, csms: str, folder: str) -> Iterator[Served]:
    if url is not None:
        yield Served(url, control, os.environ.get(TOKEN_VARIABLE, ""))
        return
    words = ["--store", f"sqlite:///{folder}/load.sqlite", "--tokens", "Accepted", "--csms", csms]
    # Ctrl-C ends the stations first, whose last messages the CSMS must still receive.
    node = ServeProcess(folder, words, own_session=True)
    node.start()
    try:
        yield Served(node.stations_url, node.operators_url, node.token, Cost(node.process.pid))
    finally:
        node.stop(CLOSING_S)


def _secrets(control: str) -> dict[str, str]:
    """Return the environment variables that a control file names."""
    if not control or control.startswith(("http://", "https://")):
        return {}
    from interlock.scenarios.targets.control_file import SLOT

    names = [name for name, _ in SLOT.findall(read_text(Path(control))) if name]
    return {name: os.environ[name] for name in names if name in os.environ}


def _private(password: str | None, headers: dict[str, str], ids: tuple[str, ...]) -> dict[str, str]:
    """Return what every process is told by its environment, which others do not see."""
    found = {"INTERLOCK_HEADERS": json.dumps(headers), "INTERLOCK_IDS": ",".join(ids)}
    return {**found, **({"INTERLOCK_PASSWORD": password} if password else {})}


def _environment(more: dict[str, str]) -> dict[str, str]:
    # Settings of Locust's or ours that are meant for something else stay out of it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "INTERLOCK_"))}
    return {**kept, **more}


# --- the load --------------------------------------------------------------------------------------------------------


def _run(
    target: Served,
    words: list[str],
    seconds: float | None,
    private: dict[str, str],
    out: Path,
    folder: Path,
    say: Screen,
    page: int | None,
) -> dict[str, Any]:
    """Run Locust to its end; return what it left in `summary.json`. `seconds`: None for one that ends with Ctrl-C."""
    way = ["--headless"] if page is None else ["--autostart", "--web-host", "127.0.0.1", "--web-port", str(page)]
    command = [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *way, "--host", target.url),
        *("--only-summary", "--loglevel", "ERROR", "--skip-log-setup", "--progress"),
        *("--csv", str(out.resolve() / "locust"), "--csv-full-history", *words),
        *(("--control", target.control) if target.control else ()),
    ]
    env = _environment({TOKEN_VARIABLE: target.token, **_secrets(target.control), **private})
    said, complained = folder / "locust.out", folder / "locust.err"
    with said.open("w") as output, complained.open("w") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=folder, env=env, start_new_session=True
        )
    try:
        until = math.inf if seconds is None else wall.monotonic() + seconds + ENDING_S
        _watch(process, target, said, until, say, out / "summary.json")
    finally:
        _end_all(process)
    if target.cost is not None:
        target.cost.write(out / "csms.csv")
    try:
        summary: dict[str, Any] = json.loads((out / "summary.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise Refused(f"the load test broke: {_last(complained)}", 2 if process.returncode == 2 else UNTOLD) from None
    if summary.get("refused"):
        raise Refused(str(summary["refused"]), UNTOLD)
    if not summary["connects"] and not summary["interrupted"]:
        secure = options.address_of(target.url).secure
        other = "ws://" if secure else "wss://"
        raise Refused(f"no handshake came to an end within the time of the run; is it {other} perhaps?", UNTOLD)
    return summary


def _watch(
    process: subprocess.Popen[bytes], target: Served, said: Path, until: float, say: Screen, summary: Path
) -> None:
    interrupted = 0
    while process.poll() is None:
        try:
            if target.cost is not None:
                target.cost.sample()
            say.look(said, _cost(target.cost))
            if until == math.inf:
                say.judged(summary)
            if wall.monotonic() > until:
                raise Refused("the load test did not come to an end and was stopped", UNTOLD)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_S)
        except KeyboardInterrupt:
            interrupted += 1
            if interrupted > 1:
                raise Refused("interrupted before it was judged", UNTOLD) from None
            say.line("ending the sessions; Ctrl-C again to give up")
            process.send_signal(signal.SIGINT)
            until = min(until, wall.monotonic() + ENDING_S)


def _cost(cost: Cost | None) -> str:
    """Return what is shown of the CSMS's process: nothing where it is not ours."""
    if cost is None or not cost.samples:
        return ""
    _, share, rss = cost.samples[-1]
    return f"   CSMS {100 * share:.0f} % CPU, {rss / 2**20:.0f} MiB"


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing behind: the session that was begun for it holds its workers too."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last(path: Path) -> str:
    lines = [line.strip() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("interlock: ")[:300] if lines else "it said nothing"


def _finish(out: Path, summary: dict[str, Any], changed: dict[str, Any] | None, *, as_json: bool, say: Screen) -> None:
    from interlock import reports

    page = reports.render_load(out)
    table = reports.load_table(out)
    if as_json:
        found = {**summary, "actions": table, "report": str(page), "comparison": changed}
        typer.echo(json.dumps(found, indent=1, sort_keys=True))
    else:
        say.end(out, summary, table, page, () if changed is None else load_compare.lines(changed))
    raise typer.Exit(Verdict[summary["verdict"]].exit_code)
