"""OCPP 1.6J stations and operators for Locust: how fast is a CSMS under load, and does it stay right?

    locust -f loadtests/locustfile.py --host ws://127.0.0.1:9000/ocpp --headless -u 100 --run-time 60s

Works with the web UI, `--headless`, `--processes` and `--master` with `--worker`. A run ends with a verdict: one that
was fast and wrong exits 1. `interlock load` is the short way.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import secrets
import shlex
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gevent

if importlib.util.find_spec("interlock") is None:
    # Locust loads this file by its path, also from a checkout that is not installed.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from locust import events
from locust.runners import MasterRunner, WorkerRunner

from interlock.loadtests.users.control import NoControl, control_of
from interlock.loadtests.users.operator_user import OperatorUser
from interlock.loadtests.users.record import Parts, Plan, Record, finish
from interlock.loadtests.users.shapes import Shape, shape_of
from interlock.loadtests.users.station_user import StationUser
from interlock.loadtests.users.verdict_page import add_verdict
from interlock.scenarios.live.load_shape import BUILT_IN
from interlock.simulator.network.address import NoAddress, parse

__all__ = ["OperatorUser", "Shape", "StationUser"]

LOG = logging.getLogger("interlock")
HAND_IN_S = 120.0
"""How long the master waits for what workers recorded."""
GONE_S = 5.0
"""How long it waits when there are no workers any more."""
FINISH, PART, PART_DONE, REFUSED = "interlock_finish", "interlock_part", "interlock_done", "interlock_refused"
SAID_S = 2.0


@events.init_command_line_parser.add_listener
def _options(parser: Any) -> None:
    add = parser.add_argument
    add("--shape", default="soak", choices=list(BUILT_IN), help="What happens", env_var="INTERLOCK_SHAPE")
    add("--load-shape", default="", help="A shape of one's own as JSON", include_in_web_ui=False)
    add("--fail-if", action="append", default=[], help="A bound, as in p95(all.answer)<200ms", include_in_web_ui=False)
    add("--seed", type=int, default=0, help="What everything random is drawn from", env_var="INTERLOCK_SEED")
    add("--out", default="interlock-out/load", help="Where to keep the run directory", env_var="INTERLOCK_OUT")
    add("--control", default="", help="Operator's API: http://HOST:PORT of `interlock serve`, or a TOML file")
    add("--commands", type=float, default=2.0, help="Operator's requests a second")
    add("--id-prefix", default="", help="What station ids begin with; default: new for each run")
    add("--id-tag", default="TAG-DRIVER", help="The card all drivers show")
    add("--connectors", type=int, default=2, help="Connectors of each station")
    add(
        "--station-password", default="", help="Password of every station", is_secret=True, env_var="INTERLOCK_PASSWORD"
    )
    add("--ca", default="", help="wss: certificates to trust, as PEM")
    add("--cert", default="", help="wss: the stations' own certificate, as PEM")
    add("--key", default="", help="wss: its private key, as PEM")
    add("--insecure", action="store_true", default=False, help="wss: trust any certificate")
    add("--headers", default="{}", help="More headers as JSON", is_secret=True, env_var="INTERLOCK_HEADERS")
    add("--ids", default="", help="Ids of the stations it knows, with commas", env_var="INTERLOCK_IDS")
    add("--reproduce", default="", help="The command line to show", include_in_web_ui=False)
    add("--progress", action="store_true", default=False, help="Print a line of JSON now and then")


class Run:
    """What this process is doing."""

    record: Record | None = None
    parts: Parts | None = None
    refused: str | None = None
    expected = 0
    summary: dict[str, Any] | None = None
    took_s = 0.0
    """How long the load lasted."""


@events.init.add_listener
def _begin(environment: Any, runner: Any, **_: Any) -> None:
    # Locust takes care of SIGTERM too late for a run with a shape: until then it ends like Ctrl-C, which is judged.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = environment.parsed_options
    if isinstance(runner, WorkerRunner):
        runner.register_message(FINISH, lambda environment, msg: environment.runner.stop(), concurrent=True)
        # After the runner's own listener, so before it when they are called: the record goes before the goodbye.
        environment.events.quitting.add_listener(_quitting)
        return
    try:
        parse(environment.host or "")
        control_of(options.control)
    except (NoAddress, NoControl) as error:
        _give_up(str(error))
    if not options.control:
        # Without an operator's API there are no operators.
        environment.user_classes.remove(OperatorUser)
    if isinstance(runner, MasterRunner):
        runner.register_message(PART, lambda environment, msg: _take(msg.data))
        runner.register_message(PART_DONE, lambda environment, msg: _finish_part(msg.data))
        runner.register_message(REFUSED, lambda environment, msg: _refused(environment, msg.data), concurrent=True)
    environment.events.quitting.add_listener(_quitting)
    if options.progress:
        gevent.spawn(_progress, environment)
    if environment.web_ui is not None:
        add_verdict(environment.web_ui.app, lambda: Run.summary)


def _give_up(sentence: str) -> None:
    print(f"interlock: {sentence}", file=sys.stderr, flush=True)
    sys.exit(2)


def _progress(environment: Any) -> None:
    while True:
        gevent.sleep(SAID_S)
        total = environment.stats.total
        now = {
            "users": environment.runner.user_count,
            "requests": total.num_requests,
            "failures": total.num_failures,
            "rps": round(total.current_rps, 1),
            "p95": total.get_current_response_time_percentile(0.95),
        }
        print(json.dumps({"progress": now}), flush=True)


# --- beginning -------------------------------------------------------------------------------------------------------


@events.test_start.add_listener
def _start(environment: Any, **_: Any) -> None:
    options, runner = environment.parsed_options, environment.runner
    if not isinstance(runner, WorkerRunner):
        plan = _plan(environment)
        # Custom options travel to the workers with the order to spawn.
        options.plan = json.dumps(asdict(plan))
        Run.parts, Run.refused, Run.summary = Parts(Path(plan.out)), None, None
        Run.expected = 1
        if isinstance(runner, MasterRunner):
            Run.expected = len(runner.clients.all)
            return
    plan = Plan(**json.loads(options.plan))
    index = max(0, getattr(runner, "worker_index", 0))
    folder = Path(plan.out) / (f"worker-{index}" if isinstance(runner, WorkerRunner) else f"parts/process-{index}")
    record = Record(plan, index, folder, lambda why: _refused_here(environment, why))
    Run.record = StationUser.record = OperatorUser.record = record
    OperatorUser.control = control_of(plan.control)


def _plan(environment: Any) -> Plan:
    options, began = environment.parsed_options, time.time()
    seconds = float(options.run_time or 0)
    return Plan(
        url=environment.host,
        shape=shape_of(options.load_shape, options.shape).name,
        users=int(options.num_users or 1),
        rate=float(options.spawn_rate or 1),
        seconds=seconds,
        seed=options.seed,
        out=options.out,
        prefix=options.id_prefix or f"LT{secrets.token_hex(4)}-",
        id_tag=options.id_tag,
        connectors=options.connectors,
        began=began,
        commands=options.commands,
        control=options.control,
        password=options.station_password or "",
        ca=options.ca,
        cert=options.cert,
        key=options.key,
        insecure=options.insecure,
        headers=json.loads(options.headers),
        ids=tuple(options.ids.split(",")) if options.ids else (),
        reproduce=options.reproduce or _again(options, environment.host),
        load_shape=options.load_shape,
        fail_if=tuple(options.fail_if or ()),
    )


def _again(options: Any, host: str) -> str:
    words = ["interlock", "load", host, "--shape", options.shape, "--users", str(options.num_users or 1)]
    return shlex.join([*words, "--time", f"{float(options.run_time or 0):g}s", "--seed", str(options.seed)])


# --- nobody lets us in -----------------------------------------------------------------------------------------------


def _refused_here(environment: Any, why: str) -> None:
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.send_message(REFUSED, {"why": why})
    elif Run.refused is None:
        # In a greenlet of its own: the one that dialled is about to be stopped.
        gevent.spawn(_refused, environment, {"why": why})


def _refused(environment: Any, data: dict[str, Any]) -> None:
    if Run.refused is not None:
        return
    Run.refused = data["why"]
    LOG.error("%s", Run.refused)
    if environment.parsed_options.headless:
        environment.runner.quit()
    else:
        environment.runner.stop()


# --- ending ----------------------------------------------------------------------------------------------------------


@events.test_stopping.add_listener
def _stopping(**_: Any) -> None:
    if Run.record is not None:
        Run.record.stopping()


@events.test_stop.add_listener
def _stopped(environment: Any, **_: Any) -> None:
    runner, record = environment.runner, Run.record
    if isinstance(runner, WorkerRunner):
        if record is not None:
            Run.record = None
            _hand_in(runner, record)
        return
    if Run.parts is None or Run.summary is not None:
        return
    Run.took_s = time.time() - Plan(**json.loads(environment.parsed_options.plan)).began
    if isinstance(runner, MasterRunner):
        _collect(runner, Run.parts)
    elif record is not None:
        Run.record = None
        Run.parts.finish(record.end())
    _judge(environment, Run.parts)


def _quitting(environment: Any, **_: Any) -> None:
    """End a run that was interrupted like any other: Locust works out its exit code right after this."""
    if Run.record is not None or (Run.parts is not None and Run.summary is None):
        environment.runner.stop()


def _hand_in(runner: Any, record: Record) -> None:
    summary = record.end()
    for data in record.chunks():
        runner.send_message(PART, {"index": record.index, "data": data})
        gevent.sleep(0)
    runner.send_message(PART_DONE, summary)
    (record.folder / "history.jsonl").unlink(missing_ok=True)
    record.folder.rmdir()


def _take(data: dict[str, Any]) -> None:
    if Run.parts is not None:
        Run.parts.take(data["index"], data["data"])


def _finish_part(data: dict[str, Any]) -> None:
    if Run.parts is not None:
        Run.parts.finish(data)


def _collect(runner: Any, parts: Parts) -> None:
    """Let the workers' users stop, and wait for what they recorded."""
    runner.send_message(FINISH)
    now = last_seen = time.monotonic()
    until = now + HAND_IN_S
    while len(parts.done) < Run.expected and now < min(until, last_seen + GONE_S):
        gevent.sleep(0.1)
        now = time.monotonic()
        if any(client.state != "missing" for client in runner.clients.all):
            last_seen = now


def _judge(environment: Any, parts: Parts) -> None:
    plan = Plan(**json.loads(environment.parsed_options.plan))
    control = control_of(plan.control) if Run.refused is None else None
    summary = finish(plan, parts, Run.expected, control, Run.took_s if plan.seconds else None)
    summary["refused"] = Run.refused
    Run.summary = summary
    environment.process_exit_code = {"PASS": 0, "FAIL": 1}.get(summary["verdict"], 3)
    (Path(plan.out) / "summary.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", "utf-8")
    failed = f": {', '.join(summary['failed'])}" if summary["failed"] else ""
    LOG.warning("%s%s, %d observations in %s", summary["verdict"], failed, summary["observations"], plan.out)
