"""A message is told by its first letters, `[2,`, before its JSON is read.

It goes well with every station whose encoder writes no white space, and a station that writes some is refused.
"""

from __future__ import annotations

from interlock.csms import ocppj
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class ByFirstLetters(ocppj.Endpoint):
    """Takes for a message what begins like those it knows."""

    def receive(self, frame: str, now: float) -> ocppj.Notice | None:
        """Refuse what begins otherwise."""
        if not frame.startswith(("[2,", "[3,", "[4,")):
            return ocppj.Malformed("no message")
        return super().receive(frame, now)


class ReadsTheFirstLetters(Csms):
    """Dispatches on letters."""

    endpoint_class = ByFirstLetters


SPECIMEN = Specimen(
    name="reads-the-first-letters",
    title="tells a message by its first letters and refuses white space",
    csms=ReadsTheFirstLetters,
    caught_by="I43",
    scenario="everything-a-station-says",
    elsewhere=(("2.0.1", "I43", "everything-a-station-says-2-0-1"),),
)
