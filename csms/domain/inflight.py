"""Commands in flight: from a durable intent to its outcome, through doubt and the evidence that ends it.

The names of a command's phases, and the event that leads to each, stand in `PHASES` and nowhere else. What a command
holds meanwhile is its own attribute `hold`, so this file knows no kind of command but `Probe`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any

from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.generic import AnomalyRecorded

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.commands import Command as AnyCommand
    from interlock.csms.domain.events import Facts, StationEvent
    from interlock.csms.domain.station import Station


# --- commands --------------------------------------------------------------------------------------------------------


class Hold(Enum):
    """How long a command excludes others from its EVSE or connector. One that holds nothing has no `hold`."""

    WHILE_OPEN = "while its outcome is still to come"
    UNTIL_TRANSACTION = "until its transaction shows up, or nothing is expected of it any more"


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask the station for the status of `evse`, as evidence about a start in doubt. The dialect chooses the action."""

    evse: int


PROBE = "probe:"
"""Prefix of the request id under which the CSMS itself asks a station for evidence about a command."""


def probe_request(command_id: str, number: int) -> str:
    """Name the `number`th probe for evidence about `command_id`."""
    return f"{PROBE}{command_id}:{number}"


def probed_command(request_id: str) -> str | None:
    """Return the command a probe asks about, or None when `request_id` is an operator's."""
    return request_id[len(PROBE) :].rsplit(":", 1)[0] if request_id.startswith(PROBE) else None


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommandRequested:
    """INTENT. `command` was accepted for execution; `node` may write one frame for it on connection `epoch`.

    `request_id` is the operator's own id for what they asked, `command_id` ours (and the CALL's message id).
    No answer by `deadline` puts the command in doubt. `forced` is the refusal that the operator insisted against.
    """

    at: datetime
    command_id: str
    request_id: str
    node: str
    epoch: int
    deadline: datetime
    command: AnyCommand
    forced: str | None = None


@dataclass(frozen=True, slots=True)
class CommandAccepted:
    """The station accepted the command, in its own word `status`; `answer` is the whole payload."""

    at: datetime
    command_id: str
    status: str
    detail: str | None = None
    answer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CommandRejected:
    """The station refused the command: `status` is its word (`answer` the payload), or the CALLERROR code."""

    at: datetime
    command_id: str
    status: str
    answer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CommandInDoubt:
    """Whether it happened is unknown: `why` is timeout, connection lost, crash, or the CALLERROR code."""

    at: datetime
    command_id: str
    why: str


@dataclass(frozen=True, slots=True)
class CommandConfirmed:
    """`evidence` other than an answer shows that it happened."""

    at: datetime
    command_id: str
    evidence: str


@dataclass(frozen=True, slots=True)
class CommandRefuted:
    """`evidence` shows that it did not happen and will not: never sent, or nothing there after the bound."""

    at: datetime
    command_id: str
    evidence: str


@dataclass(frozen=True, slots=True)
class CommandUnknown:
    """No evidence can be had any more; a person decides. A very late answer may still settle it."""

    at: datetime
    command_id: str
    why: str


@dataclass(frozen=True, slots=True)
class CommandLapsed:
    """An accepted start came to nothing (no cable in time); its hold ends."""

    at: datetime
    command_id: str
    evidence: str


@dataclass(frozen=True, slots=True)
class CommandClosed:
    """An operator ended a doubt by hand, with this `statement`. A very late answer may still settle it."""

    at: datetime
    command_id: str
    statement: str


@dataclass(frozen=True, slots=True)
class ContradictingEvidence:
    """A later answer or message (`observed`) contradicts the outcome that is `recorded`. Kept for a person to see."""

    at: datetime
    command_id: str
    recorded: str
    observed: str


Command = Probe
Event = (
    CommandRequested
    | CommandAccepted
    | CommandRejected
    | CommandInDoubt
    | CommandConfirmed
    | CommandRefuted
    | CommandUnknown
    | CommandLapsed
    | CommandClosed
    | ContradictingEvidence
)

# --- state -----------------------------------------------------------------------------------------------------------


class Phase(StrEnum):
    """Where a command stands. REQUESTED and IN_DOUBT are open, the rest are outcomes."""

    REQUESTED = "requested"
    IN_DOUBT = "in-doubt"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    LAPSED = "lapsed"
    CLOSED = "closed"

    @property
    def open(self) -> bool:
        """Whether the outcome is still to come."""
        return self is Phase.REQUESTED or self is Phase.IN_DOUBT


