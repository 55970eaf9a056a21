"""Answers that are errors before or after acting, break the schema, come twice, crossed or far too late.

Only two error codes say that nothing was done; everything else leaves two possibilities, and the log has to say so.
"""

from interlock.csms.domain.commands import ChangeAvailability, RemoteStart, Unlock
from interlock.scenarios.spec import Between, Scenario, ask, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="answers-that-say-nothing",
    title="A station answers with errors, broken payloads, twice, crossed and late",
    covers="An error is not a no, and an answer that came is in the log.",
    station=(
        (
            "deviations",
            Deviations(error_first=0.2, error_after=0.25, broken=0.25, twice=0.3, crossed=0.2, late=0.2),
        ),
    ),
    steps=(
        *(ask(Unlock(2 - number % 2), at=Between(20.0 + 35 * number, 30.0 + 35 * number)) for number in range(8)),
        ask(ChangeAvailability(1, True), at=300.0),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=340.0),
        step("plug", at=350.0, connector=1),
        step("ask_stop", at=430.0, connector=1),
        step("unplug", at=480.0, connector=1),
    ),
    faults_s=500.0,
    quiet_s=600.0,
)
