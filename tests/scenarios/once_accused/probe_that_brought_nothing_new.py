"""I39 accused: one probe was answered, with a status that was known."""

from interlock.csms.domain.inflight import Probe
from interlock.csms.domain.remote_control import RemoteStart
from interlock.scenarios.spec import Scenario, Storage, step
from interlock.simulator.clock import ClockSpec
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="probe-that-brought-nothing-new",
    title="Three sessions begin in the very same words",
    covers="A start told again is the same only as long as its transaction has not ended: 1.6 sections 3.7 and 4.8.",
    steps=(
        step("plug", 30.0, connector=1),
        step("swipe", 35.0, connector=1),
        step("unplug", 45.294, connector=1),
        step("plug", 60.0, connector=1),
        step("lose_reply", 62.0, action="StartTransaction", then_cut=True, seconds=11.183),
        step("swipe", 65.0, connector=1),
        step("unplug", 83.664, connector=1),
        step("plug", 110.0, connector=1),
        step("swipe", 115.0, connector=1),
        step("unplug", 407.891, connector=1),
        step(
            "ask",
            114.582,
            command=RemoteStart(evse=2, id_token="TAG-OPERATOR"),
            station=1,
            node=1,
            attempts=2,
            outcome_s=30.0,
        ),
        step("ask", 48.91, command=Probe(evse=1), station=1, node=2, attempts=3, outcome_s=30.0),
        step("broken", 232.622, station=1, connector=2, error_code="UnderVoltage", seconds=27.185),
        step("upgrade", 287.046, node=2, down_s=10.35),
        step("plug", 110.02, connector=1),
    ),
    nodes=2,
    persona="forgets-queue",
    station=(
        ("clock", ClockSpec(drift_ppm=-1000000.0)),
        ("max_power_w", 60.0),
        ("call_timeout_s", 5.0),
        ("retry_s", 3.0),
        ("deviations", Deviations(late=0.2, vendor_fields=True)),
    ),
    storage=Storage(latency_s=(0.0, 0.0)),
    faults_s=480.0,
    quiet_s=900.0,
    settle_s=60.0,
)
