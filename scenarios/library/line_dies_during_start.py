"""The line dies under a start, without a sign, and the station comes back just as it is called offline.

The start vanished in a dead socket, and nobody knows. A second operator asks for the same connector and is refused: the
first start may still come. A driver plugs in and shows a card of his own, which proves nothing about the start either.
The station's clock is hours ahead and the store is slow. Only asking the station ends the doubt.
"""

from interlock.csms.domain.commands import RemoteStart
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Around, Scenario, Storage, ask, step
from interlock.simulator.clock import ClockSpec

SCENARIO = Scenario(
    name="line-dies-during-start",
    title="The line dies under a start and the station comes back as it is called offline",
    covers="A doubt outlives deadline, offline and reconnect, and a session of somebody else does not end it.",
    station=(("clock", ClockSpec(skew_s=7200.0)),),
    settings=Settings(heartbeat_interval_s=40.0, offline_after_s=60.0),
    storage=Storage(latency_s=(0.03, 0.2)),
    moments=(("start", 45.0, 55.0),),
    steps=(
        step("statuses", at=Around("start", -1.0, -1.0), connector=2),
        step("half_open", at=Around("start", -0.4, -0.4), seconds=120.0),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=Around("start", 0.0, 0.2)),
        step("reconnect", at=Around("start", 59.1, 59.15)),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=Around("start", 64.0, 75.0)),
        step("plug", at=Around("start", 80.0, 80.0), connector=1),
        step("swipe", at=Around("start", 84.0, 84.0), connector=1),
        step("unplug", at=Around("start", 200.0, 200.0), connector=1),
    ),
    faults_s=260.0,
    quiet_s=600.0,
)
