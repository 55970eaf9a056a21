"""Options that say how a CSMS is reached, the same for every command: secrets, TLS, headers, ids, and a wait."""

from __future__ import annotations

import difflib
import fnmatch
import re
import ssl
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.scenarios.refused import Refused, cause
from interlock.scenarios.user_file import Unreadable, read_text
from interlock.simulator.network.address import Address, NoAddress, parse

if TYPE_CHECKING:
    from interlock.scenarios.live.reach import Reach

Password = Annotated[str | None, typer.Option(help="Password of every station (basic auth; its id is the user).")]
PasswordFile = Annotated[Path | None, typer.Option(help="The same from a file's first line.", dir_okay=False)]
Headers = Annotated[
    list[str] | None, typer.Option("--header", metavar="'NAME: VALUE'", help="One more header of each handshake.")
]
Ca = Annotated[Path | None, typer.Option("--ca", help="wss: certificates to trust, as PEM.", dir_okay=False)]
Cert = Annotated[Path | None, typer.Option("--cert", help="wss: the stations' certificate, as PEM.", dir_okay=False)]
Key = Annotated[Path | None, typer.Option("--key", help="wss: its private key, as PEM.", dir_okay=False)]
Insecure = Annotated[bool, typer.Option("--insecure", help="wss: trust any certificate.")]
Wait = Annotated[str, typer.Option("--wait", metavar="TIME", help="Wait so long for it to listen, such as `30s`.")]
Ids = Annotated[
    str | None, typer.Option("--ids", metavar="A,B,C|@FILE", help="Ids of stations that it knows; no others connect.")
]
LONGEST_ID = 48
OWN = ("host", "upgrade", "connection", "authorization", "user-agent")
"""Headers that the handshake sets itself, beside those of WebSocket."""


def reach(
    url: str,
    *,
    password: str | None = None,
    password_file: Path | None = None,
    header: Sequence[str] | None = None,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    insecure: bool = False,
    wait: str = "0",
    ids: str | None = None,
) -> Reach:
    """Return how a CSMS is reached. Raises `Refused` for options that are wrong or do not go together."""
    from interlock.scenarios.live.reach import Reach

    address = address_of(url)
    return Reach(
        address,
        secret_of(password, password_file),
        tls_of(address, ca, cert, key, insecure=insecure),
        headers_of(header),
        ids_of(ids),
        seconds_of("--wait", wait) or 0.0,
    )


