"""What an operator may do where a rule refuses or nobody knows: insist, or say what became of it. Both are recorded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.handle import FOLD, name_of_fold
from interlock.csms.settings import Settings

from .test_node import Bench, play

# --- force -----------------------------------------------------------------------------------------------------------


def test_a_refused_command_can_be_forced_once_and_says_what_refused_it() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        first = await bench.node.operate("CP1", do.Unlock(1), "r1")
        assert first.answer == "accepted"
        refused = await bench.node.operate("CP1", do.Unlock(1), "r2")
        assert refused.answer == "refused"
        forced = await bench.node.operate("CP1", do.Unlock(1), "r2", force=True)
        assert forced.answer == "accepted"
        again = await bench.node.operate("CP1", do.Unlock(1), "r2", force=True)
        assert (again.answer, again.command_id) == ("known", forced.command_id)
        intents = [event for event in await bench.events() if isinstance(event, ev.CommandRequested)]
        assert [one.forced for one in intents] == [None, refused.reason]
        await asyncio.sleep(1)
        await connection.receive(json.dumps([3, first.command_id, {"status": "Unlocked"}]))
        await asyncio.sleep(200)
        calls = [frame[1] for frame in bench.written if frame[0] == 2]
        assert calls.count(forced.command_id) == 1

    play(scene)


def test_force_changes_nothing_about_what_is_not_refused() -> None:
    async def scene(bench: Bench) -> None:
        await bench.online()
        assert (await bench.node.operate("CP1", do.Unlock(1), "r1", force=True)).answer == "accepted"
        (intent,) = [event for event in await bench.events() if isinstance(event, ev.CommandRequested)]
        assert intent.forced is None
        # A station that is not there cannot be reached by insisting, and leaves no trace.
        assert (await bench.node.operate("CP2", do.Unlock(9), "r2", force=True)).answer == "unreachable"
        assert not await bench.store.read("station-CP2")

    play(scene)


# --- doubts closed by hand -------------------------------------------------------------------------------------------


def test_a_doubt_is_closed_by_what_an_operator_says_and_its_hold_ends() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        asked = await bench.node.operate("CP1", do.RemoteStart(1, "TAG"), "r1")
        command_id = asked.command_id or ""
        assert await bench.node.close_doubt("CP1", command_id, "too early") is not None
        await asyncio.sleep(40)
        assert await bench.node.phase("CP1", command_id) == "in-doubt"
        assert (await bench.node.operate("CP1", do.Unlock(1), "r2")).answer == "refused"
        assert await bench.node.close_doubt("CP1", command_id, "I was there: nothing began") is None
        assert await bench.node.phase("CP1", command_id) == "closed"
        assert (await bench.events())[-1] == ev.CommandClosed(bench.at(), command_id, "I was there: nothing began")
        assert (await bench.node.operate("CP1", do.Unlock(1), "r3")).answer == "accepted"
        assert "closed" in (await bench.node.close_doubt("CP1", command_id, "twice") or "")
        # It was an operator's word; what the station says at last still counts.
        await connection.receive(json.dumps([3, command_id, {"status": "Accepted"}]))
        assert await bench.node.phase("CP1", command_id) == "accepted"

    play(scene, Settings(call_timeout_s=30))


def test_what_is_known_cannot_be_closed() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        asked = await bench.node.operate("CP1", do.Unlock(1), "r1")
        await asyncio.sleep(1)
        await connection.receive(json.dumps([3, asked.command_id, {"status": "Unlocked"}]))
        before = await bench.log()
        assert "accepted" in (await bench.node.close_doubt("CP1", asked.command_id or "", "no") or "")
        assert await bench.node.close_doubt("CP1", "nobody's", "no") is not None
        assert await bench.log() == before

    play(scene)


# --- what is relayed and what is kept as it came ---------------------------------------------------------------------


def test_the_whole_answer_to_a_relayed_command_is_kept() -> None:
    told = {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}], "unknownKey": []}

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        asked = await bench.node.operate("CP1", do.Relay("GetConfiguration", {}), "r1")
        await asyncio.sleep(1)
        assert bench.written[-1][2:] == ["GetConfiguration", {}]
        await connection.receive(json.dumps([3, asked.command_id, told]))
        event = (await bench.events())[-1]
        assert isinstance(event, ev.CommandAccepted)
        assert event.answer == told

    play(scene)


def test_an_odd_answer_to_a_read_is_kept_and_one_to_anything_else_is_doubt() -> None:
    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for action, phase in (("GetConfiguration", "accepted"), ("ClearCache", "in-doubt")):
            asked = await bench.node.operate("CP1", do.Relay(action, {}), action)
            await asyncio.sleep(1)
            await connection.receive(json.dumps([3, asked.command_id, {"configurationKey": "odd", "status": 7}]))
            assert await bench.node.phase("CP1", asked.command_id or "") == phase

    play(scene)


def test_an_action_the_version_does_not_have_is_never_sent() -> None:
    async def scene(bench: Bench) -> None:
        await bench.online()
        asked = await bench.node.operate("CP1", do.Relay("GetBaseReport", {}), "r1")
        await asyncio.sleep(1)
        assert await bench.node.phase("CP1", asked.command_id or "") == "refuted"
        assert all(frame[0] == 3 for frame in bench.written)

    play(scene)


def test_a_report_that_nothing_folds_is_durable_before_it_is_answered() -> None:
    payload = {"status": "Downloading"}

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        before = (await bench.node.handler.load("CP1")).state
        await connection.receive(json.dumps([2, "f", "FirmwareStatusNotification", payload]))
        assert bench.written[-1] == [3, "f", {}]
        event = (await bench.events())[-1]
        assert event == ev.NoticeReceived(bench.at(), "FirmwareStatusNotification", payload, None)
        assert (await bench.node.handler.load("CP1")).state == before

    play(scene)


def test_a_report_with_a_time_is_kept_once() -> None:
    security = {"type": "SettingSystemTime", "timestamp": "2026-01-01T00:00:00Z"}

    async def scene(bench: Bench) -> None:
        connection = await bench.online()
        for message_id in ("a", "b"):
            await connection.receive(json.dumps([2, message_id, "SecurityEventNotification", security]))
            assert bench.written[-1] == [3, message_id, {}]
            await asyncio.sleep(5)
        assert (await bench.log()).count("NoticeReceived") == 1

    play(scene)


def test_a_log_says_which_version_a_connection_spoke() -> None:
    async def scene(bench: Bench) -> None:
        await bench.online()
        assert (await bench.events())[0] == ev.CameOnline(bench.at(), 1, "n", "ocpp1.6")
        assert (await bench.node.handler.load("CP1")).state.protocol == "ocpp1.6"

    play(scene)


def test_samples_of_a_transaction_message_are_in_the_stream_of_its_meter() -> None:
    async def scene(bench: Bench) -> None:
        await bench.online()
        sample = rp.Sample(bench.at(), 5, None, None)
        start = rp.Start(1, "TAG", 5, bench.at(), transaction_id="tx", seq_no=0, samples=(sample,))
        for _ in range(2):
            assert await bench.node.record_report("CP1", start) == rp.Reply("Accepted", "tx")
        assert len(await bench.store.read("meter-CP1-tx")) == 1
        assert (await bench.log()).count("TransactionStarted") == 1

    play(scene, Settings(unknown_tokens="Accepted"))


# --- snapshots -------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_of_the_code_of_every_file_that_folds(tmp_path: Path) -> None:
    domain = Path(do.__file__).parent
    assert name_of_fold(domain) == FOLD
    for path in domain.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert name_of_fold(tmp_path) == FOLD
    for path in sorted(tmp_path.glob("*.py")):
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        assert name_of_fold(tmp_path) != FOLD, path.name
        path.write_bytes(content)
