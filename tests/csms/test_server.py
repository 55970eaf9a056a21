"""The CSMS on real sockets: a session, and what peers do that are broken or hostile."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket as sockets
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from interlock.csms import codec
from interlock.csms.domain import commands as do
from interlock.csms.handle import station_stream
from interlock.csms.serve.limits import Limits
from interlock.csms.store.sqlite import SqliteStore

from .serving import AT, BOOT, Served, dialled, served

pytestmark = pytest.mark.asyncio
PASSWORD = "0123456789abcdef"


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def types(csms: Served, station: str = "CP01") -> list[str]:
    return [codec.kind(one.type) for one in await csms.node.store.read(station_stream(station))]


async def until(condition: Any) -> None:
    """Wait until something is so; a test's own limit ends it."""
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_a_session_is_in_the_log_before_it_is_answered() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        assert (await station.boot())[2]["status"] == "Accepted"
        assert await station.say("Heartbeat", {}) is not None
        await station.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        started = await station.say(
            "StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": AT}
        )
        transaction = started[2]["transactionId"]
        assert (await types(csms))[-1] == "TransactionStarted"
        await station.say("StopTransaction", {"transactionId": transaction, "meterStop": 9, "timestamp": AT})
        assert await types(csms) == [
            "CameOnline",
            "Booted",
            "StatusReported",
            "TransactionStarted",
            "TransactionStopped",
        ]


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    for turn in range(2):
        store = await SqliteStore.open(tmp_path / "log.sqlite")
        async with served(store=store, name=f"n{turn}") as csms:
            state = await csms.records.station("CP01")
            if turn:
                assert state is not None
                assert len(state.transactions) == 1
            else:
                async with dialled(csms.url()) as station:
                    await station.boot()
                    start = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": AT}
                    await station.say("StartTransaction", start)
        await store.close()


# --- who may come in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ocpp/", 404),
        ("/", 404),
        ("/other/CP01", 404),
        ("/ocpp/a/b", 404),
        ("/ocpp/..%2f..%2ftmp%2fx", 404),
        ("/ocpp/%00", 400),
        ("/ocpp/%ff", 400),
        ("/ocpp/%E2%80%AE", 400),
        ("/ocpp/" + "x" * 49, 400),
    ],
)
async def test_a_path_that_names_no_station_is_refused(path: str, status: int) -> None:
    async with served() as csms:
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(f"ws://127.0.0.1:{csms.port}{path}"):
                pass
        assert refused.value.response.status_code == status
        assert await csms.records.stations() == []


async def test_a_station_id_is_percent_decoded() -> None:
    async with served() as csms, dialled(csms.url("A%2DB%3A1")) as station:
        await station.boot()
        assert await csms.records.stations() == ["A-B:1"]


@pytest.mark.parametrize("offered", [None, ["ocpp1.5"]])
async def test_another_subprotocol_ends_in_a_close_and_no_event(offered: Any) -> None:
    async with served() as csms:
        async with dialled(csms.url(), subprotocols=offered) as station:
            with pytest.raises(ConnectionClosed) as closed:
                await station.hear()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1002
        assert await csms.records.stations() == []


async def test_a_password_is_asked_for_and_nothing_is_told_without() -> None:
    async with served(profile=1) as csms:
        await csms.keys.set("CP01", PASSWORD)
        bodies = set()
        for station, headers in (
            ("CP01", {}),
            ("CP01", basic("CP01", "wrong-password")),
            ("CP02", basic("CP02", PASSWORD)),
            ("CP01", basic("CP02", PASSWORD)),
            ("CP01", {"Authorization": "Basic ???"}),
        ):
            with pytest.raises(InvalidStatus) as refused:
                async with dialled(csms.url(station), additional_headers=headers):
                    pass
            assert refused.value.response.status_code == 401
            assert refused.value.response.headers["WWW-Authenticate"].startswith("Basic")
            bodies.add(bytes(refused.value.response.body))
        assert len(bodies) == 1
        for _ in range(2):  # proved once, then remembered
            async with dialled(csms.url(), additional_headers=basic("CP01", PASSWORD)) as station_:
                await station_.boot()
        log = b"".join(one.data for one in await csms.node.store.read_all())
        assert PASSWORD.encode() not in log


async def test_a_key_can_be_changed_and_removed() -> None:
    async with served(profile=1) as csms:
        await csms.keys.set("CP01", PASSWORD)
        await csms.keys.set("CP01", "another-password")
        with pytest.raises(InvalidStatus):
            async with dialled(csms.url(), additional_headers=basic("CP01", PASSWORD)):
                pass
        async with dialled(csms.url(), additional_headers=basic("CP01", "another-password")) as station:
            await station.boot()
        await csms.keys.remove("CP01")
        with pytest.raises(InvalidStatus):
            async with dialled(csms.url(), additional_headers=basic("CP01", "another-password")):
                pass


