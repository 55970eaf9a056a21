"""The station rejects the second.

The command that may not be retried: a second unlock or start is answered with a rejection although the first had its
effect. A CSMS that retries records Rejected for something that happened.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Around, Between, Scenario, ask, step

SCENARIO = Scenario(
    name="station-rejects-second",
    title="A station that rejects the second command",
    covers="The outcome in the log is what physically happened, not what a retry was told.",
    persona="rejects-second",
    settings=Settings(heartbeats="every", heartbeat_interval_s=30.0),
    moments=(("race", 30.0, 60.0),),
    steps=(
        ask(Unlock(1), at=Around("race", 0.0, 0.3), attempts=3, patience_s=8.0),
        step("heartbeats", at=Around("race", -0.2, 0.6), count=3, every_s=0.4),
        step("plug", at=70.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Between(75.0, 76.0), attempts=2, patience_s=8.0),
        step("heartbeats", at=Between(75.0, 76.5), count=3, every_s=0.3),
        step("unplug", at=110.0, connector=2),
    ),
)
