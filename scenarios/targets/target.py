"""A CSMS that somebody else runs, as its operator sees it: commands in, records out.

`InterlockApi` is the adapter for `interlock serve`, `http_target.HttpTarget` the one for whatever a file describes.
Records that a CSMS cannot show (`tells`) are not judged.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from interlock.csms.domain import commands as do
from interlock.csms.node import Decision
from interlock.scenarios.refused import Refused
from interlock.scenarios.targets.answers import ID_LONGEST, Misfit, Reading, TargetGone, fetch, member
from interlock.scenarios.targets.control_file import COMMANDS
from interlock.scenarios.targets.wording import worded
from interlock.simulator.spec import OcppVersion

TOKEN_VARIABLE = "INTERLOCK_API_TOKEN"
"""The environment variable that holds the token of the operator's API of `interlock serve`."""


def token_for(control: str, environment: Mapping[str, str]) -> str | None:
    """Return the token for the URL of an API of `interlock serve`, None where `control` is a file.

    Raises `Refused` for what is neither, and where no token is set.
    """
    if "://" not in control:
        return None
    try:
        parts = urlsplit(control)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise Refused(f"--control is http://HOST:PORT, https://HOST:PORT or a file, not {control!r}")
    token = environment.get(TOKEN_VARIABLE)
    if not token:
        raise Refused(f"--control needs the API's token in {TOKEN_VARIABLE}")
    return token


TELLS = frozenset(("requests", "payloads", "log", "outcomes", "transactions", "connectors", "online"))
"""What a CSMS's records may tell: that a request was made before, what the payload of a CALL has to be, member by
member, as the operator gives it as a whole, all events in Interlock's words, what became of a command, starts and
stops with meters, what it believes of connectors, and whether a station is connected."""


class Target(Protocol):
    """What is needed of a CSMS besides its WebSocket. Everything it does may raise `TargetGone`."""

    tells: frozenset[str]
    """Of `TELLS`, what its records tell."""
    commands: frozenset[str]
    """What it can be asked for, by the names of `csms.domain.commands`."""
    ocpp: OcppVersion
    """The version that its stations speak, in whose words commands are asked for."""

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

        And `transaction`, `held_by` and `online` where it tells; what is not there is not compared. One that tells of
        presence alone (`tells` has "online" without "connectors") returns one member, with `online` in it.
        """
        ...


TIMEOUT_S, CHECK_S = 30.0, 8.0
"""How long an answer may take, and the first one, which says whether it is there."""
WITHOUT_START = "TransactionWithoutStart"
"""A transaction on record of which the CSMS was not told the EVSE or the meter at the start; no event of our own."""
ANSWERS = {409: "refused", 503: "unreachable"}


class InterlockApi:
    """The operator's API of `interlock serve` at `url`."""

    tells = TELLS
    commands = frozenset(COMMANDS)

    def __init__(self, url: str, token: str, ocpp: OcppVersion = "1.6") -> None:
        self.url, self._token, self.ocpp = url.rstrip("/"), token, ocpp

    async def operate(self, station: str, command: do.Command, request_id: str) -> Decision:
        """Ask for a command."""
        action, payload = worded(command, self.ocpp)
        status, told = await self._ask(
            "POST", f"/api/stations/{quote(station)}/commands", {"action": action, "payload": payload}, request_id
        )
        if status == 202:
            known, command_id = member(told, "known", bool, "a command"), member(told, "id", str, "a command")
            if len(command_id) > ID_LONGEST:
                raise Misfit(f"a command has an id of more than {ID_LONGEST} characters")
            return Decision("known" if known else "accepted", command_id)
        answer: Any = ANSWERS.get(status, "failed")
        said = told.get("detail", status) if isinstance(told, dict) else status
        return Decision(answer, None, str(said)[:300])

    async def phase(self, command_id: str) -> str | None:
        """Return where a command stands."""
        status, told = await self._ask("GET", f"/api/commands/{quote(command_id)}")
        return member(told, "state", str, "a command") if status == 200 else None

    async def events(self, station: str) -> list[dict[str, Any]] | None:
        """Return what is in the log about a station."""
        found: list[dict[str, Any]] = []
        after, reading = 0, Reading("the log of a station")
        while True:
            status, told = await self._ask("GET", f"/api/stations/{quote(station)}/events?limit=1000&after={after}")
            if status != 200:
                return found
            for one in member(told, "events", list, "the log of a station"):
                where = "an event"
                member(one, "version", int, where), member(one, "data", dict, where)
                member(one, "id", str, where), member(one, "type", str, where)
                found.append(one)
            if told.get("next") is None:
                return found
            after = member(told, "next", int, "the log of a station")
            reading.page(len(found), after)

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        """Return what it believes of each connector."""
        status, told = await self._ask("GET", f"/api/stations/{quote(station)}/connectors")
        _, about = await self._ask("GET", f"/api/stations/{quote(station)}")
        if status != 200:
            return None
        online, found = member(about, "online", bool, "a station"), []
        for one in member(told, "connectors", list, "a station's connectors"):
            member(one, "connector", int, "a connector")
            found.append({**one, "online": online})
        return found

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


__all__ = ["TELLS", "TOKEN_VARIABLE", "Decision", "InterlockApi", "Misfit", "Target", "TargetGone", "fetch"]
