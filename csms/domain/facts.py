"""What the CSMS learnt, turned into the facts it adds to a station's log. Nothing here can refuse.

Each function reads the state it is given and returns the events that are news to it; told the same thing again it
returns none. So a fact that loses a race is simply worked out again against the newer state and appended there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Connector, Pending, Phase, Station

Facts = list[ev.StationEvent]

# --- presence --------------------------------------------------------------------------------------------------------


def came_online(state: Station, node: str, at: datetime) -> Facts:
    """A first frame arrived on a new connection held by `node`: it gets the next epoch and supersedes the last.

    Commands sent on the superseded connection that had no answer are in doubt: that answer has lost its way home.
    """
    facts: Facts = []
    if state.online:
        facts.append(ev.WentOffline(at, state.epoch, at))
    facts.append(ev.CameOnline(at, state.epoch + 1, node))
    facts += [
        ev.CommandInDoubt(at, pending.command_id, "connection superseded")
        for pending in state.unfinished()
        if pending.phase is Phase.REQUESTED
    ]
    return facts


def went_offline(state: Station, epoch: int, last_seen: datetime, at: datetime) -> Facts:
    """Connection `epoch` fell silent. News only if the station is not already off, or on again elsewhere."""
    return [ev.WentOffline(at, epoch, last_seen)] if state.online and state.epoch == epoch else []


# --- what became of a command ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A station's answer to a command: whether it does it, and the word it used."""

    accepted: bool
    status: str
    detail: str | None = None


def answered(state: Station, command_id: str, answer: Answer, at: datetime) -> Facts:
    """The station answered, in time or late. The first outcome stands; a different later one is kept beside it."""
    pending = state.commands.get(command_id)
    if pending is None:
        return [ev.AnomalyRecorded(at, "answer to no known command", f"{command_id}: {answer.status}")]
    outcome: ev.StationEvent
    if answer.accepted:
        outcome = ev.CommandAccepted(at, command_id, answer.status, answer.detail)
        agrees = pending.phase in (Phase.ACCEPTED, Phase.CONFIRMED, Phase.LAPSED)
    else:
        outcome = ev.CommandRejected(at, command_id, answer.status)
        agrees = pending.phase in (Phase.REJECTED, Phase.REFUTED)
    if pending.phase.open or pending.phase is Phase.UNKNOWN:
        return [outcome]
    if agrees or answer.status in pending.contradicted:
        return []
    return [ev.ContradictingEvidence(at, command_id, pending.phase.value, answer.status)]


def doubted(state: Station, command_id: str, why: str, at: datetime) -> Facts:
    """The frame may have left and no answer will be waited for any longer."""
    pending = state.commands.get(command_id)
    if pending is None or pending.phase is not Phase.REQUESTED:
        return []
    return [ev.CommandInDoubt(at, command_id, why)]


def not_sent(state: Station, command_id: str, why: str, at: datetime) -> Facts:
    """The frame never left and never will: the one case in which silence is proof."""
    pending = state.commands.get(command_id)
    if pending is None or pending.phase is not Phase.REQUESTED:
        return []
    return [ev.CommandRefuted(at, command_id, f"not sent: {why}")]


def gave_up(state: Station, command_id: str, why: str, at: datetime) -> Facts:
    """No evidence came in the time there was: a doubt becomes an explicit Unknown, an idle start lapses."""
    pending = state.commands.get(command_id)
    if pending is None or pending.finished:
        return []
    if pending.awaits_transaction:
        return [ev.CommandLapsed(at, command_id, why)]
    return [ev.CommandUnknown(at, command_id, why)]


# --- what a station reports ------------------------------------------------------------------------------------------


def reported(
    state: Station,
    report: rp.Report,
    at: datetime,
    *,
    registration: str,
    authorization: str,
    new_transaction_id: int,
) -> tuple[Facts, rp.Reply]:
    """Return the facts a report adds and how it is answered.

    `authorization` is the word for the report's token, `registration` that for a boot; `new_transaction_id` is used if
    a start is one we did not know. A transaction message is always acknowledged: an error would block the station's
    queue for ever (OCPP 1.6 sections 4.8 and 4.10), so what cannot be placed is kept as an anomaly.
    """
    match report:
        case rp.Boot(vendor=vendor, model=model, serial=serial, firmware=firmware):
            return [ev.Booted(at, vendor, model, serial, firmware, registration)], rp.Reply(registration)
        case rp.Status():
            return _status(state, report, at), rp.TAKEN
        case rp.Start():
            return _start(state, report, at, authorization, new_transaction_id)
        case rp.Stop():
            return _stop(state, report, at), rp.Reply(authorization)
        case rp.Authorize():
            return [], rp.Reply(authorization)
        case rp.Transfer():
            return [], rp.Reply("UnknownVendorId")
        case _:
            return [], rp.TAKEN


def _status(state: Station, report: rp.Status, at: datetime) -> Facts:
    facts: Facts = []
    if not _told_before(state.connectors.get(report.connector), report):
        said = report.status, report.error_code, report.info, report.reported_at
        facts.append(ev.StatusReported(at, report.connector, *said))
    if report.status == "Available":
        facts += [
            ev.CommandRefuted(at, pending.command_id, "nothing there when asked")
            if pending.phase is Phase.DOUBT
            else ev.CommandLapsed(at, pending.command_id, "nothing there when asked")
            for pending in state.unfinished()
            # Only a status the station sent after it took our probe speaks: an earlier one may be older than the start.
            if pending.probed and getattr(pending.command, "connector", None) == report.connector
        ]
    return facts


