"""A stop of an unknown transaction is answered with a CALLERROR.

What is running stands in a table in memory. After a restart, or at another node, the stop of a session that began
before fits nothing there and is refused. The station sends it again, its queue stands still, and in the end it gives
up: the session never ends in the books.
"""

from __future__ import annotations

from typing import Any

from interlock.csms import ocppj
from interlock.csms.connection import Connection
from interlock.csms.domain import reports as rp
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class RefusesUnknownStops(Connection):
    """Answers what it cannot place with an error."""

    async def _called(self, called: ocppj.CallReceived) -> None:
        node = self.node
        assert isinstance(node, ErrorForUnknownStop)
        stop, _ = self.dialect.accepted(called.action, called.payload)
        if isinstance(stop, rp.Stop) and stop.transaction_id not in node.running:
            self.endpoint.fail(called.message_id, "InternalError", "no such transaction")
            return
        await super()._called(called)


class ErrorForUnknownStop(Csms):
    """Keeps a table of what it started."""

    connection_class = RefusesUnknownStops

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.running: set[str | None] = set()

    async def record_report(self, station: str, report: rp.Report) -> rp.Reply:
        """Note the number of each start that is answered."""
        reply = await super().record_report(station, report)
        if isinstance(report, rp.Start):
            self.running.add(reply.transaction_id)
        return reply


SPECIMEN = Specimen(
    name="error-for-unknown-stop",
    title="answers a StopTransaction it cannot place with a CALLERROR",
    csms=ErrorForUnknownStop,
    caught_by="I24",
    scenario="offline-queue",
    seen_in="steve#156, steve#292, connectorio-addons#199",
)
