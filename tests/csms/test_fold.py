"""The fold takes any events in any order; what the facts add keeps every command inside its state machine."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms.codec import decode, decode_state, digest, encode, encode_state
from interlock.csms.domain import commands as do
from interlock.csms.domain import events as ev
from interlock.csms.domain import facts
from interlock.csms.domain import reports as rp
from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.inflight import Pending, Phase, probe_request
from interlock.csms.domain.station import Accept, Known, Refusal, Rules, Station, decide, evolve
from interlock.csms.event_ids import fact_id

from .values import (
    ANY_COMMAND,
    AT,
    COMMANDS,
    SEQUENCES,
    STATION_EVENT,
    STATION_EVENTS,
    built,
    folded,
    keys,
    long_or_short,
    steady,
)

# --- evolve ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STATION_EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_fold_on_a_new_station(kind: type) -> None:
    @given(built(kind, pooled=False))
    @steady(15)
    def folds(event: Any) -> None:
        assert isinstance(evolve(Station(), event), Station)

    folds()


@given(SEQUENCES, STATION_EVENT)
@steady(120)
def test_evolve_is_total_and_pure(events: list[Any], event: Any) -> None:
    state = folded(events)
    before = encode_state(state)
    parts = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    first, second = evolve(state, event), evolve(state, event)
    assert first == second
    assert keys(first) == keys(second)
    # The state that went in is as it was, and shares what did not change with the one that came out.
    assert encode_state(state) == before
    assert all(getattr(state, name) is part for name, part in parts.items())
    for pending in first.commands.values():
        assert isinstance(pending.phase, Phase)


@given(SEQUENCES, st.integers(0, 25))
@steady(100)
def test_a_snapshot_and_the_tail_is_the_whole(events: list[Any], cut: int) -> None:
    stored = [encode(event) for event in events]
    whole = folded([decode(*one) for one in stored])
    base = decode_state(encode_state(folded(events[:cut])))
    resumed = folded([decode(*one) for one in stored[cut:]], base)
    assert resumed == whole == folded(events)
    assert keys(resumed) == keys(whole)
    assert digest(resumed) == digest(whole)


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 65, 255, 256, 257, 300, 500])
def test_a_snapshot_and_the_tail_is_the_whole_where_old_things_are_forgotten(cut: int) -> None:
    events: list[Any] = []
    for n in range(bounds().closed_transactions + 40):
        events.append(ev.CommandRequested(AT, f"c{n}", f"r{n}", "n", 1, AT, do.RemoteStart(n % 3 + 1, "A")))
        events.append(ev.CommandAccepted(AT, f"c{n}", "Accepted"))
        events.append(ev.TransactionStarted(AT, str(n + 1), n % 3 + 1, "A", n, AT, "Accepted", f"c{n}"))
    whole = folded(events)
    resumed = folded(events[cut:], decode_state(encode_state(folded(events[:cut]))))
    assert (resumed, keys(resumed)) == (whole, keys(whole))
    # The last 64 finished commands and 256 ended transactions are remembered, the three running ones besides.
    assert len([one for one in whole.commands.values() if one.finished]) == bounds().closed_commands
    assert len([one for one in whole.transactions.values() if not one.open]) == bounds().closed_transactions
    assert [one.transaction_id for one in whole.transactions.values() if one.open] == ["294", "295", "296"]


@given(SEQUENCES)
@steady(100)
def test_what_carries_no_decision_changes_nothing(events: list[Any]) -> None:
    state = folded(events)
    assert evolve(state, ev.HeartbeatReceived(AT)) == state
    assert evolve(state, ev.AnomalyRecorded(AT, "w", "d")) == state
    assert evolve(state, ev.WentOffline(AT, state.epoch - 1, AT)) == state
    assert evolve(state, ev.CommandAccepted(AT, "nobody's", "Accepted")) == state
    assert evolve(state, ev.TransactionStopped(AT, "77", 1, 9, AT, "Local", None)) == state


# --- decide ----------------------------------------------------------------------------------------------------------

RULES = st.builds(Rules, evses=st.integers(0, 4), slots=st.integers(0, 4), connectors_each=st.integers(1, 2))


@given(SEQUENCES, ANY_COMMAND, st.sampled_from(["r1", "r2", "new", ""]), RULES)
@steady(200)
def test_decide_is_total_and_pure(events: list[Any], command: do.Command, request_id: str, rules: Rules) -> None:
    state = folded(events)
    before = encode_state(state)
    decision = decide(command, request_id, state, rules)
    assert isinstance(decision, Accept | Known | Refusal)
    assert decide(command, request_id, decode_state(before), rules) == decision
    assert encode_state(state) == before
    asked_before = [one.command_id for one in state.commands.values() if one.request_id == request_id]
    if asked_before:
        assert decision == Known(asked_before[0])
    else:
        assert not isinstance(decision, Known)


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_every_command_is_decided_on_a_new_station(kind: type) -> None:
    @given(built(kind, pooled=False))
    @steady(15)
    def decides(command: Any) -> None:
        assert isinstance(decide(command, "r", Station(), Rules(2, 2)), Accept | Refusal)

    decides()


@given(SEQUENCES, st.integers(1, 3), RULES)
@steady(150)
def test_an_accepted_start_has_its_evse_and_a_slot_to_itself(events: list[Any], evse: int, rules: Rules) -> None:
    state = folded(events)
    command = do.RemoteStart(evse, "A")
    if not isinstance(decide(command, "new", state, rules), Accept):
        return
    after = evolve(state, ev.CommandRequested(AT, "new", "new", "n", 1, AT, command))
    assert 1 <= evse <= rules.evses
    # One begun there by the cable alone waits for this very start.
    busy = {one.evse for one in state.transactions.values() if one.open and (one.evse, one.id_token) != (evse, None)}
    for pending in state.commands.values():
        waits = pending.phase in (Phase.REQUESTED, Phase.IN_DOUBT)
        if isinstance(pending.command, do.RemoteStart):
            waits = waits or (pending.phase is Phase.ACCEPTED and pending.transaction_id is None)
            if waits:
                busy.add(pending.command.evse)
        if isinstance(pending.command, do.RemoteStart | do.Unlock) and waits:
            assert pending.command.evse != evse
    assert evse not in busy
    assert len(busy) + 1 <= rules.slots
    for other in (do.RemoteStart(evse, "B"), do.Unlock(evse), do.Unlock(evse, 2)):
        assert isinstance(decide(other, "newer", after, rules), Refusal)
    assert decide(command, "new", after, rules) == Known("new")


# --- the state machine of a command ----------------------------------------------------------------------------------

OPEN = {Phase.ACCEPTED, Phase.REJECTED, Phase.CONFIRMED, Phase.REFUTED, Phase.UNKNOWN}
MAY_BECOME: dict[Phase, set[Phase]] = {
    Phase.REQUESTED: OPEN | {Phase.IN_DOUBT},
    Phase.IN_DOUBT: OPEN | {Phase.CLOSED},
    Phase.ACCEPTED: {Phase.LAPSED},  # only a start whose transaction never showed up
    # A very late answer, or its transaction; or a person who says what became of it.
    Phase.UNKNOWN: {Phase.ACCEPTED, Phase.REJECTED, Phase.CONFIRMED, Phase.CLOSED},
    Phase.CLOSED: {Phase.ACCEPTED, Phase.REJECTED, Phase.CONFIRMED},
    Phase.REJECTED: set(),
    Phase.CONFIRMED: set(),
    Phase.REFUTED: set(),
    Phase.LAPSED: set(),
}
"""Which phase may follow which, whatever the world tells the CSMS and in whatever order."""

EVSES = st.integers(1, 2)
NTH = st.integers(-1, 4)
"""Which of the commands a step is about, the latest being -1: always one there is, so that little is drawn in vain."""
STEP = st.one_of(
    st.tuples(
        st.just("ask"),
        st.one_of(
            st.builds(do.RemoteStart, EVSES, st.sampled_from(["A", "B"])),
            st.builds(do.Unlock, EVSES),
            st.builds(do.RemoteStop, st.sampled_from(["100", "101", "102", "103"])),
            st.just(do.Reset(True)),
        ),
    ),
    st.tuples(st.just("probe"), NTH),
    st.tuples(st.just("answer"), NTH, st.booleans()),
    st.tuples(st.just("probe answer"), NTH, st.booleans()),
    st.tuples(st.sampled_from(["doubt", "not sent", "give up", "close"]), NTH),
    st.tuples(st.just("online")),
    st.tuples(st.just("offline"), st.integers(0, 1)),
    st.tuples(st.just("boot")),
    st.tuples(st.just("status"), st.integers(0, 2), st.sampled_from(["Available", "Charging"])),
    st.tuples(st.just("start"), EVSES, st.sampled_from(["A", "B"]), st.integers(0, 2)),
    st.tuples(st.just("start of"), NTH),
    st.tuples(st.just("stop"), st.sampled_from(["100", "101", "102", "103", "104"]), st.sampled_from([0, 9])),
)
STEPS = long_or_short(STEP)

ABOUT = {"probe", "answer", "probe answer", "doubt", "not sent", "give up", "close", "start of"}


@dataclasses.dataclass
class Walk:
    """A station's log as the CSMS would write it: intents that are acceptable, and facts that are news."""

    state: Station = dataclasses.field(default_factory=Station)
    log: list[ev.StationEvent] = dataclasses.field(default_factory=list)
    asked: int = 0
    started: int = 100
    told: list[tuple[rp.Report, rp.Reply]] = dataclasses.field(default_factory=list)
    watch: Callable[[Station, ev.StationEvent, Station], None] | None = None

    def at(self) -> datetime:
        return AT + timedelta(seconds=len(self.log))

    def add(self, events: list[ev.StationEvent]) -> None:
        for event in events:
            after = evolve(self.state, event)
            self.log.append(event)
            if self.watch is not None:
                self.watch(self.state, event, after)
            self.state = after

    def tell(self, report: rp.Report, authorization: str = "Accepted") -> tuple[facts.Facts, rp.Reply]:
        return facts.reported(
            self.state,
            report,
            self.at(),
            registration="Accepted",
            authorization=authorization,
            new_transaction_id=str(self.started),
        )

    def ask(self, command: do.Command, request_id: str) -> None:
        if isinstance(decide(command, request_id, self.state, Rules(2, 2)), Accept):
            command_id = f"c{self.asked}" if not request_id.startswith("probe:") else f"p{request_id}"
            self.asked += not request_id.startswith("probe:")
            self.add([ev.CommandRequested(self.at(), command_id, request_id, "n", self.state.epoch, AT, command)])

    def step(self, step: tuple[Any, ...]) -> None:
        state, at = self.state, self.at()
        if len(step) > 1 and isinstance(step[1], int) and step[0] in ABOUT:
            asked = [one for one in state.commands if not one.startswith("p")]
            if not asked:
                return
            step = (step[0], asked[step[1] % len(asked)], *step[2:])
        match step:
            case "ask", command:
                self.ask(command, f"r{self.asked}")
            case "probe", command_id:
                pending = state.commands.get(command_id)
                waits = pending is not None and pending.phase is not Phase.REQUESTED and not pending.finished
                if waits and isinstance(pending.command, do.RemoteStart):
                    question = do.Probe(pending.command.evse)
                    self.ask(question, probe_request(command_id, 1))
            case "answer", command_id, accepted:
                answer = facts.Answer(accepted, "Accepted" if accepted else "Rejected")
                self.add(facts.answered(state, command_id, answer, at))
            case "probe answer", command_id, accepted:
                answer = facts.Answer(accepted, "Accepted" if accepted else "Rejected")
                self.add(facts.answered(state, "p" + probe_request(command_id, 1), answer, at))
            case "doubt", command_id:
                self.add(facts.doubted(state, command_id, "timeout", at))
            case "not sent", command_id:
                self.add(facts.not_sent(state, command_id, "gone", at))
            case "give up", command_id:
                self.add(facts.gave_up(state, command_id, "no evidence", at))
            case "close", command_id:
                self.add(facts.closed(state, command_id, "I was there: it did not", at))
            case ("online",):
                self.add(facts.came_online(state, "n", "ocpp1.6", at))
            case "offline", ago:
                self.add(facts.went_offline(state, state.epoch - ago, at, at))
            case ("boot",):
                self.report(rp.Boot("v", "m", None, None))
            case "status", evse, status:
                self.report(rp.Status(evse, min(evse, 1), status))
            case "start", evse, token, meter:
                self.report(rp.Start(evse, token, meter, AT))
            case "start of", command_id:
                command = state.commands[command_id].command
                if isinstance(command, do.RemoteStart):
                    self.report(rp.Start(command.evse, command.id_token, len(self.log), AT))
            case "stop", transaction_id, meter:
                self.report(rp.Stop(transaction_id, meter, AT, "Local", None))
            case _:
                raise AssertionError(step)

    def report(self, report: rp.Report) -> None:
        found, reply = self.tell(report)
        self.started += any(isinstance(event, ev.TransactionStarted) for event in found)
        self.add(found)
        self.told.append((report, reply))

    def take(self, steps: list[tuple[Any, ...]]) -> Walk:
        for step in steps:
            self.step(step)
        return self


