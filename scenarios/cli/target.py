"""`interlock target`: write a control file, and see whether each place of it works against the live system."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from interlock.scenarios.cli import reach as options
from interlock.scenarios.cli.plain_help import Command, Group
from interlock.scenarios.names import TARGETS
from interlock.scenarios.refused import Refused

target = typer.Typer(
    cls=Group,
    help="Describe a CSMS that you operate, and try the description.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

KINDS = ("interlock", "steve", "citrineos", "websocket", "other")
OTHER = """# A CSMS as its operator sees it; `interlock explain target` shows every key there is.

url = "{url}"
timeout_s = 30
{headers}
[check]
path = "{check}"

[ask]
method = "POST"
path = "{path}"
body = {{ {station}action = "{{action}}", payload = "{{payload}}" }}
accepted = [{accepted}]
# Where it takes a key under which a request is made once: "{{request}}", in the body or in a header.
# refused = [409]               # status codes that say no, and that say that the station is not connected
# unreachable = [503]
# id = "id"                     # where the answer has the command's id; the values below are places in answers too

# The more it tells, the more is judged. What follows is for you to correct; then remove the "# " in front.

# [outcome]                     # what became of a command, and which of its words mean what
# path = "/commands/{{command}}"
# state = "state"
# [states]
# requested = ["pending", "sent"]
# accepted = ["accepted"]
# rejected = ["rejected"]
# unknown = ["timed out"]

# [cards]                       # cards that it knows: where it accepts only those, sessions need one or two
# Accepted = ["CARD-1", "CARD-2"]
# Blocked = ["CARD-3"]

# [online]                      # whether a station is connected: true or false
# path = "/stations/{{station}}"
# online = "status == 'connected'"

# [connectors]
# path = "/stations/{{station}}"
# each = "connectors"
# connector = "number"
# status = "status"

# [transactions]
# path = "/transactions?station={{station}}"
# each = "transactions"
# id = "id"
# connector = "connector"
# id_token = "card"
# meter_start_wh = "meter_start"
# started_at = "started_at"
# meter_stop_wh = "meter_stop"  # null: it is running

# [samples]                     # the meter values of a transaction
# path = "/transactions/{{transaction}}/samples"
# each = "samples"
# value = "value"
# at = "timestamp"
# measurand = "measurand"
# unit = "unit"

# [restart]                     # kills it without a warning and starts it again
# command = ["./restart.sh"]    # run in this file's folder
"""


@target.command(cls=Command, short_help="Ask a few questions and write a control file.")
def init(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path("control.toml"),
    kind: Annotated[str | None, typer.Option(help=f"Which CSMS: {', '.join(KINDS)}; asked for if not given.")] = None,
    url: Annotated[str | None, typer.Option(help="Where its operator's interface is, http:// or https://.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Ask a few questions and write a control file."""
    from interlock.scenarios.targets.control_file import SLOT, NoTarget, load

    if out.exists() and not force:
        raise Refused(f"{out} is there already; --force writes over it")
    kind = kind or typer.prompt(f"Which CSMS ({', '.join(KINDS)})", default="other")
    if kind not in KINDS:
        raise Refused(f"--kind is one of {', '.join(KINDS)}, not {kind!r}")
    if kind != "websocket":
        url = url or typer.prompt("Where is its operator's interface", default="http://127.0.0.1:8080")
    text = _other(str(url)) if kind == "other" else (TARGETS / f"{kind}.toml").read_text("utf-8")
    if url is not None:
        text = re.sub(r'(?m)^url = ".*"', lambda _: f'url = "{url}"', text)
    # Variables of the environment are set when the file is used: here any value will do.
    named = {name: "x" for name, _ in SLOT.findall(text) if name}
    before = out.read_text("utf-8") if out.exists() else None
    out.write_text(text, "utf-8")
    try:
        load(out, named)
    except NoTarget as error:
        out.unlink() if before is None else out.write_text(before, "utf-8")
        raise Refused(str(error)) from None
    needed = [name for name in named if not os.environ.get(name)]
    typer.echo(f"{out} is written" + (f"; set {', '.join(needed)} in the environment" if needed else ""))
    if kind != "websocket":
        typer.echo(f"see whether it works: interlock target try {out} ws://HOST:PORT/PATH")


def _other(url: str) -> str:
    path = typer.prompt(
        "Path to which a command is posted ({station} is its station; without it, the body says it)",
        default="/commands/{station}",
    )
    accepted = typer.prompt("Status when a command is taken", default=200, type=int)
    check = typer.prompt("Path that is answered 200 when all is well", default="/")
    variable = typer.prompt("Environment variable with a bearer token, - for none", default="-")
    headers = f'\n[headers]\nAuthorization = "Bearer ${{{variable}}}"\n' if variable != "-" else ""
    station = "" if "{station}" in path else 'station = "{station}", '
    return OTHER.format(url=url, path=path, accepted=accepted, check=check, headers=headers, station=station)


@target.command(name="try", cls=Command, short_help="Use each place of a control file once.")
def try_(
    control: Annotated[Path, typer.Argument(metavar="FILE", help="The control file.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where stations connect: ws:// or wss://, without the id.")],
    station: Annotated[str | None, typer.Option(help="A station that it knows; default: one nobody has seen.")] = None,
    id_tag: Annotated[str | None, typer.Option(help="A card that it accepts; default: one nobody has seen.")] = None,
    password: options.Password = None,
    password_file: options.PasswordFile = None,
    header: options.Headers = None,
    ca: options.Ca = None,
    cert: options.Cert = None,
    key: options.Key = None,
    insecure: options.Insecure = False,
) -> None:
    """Connect one station, use each place of a control file once, and show what was read.

    Exit code 1 where a place does not work.
    """
    from interlock.scenarios.live.target_run import adapter
    from interlock.scenarios.live.target_try import try_all

    way = options.reach(url, **options.among(locals()))
    api = adapter(str(control))
    name = station or f"TRY-{secrets.token_hex(3)}"

    async def work() -> bool:
        works = True
        async for one in try_all(way, api, name, datetime.now(UTC), id_tag):
            works = works and one.works
            typer.echo(f"  {'works' if one.works else 'FAILS'}  {one.place:<28} {one.found}")
        return works

    typer.echo(f"station {name} at {way.address.place}")
    raise typer.Exit(0 if asyncio.run(work()) else 1)
