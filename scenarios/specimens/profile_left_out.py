"""A remote start is sent without its charging profile.

The operator limits the session to 16 A, the API says accepted, and the station delivers what it can.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.csms.connection import Connection
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Bare(Connection):
    """Sends what every start has."""

    def call(self, intent: ev.CommandRequested) -> None:
        """Send a start with its connector and token."""
        if isinstance(intent.command, do.RemoteStart):
            intent = replace(intent, command=replace(intent.command, details=None))
        super().call(intent)


class ProfileLeftOut(Csms):
    """Forgets the fine print."""

    connection_class = Bare


SPECIMEN = Specimen(
    name="profile-left-out",
    title="sends a remote start without its charging profile",
    csms=ProfileLeftOut,
    caught_by="I33",
    scenario="every-command",
)
