"""Transactions: energy delivery on an EVSE, whose messages may arrive late, repeatedly and in any order.

Who names a transaction depends on the OCPP version. Where the CSMS does (1.6: a start without an id), a repeated start
is recognised by its content, unless the transaction it began has ended: then the station knew the id, so its start was
answered and is not sent again (1.6 sections 3.7 and 4.8). Where the station does (2.x), each message of a transaction
is numbered, and (transaction, number) is recognised in any order of arrival. Live state follows the highest number; a
start that arrives after its end, or lies before another transaction of the same EVSE by the station's own time and
meter, is history and changes no live state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.connectors import unlocked
from interlock.csms.domain.generic import AnomalyRecorded
from interlock.csms.domain.history import is_history
from interlock.csms.domain.inflight import CommandConfirmed, Phase, settle
from interlock.csms.domain.readings import Sample
from interlock.csms.domain.remote_control import evidence_of_start, evidence_of_stop, remote_start_behind
from interlock.csms.domain.replies import Given, Reply
from interlock.csms.domain.spans import Spans, includes, including
from interlock.csms.domain.tokens import same_token

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.events import Facts
    from interlock.csms.domain.station import Station


# --- reports ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """A transaction began, perhaps long ago and perhaps reported before. What was not stated is None, `evse` 0.

    Without `transaction_id` the CSMS assigns one. `offline`: without a connection; `overtaken`: on one that was
    replaced.
    """

    evse: int
    id_token: str | None
    meter_start_wh: int | None
    started_at: datetime | None
    connector: int | None = None
    transaction_id: str | None = None
    seq_no: int | None = None
    remote_start_id: int | None = None
    charging_state: str | None = None
    offline: bool = False
    samples: tuple[Sample, ...] = ()
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Something about a transaction changed (`trigger` says what); fields as in `Start`."""

    transaction_id: str
    seq_no: int
    trigger: str
    updated_at: datetime | None
    evse: int = 0
    connector: int | None = None
    id_token: str | None = None
    remote_start_id: int | None = None
    charging_state: str | None = None
    offline: bool = False
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """A transaction ended, perhaps long ago and perhaps reported before; fields as in `Start`."""

    transaction_id: str
    meter_stop_wh: int | None
    stopped_at: datetime | None
    reason: str
    id_token: str | None
    seq_no: int | None = None
    evse: int = 0
    remote_start_id: int | None = None
    offline: bool = False
    samples: tuple[Sample, ...] = ()


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """Energy delivery began; `status` is how the token was answered, `command_id` the remote start it fulfils.

    `late`: reported after its own end, or after a newer transaction of the same EVSE, so it changes no live state.
    `repeats` is the ended transaction whose start had the same content.
    """

    at: datetime
    transaction_id: str
    evse: int
    id_token: str | None
    meter_start_wh: int | None
    started_at: datetime | None
    status: str
    command_id: str | None
    connector: int | None = None
    seq_no: int | None = None
    remote_start_id: int | None = None
    charging_state: str | None = None
    offline: bool = False
    late: bool = False
    repeats: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionUpdated:
    """Message `seq_no` of a transaction, sent for what `trigger` names; `command_id` is the remote start it shows."""

    at: datetime
    transaction_id: str
    seq_no: int
    trigger: str
    updated_at: datetime | None
    evse: int
    id_token: str | None
    status: str
    charging_state: str | None
    command_id: str | None
    connector: int | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class TransactionStopped:
    """Energy delivery ended."""

    at: datetime
    transaction_id: str
    evse: int
    meter_stop_wh: int | None
    stopped_at: datetime | None
    reason: str
    id_token: str | None
    seq_no: int | None = None
    offline: bool = False


Report = Start | Update | Stop
Event = TransactionStarted | TransactionUpdated | TransactionStopped

# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transaction:
    """Energy delivery on an EVSE, open or ended. The first four after the id identify its start.

    `started` and `ended`: whether its start and its end were reported; a superseded one is neither open nor ended.
    `state_seq_no` is the number of the message that stated `charging_state`.
    """

    transaction_id: str
    evse: int
    id_token: str | None
    meter_start_wh: int | None
    started_at: datetime | None
    status: str
    open: bool = True
    meter_stop_wh: int | None = None
    stopped_at: datetime | None = None
    connector: int | None = None
    charging_state: str | None = None
    state_seq_no: int | None = None
    started: bool = True
    ended: bool = False
    seen: Spans = ()


# --- evolve ----------------------------------------------------------------------------------------------------------


def _with_room(state: Station) -> dict[str, Transaction]:
    kept = dict(state.transactions)
    most = bounds().closed_transactions
    if len(kept) >= most:
        ended = [t.transaction_id for t in kept.values() if not t.open]
        for transaction_id in ended[: max(0, len(ended) - most + 1)]:
            del kept[transaction_id]
    return kept