PHASES: dict[type, Phase] = {
    CommandRequested: Phase.REQUESTED,
    CommandInDoubt: Phase.IN_DOUBT,
    CommandAccepted: Phase.ACCEPTED,
    CommandRejected: Phase.REJECTED,
    CommandConfirmed: Phase.CONFIRMED,
    CommandRefuted: Phase.REFUTED,
    CommandUnknown: Phase.UNKNOWN,
    CommandLapsed: Phase.LAPSED,
    CommandClosed: Phase.CLOSED,
}
"""The state each event puts its command in."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A command of the log and its phase.

    `settled_at` is when its latest phase began; `contradicted` is what was observed against its outcome.
    """

    command_id: str
    request_id: str
    command: AnyCommand
    node: str
    epoch: int
    deadline: datetime
    settled_at: datetime
    phase: Phase = Phase.REQUESTED
    transaction_id: str | None = None
    probed: bool = False
    contradicted: tuple[str, ...] = ()

    @property
    def hold(self) -> Hold | None:
        """How long it excludes others from its EVSE or connector."""
        return getattr(self.command, "hold", None)

    @property
    def holds(self) -> bool:
        """Whether others are excluded now: as long as its effect may still come."""
        hold = self.hold
        return hold is not None and (self.phase.open or (hold is Hold.UNTIL_TRANSACTION and self.awaits_transaction))

    @property
    def awaits_transaction(self) -> bool:
        """Whether a start was accepted and its transaction has not shown up."""
        return self.phase is Phase.ACCEPTED and self.transaction_id is None and self.hold is Hold.UNTIL_TRANSACTION

    @property
    def finished(self) -> bool:
        """Whether nothing more is expected of it."""
        return not self.phase.open and not self.awaits_transaction


# --- evolve ----------------------------------------------------------------------------------------------------------


def _requested(state: Station, event: CommandRequested) -> Station:
    pending = Pending(
        event.command_id, event.request_id, event.command, event.node, event.epoch, event.deadline, event.at
    )
    kept = dict(state.commands)
    finished = [key for key, value in kept.items() if value.finished]
    for key in finished[: max(0, len(finished) - bounds().closed_commands + 1)]:
        del kept[key]
    kept[event.command_id] = pending
    return state.changed(commands=kept)


def settle(state: Station, command_id: str, **changes: Any) -> Station:
    """Change what is known of a command, if it is remembered."""
    pending = state.commands.get(command_id)
    if pending is None:
        return state
    return state.changed(commands={**state.commands, command_id: replace(pending, **changes)})


def _moved(phase: Phase) -> Callable[[Station, Any], Station]:
    def evolve_phase(state: Station, event: Any) -> Station:
        return settle(state, event.command_id, phase=phase, settled_at=event.at)

    return evolve_phase


def _accepted(state: Station, event: CommandAccepted) -> Station:
    state = settle(state, event.command_id, phase=Phase.ACCEPTED, settled_at=event.at)
    probe = state.commands.get(event.command_id)
    # An Accepted probe is followed by a status, which is the evidence; after any other answer nothing follows.
    probed = probed_command(probe.request_id) if probe and event.status == "Accepted" else None
    return settle(state, probed, probed=True) if probed else state


def _contradicted(state: Station, event: ContradictingEvidence) -> Station:
    pending = state.commands.get(event.command_id)
    if pending is None or event.observed in pending.contradicted:
        return state
    return settle(state, event.command_id, contradicted=(*pending.contradicted, event.observed))


EVOLVE: dict[type, Callable[[Station, Any], Station]] = {
    **{event: _moved(phase) for event, phase in PHASES.items()},
    CommandRequested: _requested,
    CommandAccepted: _accepted,
    ContradictingEvidence: _contradicted,
}

