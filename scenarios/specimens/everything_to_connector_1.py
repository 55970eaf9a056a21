"""Every unlock goes to connector 1.

The developer's station has one. One frame, one answer, one movement for each request: only the cable is another's.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.csms.connection import Connection
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class OneConnector(Connection):
    """Knows one connector."""

    def call(self, intent: ev.CommandRequested) -> None:
        """Send an unlock to the connector there is."""
        if isinstance(intent.command, do.Unlock):
            intent = replace(intent, command=do.Unlock(1))
        super().call(intent)


class EverythingToConnector1(Csms):
    """Opens the first cable."""

    connection_class = OneConnector


SPECIMEN = Specimen(
    name="everything-to-connector-1",
    title="sends every unlock to connector 1",
    csms=EverythingToConnector1,
    caught_by="I34",
    scenario="unlocks-on-connector-2",
)
