"""Every heartbeat stored.

An hour of heartbeats as events, with commands among them. Compare with `heartbeats-presence`: the log grows by one
event a heartbeat, appends lose races to them, and no outcome may be lost over it.
"""

from interlock.csms.domain.commands import Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="heartbeats-every",
    title="Heartbeats stored as events",
    covers="Heartbeats as events cost log growth and retries, never an outcome.",
    persona="accepts-second",
    settings=Settings(heartbeats="every", heartbeat_interval_s=10.0, snapshot_events=50),
    steps=(
        ask(Unlock(1), at=Between(300.0, 600.0), attempts=2),
        ask(Unlock(2), at=Between(900.0, 1200.0), attempts=2),
        step("restart", at=1500.0),
        ask(Unlock(1), at=Between(1600.0, 1800.0), attempts=2),
    ),
    faults_s=2400.0,
)
