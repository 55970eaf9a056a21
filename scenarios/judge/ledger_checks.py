"""What must hold of a load test beside the wire: locks, outcomes, energy. Each is a function of the observations.

The stations' ledger is the ground truth. The CSMS's own records are queried after the run, if it has an interface for
that, and recorded as `command.state` and `csms.transaction`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from interlock.scenarios.judge import race_words
from interlock.scenarios.judge.fleet_checks import settle
from interlock.scenarios.judge.rules import bill_differs, opened_twice
from interlock.scenarios.judge.verdict import Finding, Level, Verdict, Violation
from interlock.scenarios.judge.wire_check import LISTED
from interlock.scenarios.record.domain_view import Observation
from interlock.scenarios.record.frames import CALL, CALLRESULT

__all__ = ["LOAD_CHECKS", "Answers", "Seen", "judge", "settle"]

MOST_COMMANDS = 3000
MOST_STATIONS = 500
"""Stations whose records are queried at the end, at most."""
ANSWERED_S = 1.0
"""An answer that left this long before its connection ended has arrived."""
DONE = ("Unlocked", "Accepted", "Scheduled", "RebootRequired")
"""The answers by which a station says that it carries a command out."""

LOAD_CHECKS: dict[str, tuple[str, Level, str]] = {
    "L00": ("all records are there", "BOOKKEEPING", "Every process of a load test has handed in what it recorded."),
    "L01": (
        "one command moves a lock once",
        "MUST",
        "One command, or one request however often it was made, moves a lock at most once; the rule of I02.",
    ),
    "L02": (
        "one request is one command",
        "MUST",
        "A request repeated under the same key is the same command.",
    ),
    "L03": (
        "no outcome is lost",
        "MUST",
        "What a station did and said is what the CSMS has on record, where its CALLs can be tied to its commands.",
    ),
    "L04": (
        "energy adds up",
        "MUST",
        "What was delivered is what was acknowledged, and what the CSMS has on record, if it tells; the rule of I24.",
    ),
    "L05": ("everything was told", "BOOKKEEPING", "At the end every station has told what it had to tell."),
}
"""Names, levels and sentences by id."""


@dataclass(slots=True)
class Answers:
    """The CSMS's answers to these queries."""

    commands: int = 0
    silent: int = 0
    """Questions it did not answer."""
    cut: int = 0
    """Questions that were not asked, as there were too many."""
    known: bool = False
    """Whether there was a control interface to ask."""


class Seen:
    """What the checks need of a run, gathered in one pass."""

    def __init__(self, rows: Iterable[Observation]) -> None:
        self.unlocked: dict[tuple[str, str, int], list[Observation]] = defaultdict(list)
        self.obeyed: dict[tuple[str, str], list[Observation]] = defaultdict(list)
        self.moved: dict[tuple[str, str], Observation] = {}
        self.states: dict[str, str] = {}
        self.requests: dict[str, dict[str, int]] = defaultdict(dict)
        self.request_of: dict[str, str] = {}
        self.answered: dict[tuple[str, str], Observation] = {}
        self.called: set[str] = set()
        self.ends: dict[tuple[str, int], float] = {}
        self.energy: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """Energy and the register at the end of each session, by station."""
        self.pending: dict[str, int] = {}
        self.taken = 0
        """CALLRESULTs of the CSMS."""
        self.told: dict[str, dict[tuple[int | str, int], int]] = defaultdict(dict)
        self.ended: dict[str, set[str]] = defaultdict(set)
        """Transactions of which a station of 2.0.1 told the end: one may have had several sessions."""
        self.billed: dict[str, dict[int, tuple[int, int | None]]] = defaultdict(dict)
        self.t = 0.0
        self._stops: dict[tuple[str, str], tuple[int | str, int]] = {}
        for row in rows:
            self.t = row.t
            self._take(row)

    def _take(self, row: Observation) -> None:
        kind, fields = row.kind, row.fields
        if kind == "frame":
            self._frame(row)
        elif kind == "ledger" and fields["by"] == "remote":
            message_id = fields["message_id"] or ""
            self.moved.setdefault((fields["station"], message_id), row)
            if fields["part"] == "lock" and fields["action"] == "unlocked":
                self.unlocked[fields["station"], message_id, fields["connector"]].append(row)
        elif kind == "obeyed":
            self.obeyed[fields["station"], fields["message_id"]].append(row)
        elif kind == "command.state":
            self.states[fields["command_id"]] = fields["state"]
        elif kind == "csms.transaction":
            self.billed[fields["station"]][fields["transaction_id"]] = (fields["start_wh"], fields["stop_wh"])
        elif kind == "request.answered" and fields["command_id"] is not None:
            self.requests[fields["request_id"]].setdefault(fields["command_id"], row.i)
            self.request_of[fields["command_id"]] = fields["request_id"]
        elif kind == "socket.closed":
            self.ends[fields["station"], fields["socket"]] = row.t
        elif kind == "session.ended":
            self.energy[fields["station"]].append((fields["energy_wh"], fields["meter_wh"]))
        elif kind == "outbox":
            self.pending[fields["station"]] = fields["pending"]

    def _frame(self, row: Observation) -> None:
        fields, frame = row.fields, row.frame()
        if frame is None:
            return
        key = fields["station"], frame.id
        if fields["edge"] == "station.sent" and frame.is_answer:
            self.answered[key] = row
        elif fields["edge"] == "station.sent" and frame.action == "StopTransaction":
            self._stops[key] = frame.field("transactionId"), frame.field("meterStop")
        elif fields["edge"] == "station.sent" and frame.action == "TransactionEvent":
            if frame.field("eventType") == "Ended":
                self._stops[key] = name = str(race_words.called(frame).field("transactionId")), 0
                self.ended[fields["station"]].add(name[0])
        elif fields["edge"] == "station.received" and frame.kind == CALL:
            self.called.add(frame.id)
        elif fields["edge"] == "station.received" and frame.kind == CALLRESULT:
            self.taken += 1
            stop = self._stops.pop(key, None)
            if stop is not None:
                self.told[fields["station"]][stop] = row.i

    @property
    def tied(self) -> bool:
        """Whether this CSMS uses its commands' ids as message ids, so that each CALL can be assigned to its command."""
        return bool(self.called & self.request_of.keys())

    def arrived(self, station: str, message_id: str) -> Observation | None:
        """Return the station's answer to a CALL if it has certainly arrived."""
        row = self.answered.get((station, message_id))
        if row is None or self.ends.get((station, row["socket"]), self.t) - row.t < ANSWERED_S:
            return None
        return row