def ended(pending: Pending) -> bool:
    """Whether nothing may change a command any more."""
    return pending.finished and pending.phase not in (Phase.UNKNOWN, Phase.CLOSED)


def test_no_command_leaves_its_state_machine() -> None:
    seen: Counter[tuple[Phase, Phase]] = Counter()

    def watch(before: Station, event: ev.StationEvent, after: Station) -> None:
        for command_id, was in before.commands.items():
            now = after.commands.get(command_id)
            if now is None:
                assert was.finished
                continue
            if now.phase is not was.phase:
                assert now.phase in MAY_BECOME[was.phase], (was, event)
                assert now.settled_at == event.at
                seen[was.phase, now.phase] += 1
                if now.phase is Phase.LAPSED:
                    assert isinstance(now.command, do.RemoteStart)
                    assert now.transaction_id is None
            else:
                assert now.settled_at == was.settled_at, (was, event)
            if ended(was):
                # A start that was refuted may still learn which transaction contradicts that; nothing else moves.
                learnt: dict[str, Any] = {"transaction_id": now.transaction_id} if was.phase is Phase.REFUTED else {}
                learnt |= {"probed": now.probed, "contradicted": now.contradicted}
                assert now == dataclasses.replace(was, **learnt), (was, event)
            if was.transaction_id is not None:
                assert now.transaction_id == was.transaction_id
            assert was.probed <= now.probed
            fixed = ("command_id", "request_id", "command", "node", "epoch", "deadline")
            assert all(getattr(now, name) == getattr(was, name) for name in fixed)
        for pending in after.commands.values():
            # While a start may still have an effect it holds its connector; with an outcome it never does.
            if isinstance(pending.command, do.RemoteStart):
                assert pending.holds is not pending.finished

    @given(STEPS)
    @steady(500)
    def walk(steps: list[tuple[Any, ...]]) -> None:
        Walk(watch=watch).take(steps)

    walk()
    # What chance seldom does: everything a station may say to a start in each phase.
    for phase in Phase:
        for said in ("answer", 0, True), ("answer", 0, False), ("start of", 0):
            reached = Walk(watch=watch)
            alive(phase, reached)
            reached.step(said)
    # Asked, in doubt or accepted, and asked about: a free connector afterwards ends it.
    for ending in ("doubt", 0), ("answer", 0, True):
        asked = [("ask", do.RemoteStart(1, "A")), ending, ("probe", 0), ("status", 1, "Available")]
        Walk(watch=watch).take([*asked, ("probe answer", 0, True), ("status", 2, "Available"), asked[-1]])
    allowed = {(was, now) for was, after in MAY_BECOME.items() for now in after}
    # What no walk does was not tested; what the facts never do has no place in the table.
    assert set(seen) == allowed