def _placed(kept: dict[str, Transaction], found: Transaction) -> None:
    """Add a transaction. An EVSE delivers to one vehicle: one still open there has ended without a report."""
    if found.open and found.evse:
        for running in [t for t in kept.values() if t.open and t.evse == found.evse]:
            kept[running.transaction_id] = replace(running, open=False)
    kept[found.transaction_id] = found


def _started(state: Station, event: TransactionStarted) -> Station:
    kept = _with_room(state)
    before = kept.get(event.transaction_id)
    found = Transaction(
        event.transaction_id,
        event.evse,
        event.id_token,
        event.meter_start_wh,
        event.started_at,
        event.status,
        # Nothing is held open at an EVSE number out of range: a station can report any number.
        open=not event.late and 0 <= event.evse <= bounds().connectors,
        connector=event.connector,
        charging_state=event.charging_state,
        state_seq_no=event.seq_no,
        seen=() if event.seq_no is None else ((event.seq_no, event.seq_no),),
    )
    if before is not None and event.seq_no is not None:
        found = _joined(found, before, event.seq_no)
    _placed(kept, found)
    return _fulfilled_by(state.changed(transactions=kept), event.command_id, event.transaction_id)


def _joined(start: Transaction, later: Transaction, seq_no: int) -> Transaction:
    """Combine a start with what later messages of the transaction, received before it, stated."""
    told = later if later.id_token is not None else start
    live = later if later.state_seq_no is not None else start
    return replace(
        start,
        evse=later.evse or start.evse,
        id_token=told.id_token,
        status=told.status,
        open=start.open and not later.ended,
        meter_stop_wh=later.meter_stop_wh,
        stopped_at=later.stopped_at,
        connector=start.connector if later.connector is None else later.connector,
        charging_state=live.charging_state,
        state_seq_no=live.state_seq_no,
        ended=later.ended,
        seen=including(later.seen, seq_no),
    )


def _fulfilled_by(state: Station, command_id: str | None, transaction_id: str) -> Station:
    return state if command_id is None else settle(state, command_id, transaction_id=transaction_id)


def _updated(state: Station, event: TransactionUpdated) -> Station:
    known = state.transactions.get(event.transaction_id)
    if known is None:
        kept, known = _with_room(state), Transaction(event.transaction_id, 0, None, None, None, "", started=False)
    else:
        kept = dict(state.transactions)
    found = replace(known, seen=including(known.seen, event.seq_no))
    if event.evse and not known.evse:
        free = not event.offline or state.open_transaction(event.evse) is None
        found = replace(found, evse=event.evse, open=known.open and free)
    if event.connector is not None and known.connector is None:
        found = replace(found, connector=event.connector)
    if event.id_token is not None and known.id_token is None:
        found = replace(found, id_token=event.id_token, status=event.status)
    if event.charging_state is not None and (known.state_seq_no is None or event.seq_no > known.state_seq_no):
        found = replace(found, charging_state=event.charging_state, state_seq_no=event.seq_no)
    _placed(kept, found)
    return _fulfilled_by(state.changed(transactions=kept), event.command_id, event.transaction_id)


def _stopped(state: Station, event: TransactionStopped) -> Station:
    transaction = state.transactions.get(event.transaction_id)
    if transaction is None:
        if event.seq_no is None:
            return state
        kept = _with_room(state)
        transaction = Transaction(event.transaction_id, event.evse, None, None, None, "", started=False)
    else:
        kept = dict(state.transactions)
    kept[event.transaction_id] = replace(
        transaction,
        open=False,
        ended=True,
        meter_stop_wh=event.meter_stop_wh,
        stopped_at=event.stopped_at,
        seen=transaction.seen if event.seq_no is None else including(transaction.seen, event.seq_no),
    )
    return state.changed(transactions=kept)


EVOLVE: dict[type, Callable[[Station, Any], Station]] = {
    TransactionStarted: _started,
    TransactionUpdated: _updated,
    TransactionStopped: _stopped,
}

# --- facts -----------------------------------------------------------------------------------------------------------


def _start(state: Station, report: Start, at: datetime, given: Given) -> tuple[Facts, Reply]:
    known = _known_start(state, report)
    repeated = known if known and known.ended and report.transaction_id is None and not report.overtaken else None
    if known is not None and known.started and repeated is None:
        status = known.status if same_token(known.id_token, report.id_token) else given.authorization
        return _told_again(known, report, at), Reply(status, known.transaction_id)
    transaction_id = report.transaction_id or given.new_transaction_id
    facts: Facts = []
    running = state.open_transaction(report.evse) if report.evse else None
    late = known is not None and known.ended and repeated is None
    if not late and report.evse and is_history(state, report, transaction_id):
        late = True
        facts.append(AnomalyRecorded(at, "older transaction told late", transaction_id))
    elif not late and running is not None and running.transaction_id != transaction_id:
        facts.append(AnomalyRecorded(at, "transaction superseded", running.transaction_id))
    # Without its id only what happens now can be the effect of a remote start.
    ours = None if late and report.remote_start_id is None else remote_start_behind(state, report)
    facts.append(
        TransactionStarted(
            at,
            transaction_id,
            report.evse,
            report.id_token,
            report.meter_start_wh,
            report.started_at,
            given.authorization,
            ours.command_id if ours else None,
            report.connector,
            report.seq_no,
            report.remote_start_id,
            report.charging_state,
            report.offline,
            late,
            None if repeated is None else repeated.transaction_id,
        )
    )
    if ours is not None:
        shown_by = "its token" if report.remote_start_id is None else "its id"
        facts += evidence_of_start(ours, transaction_id, shown_by, at)
    return facts, Reply(given.authorization, transaction_id)


