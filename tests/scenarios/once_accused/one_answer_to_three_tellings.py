"""I37 accused: a message was told three times under one id while the store took nothing, and answered once."""

from interlock.csms.domain.connectors import Unlock
from interlock.csms.domain.generic import Relay
from interlock.csms.domain.inflight import Probe
from interlock.csms.domain.remote_control import RemoteStart, RemoteStop
from interlock.scenarios.spec import Scenario, Storage, step
from interlock.simulator.clock import ClockSpec

SCENARIO = Scenario(
    name="one-answer-to-three-tellings",
    title="Three sessions begin in the very same words",
    covers="A start told again is the same only as long as its transaction has not ended: 1.6 sections 3.7 and 4.8.",
    steps=(
        step("plug", 30.0, connector=1),
        step("unplug", 48.637, connector=1),
        step("plug", 60.0, connector=1),
        step("lose_reply", 62.0, action="StartTransaction", then_cut=True, seconds=10.013),
        step("swipe", 65.0, connector=1),
        step("unplug", 80.585, connector=1),
        step("plug", 110.0, connector=1),
        step("swipe", 115.0, connector=1),
        step("unplug", 415.264, connector=1),
        step(
            "ask",
            287.795,
            command=RemoteStart(evse=2, id_token="TAG-OPERATOR"),
            station=1,
            node=1,
            attempts=3,
            outcome_s=30.0,
        ),
        step("ask", 28.728, command=Probe(evse=2), station=1, node=1, attempts=1, outcome_s=30.0),
        step("half_open", 40.883, station=1, seconds=93.987),
        step("full_disk", 237.916, node=1, seconds=8.783),
        step("ask", 18.719, command=Unlock(evse=2, connector=2), request="odd-13-18.719", station=1, node=1),
        step("close_doubt", 218.719, request="odd-13-18.719", station=1, node=1),
        step(
            "ask",
            323.921,
            command=Relay(action="GetConfiguration", payload={}),
            request="odd-13-323.921",
            station=1,
            node=1,
        ),
        step("look_up", 328.921, request="odd-13-323.921", station=1, node=1),
        step("ask", 134.559, command=RemoteStop(transaction_id="4711"), request="odd-13-134.559", station=1, node=1),
        step("ask", 371.136, command=Unlock(evse=1, connector=2), request="odd-13-371.136", station=1, node=1),
        step("register", 422.271, token="TAG-NOBODY-KNOWS", status="Expired", node=1),
    ),
    authenticated=False,
    persona="resends-same-id",
    station=(
        ("clock", ClockSpec(drift_ppm=-1000000.0)),
        ("max_power_w", 60.0),
        ("call_timeout_s", 5.0),
        ("retry_s", 3.0),
    ),
    storage=Storage(latency_s=(0.0, 0.0)),
    latency_s=(0.2, 2.0),
    faults_s=480.0,
    quiet_s=900.0,
    settle_s=60.0,
    ocpp="2.0.1",
)