def among(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `reach` among the arguments of a command, such as its `locals()`."""
    return {name: given[name] for name in signature(reach).parameters if name in given and name != "url"}


def address_of(url: str) -> Address:
    """Read a URL."""
    try:
        return parse(url)
    except NoAddress as error:
        raise Refused(str(error)) from None


def check_prefix(prefix: str) -> None:
    """Refuse what no station's id can begin with."""
    if not re.fullmatch(r"[\x21-\x7e]{0,40}", prefix) or ":" in prefix:
        raise Refused("station ids are up to 48 visible ASCII characters without a colon, so is --id-prefix (up to 40)")


def secret_of(given: str | None, file: Path | None) -> str | None:
    """Return the password, from the option or from the first line of the file."""
    if given is not None and file is not None:
        raise Refused("give --password or --password-file, not both")
    if file is None:
        return given
    first = next(iter(_lines(file)), "")
    if not first:
        raise Refused(f"--password-file: the first line of {file} is empty, and it is the password")
    return first


def _lines(file: Path) -> list[str]:
    try:
        return read_text(file).splitlines()
    except Unreadable as error:
        raise Refused(str(error)) from None


def seconds_of(option: str, text: str) -> float | None:
    """Return how long, None for 0."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text.strip())
    if match is None:
        raise Refused(f"{option} is a time such as 60s, 5m or 1h, or 0, not {text!r}")
    return float(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2] or "s"] or None


def headers_of(given: Sequence[str] | None) -> dict[str, str]:
    """Read headers, `NAME: VALUE` each."""
    found: dict[str, str] = {}
    for text in given or ():
        name, colon, value = text.partition(":")
        name, value = name.strip(), value.strip()
        if (
            not colon
            or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name)
            or not re.fullmatch(r"[\x20-\x7e]*", value)
        ):
            raise Refused("--header is 'NAME: VALUE' in ASCII, such as 'X-Tenant: 7'")
        if name.lower() in OWN or name.lower().startswith("sec-websocket"):
            more = "; a password is --password or --password-file" if name.lower() == "authorization" else ""
            raise Refused(f"--header {name}: the handshake sets this one itself{more}")
        found[name] = value
    return found


def ids_of(given: str | None) -> tuple[str, ...]:
    """Return the stations' ids, from the option or from the lines of a file."""
    if given is None:
        return ()
    found = _lines(Path(given[1:])) if given.startswith("@") else given.split(",")
    found = [one.strip() for one in found if one.strip()]
    if not found:
        raise Refused("--ids names no station; it is A,B,C or @FILE with an id a line")
    for one in found:
        if not re.fullmatch(rf"[\x20-\x7e]{{1,{LONGEST_ID}}}", one) or ":" in one:
            raise Refused(f"--ids: {one[:60]!r} is no station's id: 1 to 48 visible ASCII characters without a colon")
    if len(set(found)) < len(found):
        raise Refused("--ids names a station twice")
    return tuple(found)


def check_files(secure: bool, ca: Path | None, cert: Path | None, key: Path | None, *, insecure: bool) -> None:
    """Refuse TLS options that cannot be used."""
    if not secure and (ca or cert or key or insecure):
        raise Refused("--ca, --cert, --key and --insecure are for wss://, and this URL begins with ws://")
    if key is not None and cert is None:
        raise Refused("--key goes with --cert")
    for file in (ca, cert, key):
        if file is not None and not file.is_file():
            raise Refused(f"there is no file {file}")


def tls_of(
    address: Address, ca: Path | None, cert: Path | None, key: Path | None, *, insecure: bool
) -> ssl.SSLContext | None:
    """Return the stations' TLS, None for ws://. With `insecure` a warning goes to standard error."""
    check_files(address.secure, ca, cert, key, insecure=insecure)
    if not address.secure:
        return None
    from interlock.simulator.network.dial import tls_context

    if insecure:
        typer.echo("interlock: --insecure: any certificate is trusted, so anybody may answer", err=True)
    try:
        return tls_context(ca, cert, key, insecure=insecure)
    except OSError as error:
        raise Refused(no_pem(error, ca, cert, key)) from None


def no_pem(error: OSError, *files: Path | None) -> str:
    """Return why certificates or keys cannot be used, in one sentence."""
    names = ", ".join(dict.fromkeys(str(file) for file in files if file is not None))
    why = NO_PEM.get(str(getattr(error, "reason", None)), "a certificate and a key in PEM form are not in it")
    if not isinstance(error, ssl.SSLError):
        why = cause(error)
    return f"{names} is not what TLS can use: {why}"


NO_PEM = {
    "NO_CERTIFICATE_OR_CRL_FOUND": "there is no certificate in PEM form in it",
    "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
    "NO_START_LINE": "there is no certificate in PEM form in it, or no key",
}


AGAIN: dict[str, Any] = {"ids": None, "password_file": None, "ca": None, "cert": None, "key": None, "wait": "0"}
"""Options that stand in a line that does a run again, and their defaults. Secrets and headers do not."""


def again(given: Mapping[str, Any]) -> list[str]:
    """Return the words of these options in a line that does it again."""
    words = []
    for name, default in AGAIN.items():
        if (value := given.get(name)) is not None and value != default:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return [*words, "--insecure"] if given.get("insecure") else words


def expected_in(path: Path | None, kind: str, known: Iterable[str]) -> list[str]:
    """Return the names or globs of a file of known failures: one a line, `GLOB [until YYYY-MM-DD] [# reason]`.

    A line whose date is over counts no more, and is told. Raises `Refused` for one that names nothing of `known`.
    """
    found, names = [], list(known)
    for number, line in enumerate(_lines(path) if path is not None else (), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        where = f"{path} line {number}"
        if len(words) not in (1, 3) or (len(words) == 3 and words[1] != "until"):
            raise Refused(f"{where} is not `NAME [until YYYY-MM-DD] [# reason]`")
        if not any(fnmatch.fnmatchcase(one, words[0]) for one in names):
            near = difflib.get_close_matches(words[0], names, 1)
            raise Refused(f"{where}: no {kind} is called {words[0]!r}" + (f"; did you mean {near[0]}?" if near else ""))
        try:
            over = len(words) == 3 and date.fromisoformat(words[2]) < datetime.now(UTC).date()
        except ValueError:
            raise Refused(f"{where}: {words[2]!r} is no date such as 2030-01-31") from None
        if over:
            typer.echo(f"interlock: {where}: {words[0]} was to be mended by {words[2]}; it counts again", err=True)
        else:
            found.append(words[0])
    return found
