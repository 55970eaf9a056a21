"""Checks of the stage "races and recovery" beside those of the wire: mostly that equal messages get equal answers.

Each check is a function from a `Record` to a finding. They need no list of known mistakes: the same session in another
wording, from another station, or repeated, must be answered as before; CALLs must be what was requested, and records
what was reported. A check that had nothing to judge returns the reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from interlock.scenarios.judge import race_samples
from interlock.scenarios.judge.race_lines import LINE_CHECKS
from interlock.scenarios.judge.race_orders import ORDER_CHECKS
from interlock.scenarios.judge.race_record import Exchange, Record, read
from interlock.scenarios.judge.verdict import Finding, Level, Verdict, Violation, as_text
from interlock.scenarios.judge.wire_check import LISTED
from interlock.scenarios.judge.wire_checks.transactions import wording
from interlock.scenarios.record.domain_view import Observation
from interlock.scenarios.record.versions import names

Found = tuple[int, list[Violation]]
CONCURRENT = "ConcurrentTx"
UNTOLD = ("cut", "closed", "no answer")
"""The results of steps without an answer."""
NOT_YET = ("Pending", "Rejected")
PENDING_S = 30.0
"""How long stations boot, at an interval that the CSMS told, before Pending is known to be for ever."""
PENDING_BOOTS = 8
DAY_S = 86400.0
"""How long ago a token's cache entry of 2.0.1 was over before it is no way to say that it may not be cached."""
DRIFT_S = 2.5
"""How much two clocks may differ over the seconds of a run, beside the time an answer took."""
NOBODYS = "NoAuthorization"
"""The type of a token of 2.0.1 that says that nobody has to be authorized."""
CARD_ACTIONS = ("Authorize", "StartTransaction", "StopTransaction")


def alike(record: Record, run: Mapping[str, Any]) -> Found:
    """The same session told in other words is answered the same: units, ids, order, repeats, lost lines."""
    checked, found = 0, list[Violation]()
    words: dict[tuple[str, str], dict[str, list[Observation]]] = defaultdict(lambda: defaultdict(list))
    undecided = _undecided(record)
    for step in record.noted["step"]:
        if step["word"] != "cut" and not _in_use(step, run) and not _registers(step, undecided):
            words[step["story"], step["label"]][_compared(step)].append(step)
    for (story, label), said in words.items():
        if story == "in use":
            continue
        total = sum(map(len, said.values()))
        checked += total
        if len(said) < 2:
            continue
        usual = max(said, key=lambda word: (len(said[word]), word))
        for word, steps in said.items():
            if word != usual:
                how = Counter(step["relation"] for step in steps).most_common(1)[0][0]
                what = f"{len(steps)} of {total} times {label} of a {story} was answered differently, as with: {how}"
                at = (said[usual][0].i, steps[0].i)
                found.append(Violation(what, usual, word, steps[0]["station"], at))
    return checked, found


def _registers(step: Observation, undecided: set[str]) -> bool:
    """Whether a boot was not accepted at a station that is no exception for that."""
    return step["label"] == "boot" and step["word"] in NOT_YET and step["station"] in undecided


def _undecided(record: Record) -> set[str]:
    """Return the stations that were accepted at some time, and those that were Pending and did not boot again.

    The interval that a station is told can be longer than the check: what its next boot would come to is not known.
    """
    words: dict[str, list[str | None]] = defaultdict(list)
    for one in record.of("BootNotification"):
        if one.answer is not None:
            words[one.station].append(one.status)
    return {station for station, said in words.items() if "Accepted" in said or said == ["Pending"]}


def _compared(step: Observation) -> str:
    """Return the word of a step as it is compared: what a stop says of the card is optional, and R02 compares it."""
    word = str(step["word"])
    return word if step["label"] != "stop" or word in UNTOLD or word.startswith("CALLERROR") else "answered"


