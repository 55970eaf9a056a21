"""I07 accused: the answer to an unlock is lost with the node, and the station says later that it did not unlock."""

from interlock.csms.domain.connectors import ChangeAvailability, Unlock
from interlock.csms.domain.generic import Relay
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="denied-what-it-did",
    title="Sessions are told again and answers come late, with every bound at two",
    covers="No promise without end rests on a memory that has one.",
    steps=(
        step("plug", 20.0, connector=1),
        step("plug", 80.0, connector=1),
        step("plug", 140.0, connector=1),
        step("plug", 200.0, connector=1),
        step("swipe", 22.0, connector=1),
        step("swipe", 82.0, connector=1),
        step("swipe", 142.0, connector=1),
        step("swipe", 202.0, connector=1),
        step("lose_reply", 30.0, action="StopTransaction", then_cut=True, seconds=200.0),
        step("swipe", 50.0, connector=1),
        step("swipe", 110.0, connector=1),
        step("swipe", 170.0, connector=1),
        step("swipe", 230.0, connector=1),
        step("unplug", 60.0, connector=1),
        step("unplug", 120.0, connector=1),
        step("unplug", 180.0, connector=1),
        step("unplug", 240.0, connector=1),
        step("ask", 245.0, command=Unlock(evse=2), request="long-ago"),
        step("ask", 265.0, command=ChangeAvailability(evse=2, operative=True)),
        step("ask", 270.0, command=ChangeAvailability(evse=2, operative=True)),
        step("ask", 275.0, command=ChangeAvailability(evse=2, operative=True)),
        step("ask", 290.0, command=Relay(action="ClearCache", payload={})),
        step("ask", 295.0, command=Relay(action="ClearCache", payload={})),
        step("ask", 300.0, command=Relay(action="ClearCache", payload={})),
        step("ask", 305.0, command=Relay(action="ClearCache", payload={})),
        step("answer_again", 315.0, payload='{"status":"UnlockFailed"}', back=7),
        step("ask", 330.0, command=Unlock(evse=2), request="long-ago", attempt=2),
        step("unknown_stop", 350.0, transaction_id=4711),
        step("unknown_stop", 352.0, transaction_id=4712),
        step("crash_at", 66.089, node=1, point="call.written", occurrence=1, down_s=4.151),
    ),
    persona="resends-new-id",
    faults_s=460.0,
    quiet_s=900.0,
    settle_s=60.0,
    bounds=2,
)
