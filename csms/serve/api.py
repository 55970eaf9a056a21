"""The operator's HTTP API: commands in, records out. JSON only, behind a token, on a port of its own.

A command is answered 202 once its intent is in the log, and never twice for one `Idempotency-Key`. Its outcome is
read with `GET /api/commands/{id}`, which can wait. Errors are `application/problem+json`, a sentence without a trace.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from interlock.csms import identity
from interlock.csms.dialects import NotAcceptable
from interlock.csms.dialects.dialect import Dialect
from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Station
from interlock.csms.node import Csms, Decision
from interlock.csms.serve import overview, page
from interlock.csms.serve.api_description import description
from interlock.csms.serve.credentials import Credentials, Elsewhere
from interlock.csms.serve.follow import EventStream, Full
from interlock.csms.serve.projections import Projections
from interlock.csms.serve.server import Server
from interlock.csms.serve.share import Share
from interlock.csms.serve.strict_json import Ambiguous, refuse_ambiguous
from interlock.csms.serve.watched import FrameStream
from interlock.csms.store import NOT_DURABLE, Snapshot
from interlock.csms.supervise import expect_nobody

BODY_BYTES = 64 * 1024
PAGE = 1000
POSITION_LIMIT = 2**63 - 1
WAIT_S = 60.0
ANSWER_S = 3.0
"""Seconds without an answer of the store after which the node is not ready."""
PROBE = Snapshot("readiness", 0, "probe", b"")
"""A snapshot that tests whether the store can be written to: replaced each time, never read."""
STATUS = {"accepted": 202, "known": 202, "refused": 409, "unreachable": 503, "failed": 503}
TOKEN_LIMIT = 36
"""Characters of the longest token of any version spoken (OCPP 2.0.1 IdTokenType; 1.6 has 20)."""
TOKENS = ("Accepted", "Blocked", "Expired", "Invalid")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Problem(Exception):
    """An error response."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status, self.detail = status, detail


def answer(content: Any, status: int = 200, kind: str = "application/json") -> Response:
    """Return JSON."""
    return Response(_encode(content), status, media_type=kind, headers={"Cache-Control": "no-store"})


def problem(status: int, detail: str) -> Response:
    """Return an error as RFC 9457 has it."""
    return answer({"status": status, "detail": detail}, status, "application/problem+json")


