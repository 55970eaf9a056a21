"""Heartbeat against unlock: the question's own race.

An operator unlocks a connector. While the lock moves, heartbeats arrive and (stored, each one) move the log's head. A
CSMS that appends the outcome only after the effect, at the version it loaded before, has it rejected: the lock is
open and nothing is recorded. The operator, told that it failed, asks again, and the lock moves twice.
"""

from interlock.csms.domain.commands import Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Around, Scenario, ask, step

SCENARIO = Scenario(
    name="heartbeat-vs-unlock",
    title="A heartbeat and an unlock race",
    covers="The station has unlocked when the append of the outcome is rejected, and it cannot be asked again.",
    persona="accepts-second",
    settings=Settings(heartbeats="every", heartbeat_interval_s=30.0),
    moments=(("race", 30.0, 60.0),),
    steps=(
        ask(Unlock(1), at=Around("race", 0.0, 0.3), attempts=3, patience_s=8.0),
        step("heartbeats", at=Around("race", -0.2, 0.6), count=3, every_s=0.4),
    ),
)
