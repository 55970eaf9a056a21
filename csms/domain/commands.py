"""What an operator may ask of a station: one frozen value per command, each defined in the file of its concern.

A command is imperative and has not happened. Once `decide` accepts it, it is written into the log inside a
`CommandRequested` event, before any frame leaves. Words follow OCPP 2.0.1; other versions' stay in the dialects.
"""

from __future__ import annotations

from interlock.csms.domain import (
    connectors,
    credentials,
    generic,
    inflight,
    provisioning,
    remote_control,
    reservations,
)
from interlock.csms.domain.connectors import ChangeAvailability, Unlock
from interlock.csms.domain.credentials import SetPassword
from interlock.csms.domain.generic import Relay
from interlock.csms.domain.inflight import Probe
from interlock.csms.domain.provisioning import Reset
from interlock.csms.domain.remote_control import RemoteStart, RemoteStop
from interlock.csms.domain.reservations import Reserve

__all__ = [
    "ChangeAvailability",
    "Command",
    "Probe",
    "Relay",
    "RemoteStart",
    "RemoteStop",
    "Reserve",
    "Reset",
    "SetPassword",
    "Unlock",
]

Command = (
    remote_control.Command
    | reservations.Command
    | connectors.Command
    | provisioning.Command
    | credentials.Command
    | inflight.Command
    | generic.Command
)
