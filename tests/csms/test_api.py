"""The operator's API over HTTP, with a real station at the other end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from .serving import Served, Station, dialled, served

pytestmark = pytest.mark.asyncio
UNLOCK = {"action": "UnlockConnector", "payload": {"connectorId": 1}}


class Client:
    """Calls the application as a server would, without a port."""

    def __init__(self, csms: Served) -> None:
        self.app = csms.api.app(["testserver"])

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "token",
        host: str = "testserver",
        **headers: str,
    ) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        sent = {"host": host, **({"authorization": f"Bearer {token}"} if token else {})}
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent["content-type"] = "application/json"
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("testserver", 80),
            "client": ("127.0.0.1", 1),
        }
        told = [{"type": "http.request", "body": data, "more_body": False}]
        found: dict[str, Any] = {"body": b""}

        async def receive() -> Any:
            return told.pop(0) if told else await asyncio.Future()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                found["status"] = message["status"]
            else:
                found["body"] += message.get("body", b"")

        await asyncio.wait_for(self.app(scope, receive, send), 20)
        try:
            return found["status"], json.loads(found["body"])
        except ValueError:
            return found["status"], found["body"].decode()


@asynccontextmanager
async def ready(**settings: Any) -> AsyncIterator[tuple[Served, Station, Client]]:
    async with served(**settings) as csms, dialled(csms.url()) as station:
        await station.boot()
        await station.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        yield csms, station, Client(csms)


async def test_a_command_is_durable_sent_once_and_its_outcome_can_be_waited_for() -> None:
    async with ready() as (_csms, station, client):
        status, asked = await client("POST", "/api/stations/CP01/commands", UNLOCK, idempotency_key="k1")
        assert (status, asked["known"]) == (202, False)
        frame = await station.hear()
        assert frame == [2, asked["id"], "UnlockConnector", {"connectorId": 1}]
        again, known = await client("POST", "/api/stations/CP01/commands", UNLOCK, idempotency_key="k1")
        assert (again, known) == (202, {"id": asked["id"], "known": True})
        waiting = asyncio.create_task(client("GET", f"/api/commands/{asked['id']}?wait=10s"))
        await asyncio.sleep(0)
        _, told = await client("GET", f"/api/commands/{asked['id']}")
        assert (told["state"], told["sent"]) == ("requested", True)
        await station.socket.send(json.dumps([3, asked["id"], {"status": "Unlocked"}]))
        status, told = await waiting
        assert (status, told["state"]) == (200, "accepted")
        assert [one["type"] for one in told["history"]] == ["CommandRequested", "CommandAccepted"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(station.socket.recv(), 0.2)  # no second frame


async def test_a_time_out_is_doubt_and_a_late_answer_resolves_it() -> None:
    async with ready(call_timeout_s=0.2) as (_csms, station, client):
        _, asked = await client("POST", "/api/stations/CP01/commands", UNLOCK)
        await station.hear()
        command = f"/api/commands/{asked['id']}"
        async with asyncio.timeout(10):
            while (await client("GET", command))[1]["state"] != "in-doubt":
                await asyncio.sleep(0.02)
        await station.socket.send(json.dumps([3, asked["id"], {"status": "Unlocked"}]))
        assert (await client("GET", f"{command}?wait=10s"))[1]["state"] == "accepted"


async def test_a_refused_command_can_be_forced() -> None:
    async with ready() as (_csms, station, client):
        path = "/api/stations/CP01/commands"
        _, first = await client("POST", path, UNLOCK)
        await station.hear()
        status, told = await client("POST", path, {**UNLOCK, "force": True}, idempotency_key="k2")
        assert status == 202
        await station.socket.send(json.dumps([3, first["id"], {"status": "Unlocked"}]))
        assert (await station.hear())[1] == told["id"]
        _, shown = await client("GET", f"/api/commands/{told['id']}")
        assert "held by command" in shown["forced"]
        assert (await client("POST", path, {**UNLOCK, "force": "yes"}))[0] == 422


async def test_a_doubt_can_be_closed_by_hand() -> None:
    async with ready(call_timeout_s=0.2) as (_csms, station, client):
        _, asked = await client("POST", "/api/stations/CP01/commands", UNLOCK)
        await station.hear()
        command = f"/api/commands/{asked['id']}"
        assert (await client("POST", f"{command}/close", {"statement": "no"}))[0] == 409
        async with asyncio.timeout(10):
            while (await client("GET", command))[1]["state"] != "in-doubt":
                await asyncio.sleep(0.02)
        for body in ({}, {"statement": ""}, {"statement": 7}, {"statement": "x" * 501}):
            assert (await client("POST", f"{command}/close", body))[0] == 422
        assert (await client("POST", "/api/commands/nobody/close", {"statement": "no"}))[0] == 404
        status, told = await client("POST", f"{command}/close", {"statement": "the lock is open"})
        assert (status, told["state"]) == (200, "closed")
        assert told["history"][-1]["statement"] == "the lock is open"


async def test_the_whole_answer_to_a_read_is_served() -> None:
    async with ready() as (_csms, station, client):
        _, asked = await client("POST", "/api/stations/CP01/commands", {"action": "GetConfiguration"})
        await station.hear()
        answer = {"configurationKey": [{"key": "K", "readonly": True, "value": "V"}]}
        await station.socket.send(json.dumps([3, asked["id"], answer]))
        _, told = await client("GET", f"/api/commands/{asked['id']}?wait=10s")
        assert (told["state"], told["answer"]) == ("accepted", answer)
        assert told["command"] == {"kind": "Relay", "action": "GetConfiguration", "payload": {}}


async def test_what_cannot_be_done_says_why() -> None:
    async with ready() as (_csms, _station, client):
        path = "/api/stations/CP01/commands"
        assert (await client("POST", path, UNLOCK))[0] == 202
        status, told = await client("POST", path, UNLOCK)
        assert status == 409
        assert "connector 1 of EVSE 1 is held by command" in told["detail"]
        for body, says in (
            ({"action": "Fly"}, "is none of RemoteStartTransaction"),
            ({"action": "UnlockConnector", "payload": {}}, "breaks required"),
            ({"action": "UnlockConnector", "payload": {"connectorId": "1"}}, "breaks type"),
            ({"action": "UnlockConnector", "payload": []}, "a command is"),
            ({"action": 1}, "a command is"),
            ({"action": "Reset", "payload": {"type": "Soft"}, "x": 1}, "unknown member 'x'"),
            (b"[1]", "not a JSON object"),
            (b"{", "not a JSON object"),
            (b"[" * 10_000, "not a JSON object"),
        ):
            status, told = await client("POST", path, body)
            assert status == 422, told
            assert says in told["detail"]
        assert (await client("POST", "/api/stations/NOBODY/commands", UNLOCK))[0] == 404
        assert (await client("POST", path, b"x" * 70_000))[0] == 413
        assert (await client("POST", path, b"{}", content_type="text/plain"))[0] == 415
        assert (await client("POST", path, b"{}", content_encoding="gzip"))[0] == 415
        assert (await client("PUT", path, {}))[0] == 405
        assert (await client("GET", "/api/commands/none"))[0] == 404
        assert (await client("GET", "/api/commands/none?wait=forever"))[0] == 400
        assert (await client("POST", path, UNLOCK, idempotency_key="a b"))[0] == 422


async def test_a_station_that_is_away_is_unreachable() -> None:
    async with served(offline_after_s=0.3) as csms:
        async with dialled(csms.url()) as station:
            await station.boot()
        client = Client(csms)
        async with asyncio.timeout(10):
            while (await client("GET", "/api/stations/CP01"))[1]["online"]:
                await asyncio.sleep(0.02)
        status, told = await client("POST", "/api/stations/CP01/commands", UNLOCK)
        assert (status, told["detail"]) == (503, "the station is not connected")


@pytest.mark.parametrize("token", [None, "wrong", ""])
async def test_nothing_is_told_without_the_token(token: str | None) -> None:
    async with ready() as (_csms, _, client):
        for path in ("/api/stations", "/api/events", "/metrics", "/api/tokens"):
            assert (await client("GET", path, token=token))[0] == 401
        assert (await client("GET", "/health/live", token=token))[0] == 200
        assert (await client("GET", "/openapi.json", token=token))[0] == 200


async def test_another_host_name_is_refused() -> None:
    async with ready() as (_csms, _, client):
        assert (await client("GET", "/api/stations", host="evil.test"))[0] == 400


async def test_what_is_known_can_be_read() -> None:
    async with ready() as (_csms, station, client):
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
        transaction = (await station.say("StartTransaction", start))[2]["transactionId"]
        _, stations = await client("GET", "/api/stations")
        assert stations == {"stations": [{"id": "CP01", "online": True, "connected_here": True}], "next": None}
        _, one = await client("GET", "/api/stations/CP01")
        assert (one["registration"], one["node"], one["open_commands"]) == ("Accepted", "n1", [])
        _, connectors = await client("GET", "/api/stations/CP01/connectors")
        assert connectors["connectors"][0]["transaction"] == transaction  # in 1.6 a number, as in the frames
        _, transactions = await client("GET", "/api/stations/CP01/transactions")
        told = transactions["transactions"][0]
        assert (told["transaction_id"], told["id_token"]) == (transaction, "TAG")
        _, events = await client("GET", "/api/stations/CP01/events?limit=2")
        assert ([one["version"] for one in events["events"]], events["next"]) == ([1, 2], 2)
        _, rest = await client("GET", "/api/stations/CP01/events?after=2")
        assert [one["version"] for one in rest["events"]] == [3, 4]
        assert (await client("GET", "/api/stations/CP01/events?limit=0"))[0] == 400
        assert (await client("GET", "/api/stations/CP01/events?after=x"))[0] == 400
        _status, metrics = await client("GET", "/metrics")
        assert "interlock_connections 1" in metrics
        assert 'interlock_events_total{type="TransactionStarted"} 1' in metrics


async def test_tokens_and_keys_can_be_set() -> None:
    async with ready(unknown_tokens="Invalid") as (csms, station, client):
        assert (await station.say("Authorize", {"idTag": "TAG"}))[2]["idTagInfo"]["status"] == "Invalid"
        assert (await client("PUT", "/api/tokens/TAG", {"status": "Accepted"}))[0] == 200
        assert (await station.say("Authorize", {"idTag": "TAG"}))[2]["idTagInfo"]["status"] == "Accepted"
        assert (await client("PUT", "/api/tokens/TAG", {"status": "Maybe"}))[0] == 422
        assert (await client("GET", "/api/tokens"))[1]["tokens"] == [{"token": "TAG", "status": "Accepted"}]
        assert (await client("GET", "/api/tokens/TAG"))[1] == {"token": "TAG", "status": "Accepted"}
        assert (await client("DELETE", "/api/tokens/TAG"))[0] == 204
        assert (await station.say("Authorize", {"idTag": "TAG"}))[2]["idTagInfo"]["status"] == "Invalid"
        assert (await client("GET", "/api/tokens/none"))[0] == (await client("DELETE", "/api/tokens/none"))[0] == 404
        assert (await client("PUT", "/api/stations/CP09/key", {"password": "short"}))[0] == 422
        assert (await client("PUT", "/api/stations/CP09/key", {"password": "long enough"}))[0] == 204
        assert "CP09" in csms.gate.keys
        assert (await client("DELETE", "/api/stations/CP09/key"))[0] == 204
        assert (await client("DELETE", f"/api/stations/{'x' * 49}/key"))[0] == 422
        assert (await client("PUT", "/api/tokens/A/B/", {"status": "Blocked"}))[1]["token"] == "A/B/"
        assert (await station.say("Authorize", {"idTag": "a/b/"}))[2]["idTagInfo"]["status"] == "Blocked"
        assert "CP09" not in csms.gate.keys


async def test_events_can_be_followed() -> None:
    async with ready() as (csms, _station, client):

        async def told(pages: AsyncIterator[bytes], count: int) -> list[str]:
            seen: list[str] = []
            async with asyncio.timeout(10):
                while len(seen) < count:
                    page = (await anext(pages)).decode()
                    seen += [line.removeprefix("event: ") for line in page.splitlines() if line.startswith("event: ")]
            return seen

        csms.records.followers.enter("127.0.0.1")
        pages = csms.records.followers.follow(0)
        assert await told(pages, 3) == ["CameOnline", "Booted", "StatusReported"]
        following = asyncio.ensure_future(told(pages, 1))
        await client("PUT", "/api/tokens/T", {"status": "Blocked"})
        assert await following == ["TokenRegistered"]


async def test_the_description_names_every_route() -> None:
    async with ready() as (_csms, _, client):
        _, described = await client("GET", "/openapi.json")
        routes = {
            (route.path.replace(":path}", "}"), method.lower())  # type: ignore[attr-defined]
            for route in client.app.routes
            for method in route.methods or ()  # type: ignore[attr-defined]
            if method != "HEAD" and route.include_in_schema  # type: ignore[attr-defined]
        }
        assert routes == {(path, method) for path, methods in described["paths"].items() for method in methods}


async def test_what_a_station_sends_that_it_should_not_is_shown_and_counted() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        client = Client(csms)
        await station.boot()
        for _ in range(3):
            assert (await station.say("Heartbeat", {"extra": 1}))[0] == 3
            assert (await station.say("StopTransaction", {"meterStop": 7}))[0] == 4
        status, found = await client("GET", "/api/stations/CP01/deviations")
        assert status == 200
        (recorded,) = found["recorded"]
        assert {**recorded, "at": ""} == {
            "at": "",
            "action": "Heartbeat",
            "member": "extra",
            "rule": "additionalProperties",
            "clause": "OCPP 1.6 4.6, 6.29",
            "example": "1",
        }
        assert [(one["what"], one["action"], one["count"]) for one in found["counted"]] == [
            ("deviation", "Heartbeat", 3),
            ("refused call", "StopTransaction", 3),
        ]
        _, events = await client("GET", "/api/stations/CP01/events")
        anomalies = [one["data"] for one in events["events"] if one["type"] == "AnomalyRecorded"]
        assert len(anomalies) == 1
        assert '{"meterStop":7}' in anomalies[0]["detail"]
        _, metrics = await client("GET", "/metrics")
        assert 'interlock_deviations_total{what="deviation",rule="additionalProperties"} 3' in str(metrics)
        assert 'interlock_deviations_total{what="refused call",rule=""} 3' in str(metrics)
        assert (await client("GET", "/api/stations/CP99/deviations"))[0] == 404