def _in_use(step: Observation, run: Mapping[str, Any]) -> bool:
    """Whether a card that others use too was said to be in use: who uses it is not known."""
    known = run.get("spec", {}).get("cards", {})
    return step["word"] == CONCURRENT and step.fields.get("card") in known


def card_of(one: Exchange) -> str | None:
    """Return the card an exchange is about."""
    card = one.call.field("idTag")
    return card if isinstance(card, str) and one.action in CARD_ACTIONS else None


def one_answer(record: Record, run: Mapping[str, Any]) -> Found:
    """A card is answered the same at one station each time it is shown, unless it is in use."""
    checked, found = 0, list[Violation]()
    before: dict[tuple[str, str, Any], Exchange] = {}
    for one in record.told:
        card, status = card_of(one), one.status
        if card is None or status is None or status == CONCURRENT:
            continue
        # In 2.0.1 cards of two types are two cards, whatever their text.
        first = before.setdefault((one.station, card, one.call.field("idTagType")), one)
        if first is one:
            continue
        checked += 1
        if first.status != status:
            what = f"card {card} was answered differently by {one.action}"
            found.append(Violation(what, str(first.status), status, one.station, (*first.at, *one.at)))
    return checked, found


def registered(record: Record, run: Mapping[str, Any]) -> Found:
    """A card is answered as it is registered; one that is accepted may be in use."""
    known: Mapping[str, str] = run.get("spec", {}).get("cards", {})
    checked, found = 0, list[Violation]()
    for one in record.told:
        card, status = card_of(one), one.status
        if card == "" and one.call.field("idTagType") == NOBODYS and status is not None:
            checked += 1
            if status not in ("Accepted", CONCURRENT):
                what = f"{one.action} without any card, as by a button to start"
                found.append(Violation(what, "Accepted (C02)", status, one.station, one.at))
        if card is None or card not in known or status is None:
            continue
        checked += 1
        if status != known[card] and not (known[card] == "Accepted" and status == CONCURRENT):
            what = f"{one.action} with card {card}"
            found.append(Violation(what, known[card], status, one.station, one.at))
    return checked, found


def not_in_use(record: Record, run: Mapping[str, Any]) -> Found:
    """A card without a running session is not said to be in use."""
    known = run.get("spec", {}).get("cards", {})
    checked, found = 0, list[Violation]()
    runs: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    of: dict[tuple[str, Any], tuple[str, tuple[Any, ...]]] = {}
    for _, one, ended in sorted(_moments(record), key=lambda moment: moment[0]):
        card, session = card_of(one), (one.station, *wording(one.call))
        if not ended:
            if one.action == "StartTransaction" and card is not None:
                runs[card].add(session)
            continue
        if card is not None and card not in known and one.status is not None and one.action != "StopTransaction":
            checked += 1
            if one.status == CONCURRENT and not runs[card] - {session}:
                what = f"card {card}, which runs no session, is said to be in use"
                found.append(Violation(what, "Accepted", CONCURRENT, one.station, one.at))
        if (
            one.action == "StartTransaction"
            and one.status == "Accepted"
            and card is not None
            and one.result is not None
        ):
            of[one.station, one.result.field("transactionId")] = card, session
        elif one.action == "StartTransaction" and one.status is not None and card is not None:
            runs[card].discard(session)
        elif one.action == "StopTransaction" and one.result is not None:
            owner = of.get((one.station, one.call.field("transactionId")))
            if owner is not None:
                runs[owner[0]].discard(owner[1])
    return checked, found


def _moments(record: Record) -> Iterator[tuple[int, Exchange, bool]]:
    for one in record.told:
        yield one.i, one, False
        if one.answer_i >= 0:
            yield one.answer_i, one, True