def alive(phase: Phase, walk: Walk) -> str:
    """Bring a remote start into `phase` and return its id."""
    walk.take([("online",), ("ask", do.RemoteStart(1, "A"))])
    paths: dict[Phase, list[tuple[Any, ...]]] = {
        Phase.REQUESTED: [],
        Phase.IN_DOUBT: [("doubt", "c0")],
        Phase.ACCEPTED: [("answer", "c0", True), ("start", 1, "A", 0)],
        Phase.REJECTED: [("answer", "c0", False)],
        Phase.CONFIRMED: [("doubt", "c0"), ("start", 1, "A", 0)],
        Phase.REFUTED: [("not sent", "c0")],
        Phase.UNKNOWN: [("doubt", "c0"), ("give up", "c0")],
        Phase.LAPSED: [("answer", "c0", True), ("give up", "c0")],
        Phase.CLOSED: [("doubt", "c0"), ("close", "c0")],
    }
    walk.take(paths[phase])
    assert walk.state.commands["c0"].phase is phase
    return "c0"


AGREES = {
    True: {Phase.ACCEPTED, Phase.CONFIRMED, Phase.LAPSED},
    False: {Phase.REJECTED, Phase.REFUTED},
}


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("phase", list(Phase))
def test_a_late_answer_settles_agrees_or_is_kept_beside(phase: Phase, accepted: bool) -> None:
    walk = Walk()
    command_id = alive(phase, walk)
    answer = facts.Answer(accepted, "word")
    found = facts.answered(walk.state, command_id, answer, AT)
    if phase.open or phase in (Phase.UNKNOWN, Phase.CLOSED):
        expected: Any = ev.CommandAccepted if accepted else ev.CommandRejected
        assert [type(event) for event in found] == [expected]
    elif phase in AGREES[accepted]:
        assert found == []
    else:
        assert found == [ev.ContradictingEvidence(AT, command_id, phase.value, "word")]
        after = folded(found, walk.state)
        kept = dataclasses.replace(after.commands[command_id], contradicted=())
        assert dataclasses.replace(after, commands={**after.commands, command_id: kept}) == walk.state
        assert facts.answered(after, command_id, answer, AT) == []


