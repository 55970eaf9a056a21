"""Frames as they pass, for who watches a station: all of them, in order, as a trace; bounded; and nothing unasked."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.csms.serve import watched
from interlock.csms.serve.watched import Watched
from interlock.scenarios.cli.main import main
from tests.csms.serving import dialled, served

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.asyncio
async def test_frames_of_a_station_are_a_trace_that_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served() as csms, dialled(csms.url("CP01")) as station, dialled(csms.url("CP02")) as other:
        following = csms.server.watched.follow("CP01")
        assert await anext(following) == b"\n"
        await station.boot()
        await other.boot()
        await station.socket.send("no frame")
        assert (await station.say("Heartbeat", {}))[0] == 3
        lines = b""
        async with asyncio.timeout(10):
            while b"Heartbeat" not in lines or lines.count(b'"csms-to-cp"') < 2:
                lines += await anext(following)
        await following.aclose()
        assert csms.server.watched.of == {}
    found = [json.loads(line) for line in lines.splitlines() if line]
    assert {one["chargePointId"] for one in found} == {"CP01"}
    texts = [one["raw"] for one in found if one["direction"] == "cp-to-csms"]
    assert ["BootNotification" in texts[0], texts[1], "Heartbeat" in texts[2]] == [True, "no frame", True]
    path = tmp_path / "cp01.trace.jsonl"
    path.write_bytes(lines)
    with pytest.raises(SystemExit) as ended:
        main(["judge", str(path)])
    out = capsys.readouterr().out
    assert (ended.value.code, "S08 frames are OCPP-J" in out, "5 frames of 1 station" in out) == (1, True, True), out


@pytest.mark.asyncio
async def test_who_does_not_read_misses_frames_and_is_told_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "HELD_BYTES", 500)
    one = Watched(lambda: AT)
    following = one.follow("CP01")
    await anext(following)
    for number in range(9):
        one.passed("CP01", "ocpp1.6", "cp-to-csms", f'[2,"{number}","Heartbeat",{{}}]')
    held = [json.loads(line) for line in (await anext(following)).splitlines()]
    assert 0 < len(held) < 9
    one.passed("CP01", "ocpp1.6", "csms-to-cp", '[3,"8",{}]')
    [last] = [json.loads(line) for line in (await anext(following)).splitlines()]
    assert last["meta"] == {"missed": 9 - len(held)}
    one.end()
    with pytest.raises(StopAsyncIteration):
        await anext(following)
    assert one.of == {}


@pytest.mark.asyncio
async def test_there_are_so_many_watchers_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "WATCHERS", 2)
    one = Watched(lambda: AT)
    following = [one.follow("CP01"), one.follow("CP02")]
    assert not one.full
    for stream in following:
        await anext(stream)
    assert one.full
    await following[0].aclose()
    assert not one.full
    await following[1].aclose()
