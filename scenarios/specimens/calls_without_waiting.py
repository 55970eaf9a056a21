"""Calls are sent without waiting for answers.

Whatever is queued goes out at once, and the entry for the outstanding call is that of the last one. The calls before it
have no time-out any more: one that is never answered stays open for ever.
"""

from __future__ import annotations

from interlock.csms.node import Csms
from interlock.csms.ocppj import Endpoint
from interlock.scenarios.specimens import Specimen


class SendsAtOnce(Endpoint):
    """Has a queue and no flow control."""

    __slots__ = ()

    def frames_to_send(self, now: float) -> list[tuple[str | None, str]]:
        """Hand out everything, and remember the last call."""
        ready = super().frames_to_send(now)
        while self._waiting:
            self._outstanding = self._waiting.popleft()
            ready.append((self._outstanding.message_id, self._outstanding.frame))
        return ready


class CallsWithoutWaiting(Csms):
    """Has more than one call outstanding and knows of one."""

    endpoint_class = SendsAtOnce


SPECIMEN = Specimen(
    name="calls-without-waiting",
    title="sends the next call before the last was answered, and forgets the last",
    csms=CallsWithoutWaiting,
    caught_by="I31",
    scenario="late-answer-next-call",
)
