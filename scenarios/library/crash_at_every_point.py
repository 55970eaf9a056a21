"""A node crashes at a labelled point, any of them.

Each seed picks a point and how often it is passed before the power goes. Over a campaign every point is swept, with an
unlock, a start, a local charging session and reports under way.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.csms.labelled_points import POINTS
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, OneOf, Scenario, ask, step

SCENARIO = Scenario(
    name="crash-at-every-point",
    title="A node crashes at a labelled point",
    covers="A power cut anywhere loses no outcome and repeats no effect.",
    nodes=2,
    persona=OneOf(("accepts-second", "rejects-second", "answers-late", "never-starts")),
    settings=Settings(snapshot_events=8, heartbeats="every", heartbeat_interval_s=20.0, offline_after_s=60.0),
    steps=(
        step(
            "crash_at",
            at=Between(5.0, 30.0),
            point=OneOf(tuple(POINTS)),
            occurrence=OneOf((1, 1, 2, 3)),
            down_s=Between(1.0, 30.0),
        ),
        ask(Unlock(1), at=Between(28.0, 40.0), attempts=3, outcome_s=30.0),
        step("plug", at=30.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Between(35.0, 50.0), node=2, attempts=3, outcome_s=30.0),
        step("unplug", at=200.0, connector=2),
        step("plug", at=210.0, connector=1),
        step("swipe", at=215.0, connector=1),
        step("unplug", at=260.0, connector=1),
    ),
    on_disk=True,
    faults_s=280.0,
)