async def test_a_station_with_a_key_needs_it_where_others_need_none() -> None:
    async with served(profile=0) as csms:
        await csms.keys.set("CP01", PASSWORD)
        with pytest.raises(InvalidStatus):
            async with dialled(csms.url()):
                pass
        async with dialled(csms.url("CP02")) as station:
            await station.boot()


async def test_guessing_is_slowed_down_and_the_real_station_still_comes_in() -> None:
    async with served(profile=1) as csms:
        await csms.keys.set("CP01", PASSWORD)
        async with dialled(csms.url(), additional_headers=basic("CP01", PASSWORD)):
            pass
        codes = []
        for n in range(8):
            with pytest.raises(InvalidStatus) as refused:
                async with dialled(csms.url(), additional_headers=basic("CP01", f"guess-number-{n}")):
                    pass
            codes.append(refused.value.response.status_code)
            if codes[-1] == 429:
                assert int(refused.value.response.headers["Retry-After"]) >= 1
        assert codes[0] == 401
        assert codes[-1] == 429
        async with dialled(csms.url(), additional_headers=basic("CP01", PASSWORD)) as station:
            await station.boot()


async def test_certificates_name_stations() -> None:
    ca, other = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    def client(issuer: trustme.CA, name: str | None) -> ssl.SSLContext:
        made = ssl.create_default_context()
        ca.configure_trust(made)
        if name is not None:
            issuer.issue_cert(f"{name}.example", common_name=name).configure_cert(made)
        return made

    async with served(profile=3, tls=context) as csms:
        async with dialled(csms.url(scheme="wss"), ssl=client(ca, "CP01")) as station:
            await station.boot()
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(csms.url(scheme="wss"), ssl=client(ca, "CP02")):
                pass
        assert refused.value.response.status_code == 403
        for issuer, name in ((other, "CP01"), (ca, None)):
            with pytest.raises((ssl.SSLError, ConnectionError, WebSocketException)):
                async with dialled(csms.url(scheme="wss"), ssl=client(issuer, name)) as station:
                    await station.boot()


# --- peers that are broken or hostile --------------------------------------------------------------------------------

BROKEN = [
    "",
    "x",
    "[]",
    "[2]",
    "{}",
    "null",
    '[2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]',
    '[2,"x","BootNotification",{}]',
    '[3,"",{"fileName":"d.log"}]',
    '[2,"1",["Heartbeat"],{}]',
    '[2,"1",{},{}]',
    "[" * 100_000 + "]" * 100_000,
    '[2,"1","Heartbeat",{"n":' + "9" * 4301 + "}]",
    '[2,"1","Heartbeat",{"n":1e999}]',
    '[2,"1","Heartbeat",{"n":NaN}]',
    '["2","1","Heartbeat",{}]',
    '[2,"' + "i" * 100_000 + '","Heartbeat",{}]',
    '[2,"1","FooBar",{}]',
    '[2,"1","heartbeat",{}]',
    '[2,"1","Heartbeat",{' + ",".join(f'"k{n}":1' for n in range(10_000)) + "}]",
    '[3,"zzz",{}]',
    '[4,"zzz","GenericError","",{}]',
    "\x1b[2J\r\nERROR fake",
    '[2,"1","BootNotification",{"chargePointVendor":"\\ud800","chargePointModel":"a\\u0000b"}]',
]


async def test_broken_frames_do_not_end_a_connection_and_are_on_record() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        await station.boot()
        for frame in BROKEN:
            await station.socket.send(frame)
        await station.socket.send('[2,"last","Heartbeat",{}]')
        answers = []
        while not answers or answers[-1][1] != "last":
            answers.append(await station.hear())
        assert answers[-1][0] == 3
        assert all(len(json.dumps(one)) < 600 for one in answers)
        assert all(len(one[1]) <= 36 for one in answers)
        assert (await types(csms)).count("AnomalyRecorded") >= 10
        assert csms.node.connections


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\x82\x01x", 1003), (b"\x81\x02\xff\xff", 1007), (b"\x81\x7f" + struct.pack(">Q", 2**40), 1009)],
)
async def test_frames_that_are_no_text_are_closed_with_their_code(data: bytes, code: int) -> None:
    masked = data[:1] + bytes([data[1] | 0x80])
    rest = data[2:10] if data[1] == 0x7F else b""
    payload = b"" if data[1] == 0x7F else data[2:]
    raw = masked + rest + b"\0\0\0\0" + payload
    async with served() as csms, dialled(csms.url()) as station:
        station.socket.transport.write(raw)
        with pytest.raises(ConnectionClosed) as closed:
            await station.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


