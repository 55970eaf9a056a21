"""A station loses its supply in the middle of things and never comes back.

Everything that was asked of it has to come to an end all the same, and what is asked of it now goes nowhere.
"""

from interlock.csms.domain.commands import ChangeAvailability, RemoteStart, Reset, Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="never-comes-back",
    title="A station goes away for good with commands and a session open",
    covers="Without any evidence, ever: offline within the bound, every command with an end, nothing held for ever.",
    settings=Settings(offline_after_s=60.0, heartbeat_interval_s=20.0),
    steps=(
        step("plug", at=20.0, connector=1),
        step("swipe", at=22.0, connector=1),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=59.0),
        ask(Unlock(1), at=Between(59.8, 60.3)),
        step("power_cut", at=60.0, seconds=1e6),
        ask(Unlock(2), at=70.0),
        ask(Unlock(2), at=200.0, attempts=2),
        ask(Reset(True), at=205.0),
        ask(ChangeAvailability(1, False), at=210.0),
    ),
    faults_s=240.0,
    quiet_s=900.0,
)
