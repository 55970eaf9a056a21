"""Asking a CSMS, when a load test is over, what became of its commands and what transactions there were.

Its answers are recorded; `scenarios.judge.ledger_checks` judges them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gevent.pool import Pool

from interlock.loadtests.users.control import OPEN, Control, settled
from interlock.scenarios.judge.ledger_checks import MOST_COMMANDS, MOST_STATIONS, Answers
from interlock.scenarios.record.recorder import observations

SETTLE_S = 5.0
"""How long an open command is asked about."""


def ask(
    path: Path, control: Control, answers: Answers, *, hurried: bool = False
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ask what became of the commands, and what transactions there were; yield it as observations.

    `hurried`: the run was interrupted. Each is asked about once, and a command that is still open is left out.
    """
    answers.known = True
    commands: dict[str, None] = {}
    sessions: dict[str, None] = {}
    for seen in observations(path):
        if seen.kind == "request.answered" and seen["command_id"] is not None:
            commands[seen["command_id"]] = None
        elif seen.kind == "obeyed":
            commands[seen["message_id"]] = None
        elif seen.kind == "session.begun":
            sessions[seen["station"]] = None
    answers.commands = len(commands)
    answers.cut = max(0, len(commands) - MOST_COMMANDS) + max(0, len(sessions) - MOST_STATIONS)
    pool = Pool(8)
    for command_id, state in pool.imap(
        lambda one: (one, settled(control, one, 0.0 if hurried else SETTLE_S)), list(commands)[:MOST_COMMANDS]
    ):
        if state is None:
            answers.silent += 1
        elif not (hurried and state in OPEN):
            yield "command.state", {"command_id": command_id, "state": state}
    for station, found in pool.imap(lambda one: (one, control.transactions(one)), list(sessions)[:MOST_STATIONS]):
        if found is None:
            answers.silent += 1
        for number, start, stop in found or ():
            yield (
                "csms.transaction",
                {"station": station, "transaction_id": number, "start_wh": start, "stop_wh": stop},
            )