def untouched(record: Record, run: Mapping[str, Any]) -> Found:
    """A running session stays what it is, whatever another station, a reconnect or an unknown stop says."""
    checked, found = 0, list[Violation]()
    first: Observation | None = None
    for probe in record.noted["probe"]:
        word = probe["word"]
        if word in UNTOLD:
            continue
        if first is None:
            first = probe
            continue
        checked += 1
        expected = "Accepted" if probe["after"] == "it ended" else first["word"]
        if word != expected:
            what = f"a start elsewhere with the card of a session, after {probe['after']}"
            found.append(Violation(what, expected, word, probe["station"], (first.i, probe.i)))
    for race in record.noted["race"] if first is not None and first["word"] == CONCURRENT else ():
        checked += 1
        if race["words"] == ["Accepted", "Accepted"]:
            what = f"card {race['card']} began two sessions in one moment"
            found.append(Violation(what, f"one of them {CONCURRENT}", "both Accepted", race["station"], (race.i,)))
    return checked, found


def numbered(record: Record, run: Mapping[str, Any]) -> Found:
    """An accepted start has a transactionId above 0."""
    checked, found = 0, list[Violation]()
    for one in record.of("StartTransaction"):
        number = one.result.field("transactionId") if one.result is not None else None
        if one.status == "Accepted" and type(number) is int:
            checked += 1
            if not 0 < number < 2**31:
                what = "a session that was accepted has no number to name it"
                found.append(Violation(what, "a whole number above 0", str(number), one.station, one.at))
    return checked, found


def own_numbers(record: Record, run: Mapping[str, Any]) -> Found:
    """Where transactionIds are given over all stations, no two stations' sessions share one.

    A CSMS that counts for each station gives nearly all of them to several; one that shares a few has mixed them up.
    """
    given: dict[int, list[Exchange]] = defaultdict(list)
    for one in record.of("StartTransaction"):
        number = one.result.field("transactionId") if one.result is not None else None
        if one.status == "Accepted" and type(number) is int:
            given[number].append(one)
    shared = {number: ones for number, ones in given.items() if len({one.station for one in ones}) > 1}
    many = sum(map(len, given.values()))
    if many < 20 or not shared or _counts_for_each(given):
        return (many if many >= 20 else 0), []
    found = []
    for number, ones in shared.items():
        other = next(one for one in ones if one.station != ones[0].station)
        what = f"sessions of {ones[0].station} and {other.station} are transaction {number}"
        why = "a number of its own, as the others have"
        found.append(Violation(what, why, str(number), other.station, (*ones[0].at, *other.at)))
    return many, found


def _counts_for_each(given: Mapping[int, list[Exchange]]) -> bool:
    """Whether each station has numbers of its own: then the first one of most stations is the same.

    Not so where those that share one are known by a message id that they share too.
    """
    if all(len({one.call.id for one in ones}) == 1 for ones in given.values() if len({o.station for o in ones}) > 1):
        return False
    first: dict[str, int] = {}
    for number, one in sorted(((n, one) for n, ones in given.items() for one in ones), key=lambda pair: pair[1].i):
        first.setdefault(one.station, number)
    (_, most), *_ = Counter(first.values()).most_common(1)
    return most > len(first) * 0.6


def time_moves(record: Record, run: Mapping[str, Any]) -> Found:
    """The time told to any stations goes by as time does: it neither stands still nor runs off nor jumps."""
    checked, found = 0, list[Violation]()
    before: tuple[float, float, float, Exchange] | None = None
    for one in sorted(record.of("BootNotification", "Heartbeat"), key=lambda one: one.answer_i):
        told = _instant(one.result.field("currentTime")) if one.result is not None else None
        if told is None:
            continue
        if before is None:
            before = told, one.t, one.answer_t, one
            continue
        checked += 1
        least, most = one.t - before[2], one.answer_t - before[1]
        if not least - DRIFT_S <= told - before[0] <= most + DRIFT_S:
            what = "the time told does not go by as time does"
            expected = f"{max(0.0, least):.1f} to {most:.1f} s later than before"
            at = (*before[3].at, *one.at)
            found.append(Violation(what, expected, f"{told - before[0]:.1f} s", one.station, at))
    return checked, found


def _instant(text: Any) -> float | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo is not None else None


