"""Where a CSMS is, from the URL somebody typed."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

DEFAULT_PORTS = {"ws": 80, "wss": 443}


class NoAddress(ValueError):
    """A URL no station could be given; the message says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """A CSMS's address. `path` has no slash at its end; a station's id is put behind it."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def place(self) -> str:
        """Host and port, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def resource(self, station_id: str) -> str:
        """Return the path a station asks for."""
        return f"{self.path}/{quote(station_id, safe='')}"

    def url(self, station_id: str) -> str:
        """Return the whole URL of a station."""
        scheme = "wss" if self.secure else "ws"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[scheme] else f":{self.port}"
        return f"{scheme}://{host}{port}{self.resource(station_id)}"


def parse(text: str) -> Address:
    """Read a URL, or raise `NoAddress`."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        why = "a port is a number up to 65535" if "ort" in str(error).split()[0] else error
        raise NoAddress(f"{text!r} is not a URL: {why}") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise NoAddress(f"a CSMS's URL begins with ws:// or wss://, not {text!r}")
    if not host or port == 0:
        raise NoAddress(f"{text!r} names no host and port; a CSMS's URL looks like ws://localhost:9000/ocpp")
    if parts.username is not None or parts.password is not None:
        raise NoAddress("the URL holds a user or a password; a station's user is its id, its password an option")
    if parts.query or parts.fragment:
        raise NoAddress(f"{text!r} goes on after its path; the station id has to come last")
    if not text.isascii() or any(character.isspace() or not character.isprintable() for character in text):
        raise NoAddress(f"{text!r} has characters that a URL has to percent-encode")
    return Address(parts.scheme == "wss", host, port or DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"))
