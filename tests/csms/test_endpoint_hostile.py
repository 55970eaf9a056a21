"""Hostile frames at an endpoint: no exception escapes, nothing grows, no call is settled wrongly, no frame is lost."""

from __future__ import annotations

import json
import time
from collections import Counter
from itertools import cycle, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms.dialects import v16
from interlock.csms.domain import commands as do
from interlock.csms.domain import reports as rp
from interlock.csms.ocppj import DEPTH_LIMIT, FRAME_LIMIT, Answered, CallReceived, Endpoint, Failed, Malformed, TimedOut

from .hostile_draws import HOSTILE
from .hostile_frames import FRAMES, NOTHING, PICKED, Peer, understood
from .test_node import Bench, play
from .values import steady

# --- picked by hand --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "meant", "answered"), [one[1:] for one in PICKED], ids=[label for label, *_ in PICKED]
)
def test_each_gets_what_it_deserves_and_the_next_frame_is_answered(
    frame: str, meant: type | None, answered: str
) -> None:
    peer = Peer()
    notice = peer.hear(frame)
    understood(notice)
    assert type(notice) is (type(None) if meant is None else meant)
    shown = ["result" if one[0] == 3 else one[2] for one in peer.written]
    assert shown == ([] if answered == NOTHING else [answered])
    assert peer.kept() == 0
    peer.hear('[2,"next","Heartbeat",{}]')
    assert [one[:2] for one in peer.written[len(shown) :]] == [[3, "next"]]


def test_the_id_is_echoed_as_it_came() -> None:
    for message_id in ("i" * 36, "\u202e", "\x1b[2J\r\n", '"', "\\", "\U0001f50c", " ", "\x00"):
        peer = Peer()
        peer.hear(json.dumps([2, message_id, "Heartbeat", {}]))
        peer.hear(json.dumps([2, message_id, "Nothing", {}]))
        peer.hear(json.dumps([2, message_id, "Nothing", 7]))
        assert [one[1] for one in peer.written] == [message_id] * 3


def test_of_two_equal_keys_the_last_counts() -> None:
    """S13. Like Python's own reader; what was read is what is checked against the schema and what is stored."""
    frame = '[2,"1","StopTransaction",{"transactionId":1,"meterStop":1,"timestamp":"","transactionId":2}]'
    notice = Endpoint().receive(frame, 0.0)
    assert isinstance(notice, CallReceived)
    assert notice.payload == json.loads(frame)[3]
    report = v16.report(notice.action, notice.payload)
    assert isinstance(report, rp.Stop)
    assert report.transaction_id == "2"


# --- depth -----------------------------------------------------------------------------------------------------------


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max([depth(one) for one in value.values()], default=0)
    if isinstance(value, list):
        return 1 + max([depth(one) for one in value], default=0)
    return 0


@given(
    st.lists(
        st.tuples(st.booleans(), st.text('[]{}\\",:a', max_size=6), st.text("[{]}", max_size=40)),
        min_size=DEPTH_LIMIT - 6,
        max_size=DEPTH_LIMIT + 4,
    )
)
@steady(200)
def test_what_counts_is_the_depth_of_values_and_not_the_brackets_in_texts(levels: list[tuple[bool, str, str]]) -> None:
    value: Any = 1
    for is_object, key, decoy in levels:
        value = {key: value} if is_object else [decoy, value, decoy]
    message = [2, "1", "Heartbeat", {"x": value}]
    notice = Endpoint().receive(json.dumps(message), 0.0)
    assert isinstance(notice, CallReceived if depth(message) <= DEPTH_LIMIT else Malformed)


