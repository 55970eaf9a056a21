"""The same silence with a timer that cannot be restarted: a sweep every half time-out.

What polling costs is precision, half a time-out of it; what it must not cost is a false offline.
"""

from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, step

SCENARIO = Scenario(
    name="offline-timer-polled",
    title="Offline found by polling",
    covers="The alternative for timers that cannot be restarted: a sweep, with the same promises.",
    settings=Settings(heartbeat_interval_s=30.0, offline_after_s=90.0, offline_timer="polled"),
    steps=(
        step("silence", at=Between(40.0, 60.0), seconds=300.0),
        step("crash", at=Between(80.0, 140.0), down_s=Between(1.0, 20.0)),
    ),
    faults_s=400.0,
)
