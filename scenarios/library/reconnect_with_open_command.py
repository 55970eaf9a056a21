"""The station reconnects while a command is open.

The socket dies after the CALL left and the station comes back on a new one, where it may answer the old question. The
message id still names the command.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.scenarios.spec import Around, Between, Scenario, ask, step

SCENARIO = Scenario(
    name="reconnect-with-open-command",
    title="A station reconnects while a command is open",
    covers="A command outlives the socket it was sent on.",
    nodes=2,
    balancing="rotate",
    persona="acts-late",
    station=(("second_unlock", "accept"),),
    moments=(("unlock", 30.0, 40.0), ("start", 160.0, 170.0)),
    steps=(
        ask(Unlock(1), at=Around("unlock", 0.0, 0.1), attempts=2, outcome_s=30.0),
        step("cut", at=Around("unlock", 0.2, 4.0), seconds=Between(0.5, 5.0)),
        step("plug", at=150.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Around("start", 0.0, 0.1), attempts=2, outcome_s=30.0),
        step("cut", at=Around("start", 0.2, 4.0), seconds=Between(0.5, 20.0)),
        step("unplug", at=300.0, connector=2),
    ),
    faults_s=320.0,
)
