import random
from typing import Any

import pytest
import simpy

from interlock.simulator.network.links import Network, Socket
from interlock.simulator.network.rules import PASS, Cut, DelayAnswer, Deliver, Drop, FrameInFlight, Latency, LoseAnswer


class Bench:
    def __init__(self, latency_s: tuple[float, float] = (0.0, 1.0), **how: Any) -> None:
        self.env = simpy.Environment()
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.network = Network(
            self.env, random.Random(3), lambda kind, **fields: self.seen.append((kind, fields)), self.dial, **how
        )
        self.network.latency_s = latency_s
        self.up: list[tuple[float, str]] = []
        self.down: list[tuple[float, str]] = []
        self.ends: list[tuple[str, float, str]] = []

    def dial(self, socket: Socket) -> bool:
        socket.node = "n1"
        socket.on_up = lambda text: self.up.append((self.env.now, text))
        socket.on_csms_closed = lambda why: self.ends.append(("csms", self.env.now, why))
        return True

    def open(self) -> Socket:
        socket = self.network.open("CP1", "ocpp1.6")
        assert socket is not None
        socket.on_down = lambda text: self.down.append((self.env.now, text))
        socket.on_station_closed = lambda why: self.ends.append(("station", self.env.now, why))
        return socket

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [fields for seen, fields in self.seen if seen == kind]


def test_frames_arrive_in_order_and_within_the_latency() -> None:
    bench = Bench((0.1, 0.9))
    socket = bench.open()
    for number in range(200):
        bench.env.run(bench.env.now + 0.01)
        socket.send_up(f"u{number}")
        socket.send_down(f"d{number}")
    sent = {f["text"]: None for f in bench.kinds("frame") if f["edge"].endswith(".sent")}
    bench.env.run(10)
    assert [text for _, text in bench.up] == [f"u{number}" for number in range(200)]
    assert [text for _, text in bench.down] == [f"d{number}" for number in range(200)]
    assert len(sent) == 400
    for number, (at, _) in enumerate(bench.up):
        assert 0.1 <= at - 0.01 * (number + 1) <= 0.91


def test_every_frame_is_seen_at_both_edges() -> None:
    bench = Bench((0.0, 0.0))
    socket = bench.open()
    socket.send_up("a")
    socket.send_down("b")
    assert bench.up == []  # never in the middle of what the sender does
    bench.env.run(1)
    assert [(f["edge"], f["text"]) for f in bench.kinds("frame")] == [
        ("station.sent", "a"),
        ("csms.sent", "b"),
        ("csms.received", "a"),
        ("station.received", "b"),
    ]
    assert bench.kinds("socket.opened") == [{"station": "CP1", "socket": 1, "node": "n1", "subprotocol": "ocpp1.6"}]


def test_frames_need_not_be_recorded() -> None:
    bench = Bench((0.0, 0.0), record_frames=False)
    socket = bench.open()
    socket.send_up("a")
    bench.env.run(1)
    socket.cut("cut")
    assert bench.up == [(0.0, "a")]
    assert not bench.kinds("frame")
    assert len(bench.kinds("socket.closed")) == 2


def test_equal_latencies_draw_nothing() -> None:
    bench = Bench((0.25, 0.25))
    before = bench.network.rng.getstate()
    bench.open().send_up("a")
    bench.env.run(1)
    assert bench.up == [(0.25, "a")]
    assert bench.network.rng.getstate() == before


def test_close_lets_the_other_edge_learn_behind_the_frames() -> None:
    bench = Bench((0.5, 0.5))
    socket = bench.open()
    socket.send_up("last words")
    socket.send_down("never read")
    socket.close("station", "bye")
    socket.send_up("too late")
    bench.env.run(2)
    assert bench.up == [(0.5, "last words")]
    assert bench.down == []
    assert bench.ends == [("csms", 0.5, "bye")]
    assert [(f["text"], f["direction"]) for f in bench.kinds("frame.lost")] == [
        ("too late", "up"),
        ("never read", "down"),
    ]
    assert [f["edge"] for f in bench.kinds("socket.closed")] == ["station", "csms"]
    socket.close("csms", "again")
    assert len(bench.kinds("socket.closed")) == 2


def test_cut_loses_what_is_in_flight_and_tells_both_at_once() -> None:
    bench = Bench((0.5, 0.5))
    socket = bench.open()
    socket.send_up("a")
    socket.send_down("b")
    bench.env.run(0.1)
    socket.cut("line cut")
    bench.env.run(2)
    assert bench.up == bench.down == []
    assert bench.ends == [("csms", 0.1, "line cut"), ("station", 0.1, "line cut")]
    assert [f["why"] for f in bench.kinds("frame.lost")] == ["line cut", "line cut"]


def test_half_open_swallows_everything_and_tells_nobody() -> None:
    bench = Bench((0.5, 0.5))
    socket = bench.open()
    socket.send_up("in flight")
    bench.env.run(0.1)
    socket.half_open("silent")
    socket.send_down("b")
    socket.close("station", "gave up")
    bench.env.run(5)
    assert bench.up == bench.down == bench.ends == []
    assert len(bench.kinds("frame.lost")) == 2
    assert [f["edge"] for f in bench.kinds("socket.closed")] == ["station"]
    assert socket.is_open("csms")
    socket.cut("reset")
    assert bench.ends == [("csms", 5, "reset")]


def test_a_process_that_vanished_hears_nothing_and_the_other_edge_learns() -> None:
    bench = Bench((0.5, 0.5))
    socket = bench.open()
    socket.send_up("a")
    socket.send_down("b")
    socket.vanish("station", "power lost")
    bench.env.run(2)
    assert bench.up == [(0.5, "a")]
    assert bench.down == []
    assert bench.ends == [("csms", 0.5, "power lost")]
    assert [f["edge"] for f in bench.kinds("socket.closed")] == ["csms"]


