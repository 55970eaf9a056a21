"""I07 accused: a start is confirmed by a session that its card began, whose letters are of another case."""

from interlock.csms.domain.connectors import Unlock
from interlock.csms.domain.remote_control import RemoteStart
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="start-by-the-card-in-other-letters",
    title="A station acts and answers after the CSMS gave up waiting",
    covers="Doubt is not ended by what a station says before it acted, nor by somebody else's answer.",
    steps=(
        step("broken", 10.0, error_code="GroundFailure", connector=2, seconds=100.0),
        step("ask", 20.0, command=RemoteStart(evse=1, id_token="TAG-OPERATOR")),
        step("statuses", 51.289, connector=1, count=2, every_s=1.0),
        step("ask", 54.257, command=RemoteStart(evse=2, id_token="TAG-DRIVER")),
        step("plug", 75.0, connector=1),
        step("plug", 112.0, connector=2),
        step("swipe", 114.0, connector=2),
        step("unplug", 150.0, connector=2),
        step("unplug", 160.0, connector=1),
        step("ask", 145.663, command=Unlock(evse=3, connector=2), request="odd-9-145.663", station=1, node=1),
        step(
            "insist",
            97.006,
            command=RemoteStart(evse=2, id_token="tag-driver"),
            request="odd-9-97.006",
            station=1,
            node=1,
        ),
        step("look_up", 102.006, request="odd-9-97.006", station=1, node=1),
        step("swipe", 173.075, token="TAG-OPERATOR", station=1, connector=2),
        step("register", 72.764, token="TAG-NOBODY-KNOWS", status="Blocked", node=1),
    ),
    station=(("act_s", (36.0, 50.0)),),
    settings=Settings(snapshot_events=None),
    faults_s=180.0,
    quiet_s=900.0,
    settle_s=60.0,
    bounds=2,
)
