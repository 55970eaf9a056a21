"""Whatever arrives as a frame, the station lives, answers what can be answered, and goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.simulator import v16
from interlock.simulator.v16.orders import ORDERS
from tests.simulator.rig import Rig

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["connectorId", "Accepted", "status", "Hard", "TAG", ""]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4),
    max_leaves=12,
)
NAMES = ("connectorId", "idTag", "type", "key", "value", "requestedMessage", "transactionId", "vendorId")
PAYLOADS = st.dictionaries(
    st.sampled_from(NAMES),
    st.sampled_from([0, 1, 2, -1, 1.0, 2**63, 10**400, "TAG", "Soft", "Operative", "Heartbeat", "MeterValues", ""])
    | JSON,
    max_size=4,
)


def alive(rig: Rig) -> None:
    rig.run(30)
    assert rig.call("GetConfiguration", key=["NumberOfConnectors"]) is not None


@settings(max_examples=60)
@given(st.lists(JSON.map(json.dumps) | st.text(max_size=60), max_size=20))
def test_random_json_and_random_text(frames: list[str]) -> None:
    rig = Rig().up()
    for frame in frames:
        rig.peer.socket.send_down(frame)
    alive(rig)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([2, 2, 2, 3, 4, 5, "2", None, 2.0]),
            st.text(max_size=40),
            st.sampled_from(sorted(ORDERS.actions)) | st.text(max_size=10),
            PAYLOADS | JSON,
        ),
        max_size=15,
    )
)
def test_frames_that_look_right(messages: list[Any]) -> None:
    rig = Rig().up().charge()
    for message in messages:
        rig.peer.socket.send_down(json.dumps(message))
    rig.run(200)
    rig.peer.socket.send_down('[2,"last","GetConfiguration",{}]')
    rig.run(30)
    assert rig.station.running


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["BootNotification", "Authorize", "StartTransaction", "Heartbeat"]), JSON))
def test_answers_that_make_no_sense(answers: dict[str, Any]) -> None:
    rig = Rig(retry_s=5.0)
    for action, answer in answers.items():
        rig.peer.script[action] = lambda p, answer=answer: answer if isinstance(answer, dict) else {"x": answer}
    rig.run(60)
    rig.station.plug(1)
    rig.station.swipe(1, "TAG")
    rig.run(60)
    rig.peer.script.clear()
    rig.run(400)
    assert rig.controller.conversation.online
    assert rig.station.outbox_pending == 0


@pytest.mark.parametrize(
    "frame",
    [
        "",
        " ",
        "null",
        "[2]",
        "[2,1,1,1]",
        '[3,"zzz",{}]',
        '[4,"zzz","NoSuchCode"]',
        '[4,"zzz"]',
        '[2,"x","UnlockConnector"]',
        '[2,"x","UnlockConnector",[]]',
        '[2,"x","UnlockConnector",{"connectorId":1e400}]',
        '[2,"x","UnlockConnector",{"connectorId":' + "9" * 5000 + "}]",
        '[2,"x","RemoteStopTransaction",{"transactionId":1.5}]',
        '[2,"\\ud800","GetConfiguration",{}]',
        "\ud800",
        '[2,"x","GetConfiguration",{"key":["' + "a" * 100_000 + '"]}]',
        "[" * 100_000,
        '{"a":' * 20_000 + "1" + "}" * 20_000,
        "\x00",
        '[2,"x","ChangeConfiguration",{"key":"HeartbeatInterval","value":"\u0663"}]',
        '[2,"' + "i" * 100_000 + '","Reset",{"type":"Soft"}]',
    ],
)
def test_frames_that_broke_others(frame: str) -> None:
    rig = Rig().up()
    rig.peer.socket.send_down(frame)
    alive(rig)


@pytest.mark.parametrize("interval", [10**400, -(10**400), 2**63, -1, 0])
def test_heartbeat_intervals(interval: int) -> None:
    rig = Rig(heartbeat_s=50.0)
    rig.peer.interval = interval
    rig.run(300)
    assert rig.controller.conversation.link.malformed <= 100
    rig.peer.interval = 60
    rig.station.reboot()
    rig.run(60)
    assert rig.controller.conversation.online


def test_a_flood_of_stray_answers_is_counted_and_forgotten() -> None:
    rig = Rig(latency_s=(0.0, 0.0)).up()
    for number in range(5_000):
        rig.peer.socket.send_down(f'[3,"z{number}",{{}}]')
    alive(rig)
    assert rig.controller.conversation.link.strays == 5_000


def test_it_can_say_anything_itself() -> None:
    rig = Rig().up()
    for text in ("{", "[2]", "\x00", '[3,"nobody asked",{}]'):
        rig.station.send_raw(text)
    rig.run(1)
    assert [seen["text"] for seen in rig.of("frame", edge="csms.received")][-4:] == [
        "{",
        "[2]",
        "\x00",
        '[3,"nobody asked",{}]',
    ]


@pytest.mark.parametrize("value", [10**400, float("inf"), float("nan"), "\ud800", {1: 2}, b"x"])
def test_values_no_json_could_bring_are_wrong_too(value: Any) -> None:
    assert not v16.SCHEMAS.valid_answer("BootNotification", {"interval": value})
    assert v16.SCHEMAS.wrong_with("UnlockConnector", {"connectorId": [value]})


@pytest.mark.parametrize("answer", ["InternalError", {"unexpected": True}, None])
def test_a_csms_that_takes_no_status(answer: Any) -> None:
    rig = Rig(latency_s=(0.0, 0.0), call_timeout_s=5.0, timeouts_to_reconnect=1000)
    rig.peer.script["StatusNotification"] = lambda p: answer
    rig.run(20)
    rig.station.plug(1)
    rig.run(60)
    assert 3 <= len(rig.said("StatusNotification")) <= 20
    rig.peer.script.clear()
    rig.station.swipe(1, "TAG")
    rig.run(60)
    assert rig.statuses()[-1] == "Charging"