def _known_start(state: Station, report: Start) -> Transaction | None:
    """Return the known transaction a start repeats, the newest if several match; a start without a time is new."""
    if report.transaction_id is not None:
        return state.transactions.get(report.transaction_id)
    if report.started_at is None:
        return None
    for known in reversed(state.transactions.values()):
        if (
            known.meter_start_wh == report.meter_start_wh  # compared first, as it differs most often
            and known.evse == report.evse
            and known.started_at == report.started_at
            and same_token(known.id_token, report.id_token)
        ):
            return known
    return None


def _told_again(known: Transaction, report: Start, at: datetime) -> Facts:
    """A start of a transaction that has one: the same message again, or a second start, which is an anomaly."""
    if report.seq_no is None or includes(known.seen, report.seq_no):
        return []
    return [AnomalyRecorded(at, "transaction started twice", f"{known.transaction_id} in message {report.seq_no}")]


def _update(state: Station, report: Update, at: datetime, given: Given) -> tuple[Facts, Reply]:
    reply = Reply(given.authorization, report.transaction_id)
    known = state.transactions.get(report.transaction_id)
    if known is not None and includes(known.seen, report.seq_no):
        return [], reply
    ours = remote_start_behind(state, report)
    facts: Facts = [
        TransactionUpdated(
            at,
            report.transaction_id,
            report.seq_no,
            report.trigger,
            report.updated_at,
            report.evse,
            report.id_token,
            given.authorization,
            report.charging_state,
            ours.command_id if ours else None,
            report.connector,
            report.offline,
        )
    ]
    if ours is not None:
        facts += evidence_of_start(ours, report.transaction_id, "its id", at)
    if report.trigger == "RemoteStop":  # the transaction need not have ended yet
        facts += evidence_of_stop(state, report.transaction_id, "is being stopped", at)
    if report.trigger == "UnlockCommand":
        facts += unlocked(state, report.evse or (known.evse if known else 0), at)
    return facts, reply


def _stop(state: Station, report: Stop, at: datetime, given: Given) -> tuple[Facts, Reply]:
    return _stop_facts(state, report, at), Reply(given.authorization, report.transaction_id)


def _below(stop_wh: int | None, start_wh: int | None) -> bool:
    return stop_wh is not None and start_wh is not None and stop_wh < start_wh


def _stop_facts(state: Station, report: Stop, at: datetime) -> Facts:
    known = state.transactions.get(report.transaction_id)
    if known is None and report.seq_no is None:
        detail = f"{report.transaction_id} at {report.meter_stop_wh} Wh"
        return [AnomalyRecorded(at, "stop of no known transaction", detail)]
    facts: Facts = []
    if known is not None:
        change = f"{known.transaction_id}: {{}} Wh, then {report.meter_stop_wh} Wh"
        if known.ended:
            again = report.seq_no is not None and includes(known.seen, report.seq_no)
            if again or known.meter_stop_wh == report.meter_stop_wh:
                return []
            return [AnomalyRecorded(at, "transaction stopped differently", change.format(known.meter_stop_wh))]
        if _below(report.meter_stop_wh, known.meter_start_wh):
            facts.append(AnomalyRecorded(at, "meter ran backwards", change.format(known.meter_start_wh)))
        if report.meter_stop_wh is None and report.seq_no is None:
            facts.append(AnomalyRecorded(at, "transaction stopped without a meter", known.transaction_id))
    facts.append(
        TransactionStopped(
            at,
            report.transaction_id,
            known.evse if known is not None and known.evse else report.evse,
            report.meter_stop_wh,
            report.stopped_at,
            report.reason,
            report.id_token,
            report.seq_no,
            report.offline,
        )
    )
    facts += evidence_of_stop(state, report.transaction_id, "ended", at)
    ours = remote_start_behind(state, report) if report.remote_start_id is not None else None
    if ours is not None and ours.phase is Phase.ACCEPTED:  # of the messages that should have shown it none arrived
        facts.append(CommandConfirmed(at, ours.command_id, f"transaction {report.transaction_id} carries its id"))
    elif ours is not None:
        facts += evidence_of_start(ours, report.transaction_id, "its id", at)
    return facts


REPORTED: dict[type, Callable[[Any, Any, datetime, Given], tuple[Facts, Reply]]] = {
    Start: _start,
    Update: _update,
    Stop: _stop,
}
