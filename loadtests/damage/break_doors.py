"""Let anything break off at a node's doors: an exception and a cancellation at each place where one of its tasks waits,
and an exception in each call of its sockets' protocols.

The node serves on real sockets in one thread: stations' door, gate, operators' API, pages and followers. A client in
another has a session with it: every endpoint, a follower that reads and goes, a station with a key, a command. What is
refused or cut off is asked again, as real ones do. Done once undisturbed to count the places, then once for each place
and way. Afterwards the node must serve on, and hold nothing of whoever is gone: no socket, follower, task or place at a
door. `break_off.py` does the same to the node behind the doors, in virtual time.

    python loadtests/damage/break_doors.py              every place
    python loadtests/damage/break_doors.py --every 20   each twentieth
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import http.client
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

sys.path.insert(0, str(Path(__file__).parents[1]))

from interlock.csms.domain.station import Rules
from interlock.csms.node import Csms
from interlock.csms.serve.api import Api
from interlock.csms.serve.credentials import Credentials
from interlock.csms.serve.gate import Gate
from interlock.csms.serve.limits import Limits
from interlock.csms.serve.operators import Operators, OperatorSocket
from interlock.csms.serve.projections import Projections
from interlock.csms.serve.server import Server
from interlock.csms.serve.station_socket import Socket
from interlock.csms.serve.strict_json import StrictEndpoint
from interlock.csms.serve.wall_clock import WallClock, fresh_ids
from interlock.csms.settings import Settings
from interlock.csms.store import MemoryStore
from interlock.loadtests.damage.break_off import Broken, Interrupted, Place, main, places

PASSWORD = "0123456789abcdef"
TRIES = 10
ANSWER_S, PATIENCE_S = 2.0, 20.0
"""How long a client waits for an answer before it asks again, and how long what is gone may be held."""
PATHS = (
    *("/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/metrics", "/api/stations", "/api/fleet"),
    *("/api/stations/CP01", "/api/stations/CP01/events", "/api/stations/CP01/connectors", "/api/tokens"),
    *("/api/stations/CP01/transactions", "/api/stations/CP01/deviations", "/api/stations/CP01/commands"),
)
CALLS: dict[type, tuple[str, ...]] = {
    Socket: ("connection_made", "buffer_updated", "eof_received", "connection_lost"),
    OperatorSocket: ("connection_made", "data_received", "connection_lost"),
}
"""What the loop calls of each protocol."""


class HalfAlive(AssertionError):
    """The node neither served on nor was gone."""


@dataclass
class Doors:
    """Where they are, and the node behind them."""

    node: Csms
    server: Server
    operators: Operators
    records: Projections
    ocpp: int = 0
    api: int = 0
    alarms: list[str] = field(default_factory=list)

    def held(self) -> dict[str, int]:
        """Count what is held of others."""
        found = {
            "sockets": len(self.server.attached) + len(self.server.open),
            "places at the stations' door": self.server.admission.count + self.server.admission.unproven,
            "places at the operators' door": self.operators.admission.count + self.operators.admission.unproven,
            "followers": self.records.followers.count,
            "proofs": self.server.proofs.proving.total(),
            "unfinished bytes": self.server.unfinished.total(),
            "connections": len(self.node.connections),
            "tasks": len(asyncio.all_tasks()) - 1,
        }
        return {what: count for what, count in found.items() if count}


# --- the client, in a thread of its own ---


def insist(what: str, attempt: Callable[[], bool]) -> None:
    """Try until it is right. Raises `HalfAlive`."""
    why = ""
    for _ in range(TRIES):
        try:
            if attempt():
                return
        except (OSError, http.client.HTTPException, WebSocketException, EOFError) as error:
            why = f": {type(error).__name__} {error}"
        time.sleep(0.02)
    raise HalfAlive(f"{what} is never served{why}")


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask the API one thing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        head = {"Authorization": "Bearer token", "Content-Type": "application/json", "Idempotency-Key": "k1"}
        connection.request(method, path, None if body is None else json.dumps(body), head)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def follow(port: int) -> bool:
    """Follow the log until there is an event, and go."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/api/events?after=0", headers={"Authorization": "Bearer token"})
        return connection.getresponse().readline().startswith(b"id: ")
    finally:
        connection.close()


