"""I39 accused: one probe brought a status that says that nothing began."""

from interlock.csms.domain.connectors import ChangeAvailability
from interlock.csms.domain.generic import Relay
from interlock.csms.domain.remote_control import RemoteStart
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, step
from interlock.simulator.clock import ClockSpec
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="probe-that-brought-a-status",
    title="A queue is told after the live status, by a wrong clock",
    covers="What a station tells late, or with a wrong time, is billed and changes nothing that is live.",
    steps=(
        step("cut", 28.391, seconds=93.083),
        step("plug", 40.0, connector=1),
        step("swipe", 45.0, connector=1),
        step("swipe", 87.082, connector=1),
        step("statuses", 197.658, connector=2, count=8, every_s=20.0),
        step("silence", 352.05, seconds=320.0),
        step("statuses", 345.0, connector=2, count=2, every_s=3.0),
        step(
            "ask",
            263.958,
            command=Relay(action="TriggerMessage", payload={"requestedMessage": "MeterValues", "connectorId": 1}),
            request="odd-7-263.958",
            station=1,
            node=1,
        ),
        step("look_up", 268.958, request="odd-7-263.958", station=1, node=1),
        step(
            "insist",
            301.44,
            command=ChangeAvailability(evse=0, operative=True),
            request="odd-7-301.44",
            station=1,
            node=1,
        ),
        step(
            "ask",
            185.603,
            command=RemoteStart(evse=2, id_token="tag-driver"),
            request="odd-7-185.603",
            station=1,
            node=1,
        ),
        step("close_doubt", 245.603, request="odd-7-185.603", station=1, node=1),
        step(
            "ask",
            147.078,
            command=ChangeAvailability(evse=2, operative=True),
            request="odd-7-147.078",
            station=1,
            node=1,
        ),
        step("look_up", 152.078, request="odd-7-147.078", station=1, node=1),
        step("register", 138.983, token="TAG-NOBODY-KNOWS", status="Invalid", node=1),
        step("register", 138.983, token="TAG-NOBODY-KNOWS", status="Invalid", node=1),
    ),
    station=(
        ("statuses_overtake", True),
        ("clock", ClockSpec(skew_s=7200.0)),
        ("deviations", Deviations(crossed=1.0, vendor_fields=True)),
    ),
    settings=Settings(heartbeat_interval_s=40.0, offline_after_s=90.0, unknown_tokens="Accepted"),
    faults_s=700.0,
    quiet_s=900.0,
    settle_s=60.0,
)
