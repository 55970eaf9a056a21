"""Stations on real sockets of this machine: sessions, refusals, broken servers, broken frames."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from interlock.simulator.network import websocket
from interlock.simulator.network.address import Address
from interlock.simulator.network.dial import tls_context
from interlock.simulator.network.refusal import explain
from interlock.simulator.network.websocket import FRAME_BYTES
from interlock.simulator.vehicle import Vehicle
from tests.simulator.wire import FakeCsms, csms, rig

pytestmark = pytest.mark.asyncio

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def refusal(url: str, **options: Any) -> str:
    """Return why a station is not let in."""
    async with rig(url, **options) as outside:
        outside.station(reconnect_s=(5.0, 6.0))
        await outside.until(lambda: outside.network.refusals, "a refusal")
        assert outside.of("dial.failed")[0] == {"station": "CP01", "why": outside.network.last_refusal}
        assert "\n" not in outside.network.last_refusal
        return outside.network.last_refusal


@contextlib.asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[str]:
    """A TCP server that is no CSMS. Yields its URL."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
    finally:
        server.close()
        await server.wait_closed()


# --- what works ------------------------------------------------------------------------------------------------------


async def test_a_whole_session_over_a_real_socket() -> None:
    async with csms() as server, rig(server.url, password="s3cret") as outside:
        station = outside.station(meter_interval_s=0.1)
        await outside.until(lambda: station.online and not station.outbox_pending, "a boot")
        station.plug(1, Vehicle())
        station.swipe(1, "TAG")
        await outside.until(lambda: len(server.told("MeterValues")) >= 2, "meter values")
        await outside.until(lambda: station.evses[0].session and station.evses[0].session.transaction_id, "a start")
        station.unplug(1)
        await outside.until(lambda: server.told("StopTransaction") and not station.outbox_pending, "a stop")
        assert server.told("StopTransaction")[0]["transactionId"] == 1
        assert [told["chargePointModel"] for told in server.told("BootNotification")] == ["Twin22"]
        assert server.headers["Authorization"] == "Basic Q1AwMTpzM2NyZXQ="
        assert "Sec-WebSocket-Extensions" not in server.headers
        parts = [(one["part"], one["action"]) for one in outside.of("ledger")]
        assert ("contactor", "closed") in parts
        assert ("contactor", "opened") in parts
        edges = {one["edge"] for one in outside.of("frame")}
        assert edges == {"station.sent", "station.received"}


async def test_the_csms_commands_a_station() -> None:
    async with csms() as server, rig(server.url) as outside:
        station = outside.station()
        await outside.until(lambda: station.online, "a boot")
        await server.sockets["CP01"].send('[2,"u1","UnlockConnector",{"connectorId":1}]')
        await outside.until(lambda: "u1" in server.results, "an answer")
        assert server.results["u1"] == {"status": "Unlocked"}
        unlocked = [one for one in outside.of("ledger") if one["action"] == "unlocked"]
        assert [one["message_id"] for one in unlocked] == ["u1"]


async def test_a_message_in_pieces_is_one_message() -> None:
    async with csms() as server, rig(server.url) as outside:
        station = outside.station()
        await outside.until(lambda: station.online, "a boot")
        await server.sockets["CP01"].send(iter(['[2,"p1","Clear', 'Cache"', ",{}]"]))
        await outside.until(lambda: "p1" in server.results, "an answer")


async def test_a_station_that_reconnects_keeps_its_old_socket_for_a_while() -> None:
    async with csms() as server, rig(server.url) as outside:
        station = outside.station(old_socket_s=(0.05, 0.1))
        await outside.until(lambda: station.online, "a boot")
        station.reconnect_now()
        await outside.until(lambda: outside.network.opened == 2, "a second socket")
        await outside.until(
            lambda: [one["why"] for one in outside.of("socket.closed")] == ["replaced"], "the old one's end"
        )
        await outside.until(lambda: len(outside.network.sockets) == 1, "one socket left")
        assert [one["socket"] for one in outside.of("socket.opened")] == [1, 2]


async def test_a_station_that_reboots_while_it_dials_uses_no_socket_of_its_earlier_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with csms() as server, rig(server.url) as outside:
        station = outside.station()
        connect = outside.network.connect

        def connect_and_reboot(*dial: Any) -> None:
            monkeypatch.undo()
            connect(*dial)
            station.reboot()

        monkeypatch.setattr(outside.network, "connect", connect_and_reboot)
        await outside.until(lambda: station.online, "a boot")
        await outside.until(lambda: outside.of("socket.closed"), "the end of the socket nobody waits for")
        assert outside.of("socket.closed")[0]["why"] == "rebooted"
        assert len(server.told("BootNotification")) == 1
        await outside.until(lambda: len(outside.network.sockets) == 1, "one socket")


