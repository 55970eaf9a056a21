"""Events to bytes and back, by an explicit type name and version. Old bytes stay readable through upcasters.

A type name is the event's class name, with `/2` and so on behind it from the second version of its shape. An upcaster
turns the decoded JSON of one version into that of the next; they are chained. `kind` returns the event of a type
name whatever its version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain.connectors import Place
from interlock.csms.domain.readings import Reading
from interlock.csms.domain.station import Connector, Pending, Phase, Station, Transaction
from interlock.csms.upcast import UPCASTERS, Upcaster


class CodecError(ValueError):
    """Bytes or a type name that cannot be decoded as an event."""


_DAMAGED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What decoding bytes that hold no event may raise, upcasters included. A `MsgspecError` is a `ValueError`."""

_COMMANDS: dict[str, type] = {command.__name__: command for command in get_args(do.Command)}
_VERSIONS: dict[type, int] = {
    ev.StatusReported: 2,
    ev.CommandRequested: 2,
    ev.TransactionStarted: 2,
    ev.TransactionStopped: 2,
    ev.MeterSampled: 2,
}
"""The version of each event's shape, from the second on."""


def _name(event: type) -> str:
    version = _VERSIONS.get(event)
    return f"{event.__name__}/{version}" if version else event.__name__


NAMES: dict[type, str] = {event: _name(event) for event in get_args(ev.Event)}
"""The type name under which each event is stored."""
_TYPES: dict[str, type] = {name: event for event, name in NAMES.items()}
REQUESTED = NAMES[ev.CommandRequested]
"""The type name of an intent."""


def kind(name: str) -> str:
    """Return which event a type name stands for, whatever the version of its shape."""
    return name.partition("/")[0]


class _Requested(msgspec.Struct):
    """`CommandRequested` as it is stored: its command is tagged with its kind."""

    at: datetime
    command_id: str
    request_id: str
    node: str
    epoch: int
    deadline: datetime
    command: dict[str, Any]
    forced: str | None = None


class _Reading(msgspec.Struct, omit_defaults=True):
    """`Reading` as it is stored: members that the station left out are left out."""

    value: str
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    context: str | None = None
    unit: str | None = None
    format: str | None = None
    multiplier: int = 0


class _Sampled(msgspec.Struct, omit_defaults=True):
    """`MeterSampled` as it is stored."""

    at: datetime
    evse: int
    transaction_id: str | None
    sampled_at: datetime | None
    energy_wh: int | None
    power_w: float | None
    voltage_v: float | None
    readings: tuple[_Reading, ...] = ()


_encode = msgspec.json.Encoder().encode
_canonical = msgspec.json.Encoder(order="deterministic").encode
_decoders: dict[str, Callable[[bytes], Any]] = {
    name: msgspec.json.Decoder(event).decode for name, event in _TYPES.items() if event is not ev.CommandRequested
}
_requested = msgspec.json.Decoder(_Requested).decode
_sampled_of = msgspec.json.Decoder(_Sampled).decode
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
            event.forced,
        )
        return REQUESTED, _encode(shown)
    if type(event) is ev.MeterSampled:
        return NAMES[ev.MeterSampled], _encode(_sampled(event))
    return NAMES[type(event)], _encode(event)


def _sampled(event: ev.MeterSampled) -> _Sampled:
    return _Sampled(
        event.at,
        event.evse,
        event.transaction_id,
        event.sampled_at,
        event.energy_wh,
        event.power_w,
        event.voltage_v,
        tuple([_Reading(*one) for one in event.readings]),
    )


def _decode_sampled(data: bytes) -> ev.MeterSampled:
    stored = _sampled_of(data)
    readings = tuple([Reading(*msgspec.structs.astuple(one)) for one in stored.readings])
    return ev.MeterSampled(
        stored.at,
        stored.evse,
        stored.transaction_id,
        stored.sampled_at,
        stored.energy_wh,
        stored.power_w,
        stored.voltage_v,
        readings,
    )


def decode(name: str, data: bytes, upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS) -> ev.Event:
    """Return the event that `data` is, or raise `CodecError`."""
    try:
        if name in upcasters:
            newer, upcast = upcasters[name]
            return decode(newer, _encode(upcast(_plain(data))), upcasters)
        if name == REQUESTED:
            return _decode_requested(data)
        if name == NAMES[ev.MeterSampled]:
            return _decode_sampled(data)
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
        stored.forced,
    )


def plain(name: str, data: bytes, upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS) -> dict[str, Any]:
    """Return the JSON object an event is, in the newest version of its shape, or raise `CodecError`."""
    try:
        found = _plain(data)
        while name in upcasters:
            name, upcast = upcasters[name]
            found = upcast(found)
    except _DAMAGED as error:
        raise CodecError(f"{name}: {error}") from error
    if not isinstance(found, dict):
        raise CodecError(f"{name}: not a JSON object")
    return found


def _show(command: do.Command) -> dict[str, Any]:
    fields = {name: getattr(command, name) for name in command.__slots__}
    return {"kind": type(command).__name__, **fields}


def _command(shown: dict[str, Any]) -> do.Command:
    fields = dict(shown)
    kind = _COMMANDS.get(str(fields.pop("kind", "")))
    if kind is None:
        raise CodecError(f"{REQUESTED}: no command is called {shown.get('kind')!r}")
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
            shown.protocol,
            shown.online_at,
            shown.registration,
            {_place(key): one for key, one in shown.connectors.items()},
            {key: one.pending() for key, one in shown.commands.items()},
            shown.transactions,
        )
    except CodecError:
        raise
    except _DAMAGED as error:
        raise CodecError(f"snapshot of a station: {error}") from error


class _Pending(msgspec.Struct):
    """`Pending` as it is stored: its command is tagged with its kind."""

    command_id: str
    request_id: str
    command: dict[str, Any]
    node: str
    epoch: int
    deadline: datetime
    settled_at: datetime
    phase: Phase
    transaction_id: str | None
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
    protocol: str
    online_at: datetime | None
    registration: str
    connectors: dict[str, Connector]
    commands: dict[str, _Pending]
    transactions: dict[str, Transaction]


_decode_station = msgspec.json.Decoder(_Station).decode


def digest(state: Station) -> str:
    """Return a digest of a state, independent of the order in which its dicts were filled."""
    return digest_of(_plain_state(state))


def digest_of(content: Any) -> str:
    """Return a digest of a JSON value."""
    return hashlib.sha256(_canonical(content)).hexdigest()[:16]


def _plain_state(state: Station) -> dict[str, Any]:
    shown = {name: getattr(state, name) for name in state.__slots__}
    shown["commands"] = {
        key: {**{name: getattr(one, name) for name in one.__slots__}, "command": _show(one.command)}
        for key, one in state.commands.items()
    }
    # JSON has text keys only, and the digest needs them sorted.
    shown["connectors"] = {f"{evse}.{connector}": one for (evse, connector), one in state.connectors.items()}
    return shown


def _place(key: str) -> Place:
    evse, connector = key.split(".")
    return int(evse), int(connector)
