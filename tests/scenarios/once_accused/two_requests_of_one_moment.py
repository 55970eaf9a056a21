"""I43 accused: of two requests of one moment the other one is the first, as there is another station."""

from interlock.csms.domain.connectors import ChangeAvailability
from interlock.csms.domain.provisioning import Reset
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, Storage, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="two-requests-of-one-moment",
    title="Two requests of one moment",
    covers="Which of two requests is the first is left open.",
    steps=(
        step("ask", 190.0, command=Reset(hard=True)),
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
