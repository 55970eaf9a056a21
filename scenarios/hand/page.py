"""The page and its few endpoints, behind a token, on a loopback address only.

The browser runs no script but the page's own and sends nothing elsewhere; a request from another site's page is refused
by its Origin, one for another host's name by its Host. Tiles and feed are those of `interlock serve`'s live page.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from interlock.csms.serve.operators import Operators
from interlock.csms.serve.page import FOLDER, HEADERS, KINDS
from interlock.scenarios.hand.deeds import DEEDS, FAULTS, NoSuchDeed, perform
from interlock.scenarios.hand.feed import Feed
from interlock.simulator.station import Station

LOOPBACK = "127.0.0.1"
BODY_BYTES = 128 * 1024
PAGE = 1000
FOLLOWERS = 8
CLOSING_S = 0.5
OWN = Path(__file__).parent / "ui"
_encode = msgspec.json.Encoder(enc_hook=str).encode
Handler = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """An answer that is not what was asked for: its status, and a sentence."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Hand:
    """A page on the stations of one fleet. `said` is called with where it is once it listens."""

    def __init__(self, port: int, token: str, said: Callable[[str], None]) -> None:
        self._port, self._token, self._said = port, token, said
        self._feed = Feed()
        self._stations: dict[str, Station] = {}
        self._door: Operators | None = None
        self._followers = 0
        self._now: Callable[[], float] = lambda: 0.0

    # --- what a fleet does with it ---

    async def open(self, stations: Sequence[Station], now: Callable[[], float]) -> None:
        """Listen. Raises `OSError` where the port cannot be had."""
        self._stations = {station.station_id: station for station in stations}
        self._now = now
        self._door = Operators(self.app(), now, lambda _: None)
        port = await self._door.listen(LOOPBACK, self._port)
        self._said(f"http://{LOOPBACK}:{port}/")

    def seen(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Pass an observation on to who watches."""
        if (station := fields.get("station")) is not None:
            self._feed.add(kind, station, fields, self._now())

    async def close(self) -> None:
        """Take no more requests, and end those there are."""
        self._feed.end()
        if self._door is not None:
            self._door.close()
            await self._door.stop(CLOSING_S)

    # --- the endpoints ---

    def app(self) -> Starlette:
        """Return the application."""
        routes = [
            Route("/api/fleet", self._guarded(self._fleet), methods=["GET"]),
            Route("/api/events", self._guarded(self._events), methods=["GET"]),
            Route("/api/stations/{station}", self._guarded(self._station), methods=["GET"]),
            Route("/api/stations/{station}/passed", self._guarded(self._passed), methods=["GET"]),
            Route("/api/stations/{station}/deeds", self._guarded(self._deed), methods=["POST"]),
            *(Route(path, handler) for path, handler in _files()),
        ]
        hosts = [LOOPBACK, "localhost"]
        guard = Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
        return Starlette(routes=routes, middleware=[guard])

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            origin = request.headers.get("origin")
            if origin is not None and origin != f"http://{request.headers.get('host')}":
                return _problem(403, "this is for its own page alone")
            scheme, _, shown = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), self._token.encode()):
                return _problem(401, "show the token: Authorization: Bearer TOKEN")
            if (prove := request.scope.get("prove")) is not None:
                prove()
            try:
                return await handler(request)
            except Refusal as refused:
                return _problem(refused.status, refused.detail)

        return guarded

    def _named(self, name: str) -> Station:
        found = self._stations.get(name)
        if found is None:
            raise Refusal(404, "there is no such station")
        return found

    async def _fleet(self, request: Request) -> Response:
        """Return the stations at a glance: those that are named, or a page of all."""
        named = request.query_params.getlist("id")
        if named:
            found = [self._stations[name] for name in named[:PAGE] if name in self._stations]
            return _answer({"stations": [glance(one) for one in found]})
        limit, after = request.query_params.get("limit", "100"), request.query_params.get("after", "")
        if not re.fullmatch("[0-9]{1,4}", limit) or not 1 <= int(limit) <= PAGE:
            raise Refusal(400, f"limit is a whole number from 1 to {PAGE}")
        position = self._feed.position
        names = [name for name in sorted(self._stations) if name > after]
        shown = names[: int(limit)]
        following = shown[-1] if len(names) > len(shown) else None
        found = [self._stations[name] for name in shown]
        return _answer({"position": position, "stations": [glance(one) for one in found], "next": following})

    async def _station(self, request: Request) -> Response:
        return _answer(whole(self._named(request.path_params["station"])))

    async def _passed(self, request: Request) -> Response:
        """Return what passed at a station lately."""
        return _answer({"events": self._feed.of(self._named(request.path_params["station"]).station_id)})

    async def _deed(self, request: Request) -> Response:
        """Do something to a station."""
        station = self._named(request.path_params["station"])
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "send application/json")
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            if len(data) > BODY_BYTES:
                raise Refusal(413, f"a body has at most {BODY_BYTES} bytes")
        try:
            asked = msgspec.json.decode(bytes(data), type=dict[str, Any])
            said = perform(station, asked)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise Refusal(422, "the body is not a JSON object") from None
        except NoSuchDeed as error:
            raise Refusal(422, str(error)) from None
        self.seen("by hand", {"station": station.station_id, "deed": asked["deed"], "said": said})
        return _answer({"said": said})

    async def _events(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not re.fullmatch("[0-9]{1,15}", after):
            raise Refusal(400, "after is a position")
        if self._followers >= FOLLOWERS:
            raise Refusal(429, f"{FOLLOWERS} pages watch already")

        async def told() -> Any:
            self._followers += 1
            try:
                async for page in self._feed.follow(int(after)):
                    yield page
            finally:
                self._followers -= 1

        return StreamingResponse(told(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def glance(station: Station) -> dict[str, Any]:
    """Return a station in a few words, in the shape of the live page's tiles."""
    truths = station.truth()
    return {
        "id": station.station_id,
        "online": station.online,
        "protocol": f"ocpp{station.spec.ocpp}",
        "registration": "",
        "connectors": [[one["connector"], 1, one["status"]] for one in truths],
        "faulted": station.error is not None or any(evse.fault is not None for evse in station.evses),
        "charging": sum(1 for one in truths if one["session"] is not None),
        "open": 0,
        "doubt": 0,
    }


def whole(station: Station) -> dict[str, Any]:
    """Return a station as it really is, and what can be done to it."""
    evses = [
        {
            **truth,
            "energy_wh": evse.meter.register_wh,
            "fault": evse.fault,
        }
        for truth, evse in zip(station.truth(), station.evses, strict=True)
    ]
    return {
        "id": station.station_id,
        "ocpp": station.spec.ocpp,
        "running": station.running,
        "connected": station.connected,
        "online": station.online,
        "volts": round(station.power.volts, 1),
        "outbox": station.outbox_pending,
        "evses": evses,
        "faults": FAULTS,
        "deeds": list(DEEDS),
    }


def _files() -> list[tuple[str, Handler]]:
    """Return the page's files: those of the live page, of which ours replace those of the same name."""
    found = {path.name: path for folder in (FOLDER, OWN) for path in folder.iterdir() if path.suffix in KINDS}
    names = sorted(found)
    return [("/" if name == "index.html" else f"/ui/{name}", _file(found[name])) for name in names]


def _file(path: Path) -> Handler:
    content, kind = path.read_bytes(), KINDS[path.suffix]

    async def file(request: Request) -> Response:
        return Response(content, media_type=kind, headers=HEADERS)

    return file


def _answer(content: Any, status: int = 200, kind: str = "application/json") -> Response:
    return Response(_encode(content), status, media_type=kind, headers={"Cache-Control": "no-store"})


def _problem(status: int, detail: str) -> Response:
    return _answer({"status": status, "detail": detail}, status, "application/problem+json")
