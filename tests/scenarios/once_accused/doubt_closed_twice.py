"""I44 accused: a doubt is closed by hand a second time, in the same words."""

from interlock.csms.domain.connectors import ChangeAvailability
from interlock.csms.domain.generic import Relay
from interlock.csms.domain.remote_control import RemoteStop
from interlock.scenarios.spec import Scenario, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="doubt-closed-twice",
    title="The voltage sags while a vehicle charges",
    covers="Undervoltage and brown-out while charging: one start, one stop, exact energy.",
    steps=(
        step("plug", 20.0, connector=1),
        step("swipe", 25.0, connector=1),
        step("sag", 73.635, depth_v=62.985, hold_s=8.68),
        step("sag", 223.021, depth_v=137.704, hold_s=5.186),
        step("unplug", 330.0, connector=1),
        step("plug", 350.0, connector=1),
        step("swipe", 355.0, connector=1),
        step("unplug", 420.0, connector=1),
        step(
            "ask", 96.432, command=ChangeAvailability(evse=2, operative=True), request="odd-8-96.432", station=1, node=1
        ),
        step("close_doubt", 101.432, request="odd-8-96.432", station=1, node=1),
        step(
            "ask",
            321.753,
            command=Relay(action="ChangeConfiguration", payload={"key": "MeterValueSampleInterval", "value": "7"}),
            request="odd-8-321.753",
            station=1,
            node=1,
        ),
        step("close_doubt", 326.753, request="odd-8-321.753", station=1, node=1),
        step("look_up", 322.253, request="odd-8-321.753", station=1, node=1),
        step(
            "ask",
            139.04,
            command=ChangeAvailability(evse=2, operative=False),
            request="odd-8-139.04",
            station=1,
            node=1,
        ),
        step("close_doubt", 139.54, request="odd-8-139.04", station=1, node=1),
        step("ask", 2.838, command=RemoteStop(transaction_id="0"), request="odd-8-2.838", station=1, node=1),
        step("close_doubt", 62.838, request="odd-8-2.838", station=1, node=1),
        step("close_doubt", 326.773, request="odd-8-321.753", station=1, node=1),
    ),
    station=(("deviations", Deviations(error_first=1.0, vendor_fields=True)),),
    faults_s=450.0,
    quiet_s=900.0,
    settle_s=60.0,
    ocpp="2.0.1",
)
