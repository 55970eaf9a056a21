"""A node restarts while an offline timer runs, and the station stays silent.

The timer is in memory and gone. Armed again in full after the restart it fires late, never wrongly: no station is
called offline that was heard within the time-out, and none stays online for ever.
"""

from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, OneOf, Scenario, step

SCENARIO = Scenario(
    name="restart-with-offline-timer",
    title="A crash while the offline timer runs",
    covers="Timers that can be restarted are restarted in full, so silence is noticed late but never invented.",
    settings=Settings(heartbeat_interval_s=30.0, offline_after_s=90.0),
    steps=(
        step("silence", at=Between(40.0, 60.0), seconds=400.0),
        step("crash", at=Between(80.0, 140.0), down_s=Between(1.0, 20.0)),
        step("statuses", at=OneOf((100.0, 200.0)), connector=1),
    ),
    faults_s=500.0,
)
