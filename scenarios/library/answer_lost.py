"""The answer is lost after the effect.

The station unlocks, its answer vanishes and the socket dies. In OCPP 1.6 nothing can tell afterwards whether a lock
moved, so the honest end is Unknown, for a person to decide, and never a second try.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="answer-lost",
    title="The answer to an unlock and to a start is lost after the effect",
    covers="Nothing is sent twice; a start is resolved by its transaction, an unlock ends as Unknown.",
    persona="accepts-second",
    steps=(
        step("lose_answer", at=15.0, action="UnlockConnector", seconds=60.0),
        ask(Unlock(1), at=Between(20.0, 40.0), attempts=3, outcome_s=40.0),
        step("plug", at=85.0, connector=2),
        step("lose_answer", at=90.0, action="RemoteStartTransaction", seconds=60.0),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Between(95.0, 100.0), attempts=2, outcome_s=40.0),
        step("unplug", at=230.0, connector=2),
    ),
    faults_s=240.0,
)