async def test_a_server_that_dies_is_found_again_and_nothing_is_lost() -> None:
    async with csms() as server, rig(server.url) as outside:
        station = outside.station()
        await outside.until(lambda: station.online, "a boot")
        station.plug(1, Vehicle())
        station.swipe(1, "TAG")
        await outside.until(lambda: station.evses[0].session and station.evses[0].session.transaction_id, "a session")
        # One answer is held back, so the server dies with a start it has heard of and not answered.
        server.script["StartTransaction"] = lambda _: None
        station.plug(2, Vehicle())
        station.swipe(2, "TAG")
        await outside.until(lambda: len(server.told("StartTransaction")) == 2, "a second start")
        await server.stop()
        await outside.until(lambda: not station.online, "the end of the connection")
        assert "1012" in outside.of("socket.closed")[0]["why"]
        station.unplug(1)
        station.unplug(2)
        assert station.outbox_pending == 3
        await outside.until(lambda: outside.network.refusals, "a dial in vain")
        del server.script["StartTransaction"]
        server.heard.clear()
        await server.start()
        await outside.until(lambda: station.online and not station.outbox_pending, "everything told")
        told = [
            (action, payload.get("transactionId")) for _, action, payload in server.heard if "Transaction" in action
        ]
        assert told == [("StartTransaction", None), ("StopTransaction", 1), ("StopTransaction", 2)]
        assert server.told("BootNotification") == []  # a lost connection is no reboot


# --- who is not let in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "password is wrong or missing"),
        (403, "is it registered there"),
        (404, "nothing is at that path"),
        (426, "another protocol version"),
        (429, "lower --rate"),
        (503, "overloaded"),
        (301, "elsewhere"),
        (418, "refused the connection"),
    ],
)
async def test_a_status_is_explained(status: int, words: str) -> None:
    async with csms(status=HTTPStatus(status)) as server:
        why = await refusal(server.url, password="wrong")
        assert words in why
        assert f"127.0.0.1:{server.port} answered {status}" in why


async def test_a_csms_without_the_subprotocol_is_explained() -> None:
    async with csms(subprotocol=None) as server:
        assert "did not agree on the subprotocol ocpp1.6" in await refusal(server.url)


async def test_a_closed_port_is_explained() -> None:
    server = FakeCsms()
    await server.start()
    await server.stop()
    assert await refusal(server.url) == f"nothing listens at 127.0.0.1:{server.port} (connection refused)"


async def test_an_unknown_host_is_explained() -> None:
    assert "no host is called nowhere.invalid" in await refusal("ws://nowhere.invalid/ocpp")


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(silent) as url:
        assert "did not answer within 2 s" in await refusal(url)


async def test_tls_that_nobody_answers_may_be_the_wrong_scheme() -> None:
    for secure in (True, False):
        told = explain(TimeoutError(), Address(secure, "h", 9000, "/ocpp"), 2.0, "ocpp1.6")
        assert ("is it ws:// perhaps?" in told) is secure


async def test_a_server_that_hangs_up_is_explained() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    async with listening(rude) as url:
        assert "hung up during the handshake" in await refusal(url)


async def test_a_server_that_is_no_http_server_is_explained() -> None:
    async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await reader.read()
        writer.close()

    async with listening(smtp) as url:
        assert "did not answer in HTTP" in await refusal(url)


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody else trusts, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and is not here")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return cert, key


@contextlib.asynccontextmanager
async def secure(certificate: tuple[Path, Path]) -> AsyncIterator[FakeCsms]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = FakeCsms()
    await server.start(context)
    try:
        yield server
    finally:
        await server.stop()


async def test_tls_with_a_certificate_that_is_trusted(certificate: tuple[Path, Path]) -> None:
    async with secure(certificate) as server:
        for context in (
            tls_context(certificate[0], None, None, insecure=False),
            tls_context(None, None, None, insecure=True),
        ):
            async with rig(server.url.replace("ws", "wss", 1), tls=context) as outside:
                station = outside.station()
                await outside.until(lambda station=station: station.online, "a boot")  # type: ignore[misc]


async def test_tls_failures_are_explained(certificate: tuple[Path, Path]) -> None:
    trusting_others = tls_context(None, None, None, insecure=False)
    async with secure(certificate) as server:
        why = await refusal(server.url.replace("ws", "wss", 1), tls=trusting_others)
        assert "is not trusted" in why
        assert "--ca" in why
        assert "is it wss://" in await refusal(server.url)
    async with csms() as plain:
        assert "is it ws://" in await refusal(plain.url.replace("ws", "wss", 1), tls=trusting_others)


