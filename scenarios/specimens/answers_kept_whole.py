"""What a station answers is kept in the log as it came, for whoever looks into it later.

A station that tells its configuration tells its password with it, though it may not: it then stands in a log that is
kept for good and read by many.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.csms import ocppj
from interlock.csms.dialects import Dialect
from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import facts
from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class Whole(Dispatcher):
    """Keeps each answer whole."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._came: dict[str, dict[str, Any]] = {}

    async def settle(self, station: str, notice: ocppj.Answered | ocppj.Failed, dialect: Dialect) -> None:
        """Note what came."""
        if isinstance(notice, ocppj.Answered):
            self._came[notice.message_id] = notice.payload
        await super().settle(station, notice, dialect)

    async def outcome(self, station: str, command_id: str, answer: facts.Answer, *more: Any) -> None:
        """Record the payload that came in place of the one that may be kept."""
        whole = self._came.pop(command_id, answer.payload)
        await super().outcome(station, command_id, replace(answer, payload=whole), *more)


class AnswersKeptWhole(Csms):
    """Leaves no password out of an answer."""

    dispatcher_class = Whole


SPECIMEN = Specimen(
    name="answers-kept-whole",
    title="keeps what a station answers as it came, its password included",
    csms=AnswersKeptWhole,
    caught_by="I46",
    scenario="configuration-is-told",
    elsewhere=(("2.0.1", "I46", "keys-are-told"),),
)
