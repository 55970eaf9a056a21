"""Events to bytes and back, by an explicit type name and version. Old bytes stay readable through upcasters.

A type name is the event's class name, with `/2` and so on behind it from the second version of its shape. An upcaster
turns the decoded JSON of one version into that of the next; they are chained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.station import Connector, Pending, Phase, Station, Transaction

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: dict[str, tuple[str, Upcaster]] = {}
"""For a type name no event has any more: the name it has now, and how to get there."""


class CodecError(ValueError):
    """Bytes or a type name that are no event."""


_DAMAGED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading bytes that are no event may raise, in an upcaster too. A `MsgspecError` is a `ValueError`."""

_COMMANDS: dict[str, type] = {command.__name__: command for command in get_args(do.Command)}
_TYPES: dict[str, type] = {event.__name__: event for event in get_args(ev.Event)}


class _Requested(msgspec.Struct):
    """`CommandRequested` as it is stored: its command says its kind."""

    at: datetime
    command_id: str
    request_id: str
    node: str
    epoch: int
    deadline: datetime
    command: dict[str, Any]


_encode = msgspec.json.Encoder().encode
_canonical = msgspec.json.Encoder(order="deterministic").encode
_decoders: dict[str, Callable[[bytes], Any]] = {
    name: msgspec.json.Decoder(event).decode for name, event in _TYPES.items() if event is not ev.CommandRequested
}
_requested = msgspec.json.Decoder(_Requested).decode
_plain = msgspec.json.Decoder().decode


def encode(event: ev.Event) -> tuple[str, bytes]:
    """Return an event's type name and bytes."""
    if type(event) is ev.CommandRequested:
        shown = _Requested(
            event.at,
            event.command_id,
            event.request_id,
            event.node,
            event.epoch,
            event.deadline,
            _show(event.command),
        )
        return "CommandRequested", _encode(shown)
    return type(event).__name__, _encode(event)


def decode(name: str, data: bytes, upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS) -> ev.Event:
    """Return the event that `data` is, or raise `CodecError`."""
    try:
        if name in upcasters:
            newer, upcast = upcasters[name]
            return decode(newer, _encode(upcast(_plain(data))), upcasters)
        if name == "CommandRequested":
            return _decode_requested(data)
        decoder = _decoders.get(name)
        if decoder is None:
            raise CodecError(f"no event is called {name!r}")
        event: ev.Event = decoder(data)
        return event
    except CodecError:
        raise
    except _DAMAGED as error:
        raise CodecError(f"{name}: {error}") from error


def _decode_requested(data: bytes) -> ev.CommandRequested:
    stored = _requested(data)
    return ev.CommandRequested(
        stored.at,
        stored.command_id,
        stored.request_id,
        stored.node,
        stored.epoch,
        stored.deadline,
        _command(stored.command),
    )


def _show(command: do.Command) -> dict[str, Any]:
    fields = {name: getattr(command, name) for name in command.__slots__}
    return {"kind": type(command).__name__, **fields}


def _command(shown: dict[str, Any]) -> do.Command:
    fields = dict(shown)
    kind = _COMMANDS.get(str(fields.pop("kind", "")))
    if kind is None:
        raise CodecError(f"CommandRequested: no command is called {shown.get('kind')!r}")
    found: do.Command = msgspec.convert(fields, kind)
    return found


# --- folded states ---------------------------------------------------------------------------------------------------


def encode_state(state: Station) -> bytes:
    """Return a folded station as bytes, for a snapshot."""
    return _encode(_plain_state(state))


def decode_state(data: bytes) -> Station:
    """Return the station that `data` is, or raise `CodecError`."""
    try:
        shown = _decode_station(data)
        return Station(
            shown.online,
            shown.epoch,
            shown.node,
            shown.online_at,
            shown.registration,
            shown.connectors,
            {key: one.pending() for key, one in shown.commands.items()},
            shown.transactions,
        )
    except CodecError:
        raise
    except _DAMAGED as error:
        raise CodecError(f"snapshot of a station: {error}") from error


class _Pending(msgspec.Struct):
    """`Pending` as it is stored: its command says its kind."""

    command_id: str
    request_id: str
    command: dict[str, Any]
    node: str
    epoch: int
    deadline: datetime
    settled_at: datetime
    phase: Phase
    transaction_id: int | None
    probed: bool
    contradicted: tuple[str, ...]

    def pending(self) -> Pending:
        """Return the pending command."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return Pending(**{**fields, "command": _command(self.command)})


class _Station(msgspec.Struct):
    """`Station` as it is stored."""

    online: bool
    epoch: int
    node: str
    online_at: datetime | None
    registration: str
    connectors: dict[int, Connector]
    commands: dict[str, _Pending]
    transactions: dict[int, Transaction]


_decode_station = msgspec.json.Decoder(_Station).decode


def digest(state: Station) -> str:
    """Name a state by its content, whatever order its dicts were filled in."""
    return hashlib.sha256(_canonical(_plain_state(state))).hexdigest()[:16]


def _plain_state(state: Station) -> dict[str, Any]:
    shown = {name: getattr(state, name) for name in state.__slots__}
    shown["commands"] = {
        key: {**{name: getattr(one, name) for name in one.__slots__}, "command": _show(one.command)}
        for key, one in state.commands.items()
    }
    # JSON has text keys only, and a digest wants them sorted.
    shown["connectors"] = {str(key): one for key, one in state.connectors.items()}
    shown["transactions"] = {str(key): one for key, one in state.transactions.items()}
    return shown