def _told_before(known: Connector | None, report: rp.Status) -> bool:
    """Tell whether it is the last one told again: what has a time happened once, and its answer may have been lost."""
    return (
        known is not None
        and report.reported_at is not None
        and known.reported_at == report.reported_at
        and known.status == report.status
        and known.error_code == report.error_code
        and known.info == report.info
    )


def _start(
    state: Station, report: rp.Start, at: datetime, authorization: str, new_transaction_id: int
) -> tuple[Facts, rp.Reply]:
    meter_start_wh = report.meter_start_wh
    for known in state.transactions.values():
        if (
            known.meter_start_wh == meter_start_wh  # first what tells most of them apart
            and known.connector == report.connector
            and known.id_token == report.id_token
            and known.started_at == report.started_at
        ):
            return [], rp.Reply(known.status, known.transaction_id)
    facts: Facts = []
    if running := state.open_transaction(report.connector):
        facts.append(ev.AnomalyRecorded(at, "transaction superseded", str(running.transaction_id)))
    ours = _fulfilled(state, report)
    facts.append(
        ev.TransactionStarted(
            at,
            new_transaction_id,
            report.connector,
            report.id_token,
            report.meter_start_wh,
            report.started_at,
            authorization,
            ours.command_id if ours else None,
        )
    )
    if ours and ours.phase is not Phase.ACCEPTED:
        evidence = f"transaction {new_transaction_id} carries its token"
        if ours.phase is Phase.REFUTED:
            facts.append(ev.ContradictingEvidence(at, ours.command_id, ours.phase.value, evidence))
        else:
            facts.append(ev.CommandConfirmed(at, ours.command_id, evidence))
    return facts, rp.Reply(authorization, new_transaction_id)


def _fulfilled(state: Station, report: rp.Start) -> Pending | None:
    """Find the remote start this transaction is the effect of: same connector, same token, none shown yet."""
    for pending in reversed(state.commands.values()):
        if (
            pending.command == do.RemoteStart(report.connector, report.id_token)
            and pending.transaction_id is None
            and pending.phase not in (Phase.REJECTED, Phase.LAPSED)
        ):
            return pending
    return None


def _stop(state: Station, report: rp.Stop, at: datetime) -> Facts:
    known = state.transactions.get(report.transaction_id)
    if known is None:
        return [
            ev.AnomalyRecorded(
                at, "stop of no known transaction", f"{report.transaction_id} at {report.meter_stop_wh} Wh"
            )
        ]
    if known.meter_stop_wh is not None:
        if known.meter_stop_wh == report.meter_stop_wh:
            return []
        detail = f"{known.transaction_id}: {known.meter_stop_wh} Wh, then {report.meter_stop_wh} Wh"
        return [ev.AnomalyRecorded(at, "transaction stopped differently", detail)]
    facts: Facts = []
    if report.meter_stop_wh < known.meter_start_wh:
        detail = f"{known.transaction_id}: {known.meter_start_wh} Wh, then {report.meter_stop_wh} Wh"
        facts.append(ev.AnomalyRecorded(at, "meter ran backwards", detail))
    facts.append(
        ev.TransactionStopped(
            at,
            known.transaction_id,
            known.connector,
            report.meter_stop_wh,
            report.stopped_at,
            report.reason,
            report.id_token,
        )
    )
    facts += [
        ev.CommandConfirmed(at, pending.command_id, f"transaction {known.transaction_id} ended")
        for pending in state.commands.values()
        if pending.phase is Phase.DOUBT and pending.command == do.RemoteStop(known.transaction_id)
    ]
    return facts


# --- when to look again ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the CSMS waits for evidence, in seconds (see `Settings`)."""

    lateness_s: float
    start_window_s: float
    settle_s: float
    probe_every_s: float
    probes: int


OVERDUE_S = 5.0
"""How long after its deadline a requested command counts as left alone by whoever was to send it."""


def look_again_at(state: Station, pending: Pending, patience: Patience, probes_sent: int) -> datetime | None:
    """Return when an unfinished command is to be looked at next; None for one that is finished.

    One that was only requested has `OVERDUE_S` beyond its deadline: its connection ends it in time, if it still can.
    A doubt ends no earlier than the lateness bound after the last moment its frame could have left. After a reconnect
    the station first gets `settle_s` to deliver what it queued while away.
    """
    if pending.finished:
        return None
    if pending.phase is Phase.REQUESTED:
        return pending.deadline + timedelta(seconds=OVERDUE_S)
    if pending.phase is Phase.DOUBT:
        due = pending.deadline + timedelta(seconds=patience.lateness_s)
    else:
        due = pending.settled_at + timedelta(seconds=patience.start_window_s)
    due += timedelta(seconds=probes_sent * patience.probe_every_s)
    if isinstance(pending.command, do.RemoteStart) and state.online_at is not None:
        due = max(due, state.online_at + timedelta(seconds=patience.settle_s))
    return due
