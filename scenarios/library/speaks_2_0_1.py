"""An OCPP 2.0.1 station does what the library does with 1.6: starts, stops, unlocks, resets, cards and readings.

The same promises in the words of another version: EVSE and connector, string transaction ids, numbered events.
"""

from interlock.csms.domain.commands import ChangeAvailability, RemoteStart, Reset, Unlock
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="speaks-2-0-1",
    title="A 2.0.1 station with two EVSEs, from card to reset",
    covers="Every promise holds in each version that is spoken.",
    station=(("ocpp", "2.0.1"), ("meter_interval_s", 15.0)),
    steps=(
        ask(Unlock(2), at=20.0),
        step("plug", at=25.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR", details={"groupIdToken": {"idToken": "G1", "type": "Central"}}), at=30.0),
        step("plug", at=Between(32.0, 34.0), connector=1),
        step("swipe", at=36.0, connector=1, token="TAG-DRIVER"),
        step("ask_stop", at=90.0, connector=2),
        step("unplug", at=95.0, connector=2),
        step("unplug", at=110.0, connector=1),
        ask(ChangeAvailability(2, False, 1), at=120.0),
        ask(ChangeAvailability(2, True, 1), at=130.0),
        ask(ChangeAvailability(0, True), at=135.0),
        ask(Reset(True), at=150.0),
    ),
    faults_s=180.0,
)