@pytest.mark.parametrize(
    "phase", [one for one in Phase if one.value in ("accepted", "rejected", "confirmed", "refuted", "lapsed")]
)
def test_silence_changes_nothing_that_is_over(phase: Phase) -> None:
    walk = Walk()
    command_id = alive(phase, walk)
    for asked in (facts.doubted, facts.not_sent, facts.gave_up):
        assert asked(walk.state, command_id, "why", AT) == []
    assert facts.gave_up(walk.state, "nobody's", "why", AT) == []


@pytest.mark.parametrize("phase", list(Phase))
def test_a_doubt_only_follows_a_request(phase: Phase) -> None:
    walk = Walk()
    command_id = alive(phase, walk)
    found = facts.doubted(walk.state, command_id, "why", AT) + facts.not_sent(walk.state, command_id, "why", AT)
    assert len(found) == (2 if phase is Phase.REQUESTED else 0)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_transaction_is_recorded_whatever_became_of_the_start(phase: Phase) -> None:
    walk = Walk()
    command_id = alive(phase, walk)
    walk.report(rp.Start(1, "A", 5, AT))
    started = [event for event in walk.log if isinstance(event, ev.TransactionStarted)][-1]
    after = walk.state.commands[command_id]
    assert walk.state.transactions[started.transaction_id].open
    ours = phase in (Phase.REQUESTED, Phase.IN_DOUBT, Phase.UNKNOWN, Phase.CLOSED, Phase.REFUTED)
    assert (started.command_id == command_id) is ours
    assert after.phase is (Phase.CONFIRMED if ours and phase is not Phase.REFUTED else phase)
    if phase is Phase.REFUTED:
        assert isinstance(walk.log[-1], ev.ContradictingEvidence)


