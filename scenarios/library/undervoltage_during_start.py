"""Undervoltage during a remote start.

The supply sags just as the start is under way: the station reports UnderVoltage, suspends or never begins, or browns
out and forgets the start altogether.
"""

from interlock.csms.domain.commands import RemoteStart
from interlock.scenarios.spec import Around, Between, Scenario, ask, step

SCENARIO = Scenario(
    name="undervoltage-during-start",
    title="The voltage sags during a remote start",
    covers="A fault between the command and its effect leaves a doubt that evidence resolves.",
    moments=(("start", 40.0, 50.0),),
    steps=(
        step("plug", at=20.0, connector=1),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=Around("start", 0.0, 0.2), attempts=2, outcome_s=40.0),
        step(
            "sag",
            at=Around("start", -1.5, 1.5),
            depth_v=Between(30.0, 140.0),
            ramp_s=Between(0.2, 1.5),
            hold_s=Between(2.0, 10.0),
        ),
        step("unplug", at=240.0, connector=1),
    ),
    faults_s=260.0,
)
