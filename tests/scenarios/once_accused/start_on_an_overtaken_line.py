"""I24 accused, rightly: a start was under way on a line that another had replaced, and its session ended meanwhile."""

from interlock.csms.domain.connectors import Unlock
from interlock.csms.domain.remote_control import RemoteStart
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="start-on-an-overtaken-line",
    title="A slow store and a burst of reports",
    covers="A conflict means decide again, never refuse.",
    steps=(
        step("plug", 20.0, connector=2),
        step("statuses", 55.018, connector=1, count=20, every_s=0.15),
        step("ask", 60.502, command=Unlock(evse=1), node=1, attempts=2),
        step("ask", 60.182, command=RemoteStart(evse=2, id_token="TAG-OPERATOR"), node=2, attempts=2),
        step("unplug", 110.0, connector=2),
        step("meter_values", 21.153, station=1, connector=2, count=2),
        step("delay_answer", 51.86, station=1, action="UnlockConnector", delay_s=55.713, seconds=52.12),
        step("crash_at", 89.961, node=2, point="doubt.durable", occurrence=1, down_s=11.046),
        step("sag", 73.293, station=1, depth_v=105.289, ramp_s=9.092, hold_s=11.922),
        step("broken", 5.008, station=1, connector=1, error_code="GroundFailure", seconds=22.087),
        step("lossy_store", 15.117, node=1, lost_ack=0.291, seconds=32.084),
    ),
    nodes=2,
    balancing="rotate",
    persona="resends-new-id",
    quiet_s=900.0,
    settle_s=60.0,
)
