"""A log written before stations had EVSEs opens: it folds to what the code that wrote it said, in today's words.

`data/log_1.sqlite` holds traffic of the suite and of one scripted station on real sockets; `data/log_1.json` what the
code of that day answered about it: states, decisions, meters, tokens, keys. It counts connectors, as OCPP 1.6 does.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from interlock.csms import codec
from interlock.csms.dialects.v16 import command
from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Accept, Known, Rules, Station, decide, evolve
from interlock.csms.store.sqlite import SqliteStore

from .serving import served
from .values import COMMANDS

DATA = Path(__file__).parent / "data"
THEN: dict[str, Any] = json.loads((DATA / "log_1.json").read_text("utf-8"))
RULES = Rules(2, 1)
ACTIONS = {
    "RemoteStart": ("RemoteStartTransaction", {"connector": "connectorId", "id_token": "idTag"}),
    "RemoteStop": ("RemoteStopTransaction", {"transaction_id": "transactionId"}),
    "Unlock": ("UnlockConnector", {"connector": "connectorId"}),
}
KINDS = {
    "Trigger": {do.Probe, do.Relay},
    "Configure": {do.SetPassword, do.Relay},
    "ReadConfiguration": {do.Relay},
    "ClearCache": {do.Relay},
}
"""Commands that had a type of their own, and what they are read as."""


def read(stream: str) -> list[Any]:
    """Return the events of a stream, decoded."""
    with contextlib.closing(sqlite3.connect(f"file:{DATA / 'log_1.sqlite'}?mode=ro&immutable=1", uri=True)) as db:
        rows = db.execute("SELECT type, data FROM event WHERE stream = ? ORDER BY version", (stream,)).fetchall()
    return [codec.decode(name, data) for name, data in rows]


def folded(station: str) -> Station:
    state = Station()
    for event in read(f"station-{station}"):
        state = evolve(state, event)
    return state


def asked(shown: dict[str, Any]) -> do.Command:
    """Return a command of that day as an operator names it today."""
    fields = dict(shown)
    kind = fields.pop("kind")
    if kind == "Reset":
        return do.Reset(fields["hard"])
    if kind == "ChangeAvailability":
        return do.ChangeAvailability(fields["connector"], fields["operative"])
    action, names = ACTIONS[kind]
    return command(action, {names[name]: value for name, value in fields.items()})


def test_the_log_is_old_and_there_is_enough_of_it() -> None:
    assert (DATA / "log_1.sqlite").stat().st_size < 200_000
    phases = {phase for station in THEN["stations"].values() for _, _, phase, *_ in station["commands"].values()}
    assert {"requested", "doubt", "accepted", "rejected", "confirmed", "refuted", "unknown"} <= phases
    answers = [answer for station in THEN["stations"].values() for _, answer in station["answers"]]
    assert {"accepted"} < set(answers)


@pytest.mark.parametrize("station", sorted(THEN["stations"]))
def test_a_station_folds_to_what_it_was(station: str) -> None:
    state, then = folded(station), THEN["stations"][station]
    for field in ("online", "epoch", "node", "registration"):
        assert getattr(state, field) == then[field]
    told = {
        str(evse): [one.status, one.error_code, one.info, one.reported_at.isoformat() if one.reported_at else None]
        for (evse, _), one in state.connectors.items()
    }
    assert told == then["connectors"]
    assert all(connector == min(evse, 1) for evse, connector in state.connectors)
    transactions = {
        name: [one.evse, one.id_token, one.meter_start_wh, one.status, one.open, one.meter_stop_wh]
        for name, one in state.transactions.items()
    }
    assert transactions == then["transactions"]
    assert len(state.evses_used()) == then["slots"]
    assert set(state.commands) == set(then["commands"])
    for command_id, (request_id, kind, phase, probed, holds, finished, transaction_id, against) in then[
        "commands"
    ].items():
        one = state.commands[command_id]
        assert (one.request_id, one.probed, one.holds, one.finished) == (request_id, probed, holds, finished)
        assert one.phase.value == phase.replace("doubt", "in-doubt")
        assert (one.transaction_id, list(one.contradicted)) == (transaction_id, against)
        assert type(one.command) in KINDS.get(kind, {getattr(do, kind, None)})
        assert isinstance(decide(one.command, request_id, state, RULES), Known)


@pytest.mark.parametrize("station", sorted(THEN["stations"]))
def test_an_operator_is_answered_as_then(station: str) -> None:
    state = folded(station)
    for shown, answer in THEN["stations"][station]["answers"]:
        decided = decide(asked(shown), "new", state, RULES)
        assert isinstance(decided, Accept) is (answer == "accepted"), (shown, answer, decided)


def test_the_meters_are_what_they_were() -> None:
    for stream, rows in THEN["meters"].items():
        assert [[one.evse, one.transaction_id, one.energy_wh, one.power_w] for one in read(stream)] == rows


@pytest.mark.asyncio
async def test_a_node_opens_it(tmp_path: Path) -> None:
    shutil.copy(DATA / "log_1.sqlite", tmp_path / "log.sqlite")
    store = await SqliteStore.open(tmp_path / "log.sqlite")
    names = {stored.type for stored in await store.read_all()}
    assert set(codec.UPCASTERS) <= names
    assert not any("/" in name for name in names)
    async with served(store=store) as csms:
        assert csms.node.tokens == THEN["tokens"]
        assert {name: [key.key_id for key in keys] for name, keys in csms.gate.keys.items()} == THEN["keys"]
        # The snapshots in it were made by other code, and are not used.
        assert await csms.records.station("CP01") == folded("CP01")
        for command_id, (_, _, phase, *_) in THEN["stations"]["CP01"]["commands"].items():
            found = await csms.records.command(command_id)
            assert found is not None
            assert (found["station"], found["state"]) == ("CP01", phase.replace("doubt", "in-doubt"))
            assert found["history"][0]["type"] == "CommandRequested"
            assert found["command"]["kind"] in {kind.__name__ for kind in COMMANDS}
    await store.close()
