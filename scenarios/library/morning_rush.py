"""The morning rush: 100 stations, everybody arrives within the hour.

Two nodes, drivers plugging and swiping all over, an operator among them, one node lost in the middle of it.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="morning-rush",
    title="The morning rush of 100 stations",
    covers="Everything at once, at size: the same promises.",
    stations=100,
    nodes=2,
    settings=Settings(heartbeat_interval_s=300.0),
    steps=(
        step("traffic", at=30.0, habit="morning"),
        *(
            ask(Unlock(1 + number % 2), at=Between(300.0, 3000.0), station=1 + 7 * number, attempts=2)
            for number in range(12)
        ),
        *(
            ask(RemoteStart(1, "TAG-OPERATOR"), at=Between(300.0, 3000.0), station=2 + 7 * number, node=2)
            for number in range(12)
        ),
        step("crash", at=Between(900.0, 2400.0), down_s=Between(5.0, 60.0)),
    ),
    faults_s=3600.0,
    quiet_s=1800.0,
    recorded="facts",
    heavy=True,
)