def not_expired(record: Record, run: Mapping[str, Any]) -> Found:
    """A card that is accepted has not expired, and a boot's interval is not below 0."""
    checked, found = 0, list[Violation]()
    began = _instant(run.get("spec", {}).get("began")) or 0.0
    for one in record.told:
        if one.result is None:
            continue
        interval = one.result.field("interval")
        if one.action == "BootNotification" and type(interval) is int:
            checked += 1
            if interval < 0:
                what = "a boot was answered with an interval below 0"
                found.append(Violation(what, "0 or more", str(interval), one.station, one.at))
        info = one.result.field("idTagInfo")
        expires = _instant(info.get("expiryDate")) if isinstance(info, dict) and info.get("expiryDate") else None
        if expires is not None and one.status == "Accepted":
            checked += 1
            if began and expires < began - (DAY_S if one.newer else 60.0):
                what = f"{one.action} was accepted with an expiryDate that is over"
                found.append(Violation(what, "a time to come", str(info), one.station, one.at))
    return checked, found


def lives_on(record: Record, run: Mapping[str, Any]) -> Found:
    """A CSMS still answers on a connection on which an odd message was said that may be said."""
    checked, found = 0, list[Violation]()
    for odd in record.noted["odd"]:
        if not odd["fair"]:
            continue
        checked += 1
        if odd["word"] in UNTOLD:
            what = f"no heartbeat was answered behind {odd['what']}"
            found.append(Violation(what, "an answer", odd["why"] or odd["word"], odd["station"], (odd.i,)))
    return checked, found


def refused_actions(record: Record, run: Mapping[str, Any]) -> Found:
    """What OCPP has no action for is refused, and a session that names no card is not begun."""
    checked, found = 0, list[Violation]()
    for one in record.told:
        # In 2.0.1 a transaction may begin before anybody shows a card.
        nameless = one.action == "StartTransaction" and not {"idTag", "transactionId"} & {*(one.call.payload or {})}
        if (one.action != "MakeCoffee" and not nameless) or one.answer is None:
            continue
        checked += 1
        if one.result is not None and (not nameless or one.status == "Accepted"):
            what = f"{one.action}, which {'names no card' if nameless else 'is no action'}, was taken"
            found.append(Violation(what, "a CALLERROR", as_text(one.answer.payload, 80), one.station, one.at))
    return checked, found


def comes_back(record: Record, run: Mapping[str, Any]) -> Found:
    """A station whose line was cut is let in again."""
    back = [deed for deed in record.noted["deed"] if deed["what"] == "connected again"]
    found = [
        Violation(
            "a station whose line was cut was not let in again",
            "a connection",
            "none in 20 s",
            deed["station"],
            (deed.i,),
        )
        for deed in record.noted["deed"]
        if deed["what"] == "never let in again"
    ]
    return len(back) + len(found), found


OPTIONAL = names(
    """DataTransfer DiagnosticsStatusNotification FirmwareStatusNotification LogStatusNotification ClearedChargingLimit
    NotifyChargingLimit NotifyEvent NotifyReport ReservationStatusUpdate SecurityEventNotification"""
)
"""What a CSMS need not support: it may refuse it, and says so."""


def varied(record: Record, run: Mapping[str, Any]) -> Found:
    """What is valid and out of the ordinary is answered, without an error, and ends no connection."""
    found = []
    for said in record.noted["variety"]:
        if said["word"] in ("closed", "no answer") or (
            said["word"].startswith("CALLERROR") and said["action"] not in OPTIONAL
        ):
            what = f"{said['action']}: {said['what']}"
            told = said["word"] + (f", {said['why']}" if said["why"] else "")
            found.append(Violation(what, "an answer that is no error", told, said["station"], (said.i,)))
    return len(record.noted["variety"]), found


def told_apart(record: Record, run: Mapping[str, Any]) -> Found:
    """Two stations whose long ids differ at their ends are two stations: neither ends the other's connection."""
    found = [
        Violation("beside a station with an id that begins alike", "an answer", one["word"], one["station"], (one.i,))
        for one in record.noted["pair"]
        if one["word"] in UNTOLD
    ]
    return len(record.noted["pair"]), found


