"""Two unlocks of one connector at once, through two nodes that share the store.

No lock in memory can see the other node. The unique (stream, version) can: the later intent is decided again on a
state in which the connector is held.
"""

from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Around, Scenario, ask

SCENARIO = Scenario(
    name="two-unlocks-two-nodes",
    title="Two operators unlock the same connector through two nodes",
    covers="Memory is a cache: only the store can arbitrate between nodes.",
    nodes=2,
    persona="accepts-second",
    moments=(("race", 30.0, 60.0),),
    steps=(
        ask(Unlock(1), at=Around("race", 0.0, 0.02), node=1),
        ask(Unlock(1), at=Around("race", 0.0, 0.02), node=2),
    ),
)
