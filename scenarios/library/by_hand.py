"""An operator insists on what is refused, ends doubts by hand, and asks where commands stand, at either node.

What nobody can know any more a person decides: their statement is in the log, and only a doubt can be closed. A late
answer still counts, and what it says against the statement is kept.
"""

from interlock.csms.domain.commands import ChangeAvailability, Relay, RemoteStart, Reserve, Reset, Unlock
from interlock.scenarios.spec import Scenario, ask, step

_UNTIL = {"expiryDate": "2026-01-02T00:00:00Z"}

SCENARIO = Scenario(
    name="by-hand",
    title="An operator insists, closes doubts by hand, and asks where commands stand",
    covers="A person has the last word, and it is on record as theirs.",
    nodes=2,
    steps=(
        step("plug", at=20.0, connector=1),
        step("swipe", at=22.0, connector=1),
        step("insist", at=30.0, command=RemoteStart(1, "TAG-OPERATOR"), request="start-there"),
        step("look_up", at=34.0, request="start-there"),
        step("insist", at=36.0, command=RemoteStart(2, "TAG-OPERATOR"), request="nothing-against"),
        step("insist", at=40.0, command=Reserve(1, "TAG-DRIVER", 7, _UNTIL), request="reserve-there", node=2),
        step("insist", at=42.0, command=Unlock(9), request="no-such"),
        step("insist", at=44.0, command=Unlock(2), request="nothing-against", attempt=2),
        step("insist", at=46.0, command=Reset(False, 0), request="reset"),
        step("insist", at=46.01, command=Reset(True, 0), request="reset-too"),
        step("answer_instead", at=119.0, code="InternalError"),
        ask(Relay("ClearCache", {}), at=120.0, request="doubt"),
        step("look_up", at=124.0, request="doubt", node=2),
        step("close_doubt", at=126.0, request="doubt", statement="the cache was cleared", node=2),
        step("look_up", at=128.0, request="doubt"),
        step("close_doubt", at=130.0, request="doubt", statement="it was not"),
        step("answer_again", at=132.0, payload='{"status":"Accepted"}'),
        step("look_up", at=134.0, request="doubt", node=2),
        step("close_doubt", at=136.0, request="nobody-asked"),
        step("look_up", at=137.0, request="nobody-asked", node=2),
        step("answer_instead", at=139.0, code="InternalError"),
        ask(Unlock(2), at=140.0, request="unlock"),
        step("close_doubt", at=300.0, request="unlock", statement="nobody was there"),
        step("look_up", at=301.0, request="unlock", node=2),
        step("answer_again", at=303.0, payload='{"status":"Unlocked"}'),
        step("answer_instead", at=309.0, code="GenericError"),
        ask(ChangeAvailability(2, True), at=310.0, request="given-up"),
        step("answer_again", at=500.0, payload='{"status":"Rejected"}'),
        step("look_up", at=505.0, request="given-up"),
        step("close_doubt", at=510.0, request="given-up"),
        ask(Unlock(2), at=520.0, request="done"),
        step("close_doubt", at=530.0, request="done"),
    ),
    fiction=True,
    faults_s=540.0,
)
