"""Physics: what the CSMS believes and bills is what stands, charges and turned the meter at the station."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.rules import bill_differs
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, LogEvent, Observation, Session, station_of

# --- belief ----------------------------------------------------------------------------------------------------------


def _beliefs(history: History) -> Looked:
    looked = Looked()
    pending = {seen["station"]: seen["pending"] for seen in history.of("outbox")}
    believed: dict[tuple[str, int], list[Observation | None]] = {}
    for belief in history.of("belief"):
        believed.setdefault((belief["station"], belief["connector"]), []).append(belief)
    if not believed:
        return looked
    for truth in history.of("truth"):
        station, connector = truth["station"], truth["connector"]
        if connector == 0:
            continue
        if not truth["online"] or pending.get(station, 0):
            looked.cut += 1
            continue
        looked.checked += 1
        lossy = bool(history.station_rules(station).get("lossy"))
        for thought in believed.get((station, connector)) or [None]:
            reported = [seen for seen in history.of("status") if _about(seen, station, connector)]
            found = [*_differences(thought, truth), *_other_error(thought, truth, reported)]
            differences = [one for one in found if not (lossy and one[0] == "transaction")]
            if differences:
                looked.violations.append(
                    Violation(
                        f"the CSMS is wrong about connector {connector} of {station}: {differences[0][0]}",
                        "; ".join(f"{what}: {true}" for what, _, true in differences),
                        "; ".join(f"{what}: {thought}" for what, thought, _ in differences),
                        station,
                        story(reported[-1:], truth, thought),
                    )
                )
    return looked


def _about(seen: Observation, station: str, connector: int) -> bool:
    return bool(seen["station"] == station and seen["connector"] == connector)


def _differences(belief: Observation | None, truth: Observation) -> list[tuple[str, str, str]]:
    """Return (what, believed, true) for everything that differs."""
    if belief is None:
        return [("that it is there", "no belief", "a connector")]
    found = []
    if belief["status"] != truth["status"]:
        found.append(("status", str(belief["status"]), str(truth["status"])))
    fields = belief.fields  # what a CSMS does not tell is not there, and is not compared
    if "transaction_id" in fields:
        thought, true = fields["transaction_id"], truth["transaction_id"]
        # A 2.0.1 transaction may outlast its session; a 1.6 session may have no transaction's number yet.
        if (thought is None) != (truth["session"] is None and true is None) or (
            None not in (thought, true) and str(thought) != str(true)
        ):
            found.append(("transaction", _or_none(thought), _or_none(true if true is not None else truth["session"])))
    if fields.get("held") and truth["session"] is None:
        found.append(("held", "for a start or an unlock", "nothing going on"))
    if not fields.get("online", True):
        found.append(("presence", "offline", "online"))
    return found


def _other_error(
    belief: Observation | None, truth: Observation, reported: list[Observation]
) -> list[tuple[str, str, str]]:
    """Compare the error code with the one the station came to last, where both are told."""
    if belief is None or belief.get("error_code") is None or not reported:
        return []
    last = reported[-1]
    true = last.get("error_code")
    if true is None or last["status"] != truth["status"] or belief["error_code"] == true:
        return []
    return [("error code", str(belief["error_code"]), str(true))]


def _or_none(value: object) -> str:
    return "none" if value is None else str(value)


@invariant(
    "I18",
    "belief = truth at rest",
    records="connectors",
    needs=lambda history: history.derive(_beliefs).scope,
    absent="nobody was asked what the CSMS believes",
    rest=True,
)
def belief_is_truth(history: History) -> Iterator[Violation]:
    """At rest the CSMS sees each connector as it is: status and error, its transaction, nothing held, station online.

    For stations that are connected and have told everything they had to tell; of those that lose what they had to tell
    (rules: lossy), transactions do not count. What was lost in between - an outcome, a
    report, an end - shows here at last.
    """
    yield from history.derive(_beliefs).violations


# --- billing ---------------------------------------------------------------------------------------------------------

Key = tuple[str, int, str, int]
"""What identifies a charging session to both sides: station, connector, token, and the meter at its start."""


def _bills(history: History) -> Looked:
    looked = Looked()
    sessions: dict[Key, list[Session]] = {}
    for session in history.sessions:
        begun = session.begun
        key = begun["station"], begun["connector"], begun["id_token"], begun["meter_wh"]
        sessions.setdefault(key, []).append(session)
    starts: dict[Key, list[LogEvent]] = {}
    stops: dict[tuple[str, str], list[LogEvent]] = {}
    for event in history.log:
        station, data = station_of(event.stream), event.data
        if station is None:
            continue
        if event.type == "TransactionStarted":
            key = station, data["evse"], data["id_token"], data["meter_start_wh"]
            starts.setdefault(key, []).append(event)
        elif event.type == "TransactionStopped":
            stops.setdefault((station, data["transaction_id"]), []).append(event)
    pending = {seen["station"]: seen["pending"] for seen in history.of("outbox")}
    for key in dict.fromkeys([*sessions, *starts]):
        station = key[0]
        happened, recorded = sessions.get(key, []), starts.get(key, [])
        lossy = bool(history.station_rules(station).get("lossy"))
        told = not lossy and not pending.get(station, 0)
        if told or lossy or not happened:
            looked.checked += max(1, len(happened))
        else:
            looked.cut += len(happened)
        stopped = [stops.pop((station, start.data["transaction_id"]), []) for start in recorded]
        looked.violations += _judge(history, key, happened, recorded, stopped, told)
    for (station, transaction_id), events in stops.items():
        looked.violations.append(
            _violation(station, f"transaction {transaction_id} stopped and never started", "a start", "none", events)
        )
    return looked


def _judge(
    history: History,
    key: Key,
    happened: list[Session],
    recorded: list[LogEvent],
    stopped: list[list[LogEvent]],
    told: bool,
) -> Iterator[Violation]:
    """Compare the sessions that look alike to both sides with the transactions recorded for them, in order."""
    station, connector, token, meter_wh = key
    who = f"the session of {token} on connector {connector} at {meter_wh} Wh"
    physical: list[Observation | LogEvent] = []
    for session in happened:
        physical += [session.begun, session.ended] if session.ended else [session.begun]
    if len(recorded) > len(happened) or (told and len(recorded) < len(happened)):
        found = f"{len(recorded)} TransactionStarted"
        yield _violation(station, f"{who} is billed wrongly", f"{len(happened)} started", found, [*physical, *recorded])
        return
    for start, ends in zip(recorded, stopped, strict=True):
        if len(ends) > 1:
            yield _violation(station, f"{who} has {len(ends)} stops", "one", f"{len(ends)}", [start, *ends])
    if not told:
        return
    for session, start, ends in zip(happened, recorded, stopped, strict=True):
        about: list[Observation | LogEvent] = [session.begun, start, *ends]
        about += [session.ended] if session.ended else []
        if session.ended is None:
            if ends:
                yield _violation(station, f"{who} has a stop and still runs", "no stop", "one", about)
            continue
        if not ends:
            yield _violation(station, f"{who} ended and has no stop", "one TransactionStopped", "none", about)
            continue
        start_wh, stop_wh = start.data["meter_start_wh"], ends[0].data["meter_stop_wh"]
        differs = bill_differs(session.ended["energy_wh"], session.ended["meter_wh"], start_wh, stop_wh)
        if differs is not None:
            yield _violation(station, f"{who} is billed wrongly", *differs, about)
        yield from _samples(history, station, who, start, ends[0])


def _samples(history: History, station: str, who: str, start: LogEvent, stop: LogEvent) -> Iterator[Violation]:
    """The samples of a transaction lie between its start and its stop and never fall.

    Never in one order, as they were taken or as they arrived: clocks are set back, and a retried append comes late.
    """
    samples = [
        event
        for event in history.streams.get(f"meter-{station}-{start.data['transaction_id']}", ())
        if event.type == "MeterSampled" and event.data["energy_wh"] is not None
    ]
    low, high = start.data["meter_start_wh"] - ROUNDING_WH, stop.data["meter_stop_wh"] + ROUNDING_WH
    for sample in samples:
        if not low <= sample.data["energy_wh"] <= high:
            found = f"{sample.data['energy_wh']} Wh"
            yield _violation(station, f"a sample of {who} lies outside", f"{low} to {high} Wh", found, [start, sample])
            return
    arrived = [sample.data["energy_wh"] for sample in samples]
    taken = [s.data["energy_wh"] for s in sorted(samples, key=lambda s: str(s.data["sampled_at"]))]
    if _falls(arrived) and _falls(taken):
        yield _violation(station, f"the meter of {who} runs backwards", "never less", f"{taken}", [start, *samples])


ROUNDING_WH = 1
"""A sample is rounded on its own, so it may differ from the register by this much."""


def _falls(readings: list[int]) -> bool:
    return any(later < earlier for earlier, later in pairwise(readings))


def _violation(
    station: str, message: str, expected: str, found: str, about: Sequence[Observation | LogEvent]
) -> Violation:
    return Violation(message, expected, found, station, story(about))


@invariant(
    "I24",
    "billing continuity",
    records="transactions",
    needs=lambda history: history.derive(_bills).scope,
    absent="nobody charged",
    rest=True,
    ref="OCPP 1.6 sections 3.9, 4.8 and 4.10",
)
def billing_continuity(history: History) -> Iterator[Violation]:
    """Each physical charging session is recorded with one start and, once over, one stop, with its exact energy.

    The meter never runs backwards in between, and nothing is billed that never happened. For stations that still have
    messages to deliver, and for those that lose theirs (rules: lossy), only what is recorded twice or invented counts.
    """
    yield from history.derive(_bills).violations