# --- facts: what became of a command ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A station's answer to a command: whether it accepts it, its status word, and the whole `payload`.

    `nothing_there`: this answer to a probe is itself proof that nothing was begun.
    """

    accepted: bool
    status: str
    detail: str | None = None
    payload: dict[str, Any] | None = None
    nothing_there: bool = False


_MAY_STILL_SETTLE = (Phase.REQUESTED, Phase.IN_DOUBT, Phase.UNKNOWN, Phase.CLOSED)


def answered(state: Station, command_id: str, answer: Answer, at: datetime) -> Facts:
    """The station answered, in time or late. The first outcome stands; a different later one is kept beside it."""
    pending = state.commands.get(command_id)
    if pending is None:
        return [AnomalyRecorded(at, "answer to no known command", f"{command_id}: {answer.status}")]
    outcome: StationEvent
    if answer.accepted:
        outcome = CommandAccepted(at, command_id, answer.status, answer.detail, answer.payload)
        agrees = pending.phase in (Phase.ACCEPTED, Phase.CONFIRMED, Phase.LAPSED)
    else:
        outcome = CommandRejected(at, command_id, answer.status, answer.payload)
        agrees = pending.phase in (Phase.REJECTED, Phase.REFUTED)
    if pending.phase in _MAY_STILL_SETTLE:
        return [outcome, *_nothing_there(state, pending, at)] if answer.nothing_there else [outcome]
    if agrees or answer.status in pending.contradicted:
        return []
    return [ContradictingEvidence(at, command_id, pending.phase.value, answer.status)]


def _nothing_there(state: Station, probe: Pending, at: datetime) -> Facts:
    start = state.commands.get(probed_command(probe.request_id) or "")
    return [] if start is None or start.finished else [came_to_nothing(start, at)]


def came_to_nothing(start: Pending, at: datetime) -> StationEvent:
    """Return the outcome of an unfinished start after the station, asked by a probe, showed no transaction."""
    if start.phase is Phase.IN_DOUBT:
        return CommandRefuted(at, start.command_id, "nothing there when asked")
    return CommandLapsed(at, start.command_id, "nothing there when asked")


def doubted(state: Station, command_id: str, why: str, at: datetime) -> Facts:
    """The frame may have been sent, and waiting for an answer has ended."""
    pending = state.commands.get(command_id)
    if pending is None or pending.phase is not Phase.REQUESTED:
        return []
    return [CommandInDoubt(at, command_id, why)]


CONTRADICTIONS = 8
"""Different contradictions recorded for one command, at most: a station can send any number."""


def unsettled(state: Station, command_id: str, why: str, at: datetime) -> Facts:
    """The answer means neither yes nor no: it begins a doubt, or is recorded beside a finished command's outcome."""
    pending = state.commands.get(command_id)
    if pending is None or pending.phase is Phase.REQUESTED:
        return doubted(state, command_id, why, at)
    if why in pending.contradicted or len(pending.contradicted) >= CONTRADICTIONS:
        return []
    return [ContradictingEvidence(at, command_id, pending.phase.value, why)]


def not_sent(state: Station, command_id: str, why: str, at: datetime) -> Facts:
    """The frame was not sent and never will be: the only case in which a missing answer proves anything."""
    pending = state.commands.get(command_id)
    if pending is None or pending.phase is not Phase.REQUESTED:
        return []
    return [CommandRefuted(at, command_id, f"not sent: {why}")]


def gave_up(state: Station, command_id: str, why: str, at: datetime) -> Facts:
    """No evidence came in time: a doubt becomes Unknown, an accepted start without a transaction lapses."""
    pending = state.commands.get(command_id)
    if pending is None or pending.finished:
        return []
    if pending.awaits_transaction:
        return [CommandLapsed(at, command_id, why)]
    return [CommandUnknown(at, command_id, why)]


def closable(state: Station, command_id: str) -> str | None:
    """Return why an operator may not close a command by hand now, or None. Only a doubt or an Unknown may be closed."""
    pending = state.commands.get(command_id)
    if pending is None:
        return f"command {command_id} is not remembered"
    if pending.phase not in (Phase.IN_DOUBT, Phase.UNKNOWN):
        return f"command {command_id} is {pending.phase.value}, so there is no doubt to close"
    return None


def closed(state: Station, command_id: str, statement: str, at: datetime) -> Facts:
    """An operator states what became of a command whose outcome is unknown."""
    return [] if closable(state, command_id) else [CommandClosed(at, command_id, statement)]


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
"""How long after its deadline a requested command counts as abandoned by the node that was to send it."""


def next_check_at(state: Station, pending: Pending, patience: Patience, probes_sent: int) -> datetime | None:
    """Return when an unfinished command is to be checked next; None for a finished one.

    A requested one has `OVERDUE_S` beyond its deadline, at which its connection normally ends it. A doubt ends no
    earlier than the lateness bound after the last moment at which its frame could have been sent. After a reconnect the
    station first has `settle_s` to deliver what it queued while offline.
    """
    if pending.finished:
        return None
    if pending.phase is Phase.REQUESTED:
        return pending.deadline + timedelta(seconds=OVERDUE_S)
    if pending.phase is Phase.IN_DOUBT:
        due = pending.deadline + timedelta(seconds=patience.lateness_s)
    else:
        due = pending.settled_at + timedelta(seconds=patience.start_window_s)
    due += timedelta(seconds=probes_sent * patience.probe_every_s)
    if pending.hold is Hold.UNTIL_TRANSACTION and state.online_at is not None:
        due = max(due, state.online_at + timedelta(seconds=patience.settle_s))
    return due
