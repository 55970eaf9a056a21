"""Presence: a station is online on one connection at a time, and each connection has the next epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interlock.csms.domain.generic import nothing, unchanged
from interlock.csms.domain.inflight import CommandInDoubt, Phase
from interlock.csms.domain.replies import Given, Reply

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.events import Facts
    from interlock.csms.domain.station import Station

# --- reports ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The station is connected and asks for the time."""


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CameOnline:
    """A frame arrived on connection `epoch`, held by `node`; `epoch` grows by one with each connection.

    `protocol` is the OCPP version spoken on it, as the WebSocket subprotocol names it; empty in the oldest logs.
    """

    at: datetime
    epoch: int
    node: str
    protocol: str = ""


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


Report = Heartbeat
Event = CameOnline | WentOffline | HeartbeatReceived

# --- evolve ----------------------------------------------------------------------------------------------------------


def _came_online(state: Station, event: CameOnline) -> Station:
    return replace(state, online=True, epoch=event.epoch, node=event.node, protocol=event.protocol, online_at=event.at)


def _went_offline(state: Station, event: WentOffline) -> Station:
    return replace(state, online=False) if event.epoch == state.epoch else state


EVOLVE: dict[type, Callable[[Station, Any], Station]] = {
    CameOnline: _came_online,
    WentOffline: _went_offline,
    HeartbeatReceived: unchanged,
}

# --- facts -----------------------------------------------------------------------------------------------------------


def came_online(state: Station, node: str, protocol: str, at: datetime) -> Facts:
    """A new connection, held by `node`, gets the next epoch and supersedes the last.

    Unanswered commands of the superseded connection are in doubt: their answers can no longer arrive on it.
    """
    facts: Facts = []
    if state.online:
        facts.append(WentOffline(at, state.epoch, at))
    facts.append(CameOnline(at, state.epoch + 1, node, protocol))
    facts += [
        CommandInDoubt(at, pending.command_id, "connection superseded")
        for pending in state.unfinished()
        if pending.phase is Phase.REQUESTED
    ]
    return facts


def went_offline(state: Station, epoch: int, last_seen: datetime, at: datetime) -> Facts:
    """Connection `epoch` fell silent. No event if the station is offline already, or online on a newer connection."""
    return [WentOffline(at, epoch, last_seen)] if state.online and state.epoch == epoch else []


REPORTED: dict[type, Callable[[Any, Any, datetime, Given], tuple[Facts, Reply]]] = {Heartbeat: nothing}
