"""`interlock serve`: the reference CSMS on real sockets and a real store."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import os
import re
import secrets
import signal
import ssl
import stat
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.scenarios.cli.serve_console import Console, Record, watched
from interlock.scenarios.cli.serve_lines import Lines
from interlock.scenarios.refused import ENDED, UNTOLD, USAGE, Refused, cause, extra
from interlock.scenarios.runner import REFERENCE, csms_class, nearest
from interlock.scenarios.targets.target import TOKEN_VARIABLE

if TYPE_CHECKING:
    from interlock.csms.node import Csms
    from interlock.csms.store import EventStore

ANSWERED_WITHIN_S = 5.0
"""How long a stop waits for operators' requests that are under way."""
LAST_WORDS_S = 1.0
"""The same, of a node that is over."""
NEW_NAMES = 1.0
"""Stations the log does not know that an address may bring up, as a share of the messages it may send a second."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    host: str
    ocpp_port: int
    api_port: int
    store: str
    node: str
    profile: int
    certificate: Path | None
    private_key: Path | None
    clients: Path | None
    connectors: int
    slots: int | None
    heartbeats: str
    heartbeat_s: int
    offline_s: float
    call_timeout_s: float
    lateness_s: float
    tokens: str
    token_file: Path | None
    open_to_all: bool
    csms: str
    quiet: bool
    api_host: str
    allow_host: tuple[str, ...]
    protocols: str | None
    strict: bool
    ignore_pings: bool
    allow_origin: tuple[str, ...]
    address_messages: float
    log_format: str
    record: Path | None


def _from_file(context: typer.Context, path: Path | None) -> Path | None:
    """Take what a file says as the defaults; what is typed wins."""
    if path is None:
        return None
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeError) as error:
        raise Refused(f"--config {path} cannot be read: {cause(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"--config {path} is not TOML: {error}") from None
    known = sorted(one.name for one in context.command.params if one.name and one.name not in ("config", "help"))
    for name in found:
        if name not in known:
            near = nearest(name, known) or f"; options are {', '.join(known)}"
            raise Refused(f"--config {path}: {name} is no option{near}")
    context.default_map = {**(context.default_map or {}), **found}
    return path


def serve(
    config: Annotated[
        Path | None,
        typer.Option(help="TOML with these options, as in ocpp_port = 9000.", is_eager=True, callback=_from_file),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on for stations.")] = "127.0.0.1",
    ocpp_port: Annotated[int, typer.Option(min=0, max=65535, help="For stations; 0: any.")] = 9000,
    api_port: Annotated[int, typer.Option(min=0, max=65535, help="For operators; 0: any.")] = 8080,
    api_host: Annotated[
        str, typer.Option(help="Address to listen on for operators, who speak plain HTTP: keep it on loopback.")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name operators may call this host by, behind a proxy for example.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="A web page's origin, as http://HOST:PORT, that may be a station at profile 0."),
    ] = None,
    address_messages: Annotated[
        float, typer.Option(min=1, help="Messages a second of one address; without proof as many new stations.")
    ] = 5000.0,
    store: Annotated[
        str, typer.Option(help="sqlite:///FILE, postgresql://..., or memory: (which forgets).")
    ] = "sqlite:///interlock.sqlite",
    node: Annotated[str, typer.Option(help="This node's name; each node of a database has its own.")] = "node1",
    profile: Annotated[
        int, typer.Option(min=0, max=3, help="Security: 0 none, 1 password, 2 password and TLS, 3 certificates.")
    ] = 0,
    certificate: Annotated[Path | None, typer.Option(help="TLS: this server's certificate chain (PEM).")] = None,
    private_key: Annotated[Path | None, typer.Option(help="TLS: its key (PEM).")] = None,
    clients: Annotated[Path | None, typer.Option(help="Profile 3: the CA of the stations' certificates.")] = None,
    connectors: Annotated[int, typer.Option(min=1, max=1000, help="Connectors of a station.")] = 2,
    slots: Annotated[int | None, typer.Option(min=1, help="Of which this many charge at once.")] = None,
    heartbeats: Annotated[str, typer.Option(help="`presence`, or `every` to store each.")] = "presence",
    heartbeat_s: Annotated[int, typer.Option(min=1, help="The interval stations are told.")] = 300,
    offline_s: Annotated[float, typer.Option(min=1, help="Silence after which a station is offline.")] = 900.0,
    call_timeout_s: Annotated[float, typer.Option(min=0.1, help="How long a station may take to answer.")] = 30.0,
    lateness_s: Annotated[float, typer.Option(min=0, help="How long after that an answer may still come.")] = 120.0,
    tokens: Annotated[str, typer.Option(help="How unknown tokens are answered: Invalid or Accepted.")] = "Invalid",
    token_file: Annotated[
        Path | None, typer.Option(help=f"Write the API token here (mode 600); else {TOKEN_VARIABLE} or printed.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse each message that breaks its schema, whatever it says.")
    ] = False,
    ignore_pings: Annotated[
        bool, typer.Option("--ignore-pings", help="Take only OCPP frames, not pings and pongs, for signs of life.")
    ] = False,
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Allow profile 0 or plain passwords beyond loopback.")
    ] = False,
    protocols: Annotated[
        str | None,
        typer.Option(help="OCPP versions, the preferred first, as in 2.0.1,1.6; all there are unless told."),
    ] = None,
    loop: Annotated[
        str, typer.Option(help="The event loop: asyncio, uvloop, or auto (uvloop where it is installed).")
    ] = "auto",
    csms: Annotated[str, typer.Option(help="The reference, or a wrong design by name, to be found out.")] = REFERENCE,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the addresses.")] = False,
    log_format: Annotated[
        str, typer.Option(metavar="text|json", help="How it is told who comes, goes, is refused, and why.")
    ] = "text",
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep every frame here, for `judge` and `report`.")
    ] = None,
) -> None:
    """Run the reference CSMS: stations by WebSocket, operators by HTTP, everything in a durable log.

    Listens on loopback unless told otherwise. Stops cleanly on Ctrl-C or SIGTERM.
    """
    if api_host != "127.0.0.1" and not _is_loopback(api_host) and not open_to_all:
        raise Refused(f"operators' tokens would cross the network in the clear to {api_host}; say --open-to-all")
    wanted = Wanted(
        *(host, ocpp_port, api_port, store, node, profile, certificate, private_key, clients, connectors, slots),
        *(heartbeats, heartbeat_s, offline_s, call_timeout_s, lateness_s, tokens, token_file, open_to_all, csms, quiet),
        *(api_host, tuple(allow_host or ()), protocols, strict, ignore_pings),
        *(tuple(allow_origin or ()), address_messages, log_format, record),
    )
    tls = _checked(wanted)
    said, alarms = Lines(sys.stdout), Lines(sys.stderr)
    console = Console(log_format, time.time, said.say)
    kept = None if record is None else Record(record, csms, time.time)
    design = watched(csms_class(csms), None if quiet else console, kept)
    try:
        with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
            told = {} if quiet else {"told": console.turned_away}
            runner.run(_serve(wanted, tls, design, told, said.say, lambda text: alarms.say(f"ALARM {printable(text)}")))
    finally:
        said.end()
        alarms.end()
        if kept is not None:
            kept.end()
            said.say(f"recorded:  `interlock judge {record}` judges it, `interlock report {record}` shows it")


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the event loop called `name`; None for asyncio's own. Raises `Refused`."""
    if name not in ("auto", "asyncio", "uvloop"):
        raise Refused(f"--loop is auto, asyncio or uvloop, not {name!r}")
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError:
        if name == "auto":
            return None
        raise Refused(f"uvloop is not installed; {extra('fast')}") from None
    return uvloop.new_event_loop


