"""The disk is full.

What cannot be made durable is not acknowledged: operators are told it failed, stations get no answer and send again
when there is room. Nothing that was acknowledged is missing afterwards.
"""

from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="full-disk",
    title="The store is full for a while",
    covers="Durable before acknowledged, towards operators and stations alike.",
    persona="accepts-second",
    station=(("call_timeout_s", 5.0), ("retry_s", 3.0)),
    steps=(
        step("plug", at=20.0, connector=1),
        step("swipe", at=25.0, connector=1),
        step("full_disk", at=Between(24.0, 40.0), seconds=Between(10.0, 30.0)),
        ask(Unlock(2), at=Between(30.0, 60.0), attempts=4, patience_s=10.0),
        step("unplug", at=110.0, connector=1),
    ),
    faults_s=130.0,
)
