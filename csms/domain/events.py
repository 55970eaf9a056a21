"""Every fact the log can hold about a station, in the past tense. These names are the storage format.

Each is defined in the file of its concern. Streams: `station-<id>` carries everything a decision reads;
`meter-<station>-<transaction>` carries samples, which no decision reads; `tokens` who may charge; `credentials` how
stations prove themselves. `at` is when the CSMS recorded the fact (aware UTC); times a station claimed have names of
their own (`reported_at`, `started_at`, ...), since station clocks lie. Energy is whole Wh.
"""

from __future__ import annotations

from typing import get_args

from interlock.csms.domain import (
    connectors,
    credentials,
    generic,
    inflight,
    presence,
    provisioning,
    tokens,
    transactions,
)
from interlock.csms.domain.connectors import StatusReported
from interlock.csms.domain.credentials import KeyOffered, KeyRemoved, KeySet, KeyUsed, KeyWithdrawn, ProfileReached
from interlock.csms.domain.fast_init import fast_init
from interlock.csms.domain.generic import AnomalyRecorded, DeviationRecorded, NoticeReceived
from interlock.csms.domain.inflight import (
    CommandAccepted,
    CommandClosed,
    CommandConfirmed,
    CommandInDoubt,
    CommandLapsed,
    CommandRefuted,
    CommandRejected,
    CommandRequested,
    CommandUnknown,
    ContradictingEvidence,
)
from interlock.csms.domain.presence import CameOnline, HeartbeatReceived, WentOffline
from interlock.csms.domain.provisioning import Booted
from interlock.csms.domain.readings import MeterSampled
from interlock.csms.domain.tokens import TokenRegistered
from interlock.csms.domain.transactions import TransactionStarted, TransactionStopped, TransactionUpdated

__all__ = [
    "AnomalyRecorded",
    "Booted",
    "CameOnline",
    "CommandAccepted",
    "CommandClosed",
    "CommandConfirmed",
    "CommandInDoubt",
    "CommandLapsed",
    "CommandRefuted",
    "CommandRejected",
    "CommandRequested",
    "CommandUnknown",
    "ContradictingEvidence",
    "CredentialEvent",
    "DeviationRecorded",
    "Event",
    "Facts",
    "HeartbeatReceived",
    "KeyOffered",
    "KeyRemoved",
    "KeySet",
    "KeyUsed",
    "KeyWithdrawn",
    "MeterSampled",
    "NoticeReceived",
    "ProfileReached",
    "StationEvent",
    "StatusReported",
    "TokenRegistered",
    "TransactionStarted",
    "TransactionStopped",
    "TransactionUpdated",
    "WentOffline",
]

StationEvent = (
    presence.Event | provisioning.Event | connectors.Event | inflight.Event | transactions.Event | generic.Event
)
CredentialEvent = credentials.Event
Event = StationEvent | MeterSampled | tokens.Event | CredentialEvent
Facts = list[StationEvent]

for _event in get_args(Event):
    fast_init(_event)
