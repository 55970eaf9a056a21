"""The answer comes after the time-out.

The station unlocks at once and answers a minute later. By then the command is in doubt. The late answer is evidence,
whichever socket it arrives on: it settles the doubt and is not dropped. The window of a start that nobody plugs in for
begins with that answer.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="answer-after-timeout",
    title="A station answers after the CSMS gave up waiting",
    covers="A time-out is doubt, not failure; a late answer is the outcome.",
    persona="answers-late",
    steps=(
        ask(Unlock(1), at=Between(20.0, 40.0), attempts=2, outcome_s=35.0),
        step("plug", at=150.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Between(160.0, 170.0)),
        step("unplug", at=290.0, connector=2),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=300.0),
    ),
    faults_s=400.0,
)
