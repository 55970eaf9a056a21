"""What several wrong designs share: they call the station from inside the operator's request and wait there."""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.csms import ocppj
from interlock.csms.dialects import Dialect
from interlock.csms.dispatch import Dispatcher
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.node import Csms


class AnswersToWaiters(Dispatcher):
    """Hands answers to whoever waits for them, and sends nothing of its own."""

    waiting: dict[str, asyncio.Future[ocppj.Answered | ocppj.Failed | None]]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.waiting = {}

    def committed(self, stored: Any) -> None:
        """Ignore intents: the request itself sends."""

    async def settle(self, station: str, notice: ocppj.Answered | ocppj.Failed, dialect: Dialect) -> None:
        """Give the answer to the request that waits for it; nobody else wants it."""
        waiter = self.waiting.pop(notice.message_id, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(notice)

    async def timed_out(self, station: str, ended: Any, why: str) -> None:
        """Tell the request that no answer came."""
        for call in ended:
            waiter = self.waiting.pop(call.message_id, None)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)


async def send_and_wait(node: Csms, station: str, intent: ev.CommandRequested) -> facts.Answer | None:
    """Send a command and wait for the station's answer; None when there is none."""
    dispatcher = node.dispatcher
    assert isinstance(dispatcher, AnswersToWaiters)
    connection = node.connections.get(station)
    if connection is None:
        return None
    waiter: asyncio.Future[ocppj.Answered | ocppj.Failed | None] = asyncio.get_running_loop().create_future()
    dispatcher.waiting[intent.command_id] = waiter
    connection.call(intent)
    notice = await waiter
    match notice:
        case ocppj.Answered(payload=payload):
            dialect: Dialect = connection.dialect
            return dialect.answer(intent.command, payload)
        case ocppj.Failed(code=code):
            return facts.Answer(False, code)
        case _:
            return None


def outcome(intent: ev.CommandRequested, answer: facts.Answer | None, node: Csms) -> ev.StationEvent:
    """Return the event that says how a call ended."""
    at = node.clock.at()
    if answer is None:
        return ev.CommandUnknown(at, intent.command_id, "timeout")
    if answer.accepted:
        return ev.CommandAccepted(at, intent.command_id, answer.status, answer.detail)
    return ev.CommandRejected(at, intent.command_id, answer.status)
