"""Old news after the live status, from a station whose clock is wrong.

Sessions begin and end while the line is down. Back online the station says first how its connectors stand, and only
then what its queue has kept, with times hours away from the CSMS's own. What the queue tells is true of the past: it is
billed, and it changes neither how a connector stands now nor who is online.
"""

from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, OneOf, Scenario, step
from interlock.simulator.clock import ClockSpec

SCENARIO = Scenario(
    name="old-news",
    title="A queue is told after the live status, by a wrong clock",
    covers="What a station tells late, or with a wrong time, is billed and changes nothing that is live.",
    station=(
        ("statuses_overtake", True),
        ("clock", OneOf((ClockSpec(skew_s=-7200.0), ClockSpec(skew_s=7200.0)))),
    ),
    settings=Settings(heartbeat_interval_s=40.0, offline_after_s=90.0),
    steps=(
        step("cut", at=Between(28.0, 32.0), seconds=Between(90.0, 110.0)),
        step("plug", at=40.0, connector=1),
        step("swipe", at=45.0, connector=1),
        step("swipe", at=Between(70.0, 100.0), connector=1),
        step("statuses", at=Between(180.0, 200.0), connector=2, count=8, every_s=20.0),
        step("silence", at=Between(350.0, 360.0), seconds=320.0),
        step("statuses", at=345.0, connector=2, count=2, every_s=3.0),
    ),
    faults_s=700.0,
)