def test_a_bracket_is_counted_in_linear_time() -> None:
    """Texts that never end, and nothing but escapes, are where such scans go quadratic."""
    bombs = [
        '"' * FRAME_LIMIT,
        '\\"' * (FRAME_LIMIT // 2),
        '"\\' * (FRAME_LIMIT // 2),
        "[" * 40 + '"' + '\\"' * 131_000,
    ]
    bombs += ["[]" * (FRAME_LIMIT // 2), '["]",' * (FRAME_LIMIT // 5)]
    begun = time.perf_counter()
    for bomb in bombs:
        assert isinstance(Endpoint().receive("[" * 33 + bomb[:-33], 0.0), Malformed)
    assert time.perf_counter() - begun < 5.0


# --- drawn -----------------------------------------------------------------------------------------------------------


def addressee(frame: str) -> Any:
    """Return the message id of an answer, read without any code under test."""
    message = json.loads(frame)
    assert type(message[0]) is int
    assert message[0] == 4 or (len(message) == 3 and isinstance(message[2], dict))
    return message[1]


@given(st.lists(HOSTILE, max_size=12))
@steady(300)
def test_nothing_escapes_grows_or_is_lost(frames: list[str]) -> None:
    peer = Peer()
    calls = ["ours", "waits", "last"]
    for call in calls:
        peer.call(call)
    settled = 0
    for n, frame in enumerate(frames):
        written = len(peer.written)
        notice = peer.hear(frame)
        understood(notice)
        if isinstance(notice, Answered | Failed):
            assert notice.message_id == addressee(frame)
            assert notice.late is (settled == 3 or notice.message_id != calls[settled])
            settled += not notice.late
        # An answer is not answered; whatever else came in has one answer at most.
        assert [one for one in peer.called if one] == calls[: settled + 1]
        assert len(peer.written) - written <= 1
        assert peer.kept() == 3 - settled
        peer.hear(f'[2,"good{n}","Heartbeat",{{}}]')
        assert peer.written[-1][:2] == [3, f"good{n}"]
    for call in calls[settled:]:
        assert peer.hear(json.dumps([3, call, {}])) == Answered(call, {}, late=False)
    assert peer.kept() == 0


# --- many ------------------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_hostile_frames_leave_nothing_behind() -> None:
    """S19, S30, S40: and an endpoint that hears them all still knows what it asked."""
    peer = Peer()
    peer.call("ours")
    for n in range(3):
        peer.call(f"waits{n}")
    small = [frame for frame in FRAMES if len(frame) < 6000]
    assert len(small) > 70
    meant: Counter[str] = Counter()
    for n, frame in enumerate(islice(cycle(small), 100_000)):
        meant[type(peer.endpoint.receive(frame, 0.0)).__name__] += 1
        if n % 50 == 0:
            # What was refused is answered when it is fetched, and then it is gone.
            assert len(peer.endpoint._outbox) <= 50
            peer.flush()
            peer.written.clear()
            assert peer.kept() == 4
    peer.flush()
    assert peer.kept() == 4
    assert len(meant) == 5
    assert [called for called in peer.called if called] == ["ours"]
    assert peer.hear('[3,"ours",{}]') == Answered("ours", {}, late=False)
    assert [called for called in peer.called if called] == ["ours", "waits0"]


@pytest.mark.parametrize("frame", ['[3,"zzz",{}]', '[4,"zzz","GenericError","",{}]', "[2", '[7,"1",{}]'])
def test_a_flood_of_answers_to_nothing_is_never_answered(frame: str) -> None:
    peer = Peer()
    for _ in range(10_000):
        peer.endpoint.receive(frame, 0.0)
    assert peer.kept() == 0
    peer.flush()
    assert peer.written == []


def test_a_hundred_thousand_calls_are_sent_one_by_one_and_answered_by_their_own_id() -> None:
    endpoint = Endpoint()
    count = 100_000
    for n in range(count):
        endpoint.call(f"c{n}", "ClearCache", {}, 10.0)
    for n in range(count):
        [(called, _)] = endpoint.frames_to_send(0.0)
        assert called == f"c{n}"
        if n % 1000 == 0:
            for other in (f"c{n - 1}", f"c{n + 1}", f"c{count - 1}", "c", f"C{n}", f" c{n}"):
                if other == called:
                    continue
                notice = endpoint.receive(json.dumps([3, other, {}]), 0.0)
                assert isinstance(notice, Answered)
                assert notice.late
                assert endpoint.frames_to_send(0.0) == []
        assert endpoint.receive(f'[3,"c{n}",{{}}]', 0.0) == Answered(f"c{n}", {}, late=False)
    assert endpoint.frames_to_send(0.0) == []
    assert endpoint.next_deadline() is None


def test_a_hundred_thousand_calls_run_out_of_time_at_once() -> None:
    """Half of them, behind the half that does not: taking each out of the middle would take minutes."""
    endpoint = Endpoint()
    half = 50_000
    for n in range(2 * half):
        endpoint.call(f"c{n}", "ClearCache", {}, 10.0 if n < half else 5.0)
    begun = time.perf_counter()
    assert endpoint.expired(5.0) == [TimedOut(f"c{n}", False) for n in range(half, 2 * half)]
    assert time.perf_counter() - begun < 5.0
    assert endpoint.next_deadline() == 10.0
    endpoint.frames_to_send(6.0)
    assert endpoint.abandon() == [TimedOut(f"c{n}", n == 0) for n in range(half)]
    assert endpoint.next_deadline() is None


# --- a model of the calls --------------------------------------------------------------------------------------------

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.integers(1, 9)),
        st.tuples(st.just("answer"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("answer it"), st.just(0), st.booleans()),
        st.tuples(st.just("garbage"), st.sampled_from([one for one in FRAMES if len(one) < 300])),
        st.tuples(st.just("later"), st.integers(1, 3)),
    ),
    min_size=10,
    max_size=50,
)


@given(OPERATIONS)
@steady(300)
def test_every_call_ends_exactly_once(operations: list[tuple[Any, ...]]) -> None:
    endpoint, now = Endpoint(), 0.0
    waiting: list[tuple[str, float]] = []
    outstanding: tuple[str, float] | None = None
    calls = 0
    ends: Counter[str] = Counter()
    for operation in operations:
        match operation:
            case "call", life:
                waiting.append((f"c{calls}", now + life))
                endpoint.call(*(waiting[-1][0], "ClearCache", {}, waiting[-1][1]))
                calls += 1
            case "answer" | "answer it", n, positive:
                about = outstanding[0] if outstanding and operation[0] == "answer it" else f"c{n}"
                frame = [3, about, {}] if positive else [4, about, "GenericError", "", {}]
                notice = endpoint.receive(json.dumps(frame), now)
                assert isinstance(notice, Answered | Failed)
                assert notice.message_id == about
                assert notice.late is (outstanding is None or about != outstanding[0])
                if not notice.late:
                    ends[about] += 1
                    outstanding = None
            case "garbage", frame:
                endpoint.receive(frame, now)
            case "later", by:
                now += by
                gone = [(outstanding[0], True)] if outstanding and outstanding[1] <= now else []
                gone += [(name, False) for name, until in waiting if until <= now]
                assert endpoint.expired(now) == [TimedOut(name, sent) for name, sent in gone]
                outstanding = None if outstanding and outstanding[1] <= now else outstanding
                waiting = [one for one in waiting if one[1] > now]
                ends.update(name for name, _ in gone)
        sent = [called for called, _ in endpoint.frames_to_send(now) if called]
        expected = [waiting[0][0]] if outstanding is None and waiting else []
        assert sent == expected
        if expected:
            outstanding = waiting.pop(0)
        deadlines = [until for _, until in waiting] + ([outstanding[1]] if outstanding else [])
        assert endpoint.next_deadline() == min(deadlines, default=None)
    ends.update(one.message_id for one in endpoint.abandon())
    assert ends == Counter(f"c{n}" for n in range(calls))


# --- behind a node ---------------------------------------------------------------------------------------------------


def test_a_node_hears_it_all_and_serves_on() -> None:
    """Through a real connection, its log included: each frame in its turn, a heartbeat after each."""

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for n, frame in enumerate(FRAMES):
            await connection.receive(frame)
            await connection.receive(f'[2,"good{n}","Heartbeat",{{}}]')
            assert bench.written[-1][:2] == [3, f"good{n}"]
        decision = await bench.node.operate("CP1", do.Unlock(1), "r1")
        assert decision.command_id
        assert bench.closed == []
        await connection.receive('[3,"zzz",{"status":"Unlocked"}]')
        await connection.receive(json.dumps([3, decision.command_id, {"status": "Unlocked"}]))
        assert await bench.node.phase("CP1", decision.command_id) == "accepted"
        longest = max(len(stored.data) for stored in await bench.store.read("station-CP1"))
        assert longest < 1000
        await bench.events()  # everything stored can be read

    play(scene)
