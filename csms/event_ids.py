"""Event ids made of what an event states, by which the store recognises a repeat.

A command's events are named by its id and their step, a report's by its content: so a frame told twice, or an append
whose acknowledgement was lost, meets its own event in the log.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from interlock.csms import codec
from interlock.csms.domain import events as ev

_json = msgspec.json.Encoder().encode


def fact_id(station: str, fact: Any) -> str | None:
    """Return an event id made of a fact's content, by which a repeat is recognised; None where repeats are meant."""
    name = _FACT_IDS.get(type(fact))
    return name(station, fact) if name is not None else None


def digest(*said: object) -> str:
    """Return a short digest of these values for use in an id."""
    return hashlib.blake2b(repr(said).encode("utf-8", "surrogatepass"), digest_size=15).hexdigest()


def command_name(station: str, request_id: str) -> str:
    """Return the id of the command a request becomes, so that the log can be searched for it. Also the message id."""
    return f"c{digest(station, request_id)}"


COMMAND_ID = re.compile(r"c[0-9a-f]{30}")
"""What `command_name` returns: an answer to any other message id answers no command."""


def intent_id(command_id: str) -> str:
    """Return the event id of a command's intent."""
    return outcome_id(command_id, "CommandRequested")


def outcome_id(command_id: str, kind: str) -> str:
    """Return the event id of a command's step of this kind: each happens once."""
    return f"{kind}:{digest(command_id)}"


def stop_id(station: str, transaction_id: Any) -> str:
    """Return the event id of a transaction's end."""
    return f"stopped:{digest(station, transaction_id)}"


def _of_command(station: str, fact: Any) -> str:
    return outcome_id(fact.command_id, type(fact).__name__)


OUTCOMES = (
    "CommandAccepted",
    "CommandRejected",
    "CommandInDoubt",
    "CommandConfirmed",
    "CommandRefuted",
    "CommandUnknown",
    "CommandLapsed",
    "CommandClosed",
)
"""Steps a command takes once each."""


def _of_start(station: str, fact: ev.TransactionStarted) -> str | None:
    if fact.seq_no is not None:
        return _of_message(station, fact)
    if fact.started_at is None:
        return None  # without a time, a repeat cannot be told from a new one
    words = fact.evse, (fact.id_token or "").lower(), fact.meter_start_wh, fact.repeats
    return f"{fact.started_at}:started:{digest(station, fact.started_at, *words)}"


def _of_message(station: str, fact: Any) -> str:
    return f"{type(fact).__name__}:{digest(station, fact.transaction_id, fact.seq_no)}"


def _of_notice(station: str, fact: ev.NoticeReceived) -> str | None:
    if fact.reported_at is None:
        return None
    return f"{fact.reported_at}:notice:{digest(station, fact.action, codec.digest_of(fact.payload))}"


# Ids of frequent events start with a time, so that inserts land at the end of the unique index.
_FACT_IDS: dict[type, Callable[[str, Any], str | None]] = {
    ev.CameOnline: lambda station, fact: f"online:{digest(station, fact.epoch)}",
    ev.WentOffline: lambda station, fact: f"offline:{digest(station, fact.epoch)}",
    ev.TransactionStarted: _of_start,
    ev.TransactionUpdated: _of_message,
    ev.TransactionStopped: lambda station, fact: stop_id(station, fact.transaction_id),
    ev.NoticeReceived: _of_notice,
    ev.ContradictingEvidence: lambda station, fact: f"contradicted:{digest(fact.command_id, fact.observed)}",
    ev.CommandInDoubt: _of_command,
    ev.CommandAccepted: _of_command,
    ev.CommandRejected: _of_command,
    ev.CommandConfirmed: _of_command,
    ev.CommandRefuted: _of_command,
    ev.CommandUnknown: _of_command,
    ev.CommandLapsed: _of_command,
    ev.CommandClosed: _of_command,
}


def sample_ids(station: str, samples: Sequence[ev.MeterSampled]) -> list[str] | None:
    """Return the event ids of readings sent together, made of their content; None if one has no time to identify it."""
    if any(one.sampled_at is None for one in samples):
        return None
    said = [
        (one.sampled_at, one.evse, one.transaction_id, one.energy_wh, one.power_w, one.voltage_v, one.readings)
        for one in samples
    ]
    # An id covers the whole batch: a reading resent in another batch is stored again. Encoded as JSON, which is
    # unambiguous and ten times faster than `repr` of times and readings.
    all_of_it = hashlib.blake2b(_json((station, said)), digest_size=15).hexdigest()
    return [f"{samples[0].sampled_at}:sampled:{all_of_it}:{number}" for number in range(len(samples))]
