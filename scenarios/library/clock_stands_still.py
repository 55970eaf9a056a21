"""A clock that stands still: each session begins at the same time by its station.

The first sessions are so short that the meter does not move either. So their starts, which are three, are told in the
very same words; what tells them apart is that each was stopped by its id before the next began.
"""

from interlock.scenarios.spec import Between, Scenario, step
from interlock.simulator.clock import ClockSpec

SCENARIO = Scenario(
    name="clock-stands-still",
    title="Three sessions begin in the very same words",
    covers="A start told again is the same only as long as its transaction has not ended: 1.6 sections 3.7 and 4.8.",
    station=(
        ("clock", ClockSpec(drift_ppm=-1_000_000.0)),
        ("max_power_w", 60.0),
        ("call_timeout_s", 5.0),
        ("retry_s", 3.0),
    ),
    steps=(
        step("plug", at=30.0, connector=1),
        step("swipe", at=35.0, connector=1),
        step("unplug", at=Between(45.0, 50.0), connector=1),
        step("plug", at=60.0, connector=1),
        step("lose_reply", at=62.0, action="StartTransaction", then_cut=True, seconds=Between(8.0, 12.0)),
        step("swipe", at=65.0, connector=1),
        step("unplug", at=Between(80.0, 84.0), connector=1),
        step("plug", at=110.0, connector=1),
        step("swipe", at=115.0, connector=1),
        step("unplug", at=Between(400.0, 460.0), connector=1),
    ),
    faults_s=480.0,
)
