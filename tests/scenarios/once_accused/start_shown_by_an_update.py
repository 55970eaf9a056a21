"""I39 accused, wrongly: a start into a session that runs already shows in an update, and that is its transaction."""

from interlock.csms.domain.generic import Relay
from interlock.csms.domain.remote_control import RemoteStart
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, step
from interlock.simulator.clock import ClockSpec
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="start-shown-by-an-update",
    title="A queue is told after the live status, by a wrong clock",
    covers="What a station tells late, or with a wrong time, is billed and changes nothing that is live.",
    steps=(
        step("cut", 29.998, seconds=108.63),
        step("plug", 40.0, connector=1),
        step("swipe", 45.0, connector=1),
        step("swipe", 82.389, connector=1),
        step("statuses", 195.579, connector=2, count=8, every_s=20.0),
        step("silence", 352.347, seconds=320.0),
        step("statuses", 345.0, connector=2, count=2, every_s=3.0),
        step(
            "insist",
            267.513,
            command=RemoteStart(evse=1, id_token="TAG-NOBODY-KNOWS"),
            request="odd-7-267.513",
            station=1,
            node=1,
        ),
        step("close_doubt", 268.013, request="odd-7-267.513", station=1, node=1),
        step("look_up", 327.513, request="odd-7-267.513", station=1, node=1),
        step("lose_answer", 108.618, station=1, action="RemoteStartTransaction", then_cut=False, seconds=50.9),
        step("break_off_at", 198.036, node=1, point="offline.due", occurrence=2, how="exception"),
        step(
            "insist",
            156.471,
            command=Relay(action="GetConfiguration", payload={"key": ["HeartbeatInterval", "NoSuchKey"]}),
            request="odd-12-156.471",
            station=1,
            node=1,
        ),
        step("close_doubt", 156.971, request="odd-12-156.471", station=1, node=1),
        step("look_up", 356.471, request="odd-12-156.471", station=1, node=1),
    ),
    persona="answers-late",
    station=(
        ("statuses_overtake", True),
        ("clock", ClockSpec(skew_s=7200.0)),
        ("deviations", Deviations(late=0.5, energy_unit="kWh", vendor_fields=True, statuses_shuffled=True)),
    ),
    settings=Settings(heartbeat_interval_s=40.0, offline_after_s=90.0),
    faults_s=700.0,
    quiet_s=900.0,
    settle_s=60.0,
    ocpp="2.0.1",
)
