"""An exception or a cancellation at a labelled point, any of them, in a node that runs on.

The same session as in `crash-at-every-point`, but the power stays on: what breaks off is one task of the node. Somebody
must hear of its end, or the node is half alive: it holds sockets and connectors it does nothing about.
"""

from dataclasses import replace

from interlock.csms.labelled_points import POINTS
from interlock.scenarios.library.crash_at_every_point import SCENARIO as CRASH
from interlock.scenarios.spec import Between, OneOf, step

BREAK = step(
    "break_off_at",
    at=Between(5.0, 30.0),
    point=OneOf(tuple(POINTS)),
    occurrence=OneOf((1, 1, 2, 3)),
    how=OneOf(("exception", "cancellation")),
)
SCENARIO = replace(
    CRASH,
    name="break-off-at-every-point",
    title="Something breaks off at a labelled point",
    covers="An exception or a cancellation anywhere leaves no node half alive.",
    steps=(BREAK, *CRASH.steps[1:]),
)
