"""I39 accused: a station was asked about a start while that was in doubt, and it lapsed later."""

from interlock.csms.domain.connectors import Unlock
from interlock.csms.domain.remote_control import RemoteStart, RemoteStop
from interlock.scenarios.spec import Scenario, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="asked-before-it-was-accepted",
    title="Evidence after the end of a doubt, and a start that comes to nothing in silence",
    covers="Nothing stays unknown that shows later, and nothing stays open that never shows.",
    steps=(
        step("plug", 20.0, connector=1),
        step("swipe", 22.0, connector=1),
        step("answer_instead", 39.0, code="InternalError"),
        step("ask_stop", 40.0, connector=1),
        step("swipe", 400.0, connector=1),
        step("unplug", 410.0, connector=1),
        step("ask", 430.0, command=RemoteStart(evse=2, id_token="TAG-OPERATOR")),
        step("cut", 436.0, seconds=500.0),
        step("ask", 990.0, command=RemoteStart(evse=2, id_token="TAG-OPERATOR")),
        step("plug", 1000.0, connector=2),
        step("ask_stop", 1040.0, connector=2),
        step("unplug", 1060.0, connector=2),
        step(
            "ask", 401.911, command=RemoteStop(transaction_id="no number"), request="odd-12-401.911", station=1, node=1
        ),
        step("close_doubt", 402.411, request="odd-12-401.911", station=1, node=1),
        step("insist", 444.504, command=Unlock(evse=1), request="odd-12-444.504", station=1, node=1),
        step("close_doubt", 644.504, request="odd-12-444.504", station=1, node=1),
        step("look_up", 445.004, request="odd-12-444.504", station=1, node=1),
        step("register", 603.587, token="TAG-BLOCKED", status="Blocked", node=1),
    ),
    station=(("deviations", Deviations(late=1.0, crossed=1.0, vendor_fields=True, statuses_shuffled=True)),),
    faults_s=1080.0,
    quiet_s=900.0,
    settle_s=60.0,
    retold=("without_lists",),
    ocpp="2.0.1",
)
