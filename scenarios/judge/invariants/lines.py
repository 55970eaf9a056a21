"""Lines: the CSMS ends a station's connection when there is a reason to."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.model import STORE_FAULTS
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, Observation

RECENT_S = 10.0
"""How long after a reason that passes a line may end for it."""
OF_A_NODE = ("node.stopping", "node.crashed", "node.broke", "task.failed", "append.unconfirmed", "fault.begun")
"""What may be why a node gives up what it serves, at any time after it; of faults, those of its store and its code."""
FAULTS = {*STORE_FAULTS, "break_off_at"}
SETTLED = ("CommandAccepted", "CommandConfirmed", "KeyUsed", "KeySet", "KeyRemoved")
Line = tuple[str, int]


def _ends(history: History) -> Looked:
    """Go through the ends of lines that the CSMS made."""
    looked = Looked()
    open: dict[Line, Observation] = {}
    beside: set[Line] = set()
    of_keys: dict[str, float] = {}
    troubled = False
    for seen in history.of_any("socket.opened", "socket.closed", "stored", "key.asked", "key.answered", *OF_A_NODE):
        if seen.kind in OF_A_NODE:
            troubled = troubled or seen.kind != "fault.begun" or seen["fault"] in FAULTS
        elif seen.kind in ("key.asked", "key.answered"):
            of_keys[seen["station"]] = seen.t
        elif seen.kind == "stored":
            if seen["type"] in SETTLED:
                of_keys[str(seen["data"].get("station") or seen["stream"]).removeprefix("station-")] = seen.t
        else:
            line = seen["station"], seen["socket"]
            if seen.kind == "socket.opened":
                others = [one for one in open if one[0] == line[0]]
                beside.update([*others, line] if others else ())
                open[line] = seen
            elif (begun := open.pop(line, None)) is not None and seen.get("by") == "csms":
                looked.checked += 1
                known = of_keys.get(line[0])
                if not troubled and line not in beside and (known is None or seen.t - known > RECENT_S):
                    looked.violations.append(
                        Violation(
                            f"the CSMS ended a connection of {line[0]} without a reason",
                            "another connection of it, a change of its key, a node that stops, or nothing",
                            str(seen["why"]),
                            line[0],
                            story(begun, seen),
                        )
                    )
    return looked


@invariant(
    "I50",
    "no line is ended without a reason",
    needs=lambda history: history.derive(_ends).scope,
    absent="no connection was ended by the CSMS, as far as it is told",
    frames=True,
    records="log",
)
def ended_for_a_reason(history: History) -> Iterator[Violation]:
    """A station's connection stands until the line breaks, the station leaves, or there is a reason to end it.

    Such are another connection of that station, its key set, taken away or changed for one it was shown to have, and a
    node that stops or is in trouble. To send a key is none: until the station takes it, it has the one before.
    """
    yield from history.derive(_ends).violations
