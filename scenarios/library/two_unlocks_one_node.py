"""Two unlocks of one connector at once, through one node.

Two operators, two requests, one lock. One is accepted and holds the connector; the other is refused until the first
has an outcome.
"""

from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Around, Scenario, ask

SCENARIO = Scenario(
    name="two-unlocks-one-node",
    title="Two operators unlock the same connector through one node",
    covers="Two intents for one connector: one holds it, the other is decided again and refused.",
    persona="accepts-second",
    moments=(("race", 30.0, 60.0),),
    steps=(
        ask(Unlock(1), at=Around("race", 0.0, 0.05)),
        ask(Unlock(1), at=Around("race", 0.0, 0.05)),
    ),
)