def _checked(wanted: Wanted) -> ssl.SSLContext | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,12}", wanted.node):
        raise Refused(f"--node is 1 to 12 letters, digits, - or _, not {wanted.node!r}")
    for name, value, words in (
        ("heartbeats", wanted.heartbeats, ("presence", "every")),
        ("tokens", wanted.tokens, ("Invalid", "Accepted")),
    ):
        if value not in words:
            raise Refused(f"--{name} is {' or '.join(words)}, not {value!r}")
    for origin in wanted.allow_origin:
        if not re.fullmatch(r"https?://[^/\s?#@]+", origin):
            raise Refused(f"--allow-origin is http://HOST:PORT or https://HOST, without a path, not {origin!r}")
    if wanted.slots is not None and wanted.slots > wanted.connectors:
        raise Refused(f"--slots {wanted.slots} is more than --connectors {wanted.connectors}")
    if wanted.profile < 2 and not wanted.open_to_all and not _is_loopback(wanted.host):
        raise Refused(
            f"profile {wanted.profile} sends everything in the clear, so it listens on loopback only, "
            f"not on {wanted.host}; take --profile 2, or say --open-to-all"
        )
    if wanted.profile >= 2 and (wanted.certificate is None or wanted.private_key is None):
        raise Refused(f"profile {wanted.profile} needs --certificate and --private-key")
    if wanted.profile == 3 and wanted.clients is None:
        raise Refused("profile 3 needs --clients, the CA that signed the stations' certificates")
    if wanted.profile < 2:
        return None
    assert wanted.certificate is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    what = f"{wanted.certificate} and {wanted.private_key}"
    try:
        context.load_cert_chain(wanted.certificate, wanted.private_key)
        if wanted.profile == 3:
            what = str(wanted.clients)
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(wanted.clients)
    except ssl.SSLError:
        needed = (
            "certificates" if what == str(wanted.clients) else "a certificate and the private key that belongs to it"
        )
        raise Refused(f"{what} cannot be used: in PEM form they hold {needed}") from None
    except OSError as error:
        raise Refused(f"{what} cannot be used: {error.strerror or error}") from None
    return context


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def open_store(url: str) -> EventStore:
    """Open the store a URL names. Raises `Refused` for a URL that names none, `StoreError` when it cannot be used."""
    if url == "memory:":
        from interlock.csms.store import MemoryStore

        return MemoryStore()
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        from interlock.csms.store.sqlite import SqliteStore

        path = Path(url.removeprefix("sqlite:///"))
        if not path.parent.is_dir():
            raise Refused(f"--store: there is no folder {path.parent} for {path.name}")
        return await SqliteStore.open(path)
    if url.startswith(("postgresql://", "postgres://")):
        try:
            from interlock.csms.store.postgres import PostgresStore
        except ImportError:
            raise Refused(f"--store postgresql needs psycopg; {extra('postgres')}") from None
        return await PostgresStore.open(url)
    raise Refused(f"--store is sqlite:///FILE, postgresql://... or memory:, not {_without_password(url)!r}")


