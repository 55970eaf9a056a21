"""A CSMS that remembers two of everything is told again, and answered late, what it forgot long ago.

What is not in memory is in the log, and is asked there: no start is taken for a new one, no stop is kept twice, and a
late answer finds its command.
"""

from interlock.csms.domain.commands import ChangeAvailability, Relay, Unlock
from interlock.scenarios.spec import Scenario, ask, step

_BEGINS = (20.0, 80.0, 140.0, 200.0)

SCENARIO = Scenario(
    name="small-memory",
    title="Sessions are told again and answers come late, with every bound at two",
    covers="No promise without end rests on a memory that has one.",
    bounds=2,
    persona="resends-new-id",
    steps=(
        *(step("plug", at=at, connector=1) for at in _BEGINS),
        *(step("swipe", at=at + 2.0, connector=1) for at in _BEGINS),
        step("lose_reply", at=30.0, action="StopTransaction", then_cut=True, seconds=200.0),
        *(step("swipe", at=at + 30.0, connector=1) for at in _BEGINS),
        *(step("unplug", at=at + 40.0, connector=1) for at in _BEGINS),
        ask(Unlock(2), at=245.0, request="long-ago"),
        *(ask(ChangeAvailability(2, True), at=265.0 + 5 * n) for n in range(3)),
        *(ask(Relay("ClearCache", {}), at=290.0 + 5 * n) for n in range(4)),
        step("answer_again", at=315.0, payload='{"status":"UnlockFailed"}', back=7),
        ask(Unlock(2), at=330.0, request="long-ago", attempt=2),
        step("unknown_stop", at=350.0, transaction_id=4711),
        step("unknown_stop", at=352.0, transaction_id=4712),
    ),
    on_disk=True,
    faults_s=460.0,
)
