"""The catalogue of attacks, S01 to S40: which test stands against which, and those that have no other home.

Where nothing is named, the reason is said: no page to script, no such interface, or not done yet.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interlock.csms.serve.gate import Key

from .serving import AT, dialled, served
from .test_server import PASSWORD, basic, types

pytestmark = pytest.mark.asyncio

SERVER, HOSTILE, API = "test_server", "test_endpoint_hostile", "test_api"
STANDS: dict[str, tuple[str, str] | str] = {
    "S01": (SERVER, "test_a_password_is_asked_for_and_nothing_is_told_without"),
    "S02": (SERVER, "test_without_proof_nothing_is_taken_from_one_that_answers"),
    "S03": ("test_attacks", "test_a_foreign_transaction_cannot_be_stopped"),
    "S04": (SERVER, "test_guessing_is_slowed_down_and_the_real_station_still_comes_in"),
    "S05": ("test_attacks", "test_an_unknown_station_costs_the_work_of_a_wrong_password"),
    "S06": (SERVER, "test_frames_that_are_no_text_are_closed_with_their_code"),
    "S07": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S08": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S09": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S10": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S11": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S12": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S13": ("test_strict", "test_what_two_readers_may_read_differently_is_refused"),
    "S14": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S15": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S16": (SERVER, "test_frames_that_are_no_text_are_closed_with_their_code"),
    "S17": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S18": (SERVER, "test_broken_frames_do_not_end_a_connection_and_are_on_record"),
    "S19": ("test_attacks", "test_results_nobody_asked_for_do_not_hinder_a_command"),
    "S20": ("test_attacks", "test_a_message_id_may_come_again"),
    "S21": "waits for the page; reports escape what stations say (tests/reports/test_pages.py)",
    "S22": "no SQL is put together from strings: ids and payloads are parameters in both stores",
    "S23": ("test_attacks", "test_what_a_station_says_stays_on_one_line_of_an_alarm"),
    "S24": (SERVER, "test_a_path_that_names_no_station_is_refused"),
    "S25": ("test_attacks", "test_compressed_frames_are_refused"),
    "S26": ("test_attacks", "test_a_flood_of_empty_fragments_is_closed"),
    "S27": (SERVER, "test_a_flood_of_pings_is_closed"),
    "S28": (SERVER, "test_half_a_handshake_is_ended"),
    "S29": (SERVER, "test_a_peer_that_never_reads_is_cut_off"),
    "S30": (SERVER, "test_a_flood_of_messages_is_slowed_and_others_are_not"),
    "S31": ("test_credentials", "test_there_is_no_way_back_to_a_lower_profile"),
    "S32": (SERVER, "test_certificates_name_stations"),
    "S33": ("test_credentials", "test_a_key_that_is_changed_stands_nowhere_but_in_its_frame"),
    "S34": "the simulated station opens no URL: it has no firmware or diagnostics transfer",
    "S35": ("test_attacks", "test_cards_cannot_be_found_by_trying"),
    "S36": ("test_attacks", "test_poisoned_timestamps_are_taken_and_everything_can_still_be_read"),
    "S37": "there is no export to a spreadsheet",
    "S38": (SERVER, "test_a_password_is_asked_for_and_nothing_is_told_without"),
    "S39": (HOSTILE, "test_nothing_escapes_grows_or_is_lost"),
    "S40": ("test_attacks", "test_answers_are_never_answered"),
}


async def test_every_attack_has_an_answer() -> None:
    assert list(STANDS) == [f"S{number:02d}" for number in range(1, 41)]
    for stands in STANDS.values():
        if isinstance(stands, tuple):
            module = importlib.import_module(f"{__package__}.{stands[0]}")
            assert callable(getattr(module, stands[1])), stands


async def test_a_foreign_transaction_cannot_be_stopped() -> None:
    async with served() as csms, dialled(csms.url()) as one, dialled(csms.url("CP02")) as other:
        await one.boot()
        await other.boot()
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": AT}
        transaction = (await one.say("StartTransaction", start))[2]["transactionId"]
        stop = {"transactionId": transaction, "meterStop": 9, "timestamp": AT}
        assert (await other.say("StopTransaction", stop))[0] == 3
        state = await csms.records.station("CP01")
        assert state is not None
        assert state.transactions[str(transaction)].open
        assert "AnomalyRecorded" in await types(csms, "CP02")


async def test_an_unknown_station_costs_the_work_of_a_wrong_password() -> None:
    async with served(profile=1) as csms:
        await csms.keys.set("CP01", PASSWORD)
        for station in ("CP01", "NOBODY"):
            with mock.patch.object(Key, "fits", autospec=True, return_value=False) as fits:
                with pytest.raises(InvalidStatus) as refused:
                    async with dialled(csms.url(station), additional_headers=basic(station, "wrong-password")):
                        pass
                assert (refused.value.response.status_code, fits.call_count) == (401, 1)


async def test_results_nobody_asked_for_do_not_hinder_a_command() -> None:
    from interlock.csms.domain import commands as do

    async with served() as csms, dialled(csms.url()) as station:
        await station.boot()
        for n in range(300):
            await station.socket.send(json.dumps([3, f"zzz{n}", {}]))
        decided = await csms.node.operate("CP01", do.Unlock(1), "r1")
        frame = await station.hear()
        assert frame[1:3] == [decided.command_id, "UnlockConnector"]
        async with asyncio.timeout(10):  # the command comes between them
            while sum(csms.node.handler.noted.of("CP01").values()) < 300:
                await asyncio.sleep(0)
        assert (await types(csms)).count("AnomalyRecorded") == 1  # the first of its kind; the rest is counted


async def test_a_message_id_may_come_again() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        await station.boot()
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": AT}
        answers = []
        for payload in (start, start, {**start, "meterStart": 6, "connectorId": 2}):
            await station.socket.send(json.dumps([2, "same", "StartTransaction", payload]))
            answers.append((await station.hear())[2]["transactionId"])
        assert answers[0] == answers[1] != answers[2]
        assert (await types(csms)).count("TransactionStarted") == 2


async def test_what_a_station_says_stays_on_one_line_of_an_alarm() -> None:
    from interlock.scenarios.refused import on_one_line

    said = on_one_line("CP\x1b[2J\r\nERROR fake\u202e" + "x" * 5000, 500)
    assert said.isprintable()
    assert len(said) <= 500


async def test_compressed_frames_are_refused() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        station.socket.transport.write(b"\xc1\x81\0\0\0\0x")  # RSV1 set, and nothing was negotiated
        with pytest.raises(ConnectionClosed) as closed:
            await station.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1002


async def test_a_flood_of_empty_fragments_is_closed() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        station.socket.transport.write(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 5000)
        with pytest.raises(ConnectionClosed) as closed:
            await station.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("when", ["1000000", "", "222222017-01-01", "2024-13-01T00:00:00Z", "9999-12-31T23:59:60Z"])
async def test_poisoned_timestamps_are_taken_and_everything_can_still_be_read(when: str) -> None:
    async with served() as csms, dialled(csms.url()) as station:
        await station.boot()
        status: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": when}
        assert (await station.say("StatusNotification", status))[0] in (3, 4)
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": when}
        assert (await station.say("StartTransaction", start))[0] in (3, 4)
        assert len(await csms.records.events("CP01", 0, 100)) >= 2
        assert await csms.records.station("CP01") is not None


async def test_cards_cannot_be_found_by_trying() -> None:
    async with served() as csms, dialled(csms.url()) as station, dialled(csms.url("CP02")) as other:
        await station.boot()
        await other.boot()
        csms.node.settings = replace(csms.node.settings, unknown_tokens="Invalid")
        await csms.node.register_token("REAL", "Accepted")

        async def shows(who: Any, card: str) -> str:
            return str((await who.say("Authorize", {"idTag": card}))[2]["idTagInfo"]["status"])

        assert await shows(station, "REAL") == "Accepted"
        assert {await shows(station, f"TRY{n}") for n in range(60)} == {"Invalid"}
        assert await shows(station, "REAL") == "Invalid"
        assert await shows(other, "REAL") == "Accepted"


async def test_answers_are_never_answered() -> None:
    async with served() as csms, dialled(csms.url()) as station:
        await station.boot()
        for n in range(20):
            await station.socket.send(json.dumps([4, f"x{n}", "GenericError", "", {}]))
            await station.socket.send(json.dumps([3, f"x{n}", {}]))
        assert (await station.say("Heartbeat", {}))[0] == 3  # the first thing said back
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(station.socket.recv(), 0.2)
