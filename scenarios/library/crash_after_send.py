"""A node crashes between the send and the append of the outcome.

The intent is in the log and the frame has left. After the restart nobody knows whether the station acted, and nobody
sends again: the command is in doubt until evidence or Unknown ends it.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.scenarios.spec import Between, OneOf, Scenario, ask, step

SCENARIO = Scenario(
    name="crash-after-send",
    title="A node crashes between send and append",
    covers="After a crash an open command is in doubt; recovery never sends it again.",
    persona="accepts-second",
    steps=(
        step("crash_at", at=20.0, point=OneOf(("call.written", "answer.received")), down_s=Between(1.0, 10.0)),
        ask(Unlock(1), at=Between(25.0, 35.0), attempts=4, outcome_s=30.0),
        step("plug", at=150.0, connector=2),
        step("crash_at", at=155.0, point=OneOf(("call.written", "answer.received")), down_s=Between(1.0, 10.0)),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Between(160.0, 170.0), attempts=3, outcome_s=20.0),
        step("unplug", at=280.0, connector=2),
    ),
    faults_s=300.0,
)
