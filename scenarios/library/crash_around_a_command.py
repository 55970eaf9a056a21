"""A crash within a second of a command, wherever that falls.

Labelled points are where a crash is known to matter. This one falls at a time, between points as well: after the
operator was answered, while the lock moves, as the answer arrives.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.scenarios.spec import Around, Between, Scenario, ask, step

SCENARIO = Scenario(
    name="crash-around-a-command",
    title="A node crashes within a second of a command",
    covers="What an operator was promised is in the log, however close the crash.",
    persona="accepts-second",
    moments=(("unlock", 30.0, 40.0), ("start", 160.0, 170.0)),
    steps=(
        ask(Unlock(1), at=Around("unlock", 0.0, 0.0), attempts=3, outcome_s=30.0),
        step("crash", at=Around("unlock", 0.0, 1.0), down_s=Between(0.5, 5.0)),
        step("plug", at=150.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Around("start", 0.0, 0.0), attempts=3, outcome_s=30.0),
        step("crash", at=Around("start", 0.0, 1.0), down_s=Between(0.5, 5.0)),
        step("unplug", at=280.0, connector=2),
    ),
    faults_s=300.0,
)
