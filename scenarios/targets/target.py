"""A CSMS that somebody else runs, as its operator sees it: commands in, records out.

`InterlockApi` is the adapter for `interlock serve`, `http_target.HttpTarget` the one for whatever a file describes.
What a CSMS cannot tell (`tells`) is not judged.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from interlock.csms.dialects import v16
from interlock.csms.domain import commands as do
from interlock.csms.node import Decision
from interlock.scenarios.targets.control_file import COMMANDS
from interlock.scenarios.targets.exchange import Misfit, TargetGone

TOKEN_VARIABLE = "INTERLOCK_API_TOKEN"
"""The environment variable that holds the token of the operator's API of `interlock serve`."""


TELLS = frozenset(("requests", "log", "outcomes", "transactions", "connectors"))
"""What a CSMS's records may tell: that a request was made before, all events in Interlock's words, what became of a
command, starts and stops with meters, what it believes of connectors."""


class Target(Protocol):
    """What is needed of a CSMS besides its WebSocket. Everything it does may raise `TargetGone`."""

    tells: frozenset[str]
    """Of `TELLS`, what its records tell."""
    commands: frozenset[str]
    """What it can be asked for, by the names of `csms.domain.commands`."""

    async def check(self) -> None:
        """Raise `TargetGone` unless it answers and lets us in."""
        ...

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command; the same `request_id` again must do nothing."""
        ...

    async def phase(self, command_id: str) -> str | None:
        """Return where a command stands, in one of the words of `control_file.STATES`."""
        ...

    async def events(self, station: str) -> list[dict[str, Any]] | None:
        """Return what the CSMS recorded about a station: objects with `version`, `id`, `type` and `data`."""
        ...

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        """Return what it believes of each connector: `evse`, `connector` and `status`.

        And `transaction`, `held_by` and `online` where it tells; what is not there is not compared.
        """
        ...


TIMEOUT_S, CHECK_S = 30.0, 8.0
"""How long an answer may take, and the first one, which says whether it is there."""
ANSWERS = {409: "refused", 503: "unreachable"}


class InterlockApi:
    """The operator's API of `interlock serve` at `url`."""

    tells = TELLS
    commands = frozenset(COMMANDS)

    def __init__(self, url: str, token: str) -> None:
        self.url, self._token = url.rstrip("/"), token

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command."""
        action, payload = v16.call(command)
        status, told = await self._ask(
            "POST", f"/api/stations/{quote(station)}/commands", {"action": action, "payload": payload}, request_id
        )
        if status == 202:
            return Decision("known" if told["known"] else "accepted", told["id"])
        answer: Any = ANSWERS.get(status, "failed")
        return Decision(answer, None, str(told.get("detail", status)))

    async def phase(self, command_id: str) -> str | None:
        """Return where a command stands."""
        status, told = await self._ask("GET", f"/api/commands/{quote(command_id)}")
        return str(told["state"]) if status == 200 else None

    async def events(self, station: str) -> list[dict[str, Any]] | None:
        """Return what is in the log about a station."""
        found: list[dict[str, Any]] = []
        after = 0
        while True:
            status, told = await self._ask("GET", f"/api/stations/{quote(station)}/events?limit=1000&after={after}")
            if status != 200:
                return found
            found += told["events"]
            if told["next"] is None:
                return found
            after = told["next"]

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        """Return what it believes of each connector."""
        status, told = await self._ask("GET", f"/api/stations/{quote(station)}/connectors")
        _, about = await self._ask("GET", f"/api/stations/{quote(station)}")
        return [{**one, "online": about["online"]} for one in told["connectors"]] if status == 200 else None

    async def check(self) -> None:
        """Raise `TargetGone` unless it answers to this token."""
        status, _ = await self._ask("GET", "/api/stations?limit=1", timeout_s=CHECK_S)
        if status != 200:
            raise TargetGone(f"{self.url} answers {status}; is it the API of interlock serve, and the token right?")

    async def _ask(
        self, method: str, path: str, body: Any = None, key: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        return await fetch(request, timeout_s)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would carry the secret somewhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


_open = urllib.request.build_opener(_Stay).open


async def fetch(request: urllib.request.Request, timeout_s: float) -> tuple[int, Any]:
    """Send a request; return the status and the JSON of the answer. Raises `TargetGone`, which names the host only."""
    return await asyncio.to_thread(fetch_now, request, timeout_s)


def fetch_now(request: urllib.request.Request, timeout_s: float) -> tuple[int, Any]:
    """Do the same in the calling thread, or greenlet."""
    where = urlsplit(request.full_url).netloc
    try:
        with _open(request, timeout=timeout_s) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(65536)
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, {"detail": f"HTTP {error.code}"}
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            reason = "what it says is not JSON"
        raise TargetGone(f"the API at {where} does not answer: {reason}") from None


__all__ = ["TELLS", "TOKEN_VARIABLE", "InterlockApi", "Misfit", "Target", "TargetGone", "fetch", "fetch_now"]
