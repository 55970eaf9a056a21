"""How stations prove themselves over time: a change of key and each of its ends, and the way up the profiles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from interlock.csms.domain import commands as do
from interlock.csms.domain import credentials as cr
from interlock.csms.domain import events as ev
from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.station import Phase
from interlock.csms.serve.gate import Gate, Key, octets
from interlock.csms.serve.names import Names
from interlock.csms.serve.server import Limits
from interlock.csms.store import MemoryStore

from .serving import Served, Station, dialled, served
from .test_api import Client
from .test_server import basic, until

AT = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW, NEWER = "old-key-01234567", "new-key-01234567", "newer-key-012345"

# --- the rules -------------------------------------------------------------------------------------------------------

BEFORE = (ev.KeySet(AT, "CP01", "00", "aa"), ev.KeyOffered(AT, "CP01", "k1", "00", "bb"))


def folded(*events: ev.CredentialEvent, state: cr.Credentials = cr.Credentials()) -> cr.Credentials:  # noqa: B008
    for event in events:
        state = cr.evolve(state, event)
    return state


def ids(state: cr.Credentials, **phases: Phase) -> list[str]:
    return [key.key_id for key in cr.possible(state, phases.get)]


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (None, ["", "k1"]),
        (Phase.REQUESTED, ["", "k1"]),
        (Phase.IN_DOUBT, ["", "k1"]),
        (Phase.UNKNOWN, ["", "k1"]),
        (Phase.ACCEPTED, ["k1"]),
        (Phase.CONFIRMED, ["k1"]),
        (Phase.REJECTED, [""]),
        (Phase.REFUTED, [""]),
    ],
)
def test_which_keys_fit_follows_from_what_became_of_the_command(phase: Phase | None, expected: list[str]) -> None:
    assert [key.key_id for key in cr.possible(folded(*BEFORE), lambda _: phase)] == expected


def offer(state: cr.Credentials, key_id: str, **phases: Phase) -> list[ev.CredentialEvent] | None:
    return cr.offered(state, "CP01", cr.Digest(key_id, "00", "cc"), phases.get, AT)


def test_the_key_that_was_used_is_the_one_until_a_late_answer_says_otherwise() -> None:
    state = folded(*BEFORE)
    assert cr.used(state, "CP01", "k1", {"k1": Phase.IN_DOUBT}.get, AT) == [ev.KeyUsed(AT, "CP01", "k1")]
    assert cr.used(state, "CP01", "", {"k1": Phase.REQUESTED}.get, AT) == []
    assert cr.used(state, "CP01", "k1", {"k1": Phase.REQUESTED}.get, AT) == [ev.KeyUsed(AT, "CP01", "k1")]
    assert cr.used(state, "CP01", "", {"k1": Phase.REJECTED}.get, AT) == []
    kept_old = folded(*BEFORE, ev.KeyUsed(AT, "CP01", ""))
    assert ids(kept_old, k1=Phase.UNKNOWN) == [""]
    assert ids(kept_old, k1=Phase.ACCEPTED) == ["k1"]
    has_new = folded(*BEFORE, ev.KeyUsed(AT, "CP01", "k1"))  # and its answer, late, denies that
    assert ids(has_new, k1=Phase.REJECTED) == ["k1"]
    assert [getattr(event, "key_id", None) for event in offer(has_new, "k2", k1=Phase.REJECTED) or ()] == ["", "k2"]


def test_a_key_the_station_may_have_is_never_dropped_to_make_room() -> None:
    state, number = folded(*BEFORE), 2
    while (events := offer(state, f"k{number}")) is not None:
        state, number = folded(*events, state=state), number + 1
    assert ids(state) == ["", *(f"k{n}" for n in range(1, bounds().keys))]
    # Once an answer tells, what the station cannot have is withdrawn, and there is room again.
    events = offer(state, "new", k2=Phase.ACCEPTED)
    assert events is not None
    assert [getattr(event, "key_id", None) for event in events] == ["", "k1", "new"]
    after = folded(*events, state=state)
    assert ids(after, k2=Phase.ACCEPTED) == ["k2", "k3", "new"]


def test_an_operator_ends_doubts() -> None:
    more = [ev.KeyOffered(AT, "CP01", f"k{n}", "00", "cc") for n in range(2, 12)]
    assert ids(folded(*BEFORE, ev.KeyWithdrawn(AT, "CP01", "k1"))) == [""]
    assert ids(folded(*BEFORE, *more, ev.KeySet(AT, "CP01", "00", "dd"))) == [""]
    assert folded(*BEFORE, ev.ProfileReached(AT, "CP01", 2), ev.KeyRemoved(AT, "CP01")) == cr.Credentials()


def test_a_key_in_hex_is_the_octets_it_stands_for() -> None:
    written = b"0123456789abcdef0123456789ABCDEF01234567"
    assert octets(written) == bytes.fromhex(written.decode())
    assert Key.of(written, b"s").fits(bytes.fromhex(written.decode()))
    for plain in (b"0123456789abcdef", b"0123456789abcdef0", b"x" * 32, b"\xff" * 20):
        assert octets(plain) == plain


def test_right_passwords_are_no_failures() -> None:
    gate = Gate(1, "/ocpp/", b"pepper")
    for n in range(300):  # all from one address, as behind a proxy
        station = f"CP{n}"
        gate.keys[station] = (key := Key(b"s", b"d"),)
        header = basic(station, NEW)["Authorization"]
        assert callable(gate.ask(f"/ocpp/{station}", header, None, "10.0.0.1", 0.0))
        assert gate.proved(f"/ocpp/{station}", header, "10.0.0.1", key) == station


# --- on sockets ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def rotating(store: MemoryStore) -> AsyncIterator[tuple[Served, Client]]:
    async with served(profile=1, store=store, call_timeout_s=0.3) as csms:
        if "CP01" not in csms.gate.keys:
            await csms.keys.set("CP01", OLD)
        yield csms, Client(csms)


def dial(csms: Served, password: str) -> Any:
    return dialled(csms.url(), additional_headers=basic("CP01", password))


async def fits(csms: Served, password: str) -> bool:
    try:
        async with dial(csms, password) as station:
            await station.say("Heartbeat", {})
        return True
    except InvalidStatus:
        return False


async def sent(client: Client, station: Station, value: str = NEW, key: str = "AuthorizationKey") -> tuple[str, Any]:
    payload = {"action": "ChangeConfiguration", "payload": {"key": key, "value": value}}
    status, told = await client("POST", "/api/stations/CP01/commands", payload)
    assert status == 202, told
    return told["id"], await station.hear()


@pytest.mark.asyncio
async def test_a_key_that_is_changed_stands_nowhere_but_in_its_frame() -> None:
    store = MemoryStore()
    async with rotating(store) as (csms, client):
        async with dial(csms, OLD) as station:
            await station.boot()
            command_id, frame = await sent(client, station, key="authorizationkey")
            assert frame[2:] == ["ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW}]
            await station.socket.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
            _, told = await client("GET", f"/api/commands/{command_id}?wait=5")
            assert told["state"] == "accepted"
            _, shown = await client("GET", "/api/stations/CP01/events")
            page = (await anext(csms.records.followers.follow(0))).decode()
            types = [line.removeprefix("event: ") for line in page.splitlines() if line.startswith("event: ")]
        assert await fits(csms, NEW)
        assert not await fits(csms, OLD)
    log = b"".join(one.data for one in await store.read_all())
    assert not any(secret.encode() in log for secret in (OLD, NEW))
    assert NEW not in json.dumps([told, shown])
    assert types == ["CameOnline", "Booted", "CommandRequested", "CommandAccepted"]


@pytest.mark.asyncio
@pytest.mark.parametrize("taken", [True, False])
async def test_while_it_is_in_doubt_both_keys_fit_until_one_is_used(taken: bool) -> None:
    store = MemoryStore()
    async with rotating(store) as (csms, client):
        async with dial(csms, OLD) as station:
            await station.boot()
            command_id, _ = await sent(client, station)
            _, told = await client("GET", f"/api/commands/{command_id}")
            assert (told["state"], told["sent"]) == ("requested", True)
        async with asyncio.timeout(5):
            while (await client("GET", f"/api/commands/{command_id}"))[1]["state"] != "in-doubt":
                await asyncio.sleep(0.01)
        assert [key.key_id == "" for key in csms.gate.keys["CP01"]] == [True, False]
    async with rotating(store) as (csms, _):  # and after a restart
        assert len(csms.gate.keys["CP01"]) == 2
        assert await fits(csms, NEW if taken else OLD)

        async def settled() -> bool:
            return len(csms.gate.keys["CP01"]) == 1

        await until(settled)
        assert not await fits(csms, OLD if taken else NEW)
        assert await fits(csms, NEW if taken else OLD)


@pytest.mark.asyncio
async def test_a_key_the_station_rejects_never_fits() -> None:
    async with rotating(MemoryStore()) as (csms, client):
        async with dial(csms, OLD) as station:
            await station.boot()
            command_id, frame = await sent(client, station)
            await station.socket.send(json.dumps([3, frame[1], {"status": "Rejected"}]))
            assert (await client("GET", f"/api/commands/{command_id}?wait=5"))[1]["state"] == "rejected"
        assert await fits(csms, OLD)
        assert not await fits(csms, NEW)


@pytest.mark.asyncio
async def test_a_key_is_changed_once_for_one_idempotency_key_and_offered_only_where_it_is_sent() -> None:
    async with rotating(MemoryStore()) as (csms, client):
        body = {"action": "ChangeConfiguration", "payload": {"key": "AuthorizationKey", "value": NEW}}
        path = "/api/stations/CP01/commands"
        async with dial(csms, OLD) as station:
            await station.boot()
            first = await client("POST", path, body, idempotency_key="once")
            again = await client("POST", path, body, idempotency_key="once")
            assert (first[0], again[0], again[1]["known"]) == (202, 202, True)
            assert first[1]["id"] == again[1]["id"]
            assert (await station.hear())[1] == first[1]["id"]
            other = {"action": "UnlockConnector", "payload": {"connectorId": 1}}
            assert (await client("POST", path, other, idempotency_key="once"))[0] == 422
            short = {**body, "payload": {"key": "AuthorizationKey", "value": "short"}}
            assert (await client("POST", path, short))[0] == 422
        types = [one.type for one in await csms.node.store.read("credentials")]
        assert types.count("KeyOffered") == 1


@pytest.mark.asyncio
async def test_a_key_offered_to_a_station_that_is_away_is_withdrawn() -> None:
    async with served(profile=1, offline_after_s=0.2) as csms:
        await csms.keys.set("CP01", OLD)
        async with dial(csms, OLD) as station:
            await station.boot()

        async def away() -> bool:
            state = await csms.records.station("CP01")
            return state is not None and not state.online

        await until(away)
        decided = await csms.keys.change("CP01", do.SetPassword(NEW), "r1")
        assert decided.answer == "unreachable"
        assert [key.key_id for key in csms.gate.keys["CP01"]] == [""]


@pytest.mark.asyncio
async def test_there_is_no_way_back_to_a_lower_profile() -> None:
    store = MemoryStore()
    async with served(profile=2, store=store) as csms:  # what TLS adds is not looked at here
        await csms.keys.set("CP01", OLD)
        assert await fits(csms, OLD)

        async def noted() -> bool:
            return any(one.type == "ProfileReached" for one in await store.read("credentials"))

        await until(noted)
    async with served(profile=1, store=store) as csms:
        for password, status in ((OLD, 403), ("wrong-password-01", 401)):
            with pytest.raises(InvalidStatus) as refused:
                async with dial(csms, password):
                    pass
            assert refused.value.response.status_code == status
        await csms.keys.remove("CP01")
        await csms.keys.set("CP01", OLD)
        assert await fits(csms, OLD)


@pytest.mark.parametrize("how", ["set", "removed", "set again"])
@pytest.mark.asyncio
async def test_who_came_in_by_a_key_that_is_taken_away_does_not_stay(how: str) -> None:
    async with served(profile=1) as csms:
        await csms.keys.set("CP01", OLD)
        async with dialled(csms.url(), additional_headers=basic("CP01", OLD)) as station:
            await station.boot()
            if how == "removed":
                await csms.keys.remove("CP01")
            else:
                await csms.keys.set("CP01", OLD if how == "set again" else NEW)
            if how == "set again":
                assert (await station.say("Heartbeat", {}))[0] == 3
                return
            await station.socket.wait_closed()
            assert station.socket.close_reason == "its password was changed or taken away"
            assert "CP01" not in csms.node.connections


@pytest.mark.asyncio
async def test_who_does_not_count_yet_is_cut_off_with_the_key() -> None:
    class Arriving:
        def __init__(self, undecided: bool) -> None:
            self.open, self._undecided = True, undecided

        def undecided(self) -> bool:
            return self._undecided

        def abort(self) -> None:
            self.open = False

    names, early, counted = Names(Limits()), Arriving(True), Arriving(False)
    names.arrive("CP01", "10.0.0.1", early)
    names.arrive("CP01", "10.0.0.2", counted)
    names.revoked("CP02")
    assert early.open
    names.revoked("CP01")
    assert (early.open, counted.open) == (False, True)
