"""A CSMS's control interface, as an operator uses it: commands in, what became of them out.

`InterlockControl` speaks to `interlock serve`. Another CSMS with a JSON API is described in a TOML file, see `EXAMPLE`;
one that needs more than that is a class with these four methods.
"""

from __future__ import annotations

import json
import os
import time
import tomllib
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

TOKEN_VARIABLE = "INTERLOCK_API_TOKEN"
PATIENCE_S = 30.0

EXAMPLE = """
url = "http://127.0.0.1:8080"            # the defaults below are those of `interlock serve`
token_env = "INTERLOCK_API_TOKEN"        # environment variable that holds the bearer token

[ask]                                    # body: {action} and {payload} are put in as JSON
path = "/api/stations/{station}/commands"
body = '{"action": {action}, "payload": {payload}}'
key_header = "Idempotency-Key"
id = "id"                                # where the answer holds the command's id
refused = [409]
unreachable = [503]

[state]
path = "/api/commands/{id}"
word = "state"                           # where the answer says what became of it
words = {done = "accepted"}              # other words for accepted, rejected, requested, in doubt, unknown ...

[stations]
path = "/api/stations?limit=1000"
list = "stations"
id = "id"

[transactions]
path = "/api/stations/{station}/transactions"
list = "transactions"
id = "transaction_id"
start = "meter_start_wh"
stop = "meter_stop_wh"
"""


class NoControl(ValueError):
    """A control interface that cannot be used; the message says why."""


@dataclass(slots=True)
class Asked:
    """How a request was answered: accepted, refused, unreachable or failed, and the command's id if there is one."""

    answer: str
    command_id: str | None = None
    detail: str = ""


class Control(Protocol):
    """What is needed of a CSMS besides its WebSocket. What it cannot tell is None."""

    def stations(self) -> list[str] | None:
        """Name the stations it knows."""

    def ask(self, station: str, action: str, payload: dict[str, Any], key: str) -> Asked:
        """Ask for a command; the same `key` again must do nothing."""

    def state(self, command_id: str) -> str | None:
        """Say where a command stands; "" for one it does not know, None when it does not answer."""

    def transactions(self, station: str) -> list[tuple[int, int, int | None]] | None:
        """Return (transaction id, meter at start, meter at stop) of a station's transactions."""


@dataclass(slots=True)
class HttpControl:
    """A JSON API over HTTP, as a table describes it."""

    url: str
    token: str
    table: dict[str, Any]
    seconds: float = PATIENCE_S
    _opener: Any = field(default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})))

    def stations(self) -> list[str] | None:
        """Name the stations it knows."""
        how = self.table["stations"]
        found: list[str] = []
        while True:
            after = f"&after={quote(found[-1])}" if found else ""
            status, told = self._fetch("GET", how["path"] + after)
            if status != 200 or not isinstance(told, dict):
                return found or None
            page = [str(one[how["id"]]) for one in told.get(how["list"], ())]
            found += page
            if not page or not told.get("next"):
                return found

    def ask(self, station: str, action: str, payload: dict[str, Any], key: str) -> Asked:
        """Ask for a command."""
        how = self.table["ask"]
        body = how["body"].replace("{action}", json.dumps(action)).replace("{payload}", json.dumps(payload))
        body = body.replace("{station}", station)
        path = how["path"].replace("{station}", quote(station, safe=""))
        status, told = self._fetch("POST", path, body.encode(), {how["key_header"]: key})
        detail = str(told.get("detail", status)) if isinstance(told, dict) else str(status)
        if status in how["refused"]:
            return Asked("refused", None, detail)
        if status in how["unreachable"]:
            return Asked("unreachable", None, detail)
        if 200 <= status < 300 and isinstance(told, dict) and told.get(how["id"]) is not None:
            return Asked("accepted", str(told[how["id"]]))
        return Asked("failed", None, f"HTTP {status}: {detail}" if status else detail)

    def state(self, command_id: str) -> str | None:
        """Say where a command stands."""
        how = self.table["state"]
        status, told = self._fetch("GET", how["path"].replace("{id}", quote(command_id, safe="")))
        if status == 404:
            return ""
        if status != 200 or not isinstance(told, dict) or how["word"] not in told:
            return None
        word = str(told[how["word"]])
        return str(how.get("words", {}).get(word, word))

    def transactions(self, station: str) -> list[tuple[int, int, int | None]] | None:
        """Return a station's transactions."""
        how = self.table["transactions"]
        status, told = self._fetch("GET", how["path"].replace("{station}", quote(station, safe="")))
        if status != 200 or not isinstance(told, dict):
            return None
        try:
            return [(int(one[how["id"]]), int(one[how["start"]]), one[how["stop"]]) for one in told[how["list"]]]
        except (KeyError, TypeError, ValueError):
            return None

    def _fetch(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        shown = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.url.rstrip("/") + path, body, shown, method=method)
        try:
            with self._opener.open(request, timeout=self.seconds) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(65536)
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, None
        except (OSError, ValueError) as error:
            return 0, {"detail": f"no answer: {getattr(error, 'reason', error)}"}


DEFAULT: dict[str, Any] = tomllib.loads(EXAMPLE)


def control_of(text: str) -> HttpControl | None:
    """Return the control interface at a URL or described in a TOML file; None for "". Raises `NoControl`."""
    if not text:
        return None
    table = {name: dict(part) if isinstance(part, dict) else part for name, part in DEFAULT.items()}
    table["state"]["words"] = {}
    if text.startswith(("http://", "https://")):
        table["url"] = text
    else:
        try:
            given = tomllib.loads(Path(text).read_text("utf-8"))
        except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
            raise NoControl(f"--control {text} is neither an http:// URL nor a TOML file: {error}") from None
        for name, part in given.items():
            if name not in table or isinstance(part, dict) != isinstance(table[name], dict):
                raise NoControl(f"--control {text}: {name!r} is not known; known are {', '.join(table)}")
            if isinstance(part, dict):
                table[name].update(part)
            else:
                table[name] = part
    return HttpControl(str(table["url"]), os.environ.get(str(table["token_env"]), ""), table)


def settled(control: Control, command_id: str, seconds: float) -> str | None:
    """Return where a command stands once that is no longer open, or after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        found = control.state(command_id)
        if found not in ("requested", "in-doubt") or time.monotonic() >= until:
            return found
        time.sleep(0.25)