def registers(record: Record, run: Mapping[str, Any]) -> Found:
    """A boot comes to an end: who says Pending does something about it, or accepts the station at last.

    Certain only where stations booted many times at the short intervals they were told, and nothing was asked of them.
    Rejected may be right for a station that is not known, so it is a fault only where the ids are said to be known.
    """
    boots = [one for one in record.of("BootNotification") if one.answer is not None]
    if not boots or any(one.status not in NOT_YET for one in boots):
        return sum(one.status == "Accepted" for one in boots), []
    last, took_s = boots[-1], boots[-1].answer_t - boots[0].t
    many = len(boots) >= PENDING_BOOTS and took_s >= PENDING_S
    pending = all(one.status == "Pending" for one in boots) and not record.orders
    known = bool(run.get("spec", {}).get("ids"))
    if (many and pending) or (known and all(one.status == "Rejected" for one in boots)):
        what = f"{len(boots)} boots of {len({one.station for one in boots})} stations in {took_s:.0f} s"
        return len(boots), [Violation(what, "Accepted at last", str(last.status), last.station, last.at)]
    return 0, []


def any_letters(record: Record, run: Mapping[str, Any]) -> Found:
    """A card is the same in capitals and small letters: an IdToken is a CiString20Type (OCPP 1.6 sections 7.15, 7.28).

    A card that is in use, or that was not answered, says nothing of its letters.
    """
    checked, found = 0, list[Violation]()
    for one in record.noted["letters"]:
        (card, other), (word, told) = one["cards"], one["words"]
        if CONCURRENT in (word, told) or any(said in UNTOLD or said.startswith("CALLERROR") for said in (word, told)):
            continue
        checked += 1
        if word != told:
            what = f"{one['action']} with {other}, which is card {card} in other letters"
            found.append(Violation(what, word, told, one["station"], (one.i,)))
    return checked, found


Check = Callable[[Record, Mapping[str, Any]], Found]
SAMPLES = "R31"

ANSWER_CHECKS: dict[str, tuple[str, Level, Check]] = {
    "R01": ("what is alike is answered alike", "MUST", alike),
    "R02": ("a card has one answer", "MUST", one_answer),
    "R03": ("cards are answered as registered", "MUST", registered),
    "R04": ("no card stays in use", "MUST", not_in_use),
    "R05": ("a running session is left alone", "MUST", untouched),
    "R06": ("sessions have numbers", "SHOULD", numbered),
    "R07": ("sessions have numbers of their own", "SHOULD", own_numbers),
    "R08": ("the time told goes by", "SHOULD", time_moves),
    "R09": ("answers are no contradiction", "MUST", not_expired),
    "R10": ("odd messages end nothing", "MUST", lives_on),
    "R11": ("what is no request is refused", "MUST", refused_actions),
    "R12": ("stations come back", "MUST", comes_back),
    "R13": ("what is valid is answered", "MUST", varied),
    "R14": ("registration comes to an end", "SHOULD", registers),
    "R15": ("stations are told apart", "MUST", told_apart),
    "R32": ("a card is known in any letters", "MUST", any_letters),
    SAMPLES: ("meter values on record are those told", "MUST", race_samples.on_record),
}
RACE_CHECKS = {**ANSWER_CHECKS, **LINE_CHECKS, **ORDER_CHECKS}
"""Names, levels and checks by id."""

PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "P01": ("stations are accepted", ("boot accepted",)),
    "P02": ("sessions begin and end", ("session begun", "session ended")),
    "P03": ("lines are lost and come back", ("line lost", "connected again")),
    "P04": ("things are told twice", ("told twice",)),
}
"""What has to have happened before a run can be green, by the deeds that show it."""
ENOUGH = 0.5
"""What share of a part has to have come to its end, where the time was used up before it was over."""
COMMANDS = ("P05", "commands are taken")
RESTARTS = ("P06", "the CSMS was restarted", ("the CSMS was restarted",))
"""The same where an operator asks, and where the control file says how a CSMS is restarted."""


