"""The declared conflict table is what `decide` and `evolve` really do, derived by walking reachable states."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.domain.conflicts import CONFLICTS, Conflict, markdown, meeting, title
from interlock.csms.domain.station import Accept, Rules, Station, decide, evolve

AT = datetime(2026, 1, 1, tzinfo=UTC)
EVSES = (1, 2)


def candidates(state: Station, rules: Rules, rng: random.Random, n: int) -> list[list[ev.StationEvent]]:
    """Everything that could be appended next: intents that are acceptable, facts that are news."""
    at = AT + timedelta(seconds=n)
    batches: list[list[ev.StationEvent]] = [
        [ev.StatusReported(at, rng.choice((0, 1, 2)), 1, rng.choice(("Available", "Charging")), "NoError", None, None)],
        [ev.HeartbeatReceived(at)],
        [ev.Booted(at, "v", "m", None, None, rng.choice(("Accepted", "Rejected")))],
        [ev.AnomalyRecorded(at, "odd", "")],
        list(facts.came_online(state, "n", "ocpp1.6", at)),
        list(facts.went_offline(state, state.epoch, at, at)),
    ]
    for command in askable(state):
        if isinstance(decide(command, f"r{n}", state, rules), Accept):
            batches.append([ev.CommandRequested(at, f"c{n}", f"r{n}", "n", state.epoch, at, command)])
    reports: list[rp.Report] = [rp.Notice("FirmwareStatusNotification", {"status": "Idle"}, at)]
    for evse in EVSES:
        # A station that leaves names to the CSMS, one that has its own, and one whose start is still to be told.
        reports.append(rp.Start(evse, rng.choice(("A", "B")), n, at))
        reports.append(rp.Start(evse, rng.choice(("A", None)), n, at, transaction_id=f"t{n}", seq_no=0))
        reports.append(rp.Update(f"u{n}", 1, "ChargingStateChanged", at, evse))
    for transaction in list(state.transactions.values()):
        name = transaction.transaction_id
        reports.append(rp.Stop(name, 10**6, at, "Local", None, n if transaction.seen else None))
        if transaction.seen:
            reports.append(rp.Update(name, n, "Authorized", at, transaction.evse, id_token="A"))
    for report in reports:
        given = {"registration": "Accepted", "authorization": "Accepted", "new_transaction_id": str(1000 + n)}
        batches.append(facts.reported(state, report, at, **given)[0])
    for command_id in list(state.commands):
        batches += [
            facts.answered(state, command_id, facts.Answer(True, "Accepted"), at),
            facts.answered(state, command_id, facts.Answer(False, "Rejected"), at),
            facts.doubted(state, command_id, "timeout", at),
            facts.not_sent(state, command_id, "gone", at),
            facts.gave_up(state, command_id, "no evidence", at),
            facts.closed(state, command_id, "it did not happen", at),
        ]
    return [batch for batch in batches if batch]


def askable(state: Station) -> list[do.Command]:
    commands: list[do.Command] = [do.Reset(True), do.Relay("ClearCache", {}), do.Probe(1), do.SetPassword("key:1")]
    for evse in EVSES:
        commands += [do.RemoteStart(evse, "A"), do.Unlock(evse), do.Unlock(evse, 2), do.ChangeAvailability(evse, True)]
        commands.append(do.Reserve(evse, "A", 7))
    return commands + [do.Reserve(0, "A", 7)] + [do.RemoteStop(transaction_id) for transaction_id in state.transactions]


def derive(rules: Rules, walks: int = 60, steps: int = 25) -> set[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for seed in range(walks):
        rng = random.Random(seed)
        state = Station(online=True, epoch=1, node="n")
        for n in range(steps):
            batches = candidates(state, rules, rng, seed * steps + n + 1)
            for batch in batches:
                # One event at a time: what conflicts is an event, not the batch it came in.
                before = state
                for event in batch:
                    after = evolve(before, event)
                    for command in askable(before):
                        if isinstance(decide(command, "new", before, rules), Accept) and not isinstance(
                            decide(command, "new", after, rules), Accept
                        ):
                            found.add((type(command).__name__, title(event), meeting(command, event, before)))
                    before = after
            for event in rng.choice(batches):
                state = evolve(state, event)
    return found


@pytest.mark.parametrize("slots", [2, 1])
def test_the_declared_table_is_the_derived_one(slots: int) -> None:
    declared = {(one.command, one.event, one.where) for one in CONFLICTS if one.when == "always" or slots < len(EVSES)}
    assert derive(Rules(2, slots, 2)) == declared


def test_a_missing_row_would_be_noticed() -> None:
    without = {(one.command, one.event, one.where) for one in CONFLICTS[1:]}
    assert derive(Rules(2, 1, 2), walks=30) - without == {
        (CONFLICTS[0].command, CONFLICTS[0].event, CONFLICTS[0].where)
    }


def test_the_documentation_shows_the_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "conflicts.md").read_text("utf-8")
    assert markdown(fewer_slots=False) in text
    assert markdown(fewer_slots=True) in text


def test_rows_are_unique() -> None:
    assert len(set(CONFLICTS)) == len(CONFLICTS)
    assert all(isinstance(one, Conflict) for one in CONFLICTS)
