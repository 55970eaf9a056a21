"""The wire: what OCPP-J demands of whoever sends frames."""

from __future__ import annotations

from collections.abc import Iterator

from ..history import History, Observation, seconds
from ..verdict import Violation
from .declare import Looked, invariant, story

TOLERANCE_S = 0.01


def _outstanding(history: History) -> Looked:
    looked, waiting = Looked(), dict[tuple[str, int], tuple[str, Observation]]()
    timeout_s = history.rules.get("call_timeout_s", 0.0)
    for seen in history.of("frame"):
        fields = seen.fields
        head = fields["text"][:8].lstrip(" [")
        key = fields["station"], fields["socket"]
        if fields["edge"] == "csms.sent" and head.startswith("2"):
            message = seen.message()
            if message is None or len(message) < 2:
                continue
            looked.checked += 1
            before = waiting.get(key)
            if before is not None and seen.t < _patience_ends(history, before, timeout_s):
                looked.violations.append(
                    Violation(
                        f"CALL {message[1]} was sent while {before[0]} had no answer",
                        f"an answer first, or {timeout_s:g} s without one",
                        f"{seen.t - before[1].t:.3f} s after it",
                        fields["station"],
                        story(before[1], seen),
                    )
                )
            waiting[key] = str(message[1]), seen
        elif fields["edge"] == "csms.received" and head.startswith(("3", "4")) and key in waiting:
            message = seen.message()
            if message is not None and len(message) > 1 and message[1] == waiting[key][0]:
                del waiting[key]
    return looked


def _patience_ends(history: History, before: tuple[str, Observation], timeout_s: float) -> float:
    """Return when a CALL may count as timed out: at its command's deadline, wherever it spent its time."""
    call = history.call(before[1]["station"], before[0])
    command = history.commands.get(call["command_id"]) if call else None
    deadline = command.intent.data.get("deadline") if command else None
    return (seconds(deadline) if deadline else before[1].t + timeout_s) - TOLERANCE_S


@invariant(
    "I31",
    "one CALL outstanding",
    needs=lambda history: history.derive(_outstanding).scope,
    absent="the CSMS called nobody",
    frames=True,
    ref="OCPP-J 1.6 section 4.1.1",
)
def one_outstanding(history: History) -> Iterator[Violation]:
    """On a connection the CSMS sends no CALL while its last one has neither an answer nor timed out.

    Stations have one slot for a call. A second one is dropped, or answered in the place of the first.
    """
    yield from history.derive(_outstanding).violations
