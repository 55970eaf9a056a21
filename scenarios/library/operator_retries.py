"""An operator retries after a time-out.

The station acts late, the operator loses patience and asks again under the same request id. He is told what became of
his first request; the lock moves once.
"""

from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Between, Scenario, ask

SCENARIO = Scenario(
    name="operator-retries",
    title="An operator asks again after a time-out",
    covers="A retried request is recognised, not repeated.",
    persona="acts-late",
    station=(("second_unlock", "accept"),),
    steps=(ask(Unlock(1), at=Between(20.0, 40.0), attempts=3, patience_s=5.0, outcome_s=15.0),),
    faults_s=180.0,
)
