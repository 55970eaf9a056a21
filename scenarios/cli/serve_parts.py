"""The parts of a running `interlock serve`: put together from the command line, started, announced and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import secrets
import signal
import ssl
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.scenarios.refused import ENDED, UNTOLD, USAGE, Refused, extra
from interlock.scenarios.runner import REFERENCE
from interlock.scenarios.targets.target import TOKEN_VARIABLE

if TYPE_CHECKING:
    from interlock.csms.dialects import Dialect
    from interlock.csms.node import Csms
    from interlock.csms.serve.credentials import Credentials
    from interlock.csms.serve.operators import Operators
    from interlock.csms.serve.projections import Projections
    from interlock.csms.serve.server import Server
    from interlock.csms.store import EventStore

ANSWERED_WITHIN_S = 5.0
"""How long a stop waits for operators' requests that are under way."""
LAST_WORDS_S = 1.0
"""The same, of a node that is over."""
NEW_NAMES = 1.0
"""Stations the log does not know that an address may bring up, as a share of the messages it may send a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True)
class Said:
    """Who hears what the process says: lines for people, alarms, and in `told` who asks a part for more."""

    line: Callable[[str], None]
    alarm: Callable[[str], None]
    told: Mapping[str, Any]


async def run(wanted: Wanted, tls: ssl.SSLContext | None, design: type[Csms], said: Said) -> None:
    """Serve until a signal or the end of the store. Raises `Refused`: 3 where it cannot start, 4 where it ended."""
    dialects = _dialects(wanted)
    loop = asyncio.get_running_loop()
    _check_open_files()
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, asked_to_stop.set)
    token = os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)
    _keep(token, wanted.token_file)
    process = await _started(wanted, design, dialects, said)
    await process.listen(wanted, tls, token)
    await process.announce(wanted, tls, token)
    process.store.ending.on_end(lambda why: asked_to_stop.set())
    await asked_to_stop.wait()
    if process.node.ended is not None:
        await process.cut_off_all()
        raise Refused(f"this node is over, start it again: {process.node.ended}", ENDED)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)  # a second one does not ask
    await process.stop(wanted)


def _dialects(wanted: Wanted) -> Mapping[str, Dialect]:
    from interlock.csms.dialects import BY_SUBPROTOCOL, chosen

    try:
        return BY_SUBPROTOCOL if wanted.protocols is None else chosen(wanted.protocols.split(","))
    except ValueError as error:
        raise Refused(f"--protocols: {error}") from None


def _check_open_files() -> None:
    from interlock.csms.serve import open_files

    open_files.raise_limit()
    if (files := open_files.limit()) < open_files.LEAST:
        raise Refused(f"this process may open {files} files, and needs {open_files.LEAST} at least: ulimit -n", UNTOLD)


async def _started(wanted: Wanted, design: type[Csms], dialects: Mapping[str, Dialect], said: Said) -> Process:
    """Open the store, put the parts of a process together and start them."""
    from interlock.csms.serve.credentials import Credentials
    from interlock.csms.serve.gate import Gate
    from interlock.csms.serve.limits import Limits
    from interlock.csms.serve.projections import Projections
    from interlock.csms.serve.server import Server
    from interlock.csms.store import NameTaken, StoreError

    cut_off = _was_cut_off(wanted.store)
    try:
        store = await _opened(wanted, cut_off=cut_off)
        node = _node(wanted, design, store, dialects, said.alarm)
        most = wanted.address_messages
        new = most * NEW_NAMES
        limits = Limits(address_messages_per_s=most, address_messages_burst=10 * most, new_names_burst=new)
        gate = Gate(wanted.profile, "/ocpp/", secrets.token_bytes(16), frozenset(wanted.allow_origin), **said.told)
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
    return Process(said, store, node, server, records, keys, found, cut_off)


async def _opened(wanted: Wanted, *, cut_off: bool) -> EventStore:
    store = await open_store(wanted.store)
    if cut_off:
        wrong = await store.check(quick=True)  # type: ignore[attr-defined]
        if wrong:
            raise Refused(f"--store {wanted.store} was not closed, and is damaged: {wrong[0]}", UNTOLD)
    return store


def _node(
    wanted: Wanted,
    design: type[Csms],
    store: EventStore,
    dialects: Mapping[str, Dialect],
    alarm: Callable[[str], None],
) -> Csms:
    from interlock.csms.domain.station import Rules
    from interlock.csms.serve.strict_json import StrictEndpoint
    from interlock.csms.serve.wall_clock import WallClock, fresh_ids
    from interlock.csms.settings import Settings

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
    clock, ids = WallClock(asyncio.get_running_loop()), fresh_ids(wanted.node)
    more: dict[str, Any] = {"alarm": alarm, "dialects": dialects, "endpoint": StrictEndpoint}
    return design(wanted.node, store, clock, ids, settings, lambda _: rules, **more)


@dataclass(slots=True)
class Process:
    """The parts of a running `interlock serve`. `events` is what the log held at the start."""

    said: Said
    store: EventStore
    node: Csms
    server: Server
    records: Projections
    keys: Credentials
    events: int
    cut_off: bool
    operators: Operators | None = None
    ports: tuple[int, int] = (0, 0)
    """For stations, and for operators."""

    async def listen(self, wanted: Wanted, tls: ssl.SSLContext | None, token: str) -> None:
        """Listen on both ports. Raises `Refused` (3) with the reason of the one that cannot be had."""
        from interlock.csms.serve.api import Api
        from interlock.csms.serve.operators import Operators

        try:
            ocpp_port = await self.server.listen(wanted.host, wanted.ocpp_port, tls)
        except OSError as error:
            where = f"{wanted.ocpp_port} on {wanted.host}"
            raise Refused(f"--ocpp-port {where}: {error.strerror or error}", UNTOLD) from None
        hosts = ["localhost", "127.0.0.1", "[::1]", wanted.api_host, *wanted.allow_host]
        app = Api(self.node, self.server, self.records, self.keys, token).app(hosts)
        self.operators = Operators(app, self.node.clock.now, self.said.alarm)
        try:
            self.ports = ocpp_port, await self.operators.listen(wanted.api_host, wanted.api_port)
        except OSError as error:
            where = f"{wanted.api_port} on {wanted.api_host}"
            raise Refused(f"--api-port {where}: {error.strerror or error}", UNTOLD) from None

    async def announce(self, wanted: Wanted, tls: ssl.SSLContext | None, token: str) -> None:
        """Print the addresses, which programs read too, and unless `--quiet` what is served."""
        scheme = "ws" if tls is None else "wss"
        self.said.line(f"stations:  {scheme}://{_shown(wanted.host)}:{self.ports[0]}/ocpp/")
        self.said.line(f"operators: http://{_shown(wanted.api_host)}:{self.ports[1]}")
        stations = len(await self.records.stations())
        unfinished = sum(1 for one in self.node.handler.resident.values() for _ in one.state.unfinished())
        where = _without_password(wanted.store).removesuffix(":")
        counts = f"{self.events} events, {stations} stations, {unfinished} commands without an outcome"
        lines = ["           opened in a browser, this shows the fleet (/docs: the API), and asks for the API token"]
        lines += [f"store:     {where}: {counts}"]
        lines += ["           it was not closed; looked over, and sound"] if self.cut_off else []
        lines += [f"protocols: {', '.join(self.node.dialects)}"]
        lines += [f"design:    {wanted.csms}, which is WRONG on purpose"] if wanted.csms != REFERENCE else []
        if wanted.profile == 0:
            lines += ["security:  profile 0: ANY client is taken for the station it says it is"]
        for line in () if wanted.quiet else lines:
            self.said.line(line)
        if not os.environ.get(TOKEN_VARIABLE) and wanted.token_file is None:
            print(f"API token: {token}", file=sys.stderr, flush=True)

    async def cut_off_all(self) -> None:
        """End every connection: nothing can be recorded any more. Operators who still wait are told so."""
        assert self.operators is not None
        self.records.stop()
        self.operators.close()
        await self.operators.stop(LAST_WORDS_S)
        for socket in list(self.server.open):
            socket.abort()

    async def stop(self, wanted: Wanted) -> None:
        """Finish what is under way and close the store. Raises `Refused` (3) where something was left undone."""
        from interlock.csms.store import StoreError

        assert self.operators is not None
        if not wanted.quiet:
            self.said.line("stopping")
        self.records.stop()
        self.operators.close()
        finished = await self.server.stop()
        await self.operators.stop(ANSWERED_WITHIN_S)
        with contextlib.suppress(StoreError):
            if finished:
                await self.records.keep()
        try:
            await self.store.close()
        except StoreError as error:
            raise Refused(f"stopped, and the store was not closed as it should be: {error}", UNTOLD) from None
        if not finished:
            why = "stopped while something was under way: the next start takes it up, as after a crash"
            raise Refused(why, UNTOLD)
        if not wanted.quiet:
            self.said.line("stopped: everything acknowledged is in the store")


def _shown(host: str) -> str:
    """Return a host as a URL has it."""
    return f"[{host}]" if ":" in host else host


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