def judge(rows: Iterable[Observation], run: Mapping[str, Any]) -> list[Finding]:
    """Judge a run."""
    record = read(rows)
    happened = Counter(deed["what"] for deed in record.noted["deed"])
    parts = [_part(id, name, deeds, happened) for id, (name, deeds) in PARTS.items()]
    if (short := _cut_short(record)) is not None:
        parts.append(short)
    if (commands := _commands(record)) is not None:
        parts.append(commands)
    if run.get("rules", {}).get("restarts"):
        parts.append(_part(*RESTARTS, happened))
    found = [_finding(id, name, level, check(record, run)) for id, (name, level, check) in RACE_CHECKS.items()]
    if (why := race_samples.unread(record, run)) is not None:
        found = [replace(one, verdict=Verdict.INCONCLUSIVE, reason=why) if one.id == SAMPLES else one for one in found]
    return parts + found


def _commands(record: Record) -> Finding | None:
    """Say whether commands were taken, where an operator asked for some."""
    answers = Counter(one["answer"] for one in record.noted["request.answered"])
    failed = record.noted["control.failed"]
    if not answers and not failed:
        return None
    why = f"the control interface failed: {failed[0]['why']}" if failed else None
    if why is None and not answers["accepted"] + answers["known"]:
        said = ", ".join(f"{word} {count} x" for word, count in answers.most_common())
        reasons = [one.fields["reason"] for one in record.noted["request.answered"] if one.fields.get("reason")]
        why = f"no command was taken: {said}" + (f" ({reasons[0]})" if reasons else "")
    verdict = Verdict.INCONCLUSIVE if why else Verdict.PASS
    return Finding(*COMMANDS, "BOOKKEEPING", verdict, answers.total(), why, needed=True)


def _cut_short(record: Record) -> Finding | None:
    """Say which parts the time did not suffice for; None where it did. A part that hardly began is not green."""
    cut = [one["part"] for one in record.noted["part.cut"] if "why" not in one.fields]
    if not cut:
        return None
    over = Counter(one["part"] for one in record.noted["planned.over"])
    planned = {one["part"]: one["count"] for one in record.noted["planned"] if one["part"] in cut}
    told = [f"{part} ({over[part]} of {planned[part]})" if part in planned else part for part in cut]
    short = any(over[part] < ENOUGH * count for part, count in planned.items())
    why = f"the time was used up before these were over: {', '.join(told)}; more of it: --minutes"
    verdict = Verdict.INCONCLUSIVE if short else Verdict.PASS
    return Finding("P07", "the time sufficed", "BOOKKEEPING", verdict, len(cut), why, needed=True)


def _part(id: str, name: str, deeds: tuple[str, ...], happened: Mapping[str, int]) -> Finding:
    missing = [deed for deed in deeds if not happened.get(deed)]
    count = sum(happened.get(deed, 0) for deed in deeds)
    if missing:
        why = f"it never came to this: {', '.join(missing)}"
        why += "; give a card that is accepted (--id-tag)" if "session begun" in missing else ""
        return Finding(id, name, "BOOKKEEPING", Verdict.INCONCLUSIVE, count, why, needed=True)
    return Finding(id, name, "BOOKKEEPING", Verdict.PASS, count, needed=True)


def _finding(id: str, name: str, level: Level, said: Found) -> Finding:
    checked, found = said
    if found:
        more = f"{len(found)} violations, the first {LISTED} are listed" if len(found) > LISTED else None
        return Finding(id, name, level, Verdict.FAIL, checked, more, tuple(found[:LISTED]))
    if checked:
        return Finding(id, name, level, Verdict.PASS, checked)
    return Finding(id, name, level, Verdict.NOT_APPLICABLE, 0, "nothing of the kind happened")
