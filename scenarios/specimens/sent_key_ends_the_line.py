"""Whenever the keys of a station change, its connection is ended, so that it proves itself anew.

Right for a key that an operator sets or takes away. But a key that is sent to a station is offered first: the
connection ends before the command that carries it is decided, and the key never gets there.
"""

from __future__ import annotations

from interlock.csms.node import Csms
from interlock.csms.serve.credentials import Credentials
from interlock.scenarios.specimens import Specimen


class _Keys(Credentials):
    def _tell(self, station: str) -> None:
        before = self.gate.keys.get(station)
        super()._tell(station)
        if before and self.gate.keys.get(station) != before:
            self._end(station)


class SentKeyEndsTheLine(Csms):
    """Ends a connection at each change of the keys that fit."""

    credentials_class = _Keys


SPECIMEN = Specimen(
    name="sent-key-ends-the-line",
    title="ends a station's connection to send it a key",
    csms=SentKeyEndsTheLine,
    caught_by="I50",
    scenario="key-changes",
)
