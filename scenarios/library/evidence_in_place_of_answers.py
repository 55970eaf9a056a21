"""Every answer is lost with its connection, and something else shows what became of the command.

A stop by the end of its transaction, under 2.0.1 a reset by the reason of the next boot: each confirms the command it
is about, and no other. Two starts in doubt at once are each asked about at their own EVSE.
"""

from interlock.csms.domain.commands import RemoteStart, Reset, Unlock
from interlock.scenarios.spec import Scenario, ask, step

SCENARIO = Scenario(
    name="evidence-in-place-of-answers",
    title="Every answer is lost, and what follows shows what became of each command",
    covers="A doubt ends with what proves it, and proof of one command is none of another.",
    steps=(
        step("lose_answer", at=15.0, action="UnlockConnector", then_cut=False, seconds=60.0),
        ask(Unlock(1), at=20.0),
        ask(Unlock(2), at=52.0),
        step("plug", at=130.0, connector=1),
        step("swipe", at=132.0, connector=1),
        step("lose_answer", at=150.0, action="RemoteStopTransaction", seconds=30.0),
        step("ask_stop", at=160.0, connector=1),
        step("unplug", at=190.0, connector=1),
        step("lose_answer", at=200.0, action="Reset", seconds=30.0),
        ask(Reset(True), at=210.0),
        step("lose_answer", at=290.0, action="RemoteStartTransaction", then_cut=False, seconds=120.0),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=300.0),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=333.0),
    ),
    persona="never-starts",
    faults_s=420.0,
    quiet_s=600.0,
)
