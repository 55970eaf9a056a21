"""I42 accused: a frame waits for the one before it to be durable, and is the last sign of life."""

from interlock.csms.domain.connectors import ChangeAvailability, Unlock
from interlock.csms.domain.provisioning import Reset
from interlock.csms.domain.remote_control import RemoteStart
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="frame-behind-an-append",
    title="A station goes away for good with commands and a session open",
    covers="Without any evidence, ever: offline within the bound, every command with an end, nothing held for ever.",
    steps=(
        step("plug", 20.0, connector=1),
        step("swipe", 22.0, connector=1),
        step("ask", 59.0, command=RemoteStart(evse=2, id_token="TAG-OPERATOR")),
        step("ask", 60.2, command=Unlock(evse=1)),
        step("power_cut", 60.0, seconds=1000000.0),
        step("ask", 70.0, command=Unlock(evse=2)),
        step("ask", 200.0, command=Unlock(evse=2), attempts=2),
        step("ask", 205.0, command=Reset(hard=True)),
        step("ask", 210.0, command=ChangeAvailability(evse=1, operative=False)),
        step("insist", 23.499, command=Unlock(evse=1), request="odd-9-23.499", station=1, node=1),
        step("close_doubt", 28.499, request="odd-9-23.499", station=1, node=1),
        step("look_up", 223.499, request="odd-9-23.499", station=1, node=1),
        step("ask", 35.369, command=Reset(hard=True), request="odd-9-35.369", station=1, node=1),
        step("close_doubt", 235.369, request="odd-9-35.369", station=1, node=1),
        step("look_up", 235.369, request="odd-9-35.369", station=1, node=1),
        step("register", 180.036, token="TAG-OPERATOR", status="Invalid", node=1),
    ),
    station=(("deviations", Deviations(twice=1.0, error_after=0.5, energy_unit="kWh", vendor_fields=True)),),
    settings=Settings(heartbeat_interval_s=20.0, offline_after_s=60.0),
    faults_s=240.0,
    quiet_s=900.0,
    settle_s=60.0,
    bounds=2,
    retold=("spaced",),
    ocpp="2.0.1",
)
