"""What a server puts around a node, in virtual time: its read models and its operators' API, asked without a socket."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette

from interlock.csms.domain.commands import SetPassword
from interlock.csms.node import Csms
from interlock.csms.serve.api import Api
from interlock.csms.serve.credentials import Credentials
from interlock.csms.serve.gate import Gate, Refused
from interlock.csms.serve.projections import Projections
from interlock.csms.serve.server import Server
from interlock.scenarios import steps
from interlock.scenarios.spec import Step
from interlock.scenarios.steps.deeds import DEEDS

HOST, TOKEN = "127.0.0.1", "operator"
STATIONS, COMMANDS, TOKENS, PAGE = 2, 6, 2, 25
"""Of so many stations, of so many of the newest commands and of so many tokens an operator looks at each alone; and
so many events are on a page."""
WORK = 2
"""Of scrypt, where nothing is to be kept from anybody."""
ASKED = frozenset({"look", "set_key", "knock"})
"""Deeds that ask what stands around a node."""
_HEADERS = [(b"host", HOST.encode()), (b"authorization", f"Bearer {TOKEN}".encode())]
_decode = msgspec.json.Decoder().decode
Answer = tuple[str, int, Any]
"""What was asked for, the HTTP status, and the JSON that came back."""


def asked_for(planned: Iterable[Step]) -> bool:
    """Tell whether a step asks what stands around a node, which costs a world a tenth more; a user's deed may."""
    for step in planned:
        deed = DEEDS.get(step.what)
        if step.what in ASKED or (deed is not None and not deed.__module__.startswith(steps.__name__)):
            return True
        if any(isinstance(value, SetPassword) for _, value in step.params):
            return True
    return False


class Shell:
    """The server of one node, without its sockets."""

    def __init__(self, csms: Csms, rng: random.Random) -> None:
        self.csms = csms
        self.gate = Gate(0, "/ocpp/", bytes(32), work=WORK)
        self._server = Server(csms, self.gate)
        # A wrong design may bring its own.
        records: type[Projections] = getattr(csms, "projections_class", Projections)
        keys: type[Credentials] = getattr(csms, "credentials_class", Credentials)
        self.records, self.keys = records(csms), keys(csms, self.gate, drawn=rng.randbytes, aside=_now)

    @cached_property
    def app(self) -> Starlette:
        """The API, made when it is first asked."""
        return Api(self.csms, self._server, self.records, self.keys, TOKEN).app([HOST])

    async def start(self) -> None:
        """Fold the log as it is, and follow it from now on."""
        await self.keys.start()
        await self.records.start()

    def knock(self, station: str, password: str | None) -> int:
        """Ask to be let in in a station's name, as a handshake does; return the HTTP status, 101 for one that is."""
        target, shown = f"/ocpp/{quote(station)}", None
        if password is not None:
            shown = "Basic " + base64.b64encode(f"{station}:{password}".encode()).decode()
        said = self.gate.ask(target, shown, None, HOST, self.csms.clock.now())
        if callable(said):
            key = said()
            said = self.gate.disproved(target, shown) if key is None else self.gate.proved(target, shown, HOST, key)
        return said.status if isinstance(said, Refused) else 101

    async def get(self, target: str) -> Answer:
        """Ask for a resource."""
        return await self.request("GET", target)

    async def request(self, method: str, target: str, content: Any = None, key: str | None = None) -> Answer:
        """Do a request, with JSON as its body unless that is None, under an Idempotency-Key if there is one."""
        path, _, query = target.partition("?")
        sent = b"" if content is None else msgspec.json.encode(content)
        named = [] if key is None else [(b"idempotency-key", key.encode())]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [*_HEADERS, (b"content-type", b"application/json"), *named],
            "http_version": "1.1",
            "scheme": "http",
            "server": (HOST, 80),
            "client": (HOST, 1),
        }
        said: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        body = b"".join(one.get("body", b"") for one in said)
        return target, said[0]["status"], _decode(body) if body else None

    async def look(self, stations: list[str], *, rest: bool) -> list[Answer]:
        """Ask for what the log says of some stations, as an operator does; at rest also how the fleet is."""
        found = [await self.get("/api/stations?limit=1000"), await self.get("/api/tokens")]
        tokens = [one["token"] for one in found[-1][2]["tokens"]]
        found += [await self.get(f"/api/tokens/{quote(token)}") for token in tokens[:TOKENS]]
        for station in stations[:STATIONS]:
            for target in _of_station(station):
                found.append(await self.get(target))
            commands = found[-1][2]["commands"] if found[-1][1] == 200 else []
            for command in commands[:COMMANDS]:
                found.append(await self.get(f"/api/commands/{command['id']}"))
        if rest:
            found.append(await self.get("/api/fleet?limit=1000"))
        return found


def _of_station(station: str) -> Iterator[str]:
    place = f"/api/stations/{quote(station)}"
    yield from (place, f"{place}/connectors", f"{place}/transactions", f"{place}/deviations")
    yield from (f"{place}/events?limit={PAGE}", f"{place}/events?after={PAGE}&limit={PAGE}", f"{place}/events?last=5")
    yield f"{place}/commands"


async def _now(work: Callable[[], Any]) -> Any:
    return work()


async def settled() -> None:
    """Let what was committed reach who follows it: a turn of the loop, in which no time passes."""
    await asyncio.sleep(0)