def judge(rows: Iterable[Observation], answers: Answers, missing: int, *, cut: bool = False) -> list[Finding]:
    """Judge a run. `missing` is how many processes have not handed in their part; `cut`: it was interrupted."""
    seen = Seen(rows)
    return [
        _complete(missing),
        _told(seen, cut=cut),
        _one_move(seen),
        _one_command(seen),
        _outcomes(seen, answers),
        _energy(seen),
    ]


def _complete(missing: int) -> Finding:
    if missing:
        why = f"{missing} processes did not hand in what they recorded"
        return Finding("L00", "all records are there", "BOOKKEEPING", Verdict.ERROR, 0, why)
    return Finding("L00", "all records are there", "BOOKKEEPING", Verdict.PASS, 1)


def _told(seen: Seen, *, cut: bool) -> Finding:
    """At the end every station has delivered its messages: with a CSMS that is gone or far behind it has not."""
    id, name = "L05", "everything was told"
    if not seen.taken:
        return Finding(id, name, "BOOKKEEPING", Verdict.ERROR, 0, "the CSMS took nothing of what it was told")
    silent = sum(pending > 0 for pending in seen.pending.values())
    if silent and cut:
        why = f"{silent} stations were switched off before they had told everything"
        return Finding(id, name, "BOOKKEEPING", Verdict.INCONCLUSIVE, len(seen.pending) - silent, why)
    if silent:
        why = f"at the end {silent} stations had sessions to tell and nobody who answered"
        return Finding(id, name, "BOOKKEEPING", Verdict.ERROR, len(seen.pending) - silent, why)
    return Finding(id, name, "BOOKKEEPING", Verdict.PASS, len(seen.pending))


def _finding(
    id: str, name: str, checked: int, violations: list[Violation], absent: str, level: Level = "MUST"
) -> Finding:
    if violations:
        more = f"{len(violations)} violations, the first {LISTED} are listed" if len(violations) > LISTED else None
        return Finding(id, name, level, Verdict.FAIL, checked, more, tuple(violations[:LISTED]))
    if checked:
        return Finding(id, name, level, Verdict.PASS, checked)
    return Finding(id, name, level, Verdict.NOT_APPLICABLE, 0, absent)


def _one_move(seen: Seen) -> Finding:
    """One command, or one request however often it was made, moves a lock at most once."""
    groups: dict[tuple[str, str, int], list[Observation]] = defaultdict(list)
    for (station, message_id, connector), rows in seen.unlocked.items():
        groups[station, seen.request_of.get(message_id, message_id), connector] += rows
    found = [
        violation
        for (_, name, connector), rows in groups.items()
        for violation in opened_twice(f"one command, {len(rows)} unlocks: {name}", connector, rows)
    ]
    return _finding("L01", "one command moves a lock once", len(groups), found, "no lock was moved remotely")


