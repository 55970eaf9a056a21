"""What every event store promises: one set of tests, run against each adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from interlock.csms.store import (
    NAME_LIMIT,
    EventIdReused,
    EventStore,
    NewEvent,
    NotStorable,
    Snapshot,
    StoredEvent,
    WrongExpectedVersion,
)


def event(name: str, data: bytes = b"{}") -> NewEvent:
    return NewEvent(name, "Booted", data)


class StoreContract:
    """Subclass with a `store` fixture."""

    async def test_versions_are_gapless_from_one(self, store: EventStore) -> None:
        assert await store.append("a", [event("1"), event("2")], 0) == 2
        assert await store.append("a", [event("3")], 2) == 3
        assert await store.append("b", [event("4")], None) == 1
        assert [(one.version, one.event_id) for one in await store.read("a")] == [(1, "1"), (2, "2"), (3, "3")]
        assert [one.event_id for one in await store.read("a", 2)] == ["3"]

    async def test_positions_order_the_whole_log(self, store: EventStore) -> None:
        for number in range(5):
            await store.append("ab"[number % 2], [event(str(number))], None)
        found = await store.read_all()
        assert [one.event_id for one in found] == list("01234")
        assert [one.position for one in found] == sorted({one.position for one in found})
        assert [one.event_id for one in await store.read_all(found[1].position, 2)] == ["2", "3"]

    async def test_a_wrong_expected_version_writes_nothing(self, store: EventStore) -> None:
        await store.append("a", [event("1")], 0)
        with pytest.raises(WrongExpectedVersion) as caught:
            await store.append("a", [event("2"), event("3")], 0)
        assert (caught.value.stream, caught.value.expected, caught.value.head) == ("a", 0, 1)
        assert len(await store.read_all()) == 1

    async def test_the_same_batch_again_is_a_no_op_wherever_the_head_is(self, store: EventStore) -> None:
        await store.append("a", [event("1"), event("2")], 0)
        await store.append("a", [event("3")], 2)
        assert await store.append("a", [event("1"), event("2")], 0) == 2
        assert len(await store.read_all()) == 3

    @pytest.mark.parametrize(
        ("stream", "batch"),
        [
            ("a", [event("1", b"[]")]),
            ("b", [event("1")]),
            ("a", [event("1"), event("9")]),
            ("a", [event("9"), event("1")]),
            ("a", [NewEvent("1", "Other", b"{}")]),
        ],
    )
    async def test_an_id_with_other_content_is_an_error(
        self, store: EventStore, stream: str, batch: list[NewEvent]
    ) -> None:
        await store.append("a", [event("1")], 0)
        with pytest.raises(EventIdReused):
            await store.append(stream, batch, None)
        assert len(await store.read_all()) == 1

    async def test_of_many_at_one_version_one_wins(self, store: EventStore) -> None:
        results = await asyncio.gather(
            *(store.append("a", [event(str(number))], 0) for number in range(20)), return_exceptions=True
        )
        assert sum(result == 1 for result in results) == 1
        assert sum(isinstance(result, WrongExpectedVersion) for result in results) == 19

    async def test_appends_without_expectation_all_find_a_place(self, store: EventStore) -> None:
        versions = await asyncio.gather(*(store.append("a", [event(str(n))], None) for n in range(50)))
        assert sorted(versions) == list(range(1, 51))

    async def test_streams_by_prefix(self, store: EventStore) -> None:
        for stream in ("station-b", "station-a", "tokens", "stat%"):
            await store.append(stream, [event(stream)], None)
        assert await store.streams("station-") == ["station-a", "station-b"]
        assert await store.streams("stat%") == ["stat%"]
        assert len(await store.streams()) == 4

    async def test_subscribers_hear_commits_in_order_and_only_those(self, store: EventStore) -> None:
        heard: list[Sequence[StoredEvent]] = []
        stop = store.subscribe(heard.append)
        await store.append("a", [event("1"), event("2")], 0)
        with pytest.raises(WrongExpectedVersion):
            await store.append("a", [event("3")], 0)
        await store.append("a", [event("1"), event("2")], 0)
        await store.append("b", [event("4")], 0)
        await asyncio.sleep(0.01)
        assert [[one.event_id for one in batch] for batch in heard] == [["1", "2"], ["4"]]
        stop()
        await store.append("b", [event("5")], 1)
        await asyncio.sleep(0.01)
        assert len(heard) == 2

    async def test_the_newest_snapshot_stays(self, store: EventStore) -> None:
        assert await store.load_snapshot("a") is None
        for version in (3, 7, 5):
            await store.save_snapshot(Snapshot("a", version, "fold", b"%d" % version))
        assert await store.load_snapshot("a") == Snapshot("a", 7, "fold", b"7")

    async def test_a_snapshot_of_the_same_version_takes_its_place(self, store: EventStore) -> None:
        for fold in ("old", "new"):
            await store.save_snapshot(Snapshot("a", 3, fold, fold.encode()))
        assert await store.load_snapshot("a") == Snapshot("a", 3, "new", b"new")
        assert await store.load_snapshot("b") is None

    async def test_what_is_found_stands_in_the_order_of_the_log(self, store: EventStore) -> None:
        for name in ("z", "m", "a", "b"):
            await store.append("one" if name in "za" else "two", [event(name)], None)
        found = await store.find(["a", "b", "nowhere", "z", "a", "m"])
        assert [(one.event_id, one.stream, one.version) for one in found] == [
            ("z", "one", 1),
            ("m", "two", 1),
            ("a", "one", 2),
            ("b", "two", 2),
        ]
        assert list(await store.find([])) == []

    async def test_pages_are_as_long_as_they_are_asked_for(self, store: EventStore) -> None:
        await store.append("a", [event(name) for name in "123"], None)
        await store.append("b", [event("4")], None)
        for after, limit, expected in ((0, 1, "1"), (1, 1, "2"), (1, 9, "23"), (3, 1, ""), (0, 0, ""), (-5, 2, "12")):
            assert "".join(one.event_id for one in await store.read("a", after, limit)) == expected
        log = await store.read_all()
        for after, limit, expected in ((0, 2, "12"), (2, 2, "34"), (4, 2, ""), (0, None, "1234"), (3, None, "4")):
            position = log[after - 1].position if after else 0
            assert "".join(one.event_id for one in await store.read_all(position, limit)) == expected
        assert list(await store.read("nowhere")) == []

    async def test_what_no_store_can_keep_is_refused(self, store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("interlock.csms.store.EVENT_BYTES", 8)
        monkeypatch.setattr("interlock.csms.store.BATCH_EVENTS", 3)
        long = "n" * NAME_LIMIT
        assert await store.append(long, [NewEvent(long, long, b"x" * 8)], None) == 1
        assert await store.append("a", [event("1"), event("2"), event("3")], None) == 3
        for stream, batch in (
            (long + "n", [event("4")]),
            ("", [event("4")]),
            ("a\0", [event("4")]),
            ("a", [event(long + "n")]),
            ("a", [event("")]),
            ("a", [NewEvent("4", "", b"{}")]),
            ("a", [event("4", b"x" * 9)]),
            ("a", [event("4"), event("5", b"x" * 9)]),
            ("a", [event(str(number)) for number in range(4, 8)]),
        ):
            with pytest.raises(NotStorable):
                await store.append(stream, batch, None)
        for snapshot in (Snapshot("", 1, "f", b""), Snapshot("a", -1, "f", b""), Snapshot("a", 1, "f", b"x" * 9)):
            with pytest.raises(NotStorable):
                await store.save_snapshot(snapshot)
        assert len(await store.read_all()) == 4

    async def test_any_bytes_come_back(self, store: EventStore) -> None:
        data = bytes(range(256)) + "\u0000\U0001f50c".encode()
        await store.append("a", [event("1", data)], 0)
        assert (await store.read("a"))[0].data == data
