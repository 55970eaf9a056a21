"""Snapshots, and replay that sends nothing.

Snapshots every few events, on a timer and on a clean stop; a crash and a clean restart. Every state a node then decides
on is the fold of the log, and folding it again calls nobody.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="snapshot-and-replay",
    title="Snapshots and replay",
    covers="fold(snapshot + tail) = fold(all), and a replay has nobody to call.",
    persona="accepts-second",
    settings=Settings(
        snapshot_events=5, snapshot_every_s=45.0, residency="per-request", heartbeats="every", heartbeat_interval_s=15.0
    ),
    steps=(
        ask(Unlock(1), at=Between(20.0, 40.0)),
        step("crash", at=Between(35.0, 60.0), down_s=Between(1.0, 5.0)),
        step("plug", at=70.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Between(75.0, 85.0), attempts=2),
        step("restart", at=Between(90.0, 110.0)),
        ask(Unlock(1), at=Between(120.0, 140.0), attempts=2),
        step("crash", at=Between(125.0, 150.0), down_s=Between(1.0, 5.0)),
        step("unplug", at=170.0, connector=2),
    ),
    faults_s=200.0,
)
