"""Two EVSEs at once, two cards, a meter that speaks kWh: nothing of one may end in the other's books.

One session is the operator's and is stopped from afar, the other is a driver's and ends at the cable.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.scenarios.spec import Between, Scenario, ask, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="two-cards-at-once",
    title="Two EVSEs charge at once for two cards, and the meter speaks kWh",
    covers="What is stored was told: of that EVSE, that card, in that unit, for that reason.",
    station=(
        ("deviations", Deviations(energy_unit="kWh", vendor_fields=True, statuses_shuffled=True)),
        ("meter_interval_s", 10.0),
    ),
    steps=(
        step("plug", at=20.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=24.0),
        step("plug", at=Between(24.0, 26.0), connector=1),
        step("swipe", at=Between(26.0, 28.0), connector=1, token="TAG-DRIVER"),
        ask(Unlock(1), at=50.0),
        step("ask_stop", at=90.0, connector=2),
        step("unplug", at=110.0, connector=1),
        step("unplug", at=115.0, connector=2),
        step("plug", at=120.0, connector=2),
        step("swipe", at=122.0, connector=2, token="TAG-DRIVER"),
        step("broken", at=150.0, connector=1, error_code="GroundFailure", seconds=20.0),
        step("meter_values", at=155.0, connector=2, count=2),
        step("swipe", at=170.0, connector=2, token="TAG-DRIVER"),
        step("unplug", at=175.0, connector=2),
    ),
    faults_s=200.0,
)
