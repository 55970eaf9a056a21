"""`interlock serve`: the reference CSMS on real sockets and a real store."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from interlock.scenarios.cli.serve_console import Console, Record, watched
from interlock.scenarios.cli.serve_lines import Lines
from interlock.scenarios.cli.serve_parts import Said, Wanted, run
from interlock.scenarios.refused import Refused, extra, on_one_line
from interlock.scenarios.runner import REFERENCE, csms_class, nearest
from interlock.scenarios.targets.target import TOKEN_VARIABLE
from interlock.scenarios.user_file import Unreadable, read_toml


def _from_file(context: typer.Context, path: Path | None) -> Path | None:
    """Take what a file says as the defaults; what is typed wins."""
    if path is None:
        return None
    try:
        found = read_toml(path)
    except Unreadable as error:
        raise Refused(f"--config {error}") from None
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
        host=host,
        ocpp_port=ocpp_port,
        api_port=api_port,
        store=store,
        node=node,
        profile=profile,
        certificate=certificate,
        private_key=private_key,
        clients=clients,
        connectors=connectors,
        slots=slots,
        heartbeats=heartbeats,
        heartbeat_s=heartbeat_s,
        offline_s=offline_s,
        call_timeout_s=call_timeout_s,
        lateness_s=lateness_s,
        tokens=tokens,
        token_file=token_file,
        open_to_all=open_to_all,
        csms=csms,
        quiet=quiet,
        api_host=api_host,
        allow_host=tuple(allow_host or ()),
        protocols=protocols,
        strict=strict,
        ignore_pings=ignore_pings,
        allow_origin=tuple(allow_origin or ()),
        address_messages=address_messages,
        log_format=log_format,
        record=record,
    )
    tls = _checked(wanted)
    said, alarms = Lines(sys.stdout), Lines(sys.stderr)
    console = Console(log_format, time.time, said.say)
    kept = None if record is None else Record(record, csms, time.time)
    design = watched(csms_class(csms), None if quiet else console, kept)
    try:
        with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
            told = {} if quiet else {"told": console.turned_away}
            heard = Said(said.say, lambda text: alarms.say(f"ALARM {on_one_line(text, 500)}"), told)
            runner.run(run(wanted, tls, design, heard))
    finally:
        if kept is not None:
            kept.end()
            said.say(f"recorded:  `interlock judge {record}` judges it, `interlock report {record}` shows it")
        said.end()
        alarms.end()


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
