"""I33 accused: the first request under a key never reached a node, and the key was used for another."""

from interlock.csms.domain.connectors import ChangeAvailability, Unlock
from interlock.csms.domain.generic import Relay
from interlock.csms.domain.provisioning import Reset
from interlock.csms.domain.remote_control import RemoteStart
from interlock.csms.domain.reservations import Reserve
from interlock.scenarios.spec import Scenario, Storage, step

SCENARIO = Scenario(
    name="key-asked-of-a-node-away",
    title="An operator insists, closes doubts by hand, and asks where commands stand",
    covers="A person has the last word, and it is on record as theirs.",
    steps=(
        step("plug", 20.0, connector=1),
        step("swipe", 22.0, connector=1),
        step("insist", 30.0, command=RemoteStart(evse=1, id_token="TAG-OPERATOR"), request="start-there"),
        step("look_up", 34.0, request="start-there"),
        step("insist", 36.0, command=RemoteStart(evse=2, id_token="TAG-OPERATOR"), request="nothing-against"),
        step(
            "insist",
            40.0,
            command=Reserve(
                evse=1, id_token="TAG-DRIVER", reservation_id=7, details={"expiryDate": "2026-01-02T00:00:00Z"}
            ),
            request="reserve-there",
            node=2,
        ),
        step("insist", 42.0, command=Unlock(evse=9), request="no-such"),
        step("insist", 44.0, command=Unlock(evse=2), request="nothing-against", attempt=2),
        step("insist", 46.0, command=Reset(hard=False), request="reset"),
        step("insist", 46.01, command=Reset(hard=True), request="reset-too"),
        step("answer_instead", 119.0, code="InternalError"),
        step("ask", 120.0, command=Relay(action="ClearCache", payload={}), request="doubt"),
        step("look_up", 124.0, request="doubt", node=2),
        step("close_doubt", 126.0, request="doubt", statement="the cache was cleared", node=2),
        step("look_up", 128.0, request="doubt"),
        step("close_doubt", 130.0, request="doubt", statement="it was not"),
        step("answer_again", 132.0, payload='{"status":"Accepted"}'),
        step("look_up", 134.0, request="doubt", node=2),
        step("close_doubt", 136.0, request="nobody-asked"),
        step("look_up", 137.0, request="nobody-asked", node=2),
        step("answer_instead", 139.0, code="InternalError"),
        step("ask", 140.0, command=Unlock(evse=2), request="unlock"),
        step("close_doubt", 300.0, request="unlock", statement="nobody was there"),
        step("look_up", 301.0, request="unlock", node=2),
        step("answer_again", 303.0, payload='{"status":"Unlocked"}'),
        step("answer_instead", 309.0, code="GenericError"),
        step("ask", 310.0, command=ChangeAvailability(evse=2, operative=True), request="given-up"),
        step("answer_again", 500.0, payload='{"status":"Rejected"}'),
        step("look_up", 505.0, request="given-up"),
        step("close_doubt", 510.0, request="given-up"),
        step("ask", 520.0, command=Unlock(evse=2), request="done"),
        step("close_doubt", 530.0, request="done"),
        step("heartbeats", 30.394, station=1, count=3, every_s=0.3),
        step("upgrade", 32.896, node=1, down_s=8.699),
        step("swipe", 179.567, token="TAG-OPERATOR", station=1, connector=1),
    ),
    nodes=2,
    balancing="rotate",
    authenticated=False,
    persona="accepts-second",
    storage=Storage(latency_s=(0.05, 0.3)),
    latency_s=(0.001, 0.01),
    faults_s=540.0,
    quiet_s=900.0,
    settle_s=60.0,
    bounds=2,
    fiction=True,
    ocpp="2.0.1",
)
