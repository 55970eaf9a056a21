"""I42 accused, rightly: the end of a broken handling was dated as a sign of life, after the last frame."""

from interlock.csms.domain.connectors import Unlock
from interlock.csms.domain.remote_control import RemoteStart
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="broken-behind-a-heartbeat",
    title="Something breaks off at a labelled point",
    covers="An exception or a cancellation anywhere leaves no node half alive.",
    steps=(
        step("break_off_at", 25.365, point="snapshot.due", occurrence=2, how="exception"),
        step("ask", 30.512, command=Unlock(evse=1), attempts=3, outcome_s=30.0),
        step("plug", 16.539, connector=2),
        step("ask", 38.582, command=RemoteStart(evse=2, id_token="TAG-OPERATOR"), node=2, attempts=3, outcome_s=30.0),
        step("unplug", 200.0, connector=2),
        step("plug", 210.0, connector=1),
        step("swipe", 215.0, connector=1),
        step("unplug", 260.0, connector=1),
        step("swipe", 151.528, station=1, connector=2),
        step(
            "ask",
            176.837,
            command=RemoteStart(evse=1, id_token="TAG-OPERATOR"),
            station=1,
            node=2,
            attempts=1,
            outcome_s=30.0,
        ),
        step("cut", 82.463, station=1, seconds=68.27),
        step("silence", 96.377, station=1, seconds=73.477),
        step("sag", 44.635, station=1, depth_v=37.559, ramp_s=9.587, hold_s=2.504),
        step("lossy_store", 271.253, node=1, lost_ack=0.104, seconds=17.995),
    ),
    nodes=2,
    balancing="rotate",
    persona="never-starts",
    settings=Settings(heartbeat_interval_s=20.0, heartbeats="every", offline_after_s=60.0, snapshot_events=8),
    faults_s=280.0,
    quiet_s=900.0,
    settle_s=60.0,
    on_disk=True,
)