def _without_password(url: str) -> str:
    return re.sub(r"://[^/@]*@", "://***@", url)


async def _serve(
    wanted: Wanted,
    tls: ssl.SSLContext | None,
    design: type[Csms],
    told: dict[str, Any],
    print_line: Callable[[str], None],
    alarm: Callable[[str], None],
) -> None:
    from interlock.csms.dialects import BY_SUBPROTOCOL, chosen
    from interlock.csms.domain.station import Rules
    from interlock.csms.serve import open_files
    from interlock.csms.serve.api import Api
    from interlock.csms.serve.credentials import Credentials
    from interlock.csms.serve.gate import Gate
    from interlock.csms.serve.limits import Limits
    from interlock.csms.serve.operators import Operators
    from interlock.csms.serve.projections import Projections
    from interlock.csms.serve.server import Server
    from interlock.csms.serve.wall_clock import WallClock, fresh_ids
    from interlock.csms.settings import Settings
    from interlock.csms.store import NameTaken, StoreError

    try:
        dialects = BY_SUBPROTOCOL if wanted.protocols is None else chosen(wanted.protocols.split(","))
    except ValueError as error:
        raise Refused(f"--protocols: {error}") from None
    loop = asyncio.get_running_loop()
    open_files.raise_limit()
    if (files := open_files.limit()) < open_files.LEAST:
        raise Refused(f"this process may open {files} files, and needs {open_files.LEAST} at least: ulimit -n", UNTOLD)
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, asked_to_stop.set)
    token = os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)
    _keep(token, wanted.token_file)
    cut_off = _was_cut_off(wanted.store)
    wrong: list[str] = []
    try:
        store = await open_store(wanted.store)
        if cut_off:
            wrong = await store.check(quick=True)  # type: ignore[attr-defined]
            if wrong:
                raise Refused(f"--store {wanted.store} was not closed, and is damaged: {wrong[0]}", UNTOLD)
        settings = Settings(
            heartbeat_interval_s=wanted.heartbeat_s,
            heartbeats=wanted.heartbeats,  # type: ignore[arg-type]
            offline_after_s=wanted.offline_s,
            call_timeout_s=wanted.call_timeout_s,
            lateness_s=wanted.lateness_s,
            unknown_tokens=wanted.tokens,  # type: ignore[arg-type]
            acceptance="strict" if wanted.strict else "lenient",
            controls="ignored" if wanted.ignore_pings else "alive",
        )
        rules = Rules(wanted.connectors, wanted.slots or wanted.connectors)
        clock, ids = WallClock(loop), fresh_ids(wanted.node)
        node = design(wanted.node, store, clock, ids, settings, lambda _: rules, alarm=alarm, dialects=dialects)
        most = wanted.address_messages
        new = most * NEW_NAMES
        limits = Limits(address_messages_per_s=most, address_messages_burst=10 * most, new_names_burst=new)
        gate = Gate(wanted.profile, "/ocpp/", secrets.token_bytes(16), frozenset(wanted.allow_origin), **told)
        server, records, keys = Server(node, gate, limits), Projections(node), Credentials(node, gate)
        found = await records.start()
        await node.start()
        # Start-up objects exist until the end: freeze them so that the garbage collector does not rescan them.
        gc.collect()
        gc.freeze()
        # Short passes, as nobody is served meanwhile: each goes through what some thousands of allocations left.
        gc.set_threshold(2_000, 2, 100)
        await keys.start()
    except NameTaken as error:
        raise Refused(f"--node {wanted.node}: {error}", USAGE) from None
    except (StoreError, OSError) as error:
        raise Refused(f"--store {_without_password(wanted.store)} cannot be used: {error}", UNTOLD) from None
    stations = len(await records.stations())
    open_commands = sum(1 for one in node.handler.resident.values() for _ in one.state.unfinished())
    try:
        ocpp_port = await server.listen(wanted.host, wanted.ocpp_port, tls)
    except OSError as error:
        raise Refused(f"--ocpp-port {wanted.ocpp_port} on {wanted.host}: {error.strerror or error}", UNTOLD) from None
    hosts = ["localhost", "127.0.0.1", "[::1]", wanted.api_host, *wanted.allow_host]
    app = Api(node, server, records, keys, token).app(hosts)
    operators = Operators(app, clock.now, alarm)
    try:
        api_port = await operators.listen(wanted.api_host, wanted.api_port)
    except OSError as error:
        where = f"{wanted.api_port} on {wanted.api_host}"
        raise Refused(f"--api-port {where}: {error.strerror or error}", UNTOLD) from None

    def shown(host: str) -> str:
        return f"[{host}]" if ":" in host else host

    def say(line: str) -> None:
        if not wanted.quiet:
            print_line(line)

    print_line(f"stations:  {'ws' if tls is None else 'wss'}://{shown(wanted.host)}:{ocpp_port}/ocpp/")
    print_line(f"operators: http://{shown(wanted.api_host)}:{api_port}")
    say("           opened in a browser, this shows the fleet (/docs: the API), and asks for the API token")
    where = _without_password(wanted.store)
    counts = f"{found} events, {stations} stations, {open_commands} commands without an outcome"
    say(f"store:     {where.removesuffix(':')}: {counts}")
    if cut_off:
        say("           it was not closed; looked over, and sound")
    say(f"protocols: {', '.join(node.dialects)}")
    if wanted.csms != REFERENCE:
        say(f"design:    {wanted.csms}, which is WRONG on purpose")
    if wanted.profile == 0:
        say("security:  profile 0: ANY client is taken for the station it says it is")
    if not os.environ.get(TOKEN_VARIABLE) and wanted.token_file is None:
        print(f"API token: {token}", file=sys.stderr, flush=True)
    store.ending.on_end(lambda why: asked_to_stop.set())
    await asked_to_stop.wait()
    if node.ended is not None:
        records.stop()
        operators.close()
        await operators.stop(LAST_WORDS_S)
        for socket in list(server.open):
            socket.abort()
        raise Refused(f"this node is over, start it again: {node.ended}", ENDED)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)  # a second one does not ask
    say("stopping")
    records.stop()
    operators.close()
    finished = await server.stop()
    await operators.stop(ANSWERED_WITHIN_S)
    with contextlib.suppress(StoreError):
        if finished:
            await records.keep()
    try:
        await store.close()
    except StoreError as error:
        raise Refused(f"stopped, and the store was not closed as it should be: {error}", UNTOLD) from None
    if not finished:
        raise Refused("stopped while something was under way: the next start takes it up, as after a crash", UNTOLD)
    say("stopped: everything acknowledged is in the store")


def _was_cut_off(url: str) -> bool:
    """Tell whether a SQLite log was left open: a clean end leaves no write-ahead file behind."""
    path = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ""
    try:
        return bool(path) and os.stat(f"{path}-wal").st_size > 0
    except OSError:
        return False


def _keep(token: str, path: Path | None) -> None:
    if path is None:
        return
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR), "w") as file:
            file.write(token)
    except OSError as error:
        raise Refused(f"--token-file {path}: {error.strerror}") from None


def printable(text: str) -> str:
    """Return what may be shown of a text that a station has part in: one line, without control characters."""
    return "".join(one if one.isprintable() else "?" for one in text[:500])
