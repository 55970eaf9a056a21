"""Status against unlock: a StatusNotification in the place of the heartbeat.

A status is worth storing in every design, so leaving heartbeats out of the log does not remove the race.
"""

from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Around, Scenario, ask, step

SCENARIO = Scenario(
    name="status-vs-unlock",
    title="A status report and an unlock race",
    covers="The race is not about heartbeats: any event of the station can come between.",
    persona="accepts-second",
    moments=(("race", 30.0, 60.0),),
    steps=(
        ask(Unlock(1), at=Around("race", 0.0, 0.3), attempts=3, patience_s=8.0),
        step("statuses", at=Around("race", -0.2, 0.6), connector=2, count=3, every_s=0.4),
    ),
)