# --- hostile ---------------------------------------------------------------------------------------------------------


async def _closed_after(send: Callable[[Any], Coroutine[Any, Any, None]]) -> str:
    async with csms() as server, rig(server.url) as outside:
        station = outside.station()
        await outside.until(lambda: station.online, "a boot")
        await send(server.sockets["CP01"])
        await outside.until(lambda: outside.of("socket.closed"), "a close")
        await outside.until(lambda: outside.network.opened == 2 and station.online, "another connection")
        why: str = outside.of("socket.closed")[0]["why"]
        return why


async def test_a_frame_that_is_too_long_ends_the_connection() -> None:
    assert "1009" in await _closed_after(lambda socket: socket.send('"' + "x" * FRAME_BYTES + '"'))


async def test_many_pieces_that_are_too_long_together_end_the_connection() -> None:
    pieces = ["x" * 10_000] * 30
    assert "1009" in await _closed_after(lambda socket: socket.send(iter(pieces)))


async def test_a_binary_frame_ends_the_connection() -> None:
    assert "1003" in await _closed_after(lambda socket: socket.send(b"[2]"))


async def test_text_that_is_no_utf8_ends_the_connection() -> None:
    async def send(socket: Any) -> None:
        socket.protocol.send_frame(Frame(Opcode.TEXT, b"\xff\xfe"))
        socket.transport.write(b"".join(socket.protocol.data_to_send()))

    assert "1007" in await _closed_after(send)


async def test_bytes_that_are_no_websocket_end_the_connection() -> None:
    async def send(socket: Any) -> None:
        socket.transport.write(b"\x7f" * 64)

    assert "1002" in await _closed_after(send)


async def test_a_csms_that_dies_has_broken_no_rule() -> None:
    async def dies(socket: Any) -> None:
        socket.transport.abort()

    assert (await _closed_after(dies)).startswith("connection lost")


async def test_a_close_reason_is_made_printable() -> None:
    assert "4001 a?[31mb" in await _closed_after(lambda socket: socket.close(4001, "a\x1b[31mb"))


@pytest.mark.parametrize(
    "text", ["", "null", "[" * 5000, '{"a":1}', "[2]", "[9,1,2]", "\ud7ff", '[3,"x",{}]', "[2,5,{},1]"]
)
async def test_text_that_is_no_ocpp_is_endured(text: str) -> None:
    async with csms() as server, rig(server.url) as outside:
        station = outside.station()
        await outside.until(lambda: station.online, "a boot")
        await server.sockets["CP01"].send(text)
        await server.sockets["CP01"].send('[2,"c1","ClearCache",{}]')
        await outside.until(lambda: "c1" in server.results, "an answer")
        assert outside.network.opened == 1


async def test_a_csms_that_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "UNREAD_BYTES", 100_000)
    async with csms() as server, rig(server.url) as outside:
        station = outside.station()
        await outside.until(lambda: station.online, "a boot")
        deaf = server.sockets["CP01"].transport
        deaf.pause_reading()
        for _ in range(400):
            station.send_raw(json.dumps("x" * 100_000))
        assert outside.of("socket.closed")[0]["why"] == "the CSMS does not read"
        await outside.until(lambda: outside.network.opened == 2, "another connection")
        deaf.abort()


async def test_what_a_half_open_socket_is_told_is_lost() -> None:
    async with csms() as server, rig(server.url) as outside:
        station = outside.station()
        await outside.until(lambda: station.online and not station.controller.conversation.link.outstanding, "a boot")
        assert station.controller.conversation.socket is not None
        station.controller.conversation.socket.half_open("test")
        station.send_heartbeat_now()
        assert outside.of("frame.lost")[0]["why"] == "half-open"
        station.controller.conversation.connection.leave("gone", orderly=False)
        assert server.told("Heartbeat") == []


# --- what it costs ---------------------------------------------------------------------------------------------------


async def test_no_station_has_a_task_of_its_own() -> None:
    async with csms() as server:
        async with rig(server.url) as outside:
            stations = [outside.station(f"CP{number:02d}") for number in range(20)]
            await outside.until(lambda: all(station.online for station in stations), "20 boots")
            await outside.until(lambda: not outside.network._tasks, "the end of dialling")
            mine = [task for task in asyncio.all_tasks() if "simulator" in repr(task.get_coro())]
            assert mine == []
        assert not outside.network.sockets
