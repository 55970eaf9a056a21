"""Requests that cannot be: no such connector or transaction, one that is over, the opposite at once, the same twice.

Each has one right answer, and none may leave anything behind.
"""

from interlock.csms.domain.commands import ChangeAvailability, RemoteStart, RemoteStop, Reset, Unlock
from interlock.scenarios.spec import Scenario, ask, step

SCENARIO = Scenario(
    name="impossible-requests",
    title="Requests that are impossible, over, contradictory or repeated",
    covers="What cannot be is refused with a reason, and what was asked before is known.",
    nodes=2,
    steps=(
        ask(Unlock(9), at=20.0),
        ask(Unlock(0), at=21.0),
        ask(Unlock(1, 2), at=22.0),
        ask(RemoteStart(3, "TAG-OPERATOR"), at=23.0),
        ask(RemoteStop("4711"), at=24.0),
        ask(RemoteStart(1, "TAG-NOBODY-KNOWS"), at=25.0),
        step("plug", at=70.0, connector=1),
        step("swipe", at=72.0, connector=1),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=80.0, node=2),
        step("ask_stop", at=90.0, connector=1, request="stop-it"),
        step("ask_stop", at=90.01, connector=1, node=2),
        step("ask_stop", at=100.0, connector=1),
        step("unplug", at=105.0, connector=1),
        ask(ChangeAvailability(2, False), at=110.0),
        ask(ChangeAvailability(2, True), at=110.0, node=2),
        ask(Unlock(2), at=120.0, request="once"),
        ask(Unlock(2), at=125.0, request="once", attempt=2, node=2),
        ask(Unlock(2), at=130.0, request="once", attempt=3),
        ask(Reset(False), at=140.0),
        ask(Reset(True), at=140.02, node=2),
    ),
    faults_s=180.0,
)
