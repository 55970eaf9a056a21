"""Stations that answer the CSMS's own CALLs validly but unusually.

Many CSMSs read or set a configuration behind a boot without being asked. Each station here answers such CALLs in one
way only, and goes on to send heartbeats; by `judge.race_lines` none of these may remain unanswered.
"""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.scenarios.live import line_201
from interlock.scenarios.live.line import ANSWERS, Line
from interlock.scenarios.live.race_session import Session
from interlock.scenarios.record.frames import Frame

BEATS = 7
BEAT_S = 1.0
SLOW_S = 4.0
"""When a slow station answers: while its heartbeats have to be answered."""
BEYOND_S = 3600.0
REFUSED = {"status": "Rejected"}
LEAST: dict[str, dict[str, Any]] = {
    **{action: REFUSED for action, answer in ANSWERS.items() if answer.get("status") == "Accepted"},
    "GetConfiguration": {},
    "UnlockConnector": {"status": "NotSupported"},
    "SendLocalList": {"status": "NotSupported"},
    "DataTransfer": {"status": "UnknownMessageId"},
}
"""The shortest or most unwelcome valid answer to each CALL."""


def _refuses(line: Line, frame: Frame) -> dict[str, Any] | None:
    least = LEAST if line.ocpp == "1.6" else line_201.LEAST
    return least.get(frame.action, line.usual(frame))


HOWS = ("refuses", "knows nothing", "slow", "silent", "twice")


async def own_calls(session: Session) -> None:
    """Let one station for each way to answer boot, and send heartbeats beside whatever the CSMS asks."""
    await asyncio.gather(*(_one(session, how, number) for number, how in enumerate(HOWS)))


async def _one(session: Session, how: str, number: int) -> None:
    line = session.line(f"A{number}")
    called: list[str] = []

    def answer(frame: Frame) -> dict[str, Any] | None:
        called.append(frame.action)
        if how == "twice":
            _again(line, frame)
        if how == "knows nothing":
            return None
        return _refuses(line, frame) if how == "refuses" else line.usual(frame)

    line.answers = answer
    line.answer_after_s = {"slow": SLOW_S, "silent": BEYOND_S}.get(how, line.answer_after_s)
    if not await session.arrive(line):
        return
    for _ in range(BEATS):
        await asyncio.sleep(BEAT_S)
        reply = await session.call(line, "Heartbeat", {})
        about = {"how": how, "calls": list(called), "word": reply.word, "why": line.ended}
        session.observe("own calls", station=line.station, **about)
        if reply.word in ("closed", "no answer"):
            break
    line.close()


def _again(line: Line, frame: Frame) -> None:
    """Send an answer a second time, well behind the first one."""
    payload = line.usual(frame)
    if payload is not None:
        text = line.form([3, frame.id, payload])
        asyncio.get_running_loop().call_later(line.answer_after_s + 0.5, lambda: line.say(text))
