"""TLS handshakes are begun some at a time, and only for peers whose hello has come."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

import pytest

from interlock.csms.serve.hellos import AT_ONCE, HEADER, Hellos

pytestmark = pytest.mark.asyncio

HELLO = b"\x16\x03\x01\x00\x05hello"


async def test_hellos_that_come_together_are_begun_some_a_turn() -> None:
    loop, hellos, turn, begun = asyncio.get_running_loop(), Hellos(), 0, Counter[int]()

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(next_turn)

    async def begin(accepted: socket.socket) -> None:
        await hellos.begin(accepted, 10.0)
        begun[turn] += 1

    pairs = [socket.socketpair() for _ in range(5 * AT_ONCE)]
    for accepted, peer in pairs:
        accepted.setblocking(False)
        peer.sendall(HELLO)
    next_turn()
    opening = [asyncio.ensure_future(begin(accepted)) for accepted, _ in pairs]
    opening[1].cancel()
    await asyncio.wait(opening)
    assert begun.total() == len(pairs) - 1
    assert max(begun.values()) <= AT_ONCE
    assert pairs[0][0].recv(100) == HELLO  # it is still there for the handshake
    for pair in pairs:
        for one in pair:
            one.close()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n"])
async def test_what_is_no_tls_is_refused(said: bytes) -> None:
    accepted, peer = socket.socketpair()
    accepted.setblocking(False)
    peer.sendall(said)
    peer.close()
    with accepted, pytest.raises(OSError, match="no TLS"):
        await Hellos().begin(accepted, 10.0)


@pytest.mark.parametrize("first", [1, HEADER, HEADER + 1])
async def test_a_hello_that_comes_in_pieces_is_waited_for(first: int) -> None:
    accepted, peer = socket.socketpair()
    accepted.setblocking(False)
    with accepted, peer:
        peer.sendall(HELLO[:first])
        beginning = asyncio.ensure_future(Hellos().begin(accepted, 10.0))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not beginning.done()
        peer.sendall(HELLO[first:])
        await beginning


async def test_a_hello_that_does_not_come_is_not_waited_for_for_ever() -> None:
    accepted, peer = socket.socketpair()
    accepted.setblocking(False)
    with accepted, peer, pytest.raises(TimeoutError):
        await Hellos().begin(accepted, 0.01)
