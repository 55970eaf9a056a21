"""The effect comes after the time-out, and so does the answer.

A slow station acts on a start when the CSMS has stopped waiting: in between it still reports the connector Available. A
second start, on a connector out of order, is under way when the first one's answer arrives, and is rejected later
still. Then its connector is mended and the same driver shows a card there. Each answer belongs to its own question,
"Available" says nothing yet, and the late rejection counts: the card is the driver's own start.
"""

from interlock.csms.domain.commands import RemoteStart
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="effect-after-timeout",
    title="A station acts and answers after the CSMS gave up waiting",
    covers="Doubt is not ended by what a station says before it acted, nor by somebody else's answer.",
    station=(("act_s", (36.0, 50.0)),),
    steps=(
        step("broken", at=10.0, error_code="GroundFailure", connector=2, seconds=100.0),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=20.0),
        step("statuses", at=Between(50.5, 51.5), connector=1, count=2, every_s=1.0),
        ask(RemoteStart(2, "TAG-DRIVER"), at=Between(52.0, 55.0)),
        step("plug", at=75.0, connector=1),
        step("plug", at=112.0, connector=2),
        step("swipe", at=114.0, connector=2),
        step("unplug", at=150.0, connector=2),
        step("unplug", at=160.0, connector=1),
    ),
    faults_s=180.0,
)
