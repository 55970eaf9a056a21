"""I43 accused: a CALL times out at the deadline of the next one; beside another station the timers change places."""

from interlock.csms.domain.connectors import ChangeAvailability
from interlock.csms.domain.provisioning import Reset
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, Storage, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="two-deadlines-of-one-moment",
    title="A CALL times out at the deadline of the next one",
    covers="Which of two timers of one instant comes first may depend on another station.",
    steps=(
        step("ask", 230.0, command=ChangeAvailability(evse=0, operative=False)),
        step("ask", 230.0, command=Reset(hard=True)),
    ),
    station=(("deviations", Deviations(late=0.5, crossed=0.2, energy_unit="kWh", vendor_fields=True)),),
    settings=Settings(registration="Pending"),
    storage=Storage(latency_s=(0.0, 0.0)),
    latency_s=(0.1, 0.1),
    faults_s=260.0,
    quiet_s=900.0,
    settle_s=60.0,
    retold=("beside", "connected_again", "other_ids"),
)
