"""What an operator may ask of a station: one frozen value per command.

A command is imperative and has not happened. Once `decide` accepts it, it is written into the log inside a
`CommandRequested` event, before any frame leaves. Words follow OCPP 2.0.1; the 1.6 names stay in the dialect.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemoteStart:
    """Begin charging on `connector` for `id_token`. Holds the connector and one of the station's slots."""

    connector: int
    id_token: str


@dataclass(frozen=True, slots=True)
class RemoteStop:
    """End the transaction `transaction_id`."""

    transaction_id: int


@dataclass(frozen=True, slots=True)
class Unlock:
    """Release the cable lock of `connector`. Not idempotent: the lock moves each time it is told to."""

    connector: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Restart the station; `hard` without asking running transactions to end first."""

    hard: bool


@dataclass(frozen=True, slots=True)
class ChangeAvailability:
    """Put `connector` (0: the whole station) in or out of service."""

    connector: int
    operative: bool


@dataclass(frozen=True, slots=True)
class Trigger:
    """Ask the station to send `message` now, about `connector` where it names one."""

    message: str
    connector: int | None = None


@dataclass(frozen=True, slots=True)
class Configure:
    """Set the station's configuration `key` to `value`."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class ReadConfiguration:
    """Read configuration `keys`; none means all."""

    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClearCache:
    """Empty the station's cache of authorised tokens."""


Command = (
    RemoteStart
    | RemoteStop
    | Unlock
    | Reset
    | ChangeAvailability
    | Trigger
    | Configure
    | ReadConfiguration
    | ClearCache
)
