"""Every fact the log can hold about a station, in the past tense. These names are the storage format.

Streams: `station-<id>` carries everything a decision reads; `meter-<station>-<transaction>` carries samples, which no
decision reads; `tokens` carries who may charge. `at` is when the CSMS recorded the fact (aware UTC); times a station
claimed have names of their own (`reported_at`, `started_at`, ...), since station clocks lie. Energy is whole Wh.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interlock.csms.domain.commands import Command


@dataclass(frozen=True, slots=True)
class CameOnline:
    """A frame arrived on connection `epoch`, held by `node`; `epoch` grows by one with each connection."""

    at: datetime
    epoch: int
    node: str


@dataclass(frozen=True, slots=True)
class WentOffline:
    """Connection `epoch` was silent for the offline time-out, or a newer connection replaced it."""

    at: datetime
    epoch: int
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class HeartbeatReceived:
    """A heartbeat, stored only under `heartbeats: every`. It changes no decision."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Booted:
    """The station announced itself; `registration` is Accepted, Pending or Rejected."""

    at: datetime
    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    registration: str


@dataclass(frozen=True, slots=True)
class StatusReported:
    """The station reported `status` and `error_code` of `connector` (0: the station itself)."""

    at: datetime
    connector: int
    status: str
    error_code: str
    info: str | None
    reported_at: datetime | None


@dataclass(frozen=True, slots=True)
class CommandRequested:
    """INTENT. `command` was accepted for execution; `node` may write one frame for it on connection `epoch`.

    `request_id` is the operator's own id for what they asked, `command_id` ours (and the CALL's message id).
    No answer by `deadline` puts the command in doubt.
    """

    at: datetime
    command_id: str
    request_id: str
    node: str
    epoch: int
    deadline: datetime
    command: Command


@dataclass(frozen=True, slots=True)
class CommandAccepted:
    """The station answered that it does it, in its own word `status`."""

    at: datetime
    command_id: str
    status: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class CommandRejected:
    """The station answered that it does not do it: `status` is its word, or the CALLERROR code."""

    at: datetime
    command_id: str
    status: str


@dataclass(frozen=True, slots=True)
class CommandInDoubt:
    """Nobody knows whether it happened: `why` is timeout, connection lost, crash, or the CALLERROR code."""

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
class ContradictingEvidence:
    """A finished command (`recorded`) was answered differently later (`observed`). Kept for a person, never dropped."""

    at: datetime
    command_id: str
    recorded: str
    observed: str


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """Energy delivery began; `status` is how the token was answered, `command_id` the remote start it fulfils."""

    at: datetime
    transaction_id: int
    connector: int
    id_token: str
    meter_start_wh: int
    started_at: datetime | None
    status: str
    command_id: str | None


@dataclass(frozen=True, slots=True)
class TransactionStopped:
    """Energy delivery ended."""

    at: datetime
    transaction_id: int
    connector: int
    meter_stop_wh: int
    stopped_at: datetime | None
    reason: str
    id_token: str | None


@dataclass(frozen=True, slots=True)
class AnomalyRecorded:
    """Something a station said could not be true or could not be placed; it was acknowledged and kept."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class MeterSampled:
    """One sample of a connector's meter, in a stream of its own."""

    at: datetime
    connector: int
    transaction_id: int | None
    sampled_at: datetime | None
    energy_wh: int | None
    power_w: float | None
    voltage_v: float | None


@dataclass(frozen=True, slots=True)
class TokenRegistered:
    """`id_token` may (Accepted) or may not (Blocked, Expired, Invalid) charge."""

    at: datetime
    id_token: str
    status: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class KeySet:
    """From now on `station` proves itself with the password of this scrypt `salt` and `digest`, both in hex."""

    at: datetime
    station: str
    salt: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeyRemoved:
    """`station` has no password any more, and may use any security profile."""

    at: datetime
    station: str


@dataclass(frozen=True, slots=True)
class KeyOffered:
    """A new password is about to be sent to `station`: whether it takes it is the outcome of that command."""

    at: datetime
    station: str
    key_id: str
    salt: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeyWithdrawn:
    """The password `key_id` was never sent to `station`."""

    at: datetime
    station: str
    key_id: str


@dataclass(frozen=True, slots=True)
class KeyUsed:
    """`station` used the password `key_id` (empty: the one that was set) while others were possible: it has this."""

    at: datetime
    station: str
    key_id: str


@dataclass(frozen=True, slots=True)
class ProfileReached:
    """`station` proved itself with security profile `profile`: a lower one is refused from now on."""

    at: datetime
    station: str
    profile: int


StationEvent = (
    CameOnline
    | WentOffline
    | HeartbeatReceived
    | Booted
    | StatusReported
    | CommandRequested
    | CommandAccepted
    | CommandRejected
    | CommandInDoubt
    | CommandConfirmed
    | CommandRefuted
    | CommandUnknown
    | CommandLapsed
    | ContradictingEvidence
    | TransactionStarted
    | TransactionStopped
    | AnomalyRecorded
)
CredentialEvent = KeySet | KeyRemoved | KeyOffered | KeyWithdrawn | KeyUsed | ProfileReached
Event = StationEvent | MeterSampled | TokenRegistered | CredentialEvent