def test_generations_count_sockets_that_opened() -> None:
    bench = Bench((0.0, 0.0))
    first = bench.open()
    bench.network.dial = lambda socket: False
    assert bench.network.open("CP1", "ocpp1.6") is None
    bench.network.dial = bench.dial
    second = bench.open()
    assert (first.number, second.number) == (1, 2)
    first.send_up("old lives")
    second.send_up("new lives")
    bench.env.run(1)
    assert [text for _, text in bench.up] == ["old lives", "new lives"]


def test_a_cut_line_opens_no_socket_and_loses_a_close() -> None:
    bench = Bench((0.0, 0.0))
    socket = bench.open()
    with bench.network.rule(Cut("CP1")):
        assert bench.network.open("CP1", "ocpp1.6") is None
        socket.send_up("lost")
        socket.close("station", "gave up")
        bench.env.run(1)
    bench.env.run(2)
    assert bench.up == []
    assert bench.ends == []
    assert [f["why"] for f in bench.kinds("frame.lost")] == ["cut"]
    assert bench.network.open("CP1", "ocpp1.6") is not None


def test_a_rule_for_another_station_or_direction_passes() -> None:
    bench = Bench((0.0, 0.0))
    socket = bench.open()
    with bench.network.rule(Cut("CP2")), bench.network.rule(Cut(direction="down")):
        socket.send_up("a")
        socket.send_down("b")
        bench.env.run(1)
    assert [text for _, text in bench.up] == ["a"]
    assert bench.down == []


def test_the_first_rule_that_does_not_pass_decides() -> None:
    bench = Bench((0.0, 0.0))
    socket = bench.open()
    asked: list[str] = []

    def say(name: str, verdict: Any) -> Any:
        def rule(frame: FrameInFlight) -> Any:
            asked.append(name)
            return verdict

        return rule

    rules = [say("pass", PASS), say("deliver", Deliver(2.0)), say("drop", Drop("no"))]
    for rule in rules:
        bench.network.add_rule(rule)
    socket.send_up("a")
    bench.env.run(5)
    assert bench.up == [(2.0, "a")]
    assert asked == ["pass", "deliver"]
    for rule in rules:
        bench.network.remove_rule(rule)
    assert bench.network.rules == []


def test_a_late_frame_is_not_overtaken() -> None:
    bench = Bench((0.0, 0.0))
    socket = bench.open()
    rule = bench.network.rule(lambda frame: Deliver(3.0) if frame.text == "late" else PASS)
    with rule:
        socket.send_up("late")
        socket.send_up("next")
        bench.env.run(10)
    assert bench.up == [(3.0, "late"), (3.0, "next")]


def test_latency_as_a_rule() -> None:
    bench = Bench((0.0, 0.0))
    socket = bench.open()
    with bench.network.rule(Latency(1.0, 2.0, random.Random(1))):
        socket.send_up("a")
        bench.env.run(5)
    assert 1.0 <= bench.up[0][0] <= 2.0


@pytest.mark.parametrize("answer", ['[3,"m1",{}]', '[4,"m1","GenericError","",{}]'])
def test_losing_an_answer_after_the_effect(answer: str) -> None:
    bench = Bench((0.1, 0.1))
    socket = bench.open()
    with bench.network.rule(LoseAnswer("UnlockConnector", "CP1", then_cut=True)):
        socket.send_down('[2,"m0","Reset",{}]')
        socket.send_down('[2,"m1","UnlockConnector",{}]')
        bench.env.run(1)
        socket.send_up('[3,"m0",{}]')
        bench.env.run(2)
        socket.send_up(answer)
        bench.env.run(3)
    assert [text for _, text in bench.down] == ['[2,"m0","Reset",{}]', '[2,"m1","UnlockConnector",{}]']
    assert [text for _, text in bench.up] == ['[3,"m0",{}]']
    assert [edge for edge, _, _ in bench.ends] == ["csms", "station"]


def test_losing_a_number_of_answers_to_the_station() -> None:
    bench = Bench((0.0, 0.0))
    socket = bench.open()
    with bench.network.rule(LoseAnswer("StartTransaction", to_station=True, times=1)):
        for message_id in ("a", "b"):
            socket.send_up(f'[2,"{message_id}","StartTransaction",{{}}]')
            socket.send_down(f'[3,"{message_id}",{{}}]')
        bench.env.run(1)
    assert [text for _, text in bench.down] == ['[3,"b",{}]']


def test_delaying_an_answer() -> None:
    bench = Bench((0.0, 0.0))
    socket = bench.open()
    with bench.network.rule(DelayAnswer("UnlockConnector", 40.0)):
        socket.send_down('[2,"m1","UnlockConnector",{}]')
        socket.send_up('[3,"m1",{"status":"Unlocked"}]')
        socket.send_up('[2,"h","Heartbeat",{}]')
        bench.env.run(60)
    assert [at for at, _ in bench.up] == [40.0, 40.0]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[2]", "[[],1]", '{"a":1}', '["2","x","y"]', "[2,3,4]", '[{},"x",{}]', "[" * 5000]
)
def test_a_rule_may_look_at_any_frame(text: str) -> None:
    frame = FrameInFlight("CP1", 1, "up", text)
    assert frame.action == ""
    assert frame.message_id in ("", "x")
    assert frame.message_type in (0, 2)
    assert LoseAnswer("Reset")(frame) is PASS
