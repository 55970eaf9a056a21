"""What one address, or many, may do with stations' names where nothing proves them; long and endless messages."""

from __future__ import annotations

import asyncio
import json
import struct

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interlock.csms.bucket import Bucket
from interlock.csms.serve.limits import Limits
from interlock.csms.serve.names import Names

from .serving import dialled, served
from .test_server import PASSWORD, basic

pytestmark = pytest.mark.asyncio


async def test_an_address_brings_up_few_names_that_nobody_knows() -> None:
    async with served(limits=Limits(new_names_burst=3.0, new_names_per_s=0.001)) as csms:
        for number in range(3):
            async with dialled(csms.url(f"NEW{number}")) as station:
                await station.boot()
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(csms.url("NEW3")):
                pass
        assert refused.value.response.status_code == 429
        assert "--address-messages" in str(refused.value.response.body)
        assert await csms.node.store.streams("station-NEW3") == []
        async with dialled(csms.url("NEW1")) as station:  # what the log knows comes in
            assert (await station.boot())[0] == 3
        async with dialled(csms.url("OTHER"), local_addr=("127.0.0.2", 0)) as station:  # and so do others' new ones
            assert (await station.boot())[0] == 3
        await csms.keys.set("KEYED", PASSWORD)
        async with dialled(csms.url("KEYED"), additional_headers=basic("KEYED", PASSWORD)) as station:
            assert (await station.boot())[0] == 3


async def test_without_residency_none_is_refused_for_being_new() -> None:
    limits = Limits(new_names_burst=1.0, new_names_per_s=0.001)
    async with served(limits=limits, residency="per-request") as csms:
        for number in range(3):
            async with dialled(csms.url(f"NEW{number}")) as station:
                assert (await station.boot())[0] == 3


async def test_many_addresses_share_what_may_be_dialled_under_a_name_and_its_home_does_not() -> None:
    names = Names(Limits(connects_burst=5.0, connects_per_s=0.01))
    names.settled("CP01", "10.0.0.1")

    def dial(address: str, now: float, proven: bool = False) -> bool:
        return not names.dialled("CP01", address, now, proven=proven, known=True)[0]

    assert [dial(f"10.0.1.{n}", 0.0) for n in range(8)] == [True] * 5 + [False] * 3
    assert dial("10.0.0.1", 0.0)
    assert dial("10.0.2.1", 0.0, proven=True)
    assert not dial("10.0.2.2", 1.0)
    assert dial("10.0.2.2", 101.0)


async def test_few_unproven_sockets_wait_under_one_name_and_home_has_a_place() -> None:
    async with served(limits=Limits(arriving=2), takeover_s=30.0) as csms, dialled(csms.url()) as station:
        await station.boot()
        station.socket.transport.pause_reading()  # it answers no ping, so newcomers wait
        waiting = [dialled(csms.url(), local_addr=(f"127.0.0.{n}", 0)) for n in (2, 3)]
        came = [await one.__aenter__() for one in waiting]
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(csms.url(), local_addr=("127.0.0.4", 0)):
                pass
        assert refused.value.response.status_code == 503
        csms.server.names.settled("CP01", "127.0.0.5")
        async with dialled(csms.url(), local_addr=("127.0.0.5", 0)):
            pass
        await csms.server.stop()
        for each in (station, *came):
            each.socket.transport.abort()


def half(size: int) -> bytes:
    """Return a message of `size` bytes without its last one."""
    return b"\x81\xff" + struct.pack("!Q", size) + bytes(4) + b"x" * (size - 1)


async def test_what_an_address_leaves_unfinished_is_bounded() -> None:
    async with served(limits=Limits(unfinished_bytes=100_000)) as csms, dialled(csms.url("GOOD")) as good:
        held = [dialled(csms.url(f"CP{n}"), local_addr=("127.0.0.2", 0)) for n in range(3)]
        stations = [await one.__aenter__() for one in held]
        for station in stations:
            station.socket.transport.write(half(60_000))
            await asyncio.sleep(0.05)
        with pytest.raises(ConnectionClosed) as closed:
            await stations[1].hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        assert csms.server.unfinished.total() <= 100_000
        assert (await good.boot())[0] == 3
        stations[0].socket.transport.write(b"x")  # the end: it was no JSON, and costs nothing any more
        for one in held:
            await one.__aexit__(None, None, None)
        while csms.server.unfinished:
            await asyncio.sleep(0)


async def test_a_message_comes_to_its_end_in_time_or_its_socket_goes() -> None:
    async with served() as csms, dialled(csms.url()) as station, dialled(csms.url("CP02")) as other:
        await station.boot()
        await other.boot()
        station.socket.transport.write(half(5000))
        while not csms.server.unfinished:
            await asyncio.sleep(0)
        now = csms.node.clock.now()
        for socket in list(csms.server.open):
            socket.sweep(now + 100.0)
        assert len(csms.server.open) == 2
        assert csms.server.names.at_home("CP02", "127.0.0.1")
        for socket in list(csms.server.open):
            socket.sweep(now + 121.0)
        assert csms.server.attached, "it is told why, and has a moment to hear it"
        assert not csms.server.unfinished
        assert not any(socket._wire.reader.buffer for socket in csms.server.attached)
        with pytest.raises(ConnectionClosed):
            await station.hear()
        assert (await other.boot())[0] == 3


async def test_a_large_message_counts_as_many() -> None:
    limits = Limits(messages_per_s=0.001, messages_burst=40.0)
    async with served(limits=limits) as csms, dialled(csms.url()) as station, dialled(csms.url("CP02")) as other:
        transfer = {"vendorId": "V", "data": "x" * 30_000}  # 15 messages' worth
        for _ in range(2):
            assert (await station.say("DataTransfer", transfer))[0] == 3
        await station.socket.send(json.dumps([2, "third", "DataTransfer", transfer]))
        while not csms.server.held_back:
            await asyncio.sleep(0)
        for _ in range(30):
            assert (await other.boot())[0] == 3
        assert csms.server.held_back == 1
        station.socket.transport.abort()  # the server reads no farewell of it for a while


async def test_a_message_larger_than_the_bucket_waits_for_a_full_one_and_no_longer() -> None:
    bucket = Bucket(1.0, 10.0)
    assert bucket.take(0.0, 50.0) == 0.0
    assert bucket.take(0.0, 50.0) == 10.0
    assert bucket.take(10.0, 50.0) == 0.0


async def test_a_bucket_that_holds_nothing_gives_nothing() -> None:
    assert Bucket(1.0, 0.0).take(0.0) > 0