# --- told again ------------------------------------------------------------------------------------------------------


def resent(walk: Walk, report: rp.Report, reply: rp.Reply) -> None:
    """Tell a report again, with the tokens blocked and the clock later: nothing changes, the reply is the same."""
    found, again = walk.tell(report, authorization="Blocked")
    assert folded(found, walk.state) == walk.state, found
    assert not any(isinstance(event, ev.TransactionStarted | ev.TransactionStopped) for event in found)
    if isinstance(report, rp.Start):
        assert found == []
        assert again == reply
    if isinstance(report, rp.Stop) and report.transaction_id in walk.state.transactions:
        # First wins: another reading is acknowledged and kept as an anomaly.
        assert again == rp.Reply("Blocked", report.transaction_id)
        assert all(isinstance(event, ev.AnomalyRecorded) for event in found)


@given(STEPS)
@steady(200)
def test_a_report_told_again_at_once_changes_nothing(steps: list[tuple[Any, ...]]) -> None:
    walk = Walk()
    for step in steps:
        told = len(walk.told)
        walk.step(step)
        if len(walk.told) > told:
            resent(walk, *walk.told[-1])


@given(STEPS)
@steady(200)
def test_a_transaction_message_told_again_much_later_changes_nothing(steps: list[tuple[Any, ...]]) -> None:
    walk = Walk()
    told: list[tuple[rp.Report, rp.Reply]] = []
    for step in steps:
        known, before = walk.state.transactions, len(walk.told)
        walk.step(step)
        for report, reply in walk.told[before:]:
            # A stop of a transaction that nobody had heard of yet is another story.
            if isinstance(report, rp.Start) or (isinstance(report, rp.Stop) and report.transaction_id in known):
                told.append((report, reply))
    for report, reply in told:
        ended = [key for key, one in walk.state.transactions.items() if one.ended]
        if isinstance(report, rp.Start) and reply.transaction_id in ended:
            continue  # the station knew its id, so its start was answered: what comes now is another one
        resent(walk, report, reply)


