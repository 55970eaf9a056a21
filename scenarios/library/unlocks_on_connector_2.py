"""Unlocks of connector 2, one after another, and one of connector 1 between them.

A CSMS that sends every unlock to connector 1 has one frame, one answer and one movement for each request.
"""

from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Scenario, ask

SCENARIO = Scenario(
    name="unlocks-on-connector-2",
    title="Several unlocks, most of them of connector 2",
    covers="The lock that moves is the one that was asked for, in the order it was asked.",
    steps=(
        ask(Unlock(2), at=20.0),
        ask(Unlock(1), at=20.01),
        ask(Unlock(2), at=40.0),
        ask(Unlock(2), at=60.0),
        ask(Unlock(1), at=80.0),
        ask(Unlock(2), at=80.01),
    ),
    faults_s=100.0,
)
