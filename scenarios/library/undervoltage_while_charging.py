"""Undervoltage while charging, a reboot included.

A sag opens the contactor and suspends delivery; a deeper one browns the station out, which ends the session with the
energy its meter had counted. Either way the books must balance to the watt-hour.
"""

from interlock.scenarios.spec import Between, Scenario, step

SCENARIO = Scenario(
    name="undervoltage-while-charging",
    title="The voltage sags while a vehicle charges",
    covers="Undervoltage and brown-out while charging: one start, one stop, exact energy.",
    steps=(
        step("plug", at=20.0, connector=1),
        step("swipe", at=25.0, connector=1),
        step("sag", at=Between(60.0, 120.0), depth_v=Between(30.0, 70.0), hold_s=Between(5.0, 20.0)),
        step("sag", at=Between(180.0, 240.0), depth_v=Between(120.0, 200.0), hold_s=Between(3.0, 10.0)),
        step("unplug", at=330.0, connector=1),
        step("plug", at=350.0, connector=1),
        step("swipe", at=355.0, connector=1),
        step("unplug", at=420.0, connector=1),
    ),
    faults_s=450.0,
)
