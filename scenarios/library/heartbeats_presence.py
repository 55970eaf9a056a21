"""Presence only: the same hour as `heartbeats-every`, with CameOnline and WentOffline in the place of heartbeats.

What is kept is what decides something: when the station came and went.
"""

from interlock.csms.domain.commands import Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="heartbeats-presence",
    title="Heartbeats as presence",
    covers="CameOnline and WentOffline carry all that heartbeats decide.",
    persona="accepts-second",
    settings=Settings(heartbeat_interval_s=10.0, offline_after_s=60.0, snapshot_events=50),
    steps=(
        ask(Unlock(1), at=Between(300.0, 600.0), attempts=2),
        ask(Unlock(2), at=Between(900.0, 1200.0), attempts=2),
        step("restart", at=1500.0),
        ask(Unlock(1), at=Between(1600.0, 1800.0), attempts=2),
        step("silence", at=Between(1900.0, 2000.0), seconds=150.0),
    ),
    faults_s=2400.0,
)
