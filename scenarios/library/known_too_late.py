"""Evidence comes when a command is called unknown, and a start is accepted by a station that never speaks again.

What nobody could know is confirmed once it shows; what nobody will know any more comes to an end all the same.
"""

from interlock.csms.domain.commands import RemoteStart
from interlock.scenarios.spec import Scenario, ask, step

SCENARIO = Scenario(
    name="known-too-late",
    title="Evidence after the end of a doubt, and a start that comes to nothing in silence",
    covers="Nothing stays unknown that shows later, and nothing stays open that never shows.",
    steps=(
        step("plug", at=20.0, connector=1),
        step("swipe", at=22.0, connector=1),
        step("answer_instead", at=39.0, code="InternalError"),
        step("ask_stop", at=40.0, connector=1),
        step("swipe", at=400.0, connector=1),
        step("unplug", at=410.0, connector=1),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=430.0),
        step("cut", at=436.0, seconds=500.0),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=990.0),
        step("plug", at=1000.0, connector=2),
        step("ask_stop", at=1040.0, connector=2),
        step("unplug", at=1060.0, connector=2),
    ),
    faults_s=1080.0,
)
