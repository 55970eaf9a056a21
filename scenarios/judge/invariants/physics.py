"""Physics: at rest the CSMS's view of a station is the station's physical state."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.scenarios.judge.invariants.calls_as_asked import facts_told
from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, Observation


def _beliefs(history: History) -> Looked:
    looked = Looked()
    pending = {seen["station"]: seen["pending"] for seen in history.of("outbox")}
    untold = {seen["station"] for seen in history.untold}
    believed: dict[tuple[str, int], list[Observation | None]] = {}
    for belief in history.of("belief"):
        believed.setdefault((belief["station"], belief["connector"]), []).append(belief)
    if not believed:
        return looked
    statuses: dict[tuple[str, int], list[Observation]] = {}
    for seen in history.of("status"):
        statuses.setdefault((seen["station"], seen["connector"]), []).append(seen)
    silent, said = _silent(history), _said_last(history)
    for truth in history.of("truth"):
        station, connector = truth["station"], truth["connector"]
        if connector == 0:
            continue
        if not truth["online"] or pending.get(station, 0):
            looked.cut += 1
            continue
        looked.checked += 1
        lossy = station in untold or bool(history.station_rules(station).get("lossy") or history.rules.get("fiction"))
        for thought in believed.get((station, connector)) or [None]:
            reported = statuses.get((station, connector), [])
            found = [*_differences(thought, truth), *_other_error(thought, truth, reported)]
            quiet = station in silent
            differences = [
                one
                for one in found
                if not (lossy and one[0] == "transaction")
                and not (quiet and one[0] == "presence")
                and one[:2] not in said.get((station, connector), ())
            ]
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


def _silent(history: History) -> set[str]:
    """Return the stations that said nothing for so long before the rest that they are rightly called offline."""
    rest, after_s = history.phase("rest"), history.rules.get("offline_after_s")
    if rest is None or after_s is None:
        return set()
    last = {truth["station"]: 0.0 for truth in history.of("truth")}
    for seen in history.of_any("frame", "pong", "socket.opened"):
        if seen.fields.get("edge", "csms.received") == "csms.received" and seen.fields["station"] in last:
            last[seen.fields["station"]] = max(last[seen.fields["station"]], seen.t)
    return {station for station, t in last.items() if t <= rest.t - float(after_s)}


def _said_last(history: History) -> dict[tuple[str, int], set[tuple[str, str]]]:
    """Return what each connector's last report says of it, as (what, word), where stations tell what never was.

    Whoever believes that heard rightly: the hardware is another matter (rules: fiction).
    """
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    if history.rules.get("fiction"):
        received = {seen.i: seen["station"] for seen in history.wire.asked}
        for i, facts in sorted(history.derive(facts_told).items()):
            for type, said in facts:
                if type == "StatusReported" and isinstance(said[0], int):
                    found[received[i], said[0]] = {("status", str(said[2])), ("error code", str(said[3]))}
    return found


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
    (rules: lossy), tell what never was (rules: fiction) or gave a message up without an answer, transactions do not
    count; where they tell what never was, what a connector's last report says is no error. What was lost in between -
    an outcome, a report, an end - shows here at last.
    """
    yield from history.derive(_beliefs).violations