async def test_a_flood_of_pings_is_closed() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        ping = b"\x89\x80\0\0\0\0"
        station.socket.transport.write(ping * 2_000)
        with pytest.raises(ConnectionClosed) as closed:
            await station.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_a_flood_of_messages_is_slowed_and_others_are_not() -> None:
    limits = Limits(messages_per_s=100.0, messages_burst=20.0)
    async with served(limits=limits) as csms, dialled(csms.url()) as loud, dialled(csms.url("CP02")) as calm:
        await loud.boot()
        await calm.boot()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for n in range(120):
            await loud.socket.send(json.dumps([2, f"f{n}", "Heartbeat", {}]))
        assert (await calm.say("Heartbeat", {}))[0] == 3
        assert loop.time() - began < 0.5
        answers = [await loud.hear() for _ in range(120)]
        assert [one[1] for one in answers] == [f"f{n}" for n in range(120)]
        await loud.say("Heartbeat", {})
        assert loop.time() - began > 0.9  # 100 more than it may say at once, at 100 a second


async def test_a_peer_that_never_reads_is_cut_off() -> None:
    limits = Limits(unread_s=0.3, messages_burst=1e9)
    async with served(limits=limits) as csms:
        raw = sockets.create_connection(("127.0.0.1", csms.port))
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        key = base64.b64encode(b"0" * 16).decode()
        raw.sendall(
            f"GET /ocpp/CP01 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )
        raw.setblocking(False)
        frame = json.dumps([2, "x" * 36, "Heartbeat", {}]).encode()
        message = b"\x81" + bytes([0x80 | len(frame)]) + b"\0\0\0\0" + frame

        async def gone() -> bool:
            try:
                await asyncio.get_running_loop().sock_sendall(raw, message * 200)
            except OSError:
                return True
            return not csms.server.open

        await until(gone)
        raw.close()
        await until(lambda: _empty(csms))


async def _empty(csms: Served) -> bool:
    return not csms.server.open and not csms.node.connections


async def test_half_a_handshake_is_ended() -> None:
    async with served(limits=Limits(handshake_s=0.2)) as csms:
        reader, writer = await asyncio.open_connection("127.0.0.1", csms.port)
        writer.write(b"GET /ocpp/CP01 HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):  # a reset is an end as well
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_silent_socket_is_closed() -> None:
    limits = Limits(first_frame_s=0.1, silence_s=0.1)
    async with (
        served(limits=limits, offline_after_s=0.5) as csms,
        dialled(csms.url()) as mute,
        dialled(csms.url("CP02")) as silent,
    ):
        await silent.boot()
        for station in (mute, silent):
            with pytest.raises(ConnectionClosed):
                await station.hear()


async def _online(csms: Served) -> int:
    log = [codec.decode(one.type, one.data) for one in await csms.node.store.read("station-CP01")]
    return [type(one).__name__ for one in log].count("CameOnline")


async def test_a_newer_connection_that_proved_itself_replaces_the_older_one() -> None:
    async with served(profile=1) as csms:
        await csms.keys.set("CP01", PASSWORD)
        how = {"additional_headers": basic("CP01", PASSWORD)}
        async with dialled(csms.url(), **how) as old:
            await old.boot()
            async with dialled(csms.url(), **how) as new:
                with pytest.raises(ConnectionClosed):
                    await old.hear()  # though the newer one said nothing yet
                assert (await new.say("Heartbeat", {}))[0] == 3
                assert list(csms.node.connections) == ["CP01"]
            assert await _online(csms) == 2


async def test_without_proof_nothing_is_taken_from_one_that_answers() -> None:
    async with served() as csms, dialled(csms.url()) as old:
        await old.boot()
        async with dialled(csms.url()) as new:
            with pytest.raises(ConnectionClosed):
                await new.boot()
        assert (await old.say("Heartbeat", {}))[0] == 3
        assert await _online(csms) == 1


async def test_one_that_answers_no_more_is_replaced_within_seconds() -> None:
    async with served(takeover_s=0.3) as csms, dialled(csms.url()) as old:
        await old.boot()
        old.socket.transport.pause_reading()  # it is there for TCP, and for nobody else
        async with dialled(csms.url()) as new:
            assert (await new.boot())[0] == 3
            assert await _online(csms) == 2
        old.socket.transport.resume_reading()


@pytest.mark.parametrize("profile", [0, 1])
async def test_a_station_that_comes_back_and_is_silent_can_be_commanded(profile: int) -> None:
    async with served(profile=profile) as csms:
        how = {}
        if profile:
            await csms.keys.set("CP01", PASSWORD)
            how = {"additional_headers": basic("CP01", PASSWORD)}
        async with dialled(csms.url(), **how) as station:
            await station.boot()
        await until(lambda: _empty(csms))
        async with dialled(csms.url(), **how) as station:

            async def counts() -> bool:
                return "CP01" in csms.node.connections

            await until(counts)
            decided = await csms.node.operate("CP01", do.Unlock(1), "r1")
            assert (await station.hear())[1:3] == [decided.command_id, "UnlockConnector"]


async def test_nothing_is_left_when_it_stops() -> None:
    async with served() as csms:
        async with dialled(csms.url()) as station:
            await station.say("BootNotification", BOOT)
            await csms.server.stop()
            with pytest.raises(ConnectionClosed):
                await station.hear()
        assert await _empty(csms)
        assert not csms.node._tasks
