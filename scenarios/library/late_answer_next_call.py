"""A late answer meets the next call.

The station answers an unlock after the CSMS gave up waiting. By then the next command is on its way, and its own answer
is lost; a third one stands behind it. An answer ends the CALL whose message id it carries and no other, and one CALL is
outstanding at a time: so each command has its own end, by an answer or by its own time-out.
"""

from interlock.csms.domain.commands import Relay, Unlock
from interlock.scenarios.spec import Around, Scenario, ask, step

SCENARIO = Scenario(
    name="late-answer-next-call",
    title="A late answer arrives while the next call waits for its own",
    covers="An answer belongs to the call whose id it carries; every call that left has an end of its own.",
    persona="answers-late",
    moments=(("unlock", 20.0, 30.0), ("next", 62.0, 72.0)),
    steps=(
        ask(Unlock(1), at=Around("unlock", 0.0, 0.0)),
        step("lose_answer", at=55.0, action="ClearCache", then_cut=False, seconds=120.0),
        ask(Relay("ClearCache", {}), at=Around("next", 0.0, 0.0)),
        ask(Relay("GetConfiguration", {}), at=Around("next", 2.0, 8.0)),
    ),
    faults_s=200.0,
)
