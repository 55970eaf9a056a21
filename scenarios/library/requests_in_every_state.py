"""Every command is asked for in states that speak against it, and in those that only seem to.

While a transaction runs, while a reservation or a start is on its way, of a transaction that ended, of places that are
not there: each is refused for its reason, or taken.
"""

from interlock.csms.domain.commands import ChangeAvailability, Relay, RemoteStart, Reserve, Reset, Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, ask, step

_UNTIL = {"expiryDate": "2026-01-02T00:00:00Z"}

SCENARIO = Scenario(
    name="requests-in-every-state",
    title="Each command in states that speak against it, and in those that only seem to",
    covers="What is refused could not be, and what could be is not refused.",
    stations=2,
    slots=2,
    persona="acts-late",
    settings=Settings(call_timeout_s=90.0),
    steps=(
        step("plug", at=20.0, connector=1),
        step("swipe", at=22.0, connector=1),
        ask(Reserve(1, "TAG-DRIVER", 7, _UNTIL), at=30.0),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=31.0),
        ask(Unlock(2), at=32.0),
        ask(Unlock(2), at=33.0, station=2),
        ask(Unlock(2), at=34.0),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=35.0),
        ask(Reserve(2, "TAG-DRIVER", 8, _UNTIL), at=36.0),
        ask(Reserve(0, "TAG-DRIVER", 9, _UNTIL), at=37.0),
        ask(Reserve(5, "TAG-DRIVER", 9, _UNTIL), at=38.0),
        step("ask_stop", at=100.0, connector=1),
        step("ask_stop", at=100.5, connector=1),
        step("unplug", at=150.0, connector=1),
        step("ask_stop_of_ended", at=160.0, connector=1),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=161.0),
        ask(Unlock(2), at=162.0),
        ask(Reserve(2, "TAG-DRIVER", 10, _UNTIL), at=163.0),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=164.0),
        ask(ChangeAvailability(9, True), at=165.0),
        ask(ChangeAvailability(1, True), at=166.0),
        ask(Relay("ClearCache", {}), at=230.0),
        ask(Relay("GetLocalListVersion", {}), at=230.1),
        ask(Relay("GetConfiguration", {}), at=230.2),
        ask(Relay("TriggerMessage", {"requestedMessage": "Heartbeat"}), at=230.3),
        step("plug", at=240.0, connector=2),
        ask(Reset(True), at=320.0),
        ask(Reset(False), at=320.5),
        ask(Reset(True, 7), at=321.0),
    ),
    retold=("beside", "told_twice"),
    faults_s=420.0,
)
