"""I43 accused, rightly: a fault cleared a second time took the energy of a session from the meter."""

from interlock.csms.domain.remote_control import RemoteStart
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="fault-cleared-twice",
    title="A station acts and answers after the CSMS gave up waiting",
    covers="Doubt is not ended by what a station says before it acted, nor by somebody else's answer.",
    steps=(
        step("broken", 10.0, error_code="GroundFailure", connector=2, seconds=100.0),
        step("ask", 20.0, command=RemoteStart(evse=1, id_token="TAG-OPERATOR")),
        step("statuses", 51.497, connector=1, count=2, every_s=1.0),
        step("ask", 53.469, command=RemoteStart(evse=2, id_token="TAG-DRIVER")),
        step("plug", 75.0, connector=1),
        step("plug", 112.0, connector=2),
        step("swipe", 114.0, connector=2),
        step("unplug", 150.0, connector=2),
        step("unplug", 160.0, connector=1),
        step("register", 127.836, token="TAG-BLOCKED", status="Expired", node=1),
        step("register", 163.196, token="TAG-OPERATOR", status="Invalid", node=1),
        step("broken", 50.0, error_code="GroundFailure", connector=2, seconds=100.0),
    ),
    station=(("act_s", (36.0, 50.0)),),
    faults_s=180.0,
    quiet_s=900.0,
    settle_s=60.0,
    retold=("beside",),
)
