"""The old socket closes after the new one opened.

The most common bug of the field: the close of a dead connection is handled by station id and clears the live session
that replaced it. Here each connection has an epoch, and an old one clears nothing.
"""

from interlock.csms.domain.commands import Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Around, Between, Scenario, ask, step

SCENARIO = Scenario(
    name="old-socket-closes-late",
    title="The old socket closes after the new one opened",
    covers="The close of a replaced connection does not touch the one that replaced it.",
    persona="accepts-second",
    authenticated=False,
    settings=Settings(heartbeat_interval_s=20.0, offline_after_s=60.0),
    moments=(("swap", 40.0, 60.0),),
    steps=(
        step("half_open", at=Around("swap", -3.0, -0.5), seconds=Between(4.0, 15.0)),
        step("reconnect", at=Around("swap", 0.0, 0.0)),
        ask(Unlock(1), at=Around("swap", 1.0, 20.0), attempts=2),
        step("reconnect", at=Around("swap", 40.0, 45.0)),
        ask(Unlock(2), at=Around("swap", 40.0, 60.0), attempts=2),
        step("silent_socket", at=Between(125.0, 140.0), seconds=Between(8.0, 20.0)),
        ask(Unlock(1), at=Between(146.0, 160.0)),
    ),
    faults_s=200.0,
)