class Api:
    """The endpoints of one node. `token` is what an operator sends as `Authorization: Bearer`."""

    def __init__(self, node: Csms, server: Server, records: Projections, keys: Credentials, token: str) -> None:
        self.node, self.server, self.records, self.keys = node, server, records, keys
        self._token = token.encode()
        self._share = Share()
        self._probe: asyncio.Future[Any] | None = None
        """The last query of the store that checks whether it answers."""

    def app(self, hosts: list[str]) -> Starlette:
        """Return the application, which answers to these host names."""
        closed: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "/api/fleet", self._long(self.fleet)),
            ("GET", "/api/stations", self._long(self.stations)),
            ("GET", "/api/stations/{station}", self.station),
            ("GET", "/api/stations/{station}/connectors", self.connectors),
            ("GET", "/api/stations/{station}/transactions", self.transactions),
            ("GET", "/api/stations/{station}/events", self._long(self.events)),
            ("GET", "/api/stations/{station}/frames", self.frames),
            ("GET", "/api/stations/{station}/deviations", self._long(self.deviations)),
            ("GET", "/api/stations/{station}/commands", self.commands),
            ("POST", "/api/stations/{station}/commands", self.ask),
            ("PUT", "/api/stations/{station}/key", self.set_key),
            ("DELETE", "/api/stations/{station}/key", self.remove_key),
            ("GET", "/api/commands/{command}", self.command),
            ("POST", "/api/commands/{command}/close", self.close_doubt),
            ("GET", "/api/tokens", self._long(self.tokens)),
            ("GET", "/api/tokens/{token:path}", self.token),
            ("PUT", "/api/tokens/{token:path}", self.set_token),
            ("DELETE", "/api/tokens/{token:path}", self.remove_token),
            ("GET", "/api/events", self.follow),
            ("GET", "/metrics", self._long(self.metrics)),
        ]
        routes = [Route(path, self._guarded(handler), methods=[method]) for method, path, handler in closed]
        routes += [
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/openapi.json", self.describe, include_in_schema=False),
            *(Route(path, handler, include_in_schema=False) for path, handler in page.routes(self.described)),
        ]
        return Starlette(
            routes=routes,
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
            exception_handlers={404: _plain_problem, 405: _plain_problem, 500: _failed},
        )

    def _long(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def long(request: Request) -> Response:
            async with self._share.turn():
                return await handler(request)

        return long

    def _guarded(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            scheme, _, shown = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), self._token):
                found = problem(401, "show the API token: Authorization: Bearer TOKEN")
                found.headers["WWW-Authenticate"] = "Bearer"
                return found
            if (prove := request.scope.get("prove")) is not None:
                prove()
            try:
                return await handler(request)
            except Problem as error:
                return problem(error.status, error.detail)
            except NOT_DURABLE as error:
                return problem(503, f"the store does not take it now: {error}")
            except ClientDisconnect:
                return problem(400, "the body was not sent to its end")  # the client is gone
            except asyncio.CancelledError:
                if not self.records.ended:
                    raise
                return problem(503, "the node stops")  # it waited for as long as it could
            except Exception as error:
                self.node.alarm(f"{request.method} {request.url.path[:80]}: {type(error).__name__}: {error}")
                return problem(500, "this failed here; the log of the node says why")

        return guarded

    # --- stations ---

    async def stations(self, request: Request) -> Response:
        """List the stations."""
        after, limit = _asked(request, "after", ""), _limit(request)
        names = [name for name in await self.records.stations() if name > after]
        found = []
        for count, name in enumerate(names[:limit]):
            if count % overview.AT_ONCE == 0:
                await asyncio.sleep(0)
            state = await self.records.station(name)
            if state is not None:
                found.append({"id": name, "online": state.online, "connected_here": name in self.node.connections})
        return answer({"stations": found, "next": names[limit - 1] if len(names) > limit else None})

    async def fleet(self, request: Request) -> Response:
        """Return an overview of stations: a page of all, or those named by `id`, and the log position it covers."""
        position, wanted = self.records.position, request.query_params.getlist("id")
        if len(wanted) > overview.AT_ONCE:
            raise Problem(400, f"at most {overview.AT_ONCE} stations are named at once")
        limit, following = _limit(request), None
        if not wanted:
            after = _asked(request, "after", "")
            names = [name for name in await self.records.stations() if name > after]
            wanted, following = names[:limit], names[limit - 1] if len(names) > limit else None
        found = []
        for count, name in enumerate(wanted):
            if count % overview.AT_ONCE == 0:
                await asyncio.sleep(0)  # frames of stations come between
            loaded = await self.node.handler.load(name) if identity.fits(name) else None
            if loaded is not None and loaded.version:
                found.append(overview.glance(name, loaded.state))
        return answer({"position": position, "stations": found, "next": following})

    async def _state(self, request: Request) -> Any:
        name = request.path_params["station"]
        state = await self.records.station(name) if identity.fits(name) else None
        if state is None:
            raise Problem(404, "there is no such station in the log")
        return state

    async def station(self, request: Request) -> Response:
        """Return one station."""
        state = await self._state(request)
        return answer(
            {
                "id": request.path_params["station"],
                "online": state.online,
                "epoch": state.epoch,
                "protocol": state.protocol,
                "node": state.node,
                "online_at": state.online_at,
                "registration": state.registration,
                "open_commands": [one.command_id for one in state.unfinished()],
            }
        )

    async def connectors(self, request: Request) -> Response:
        """Return the last reported status of each connector, and the command that holds it."""
        state = await self._state(request)
        dialect, found = self._dialect(request, state), []
        for (evse, number), connector in sorted(state.connectors.items()):
            held, running = state.held(evse, number), state.open_transaction(evse)
            found.append(
                {
                    "evse": evse,
                    "connector": number,
                    "status": connector.status,
                    "error_code": connector.error_code,
                    "reported_at": connector.reported_at,
                    "held_by": held.command_id if held else None,
                    "transaction": dialect.written_id(running.transaction_id) if running else None,
                }
            )
        return answer({"connectors": found})

    async def transactions(self, request: Request) -> Response:
        """Return the transactions in the station's state."""
        state = await self._state(request)
        dialect = self._dialect(request, state)
        found = (msgspec.to_builtins(one) for _, one in sorted(state.transactions.items()))
        return answer(
            {"transactions": [{**one, "transaction_id": dialect.written_id(one["transaction_id"])} for one in found]}
        )

    async def events(self, request: Request) -> Response:
        """Return a station's events."""
        await self._state(request)
        name = request.path_params["station"]
        after, limit = _number("after", _asked(request, "after", "0")), _limit(request)
        if (last := _asked(request, "last", "")) and not after:
            version = (await self.node.handler.load(name)).version
            after, limit = max(0, version - _number("last", last, 1, PAGE)), PAGE
        found = await self.records.events(name, after, limit)
        more = len(found) == limit or await self.records.events(name, found[-1]["version"], 1) if found else False
        return answer({"events": found, "next": found[-1]["version"] if more else None})

    async def deviations(self, request: Request) -> Response:
        """Return the station's deviations: those in the log, and their counts since the node started."""
        await self._state(request)
        station = request.path_params["station"]
        counted = [
            {"what": kind.what, "action": kind.action, "member": kind.member, "rule": kind.rule, "count": count}
            for kind, count in self.node.handler.noted.of(station).items()
        ]
        found = await self.records.of_kinds(station, ("DeviationRecorded", "AnomalyRecorded"))
        recorded, anomalies = found["DeviationRecorded"], found["AnomalyRecorded"]
        return answer({"recorded": recorded, "anomalies": anomalies[-PAGE:], "counted": counted})

    def _dialect(self, request: Request, state: Station) -> Dialect:
        return self.node.dialect_of(request.path_params["station"], state.protocol)

    # --- commands ---

    async def commands(self, request: Request) -> Response:
        """Return the commands of a station that its state remembers, the newest first."""
        return answer({"commands": list(overview.commands(await self._state(request)))})

    async def ask(self, request: Request) -> Response:
        """Decide a command; 202 once its intent is durable."""
        body = await _body(request, ("action", "payload", "force"))
        action, payload, force = body.get("action"), body.get("payload", {}), body.get("force", False)
        if not isinstance(action, str) or not isinstance(payload, dict) or not isinstance(force, bool):
            raise Problem(422, 'a command is {"action": NAME, "payload": {...}}, and "force": true to insist')
        state = await self._state(request)
        dialect = self._dialect(request, state)
        try:
            command = dialect.command(action, payload)
        except NotAcceptable as error:
            raise Problem(422, f"{action[:40]}: {error.why}") from None
        key = request.headers.get("idempotency-key")
        if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,80}", key):
            raise Problem(422, "an Idempotency-Key has 1 to 80 printable characters without spaces")
        request_id = f"key:{key}" if key else f"api:{secrets.token_hex(8)}"
        decided = await self._decide(request.path_params["station"], command, request_id, force)
        if decided.command_id is None:
            raise Problem(STATUS[decided.answer], decided.reason or decided.answer)
        found = answer({"id": decided.command_id, "known": decided.answer == "known"}, STATUS[decided.answer])
        found.headers["Location"] = f"/api/commands/{decided.command_id}"
        return found

    async def _decide(self, station: str, command: do.Command, request_id: str, force: bool) -> Decision:
        if not isinstance(command, do.SetPassword):
            decided = await self.node.operate(station, command, request_id, force=force)
        elif not 16 <= len(command.secret) <= 40 or not command.secret.isascii() or not command.secret.isprintable():
            raise Problem(422, "a station's key has 16 to 40 printable ASCII characters")
        else:
            try:
                decided = await self.keys.change(station, command, request_id, force=force)
            except Elsewhere:
                raise Problem(409, "a key is changed on the node the station is connected to") from None
        if decided.answer == "known":
            handler, command_id = self.node.handler, decided.command_id or ""
            pending = (await handler.load(station)).state.commands.get(command_id)
            pending = pending or await handler.recall(station, command_id)
            if pending is not None and not same(pending.command, command):
                raise Problem(422, "this Idempotency-Key was used for another command")
        return decided

    async def command(self, request: Request) -> Response:
        """Return a command's state and history; `?wait=10s` waits until it is no longer open."""
        wait = re.fullmatch(r"([0-9]{1,3})s?", _asked(request, "wait", "0"))
        if wait is None or int(wait[1]) > WAIT_S:
            raise Problem(400, f"wait is a number of seconds up to {WAIT_S:.0f}, as in ?wait=10s")
        found = await self.records.settled(request.path_params["command"], float(wait[1]))
        if found is None:
            raise Problem(404, "there is no such command in the log")
        return answer(found)

    async def close_doubt(self, request: Request) -> Response:
        """End the doubt about a command by hand; return the command."""
        body, command_id = await _body(request, ("statement",)), request.path_params["command"]
        statement = body.get("statement")
        if not isinstance(statement, str) or not 1 <= len(statement) <= 500:
            raise Problem(422, 'a doubt is closed with {"statement": TEXT}, 1 to 500 characters of what became of it')
        found = await self.records.command(command_id)
        if found is None:
            raise Problem(404, "there is no such command in the log")
        against = await self.node.close_doubt(found["station"], command_id, statement)
        if against is not None:
            raise Problem(409, against)
        return answer(await self.records.command(command_id))

    # --- tokens and keys ---

    async def tokens(self, request: Request) -> Response:
        """List the tokens."""
        return answer({"tokens": [{"token": name, "status": word} for name, word in sorted(self.node.tokens.items())]})

    async def token(self, request: Request) -> Response:
        """Return a token."""
        name = request.path_params["token"]
        if name not in self.node.tokens:
            raise Problem(404, "there is no such token in the log")
        return answer({"token": name, "status": self.node.tokens[name]})

    async def remove_token(self, request: Request) -> Response:
        """Unregister a token: its event has the status that unknown tokens get."""
        name = request.path_params["token"]
        if name not in self.node.tokens:
            raise Problem(404, "there is no such token in the log")
        await self.node.register_token(name, self.node.settings.unknown_tokens)
        return Response(status_code=204)

    async def set_token(self, request: Request) -> Response:
        """Say how a token is answered."""
        body = await _body(request, ("status", "parent"))
        name, status, parent = request.path_params["token"], body.get("status"), body.get("parent")
        if parent is not None and not (isinstance(parent, str) and _is_token(parent)):
            raise Problem(422, f"a parent is a token, with 1 to {TOKEN_LIMIT} printable characters")
        if status not in TOKENS or not _is_token(name):
            raise Problem(422, f"a token has at most {TOKEN_LIMIT} characters and a status of {', '.join(TOKENS)}")
        if parent is not None and not (1 <= len(parent) <= TOKEN_LIMIT and parent.isprintable()):
            raise Problem(422, f"a parent is the id of a group, of 1 to {TOKEN_LIMIT} printable characters")
        await self.node.register_token(name, status, parent)
        return answer({"token": name, "status": status})

    async def set_key(self, request: Request) -> Response:
        """Give a station a password."""
        body = await _body(request, ("password",))
        password, name = body.get("password"), request.path_params["station"]
        if not isinstance(password, str) or not 8 <= len(password) <= 64 or not password.isascii():
            raise Problem(422, "a password has 8 to 64 ASCII characters")
        if not identity.fits(name):
            raise Problem(422, identity.RULE)
        await self.keys.set(name, password)
        return Response(status_code=204)

    async def remove_key(self, request: Request) -> Response:
        """Take a station's password away."""
        name = request.path_params["station"]
        if not identity.fits(name):
            raise Problem(422, identity.RULE)
        await self.keys.remove(name)
        return Response(status_code=204)

    # --- watching ---

    async def follow(self, request: Request) -> Response:
        """Stream events as they are committed (server-sent events), from `Last-Event-ID` on."""
        last = request.headers.get("last-event-id")
        after = _number("Last-Event-ID", last) if last is not None else _number("after", _asked(request, "after", "0"))
        address = request.client.host if request.client else "?"
        try:
            return EventStream(self.records.followers, address, after)
        except Full as error:
            found = problem(429, str(error))
            found.headers["Retry-After"] = "10"
            return found

    async def frames(self, request: Request) -> Response:
        """Stream a station's frames as they pass, from now on: a trace, one record of JSON a line."""
        watched = self.server.watched
        if watched.full:
            found = problem(429, "there are as many watchers of frames as there may be")
            found.headers["Retry-After"] = "10"
            return found
        return FrameStream(watched, request.path_params["station"])

    async def metrics(self, request: Request) -> Response:
        """Return counters as Prometheus reads them."""
        phases: dict[str, int] = {}
        noted = self.node.handler.noted.totals()
        outage = self.node.handler.outage
        for count, loaded in enumerate(list(self.node.handler.resident.values())):
            if count % PAGE == 0:
                await asyncio.sleep(0)
            for pending in loaded.state.unfinished():
                phases[pending.phase.value] = phases.get(pending.phase.value, 0) + 1
        lines = [
            "# TYPE interlock_connections gauge",
            f"interlock_connections {len(self.node.connections)}",
            "# TYPE interlock_sockets gauge",
            f"interlock_sockets {len(self.server.open)}",
            "# TYPE interlock_tasks gauge",
            f"interlock_tasks {len(asyncio.all_tasks())}",
            "# TYPE interlock_refused_total counter",
            f"interlock_refused_total {self.server.refused}",
            "# TYPE interlock_deviations_total counter",
            *(f'interlock_deviations_total{{what="{what}",rule="{rule}"}} {count}' for what, rule, count in noted),
            "# TYPE interlock_turned_away_total counter",
            *(
                f'interlock_turned_away_total{{why="{why}"}} {count}'
                for why, count in (
                    ("no place", self.server.admission.refused),
                    ("evicted", self.server.admission.evicted),
                    ("follower", self.records.followers.refused),
                )
            ),
            "# TYPE interlock_held_back_total counter",
            f"interlock_held_back_total {self.server.held_back}",
            "# TYPE interlock_store_refusing gauge",
            f"interlock_store_refusing {int(outage.since is not None)}",
            "# TYPE interlock_store_refused_total counter",
            f"interlock_store_refused_total {outage.refused}",
            "# TYPE interlock_open_commands gauge",
            *(f'interlock_open_commands{{phase="{name}"}} {count}' for name, count in sorted(phases.items())),
            "# TYPE interlock_events_total counter",
            *(f'interlock_events_total{{type="{name}"}} {n}' for name, n in sorted(self.records.appended.items())),
        ]
        return PlainTextResponse("\n".join(lines) + "\n")

    async def live(self, request: Request) -> Response:
        """Answer 200 while the process and what it depends on are alive."""
        if (why := self.node.ended) is not None:
            return problem(503, f"this node is over: {why}")
        return answer({"live": True})

    async def ready(self, request: Request) -> Response:
        """Answer whether the store reads and appends, and the node is not stopping."""
        if (why := self.node.ended) is not None:
            return problem(503, f"this node is over: {why}")
        if self.records.ended:
            return problem(503, "the node stops")
        if self.node.handler.outage.now:
            return problem(503, "the store takes nothing")
        if self._probe is None or self._probe.done():  # else the store has not answered the last one
            self._probe = asyncio.ensure_future(self._try_store())
            self._probe.add_done_callback(expect_nobody)
        await asyncio.wait({self._probe}, timeout=ANSWER_S)
        if not self._probe.done() or self._probe.cancelled() or self._probe.exception() is not None:
            return problem(503, "the store does not answer")
        return answer({"ready": True})

    async def _try_store(self) -> None:
        """Ask the store something. If it took no append when it was given one last, give it what is no event, too."""
        if self.node.handler.outage.since is not None:
            await self.node.store.save_snapshot(PROBE)
        await self.node.store.read("tokens", 2**31, 1)

    async def describe(self, request: Request) -> Response:
        """Return the OpenAPI description."""
        return answer(self.described())

    def described(self) -> dict[str, Any]:
        """Return the OpenAPI description for the OCPP versions in use."""
        return description({one for dialect in self.node.dialects.values() for one in dialect.ACTIONS})


