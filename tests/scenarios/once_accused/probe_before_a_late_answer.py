"""I39 accused: a start that was probed in doubt is accepted late, and the status behind the probe shows it idle."""

from interlock.csms.domain.connectors import Unlock
from interlock.csms.domain.provisioning import Reset
from interlock.csms.domain.remote_control import RemoteStart
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="probe-before-a-late-answer",
    title="Every answer is lost, and what follows shows what became of each command",
    covers="A doubt ends with what proves it, and proof of one command is none of another.",
    steps=(
        step("lose_answer", 15.0, action="UnlockConnector", then_cut=False, seconds=60.0),
        step("ask", 20.0, command=Unlock(evse=1)),
        step("ask", 52.0, command=Unlock(evse=2)),
        step("plug", 130.0, connector=1),
        step("swipe", 132.0, connector=1),
        step("lose_answer", 150.0, action="RemoteStopTransaction", seconds=30.0),
        step("ask_stop", 160.0, connector=1),
        step("unplug", 190.0, connector=1),
        step("lose_answer", 200.0, action="Reset", seconds=30.0),
        step("ask", 210.0, command=Reset(hard=True)),
        step("lose_answer", 290.0, action="RemoteStartTransaction", then_cut=False, seconds=120.0),
        step("ask", 300.0, command=RemoteStart(evse=1, id_token="TAG-OPERATOR")),
        step("ask", 333.0, command=RemoteStart(evse=2, id_token="TAG-OPERATOR")),
        step("ask", 134.044, command=Unlock(evse=3), request="odd-13-134.044", station=1, node=1),
        step("close_doubt", 134.544, request="odd-13-134.044", station=1, node=1),
        step("swipe", 23.007, token="TAG-NOBODY-KNOWS", station=1, connector=1),
        step("swipe", 182.246, token="TAG-OPERATOR", station=1, connector=1),
        step("lose_answer", 291.0, action="RemoteStartTransaction", then_cut=False, seconds=120.0),
    ),
    persona="never-starts",
    station=(("deviations", Deviations(crossed=0.5, error_first=0.2, energy_unit="kWh", vendor_fields=True)),),
    settings=Settings(snapshot_events=3),
    faults_s=420.0,
    quiet_s=900.0,
    settle_s=60.0,
)