def charge(doors: Doors) -> bool:
    """Be the station: show the key, boot, answer a command."""
    proof = base64.b64encode(f"CP01:{PASSWORD}".encode()).decode()
    url, ocpp = f"ws://127.0.0.1:{doors.ocpp}/ocpp/CP01", Subprotocol("ocpp1.6")
    head = {"Authorization": f"Basic {proof}"}
    with connect(url, subprotocols=[ocpp], additional_headers=head, compression=None, open_timeout=ANSWER_S) as line:
        line.send(json.dumps([2, "b", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]))
        if json.loads(line.recv(ANSWER_S))[0] != 3:
            return False
        unlock = {"action": "UnlockConnector", "payload": {"connectorId": 1}}
        status, _ = ask(doors.api, "POST", "/api/stations/CP01/commands", unlock)
        if status != 202:
            return False
        with suppress(TimeoutError):  # sent on an earlier connection perhaps, and never again
            call = json.loads(line.recv(0.2))
            line.send(json.dumps([3, call[1], {"status": "Unlocked"}]))
    return True


def session(doors: Doors) -> None:
    """Use every door. Raises `HalfAlive`."""
    insist("a key", lambda: ask(doors.api, "PUT", "/api/stations/CP01/key", {"password": PASSWORD})[0] == 204)
    insist("a token", lambda: ask(doors.api, "PUT", "/api/tokens/T", {"status": "Accepted"})[0] == 200)
    insist("the station", lambda: charge(doors))
    for path in PATHS:
        insist(path, lambda path=path: ask(doors.api, "GET", path)[0] == 200)  # type: ignore[misc]
    insist("a follower", lambda: follow(doors.api))
    insist("the station again", lambda: charge(doors))


# --- the node ---


@contextlib.contextmanager
def breaking(place: Place) -> Iterator[None]:
    """Let the calls of the protocols break off: before they did anything."""
    kept = {(kind, name): getattr(kind, name) for kind, names in CALLS.items() for name in names}

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def breaks(self: Any, *values: Any) -> Any:
            if call.__name__ == "connection_lost":
                found = call(self, *values)  # of what is not called at all nobody can know
                if place.here("call"):
                    raise Broken(f"in call {place.number}")
                return found
            if place.here("call"):
                raise Broken(f"in call {place.number}")
            return call(self, *values)

        return breaks

    for (kind, name), call in kept.items():
        setattr(kind, name, wrapped(call))
    try:
        yield
    finally:
        for (kind, name), call in kept.items():
            setattr(kind, name, call)


async def _serve(place: Place) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)
    alarms: list[str] = []
    settings = Settings(unknown_tokens="Accepted", call_timeout_s=5.0)
    node = Csms(
        *("n1", MemoryStore(), WallClock(loop), fresh_ids("n1"), settings, lambda _: Rules(2, 2)),
        alarm=alarms.append,
        endpoint=StrictEndpoint,
    )
    gate = Gate(0, "/ocpp/", b"pepper")
    server, records, keys = Server(node, gate, Limits(closing_s=0.2)), Projections(node), Credentials(node, gate)
    await records.start()
    await node.start()
    await keys.start()
    app = Api(node, server, records, keys, "token").app(["127.0.0.1"])
    operators = Operators(app, node.clock.now, alarms.append)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    doors = Doors(node, server, operators, records, alarms=alarms)
    doors.ocpp = await server.listen("127.0.0.1", 0)
    doors.api = await operators.listen("127.0.0.1", 0)
    loop.set_task_factory(lambda loop, coroutine, **how: asyncio.Task(Interrupted(coroutine, place), loop=loop, **how))
    try:
        with breaking(place):
            await loop.run_in_executor(None, session, doors)
            await _let_go(doors)
    finally:
        loop.set_task_factory(None)
        records.stop()
        operators.close()
        await operators.stop(0.2)
        await server.stop()


async def _let_go(doors: Doors) -> None:
    """Wait until nothing is held of the client, which is gone. Raises `HalfAlive`."""
    until = time.monotonic() + PATIENCE_S
    while held := doors.held():
        if time.monotonic() > until:
            raise HalfAlive(", ".join(f"{count} {what}" for what, count in held.items()) + " are held of nobody")
        await asyncio.sleep(0.01)


def disturbed(place: Place) -> str | None:
    """Have a session with one break; return what is wrong afterwards."""
    try:
        asyncio.run(_serve(place))
    except HalfAlive as error:
        return f"{place.way} at {place.kind} {place.number}: {error}"
    return None


def sweep(every: int = 1, offset: int = 0) -> tuple[int, list[str]]:
    """Break off at every place (or each `every`th); return how many there were and what is wrong."""
    counted = Place()
    wrong = [found] if (found := disturbed(counted)) else []
    chosen = places(counted)[offset::every]
    wrong += [found for place in chosen if (found := disturbed(place))]
    return len(chosen), wrong


if __name__ == "__main__":
    main(sweep, "at the doors")