def _one_command(seen: Seen) -> Finding:
    """A request repeated under the same key is the same command."""
    found = [
        Violation(
            f"request {name} became {len(ids)} commands", "one", ", ".join(ids), None, tuple(sorted(ids.values()))
        )
        for name, ids in seen.requests.items()
        if len(ids) > 1
    ]
    return _finding("L02", "one request is one command", len(seen.requests), found, "nothing was asked for")


def _outcomes(seen: Seen, answers: Answers) -> Finding:
    """What a station did and answered is what the CSMS has on record."""
    id, name = "L03", "no outcome is lost"
    if not answers.known:
        return Finding(id, name, "MUST", Verdict.NOT_APPLICABLE, 0, "the CSMS's API is not known (--control)")
    if seen.obeyed and not seen.tied:
        why = "the CSMS's CALLs are not named by its commands, so that no outcome can be tied to a CALL"
        return Finding(id, name, "MUST", Verdict.INCONCLUSIVE, 0, why)
    found, checked = [], 0
    for (station, message_id), rows in seen.obeyed.items():
        state = seen.states.get(message_id)
        if state is None:
            continue
        checked += 1
        row, moved = rows[0], seen.moved.get((station, message_id))
        did = row["status"] in DONE or moved is not None
        arrived = seen.arrived(station, message_id)
        wrong = None
        if state == "":
            wrong = "the CSMS does not know it"
        elif did and state in ("rejected", "refuted"):
            wrong = f"the CSMS says {state}"
        elif not did and row["status"] in ("Rejected", "UnlockFailed", "NotSupported") and state == "accepted":
            wrong = "the CSMS says accepted"
        elif arrived is not None and state in ("requested", "in-doubt", "unknown"):
            wrong = f"its answer arrived, and the CSMS says {state}"
        if wrong is not None:
            at = (row.i, *((moved.i,) if moved else ()), *((arrived.i,) if arrived else ()))
            what = f"{row['action']} {message_id} was answered {row['status']}"
            found.append(Violation(what, "the same on record", wrong, station, tuple(sorted(at))))
    if answers.cut and not found and not answers.silent:
        why = f"{answers.cut} commands and stations beyond the first {MOST_COMMANDS} and {MOST_STATIONS} were not asked"
        return Finding(id, name, "MUST", Verdict.PASS if checked else Verdict.INCONCLUSIVE, checked, why)
    if answers.silent and not found:
        why = f"the CSMS's API did not answer {answers.silent} questions"
        return Finding(id, name, "MUST", Verdict.ERROR, checked, why)
    return _finding(id, name, checked, found, "no station was told to do anything")


def _energy(seen: Seen) -> Finding:
    """The energy delivered is what was acknowledged and, where its records can be queried, what the CSMS has.

    A station with undelivered messages is left out.
    """
    found, checked = list[Violation](), 0
    for station, delivered in seen.energy.items():
        if seen.pending.get(station, 1):
            continue
        count = len(seen.ended[station]) or len(delivered)
        checked += count
        told = seen.told.get(station, {})
        if len(told) != count:
            what = f"{count} sessions of {station} ended"
            acked = f"{len(told)} stops were acknowledged"
            found.append(Violation(what, "each stop acknowledged", acked, station, tuple(sorted(told.values()))[-3:]))
            continue
        billed = seen.billed.get(station)
        if billed is None or any(type(number) is not int or number < 0 for number, _ in told):
            continue  # a session whose start was refused has no transaction to look for
        found += _bills(station, delivered, told, billed)
    return _finding("L04", "energy adds up", checked, found, "no session ended")


def _bills(
    station: str,
    delivered: list[tuple[int, int]],
    told: Mapping[tuple[int | str, int], int],
    billed: Mapping[int, tuple[int, int | None]],
) -> Iterator[Violation]:
    """Compare each session, by the register at its end, with the transaction that its stop named."""
    left = list(told.items())
    for energy_wh, meter_wh in delivered:
        stop = next((one for one in left if one[0][1] == meter_wh), None)
        if stop is None:
            continue  # it reported a register other than its own: not the CSMS's fault
        left.remove(stop)
        (number, _), i = stop
        assert isinstance(number, int)
        start_wh, stop_wh = billed.get(number, (0, None))
        wrong = bill_differs(energy_wh, meter_wh, start_wh, stop_wh) if stop_wh is not None else None
        if stop_wh is None:
            wrong = f"{energy_wh} Wh", "no stop" if number in billed else "no transaction"
        if wrong is not None:
            what = f"a session of {station}, transaction {number}, is recorded wrongly"
            yield Violation(what, wrong[0], wrong[1], station, (i,))
    for number in sorted(billed.keys() - {number for number, _ in told}):
        if billed[number][1] is not None:
            what = f"transaction {number} of {station} was stopped by nobody"
            yield Violation(what, "a stop that was told", f"{billed[number][1]} Wh", station, tuple(told.values())[-1:])
