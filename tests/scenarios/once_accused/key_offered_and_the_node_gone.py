"""I48 accused: a node goes between the record of a key and that of its command."""

from interlock.csms.domain.connectors import ChangeAvailability
from interlock.csms.domain.credentials import SetPassword
from interlock.csms.domain.generic import Relay
from interlock.csms.domain.remote_control import RemoteStart, RemoteStop
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, Storage, step

SCENARIO = Scenario(
    name="key-offered-and-the-node-gone",
    title="Keys are set, changed, refused, in doubt and taken away, in OCPP 2.0.1",
    covers="Who is let in follows from what is known of the key, after a restart too.",
    steps=(
        step("knock", 8.0, passwords=(None, "a-wrong-password-", "a-first-password-")),
        step("set_key", 15.0, password="a-first-password-"),
        step("knock", 17.0, passwords=(None, "a-wrong-password-", "a-first-password-", "a-second-password")),
        step("knock", 18.5, passwords=(None, "a-wrong-password-", "a-first-password-", "a-second-password"), node=2),
        step(
            "answer_instead",
            79.0,
            payload='{"setVariableResult": [{"attributeStatus": "Accepted", "component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}]}',
        ),
        step("ask", 80.0, command=SetPassword(secret="a-second-password")),
        step(
            "knock",
            84.0,
            passwords=("a-second-password", "a-first-password-", "a-third-password-", None, "a-second-password"),
        ),
        step("knock", 92.0, passwords=("a-first-password-", "a-second-password"), node=2),
        step(
            "answer_instead",
            119.0,
            payload='{"setVariableResult": [{"attributeStatus": "Rejected", "component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}]}',
        ),
        step("ask", 120.0, command=SetPassword(secret="a-third-password-")),
        step("knock", 124.0, passwords=("a-second-password", "a-third-password-", "a-first-password-")),
        step("lose_answer", 150.0, action="SetVariables", seconds=30.0),
        step("ask", 152.0, command=SetPassword(secret="a-third-password-")),
        step("knock", 190.0, passwords=(None, "a-first-password-", "a-third-password-", "a-second-password")),
        step("crash", 200.0, down_s=3.0),
        step("knock", 206.0, passwords=("a-second-password", "a-first-password-", "a-third-password-")),
        step("lose_answer", 225.0, action="SetVariables", seconds=30.0),
        step("ask", 227.0, command=SetPassword(secret="a-fourth-password")),
        step("crash", 240.0, down_s=3.0),
        step("knock", 254.0, passwords=("a-third-password-", "a-fourth-password", "a-second-password")),
        step("set_key", 280.0, password="a-first-password-", node=2),
        step("knock", 284.0, passwords=("a-first-password-", "a-fourth-password", "a-third-password-", None)),
        step("look", 290.0),
        step("set_key", 320.0, password=None),
        step("knock", 324.0, passwords=(None, "a-first-password-")),
        step("set_key", 330.0, password="a-second-password"),
        step("knock", 334.0, passwords=("a-second-password", None, "a-first-password-")),
        step(
            "ask",
            148.696,
            command=RemoteStart(evse=2, id_token="TAG-BLOCKED"),
            request="odd-27-148.696",
            station=1,
            node=1,
        ),
        step("close_doubt", 153.696, request="odd-27-148.696", station=1, node=1),
        step(
            "insist",
            303.268,
            command=ChangeAvailability(evse=1, operative=True),
            request="odd-27-303.268",
            station=1,
            node=2,
        ),
        step("close_doubt", 308.268, request="odd-27-303.268", station=1, node=2),
        step("look_up", 308.268, request="odd-27-303.268", station=1, node=2),
        step(
            "insist",
            213.881,
            command=RemoteStart(evse=3, id_token="TAG-OPERATOR"),
            request="odd-27-213.881",
            station=1,
            node=2,
        ),
        step("close_doubt", 218.881, request="odd-27-213.881", station=1, node=2),
        step(
            "ask", 236.677, command=Relay(action="ClearCache", payload={}), request="odd-27-236.677", station=1, node=2
        ),
        step("look_up", 437.856, request="odd-27-236.677", station=1, node=2),
        step("ask", 152.02, command=SetPassword(secret="a-third-password-")),
        step("lose_reply", 13.81, station=1, action="BootNotification", then_cut=False, seconds=80.661),
        step("crash", 231.976, node=2, down_s=13.33),
        step("crash_at", 85.371, node=1, point="intent.decided", occurrence=3, down_s=5.909),
        step(
            "ask", 219.999, command=RemoteStop(transaction_id="no number"), request="odd-40-219.999", station=1, node=1
        ),
        step("look_up", 220.499, request="odd-40-219.999", station=1, node=1),
        step(
            "ask",
            92.762,
            command=ChangeAvailability(evse=3, operative=False),
            request="odd-40-92.762",
            station=1,
            node=1,
        ),
    ),
    nodes=2,
    balancing="rotate",
    authenticated=False,
    persona="answers-late",
    settings=Settings(acceptance="strict"),
    storage=Storage(latency_s=(0.0, 0.0)),
    faults_s=350.0,
    quiet_s=900.0,
    settle_s=60.0,
    fiction=True,
    ocpp="2.0.1",
    absent_in=(("1.6", "a key is set by ChangeConfiguration: see key-changes"),),
)