@given(STEPS)
@steady(150)
def test_no_fact_is_named_twice(steps: list[tuple[Any, ...]]) -> None:
    """The store would take a second one of the same name and other content for a mistake."""
    walk = Walk().take(steps)
    named = [name for event in walk.log if (name := fact_id("CP1", event)) is not None]
    assert [name for name, times in Counter(named).items() if times > 1] == []


def test_contradicting_evidence_told_again_is_no_news() -> None:
    walk = Walk()
    command_id = alive(Phase.REJECTED, walk)
    walk.add(facts.answered(walk.state, command_id, facts.Answer(True, "Accepted"), walk.at()))
    assert isinstance(walk.log[-1], ev.ContradictingEvidence)
    assert facts.answered(walk.state, command_id, facts.Answer(True, "Accepted"), walk.at()) == []


@given(STEPS)
@steady(150)
def test_whatever_was_said_the_log_can_be_read_again(steps: list[tuple[Any, ...]]) -> None:
    walk = Walk().take(steps)
    again = folded([decode(*encode(event)) for event in walk.log])
    assert again == walk.state
    assert keys(again) == keys(walk.state)
    assert sum(one.open for one in walk.state.transactions.values()) <= 2
    for evse in (1, 2):
        running = [one for one in walk.state.transactions.values() if one.open and one.evse == evse]
        assert running == [one for one in [walk.state.open_transaction(evse)] if one]


@given(STEPS)
@steady(150)
def test_presence_alternates_and_epochs_grow(steps: list[tuple[Any, ...]]) -> None:
    presence = [one for one in Walk().take(steps).log if isinstance(one, ev.CameOnline | ev.WentOffline)]
    assert [type(one) for one in presence] == [(ev.CameOnline, ev.WentOffline)[n % 2] for n in range(len(presence))]
    assert [one.epoch for one in presence] == [n // 2 + 1 for n in range(len(presence))]
