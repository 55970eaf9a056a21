"""Answers are matched first in, first out.

One CALL is outstanding at a time, so an answer must be the answer to it. Unless it is the late answer to the CALL
before.
"""

from __future__ import annotations

from msgspec.structs import replace

from interlock.csms import ocppj
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class InOrder(ocppj.Endpoint):
    """Reads message ids and makes nothing of them."""

    __slots__ = ()

    def receive(self, frame: str, now: float) -> ocppj.Notice | None:
        """Give whatever answer comes to the CALL that waits."""
        notice = super().receive(frame, now)
        waiting = self._outstanding
        if isinstance(notice, ocppj.Answered | ocppj.Failed) and notice.late and waiting is not None:
            self._outstanding = None
            return replace(notice, message_id=waiting.message_id, late=False)
        return notice


class AnswersFirstInFirstOut(Csms):
    """Mistakes one answer for another."""

    endpoint_class = InOrder


SPECIMEN = Specimen(
    name="answers-first-in-first-out",
    title="gives an answer to the CALL that waits in the place of the one it names",
    csms=AnswersFirstInFirstOut,
    caught_by="I07",
    scenario="effect-after-timeout",
)