def same(stored: do.Command, asked: do.Command) -> bool:
    """Whether a stored command matches a request: a key is stored without its value, a start with an id added."""
    if isinstance(stored, do.SetPassword):
        return isinstance(asked, do.SetPassword)
    if isinstance(stored, do.RemoteStart) and isinstance(asked, do.RemoteStart) and asked.remote_start_id is None:
        return replace(stored, remote_start_id=None) == asked
    return stored == asked


def _asked(request: Request, name: str, default: str) -> str:
    """Return a query parameter, which may be given once."""
    found = request.query_params.getlist(name)
    if len(found) > 1:
        raise Problem(400, f"{name} stands {len(found)} times in the query")
    return found[0] if found else default


def _number(name: str, text: str, least: int = 0, most: int = POSITION_LIMIT) -> int:
    """Return a whole number in a range, written in ASCII digits."""
    if not re.fullmatch(r"[0-9]{1,19}", text) or not least <= int(text) <= most:
        raise Problem(400, f"{name} is a whole number from {least} to {most}, not {text[:40]!r}")
    return int(text)


def _is_token(text: str) -> bool:
    return 0 < len(text) <= TOKEN_LIMIT and text.isprintable()


def _limit(request: Request) -> int:
    return _number("limit", _asked(request, "limit", "100"), 1, PAGE)


async def _body(request: Request, names: tuple[str, ...]) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "send application/json")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem(415, "send the body as it is, without Content-Encoding")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_BYTES:
            raise Problem(413, f"a body has at most {BODY_BYTES} bytes")
    found: Any = None
    with contextlib.suppress(msgspec.DecodeError, UnicodeError, RecursionError):
        found = _decode(bytes(data))
    if not isinstance(found, dict):
        raise Problem(422, "the body is not a JSON object")
    try:
        refuse_ambiguous(data.decode())
    except Ambiguous as error:
        raise Problem(400, f"the body can be read in two ways: {error}") from None
    except RecursionError:
        raise Problem(400, "the body is nested too deeply") from None
    if unknown := set(found) - set(names):
        raise Problem(422, f"unknown member {sorted(unknown)[0][:40]!r}; known are {', '.join(names)}")
    return found


async def _plain_problem(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return problem(status, "there is no such resource" if status == 404 else "not with this method")


async def _failed(request: Request, error: Exception) -> Response:
    return problem(500, "this failed here; the log of the node says why")
