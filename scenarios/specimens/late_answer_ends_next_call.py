"""A late answer ends the call that is outstanding now.

There is one outstanding call, so an answer must be its answer. The late one of the call before clears the entry, and
the call that stood there has neither an answer nor a time-out any more.
"""

from __future__ import annotations

from interlock.csms.node import Csms
from interlock.csms.ocppj import Endpoint
from interlock.scenarios.specimens import Specimen
from interlock.scenarios.specimens._told import WaitsToBeTold


class OneSlot(Endpoint):
    """Does not compare message ids before it clears the entry."""

    __slots__ = ()

    def _settles(self, message_id: str) -> bool:
        settled = super()._settles(message_id)
        self._outstanding = None
        return settled


class LateAnswerEndsNextCall(Csms):
    """Forgets that it waits."""

    endpoint_class = OneSlot
    dispatcher_class = WaitsToBeTold


SPECIMEN = Specimen(
    name="late-answer-ends-next-call",
    title="lets a late answer clear the entry of the call that is outstanding now",
    csms=LateAnswerEndsNextCall,
    caught_by="I31",
    scenario="late-answer-next-call",
    seen_in="ocpp-go#294: answers confused between requests after a time-out; EVerest#2230, on the station's side",
)
