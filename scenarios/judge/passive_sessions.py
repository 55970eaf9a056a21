"""What must hold over several frames of a station: meters, times and retries of sessions, the steps of a transfer.

Each function looks at a whole exchange and tells `rule.look` of every frame that says something of its rule. A station
is accused where two things that it said itself cannot both be so, or where it answers a request with an earlier time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from interlock.scenarios.judge.exchange import CALL, CALLRESULT, Frame

CLOCK_S = 60.0
"""How far ahead a station's clock may be, or behind."""
BEFORE = datetime(2010, 1, 1, tzinfo=UTC).timestamp()
STEP_S = 5.0
"""By how much a clock may be set back during a session."""
SECOND_S = 1.5
"""By how much times that are rounded to seconds may differ without saying anything."""
REGISTER = "Energy.Active.Import.Register"
UNITS_WH = {"Wh": 1.0, "kWh": 1000.0}


class Rule(Protocol):
    """Counts frames that were looked at, and keeps what was wrong."""

    def look(self, frame: Frame, wrong: str | None) -> None:
        """Count a frame."""


def seconds(text: object) -> float | None:
    """Return an ISO 8601 time with a zone as seconds since 1970, or None for anything else."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at.timestamp() if at is not None and at.tzinfo is not None else None


# --- clocks ----------------------------------------------------------------------------------------------------------


def clock(rule: Rule, frames: Sequence[Frame]) -> None:
    """Once it was told the time a station tells of nothing later than now, and of nothing before OCPP 1.6 was.

    A station may have a better clock than the CSMS: a tester that gives a time of the past on purpose leaves it right.
    Now is therefore the latest by any time that was given. What it was just asked to begin it has begun since: where
    each of its starts is earlier than the request, by the earliest time that was given, its clock is behind.
    """
    given = {frame.i: ahead for frame in frames if (ahead := _ahead(frame)) is not None}
    for frame in frames:
        at = seconds(frame.payload.get("timestamp")) if not frame.ours and frame.kind == CALL else None
        if at is not None and frame.i > min(given, default=frame.i):
            late = at - max(given.values()) - frame.t
            told = f"it tells of {late:.0f} s from now" if late > CLOCK_S else None
            rule.look(frame, told or ("its clock was never set" if at < BEFORE else None))
    if given:
        _behind(rule, frames, min(given.values()))


def _ahead(frame: Frame) -> float | None:
    """Return how far the time that a frame gives is from the run's own, in seconds; None if it gives none."""
    now = seconds(frame.payload.get("currentTime")) if frame.ours and frame.kind == CALLRESULT else None
    return None if now is None else now - frame.t


def _behind(rule: Rule, frames: Sequence[Frame], ahead: float) -> None:
    asked: dict[str, Frame] = {}
    found: list[tuple[float, Frame]] = []
    for frame in frames:
        if frame.kind != CALL:
            continue
        tag = str(frame.payload.get("idTag")).casefold()
        if frame.ours and frame.action == "RemoteStartTransaction" and _status(frame) == "Accepted":
            asked[tag] = frame
        elif not frame.ours and frame.action == "StartTransaction" and tag in asked:
            at = seconds(frame.payload.get("timestamp"))
            if at is not None:
                found.append((asked.pop(tag).t + ahead - at, frame))
    if len(found) > 1 and min(early for early, _ in found) > CLOCK_S:
        for early, frame in found:
            rule.look(frame, f"it began {early:.0f} s before it was asked to, by the time that the CSMS gave")


def _status(frame: Frame) -> object:
    answer = frame.answer
    return answer.payload.get("status") if answer is not None and answer.kind == CALLRESULT else None


# --- meters ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Session:
    start: int
    samples: list[tuple[float, float, float, Frame]] = field(default_factory=list)
    """When, Wh, by how many Wh it may be rounded, and where it was told."""


def meters(rule: Rule, frames: Iterable[Frame]) -> None:
    """From its start over its samples to its stop a session's register never falls."""
    begun: dict[object, _Session] = {}
    for frame in frames:
        if frame.ours or frame.kind != CALL:
            continue
        number = frame.payload.get("transactionId")
        if frame.action == "StartTransaction" and frame.answer is not None and frame.answer.kind == CALLRESULT:
            number, meter = frame.answer.payload.get("transactionId"), frame.payload.get("meterStart")
            if isinstance(number, int) and isinstance(meter, int):
                begun[number] = _Session(meter)
        elif not isinstance(number, int) or number not in begun:
            continue
        elif frame.action == "MeterValues":
            begun[number].samples += registers(frame, frame.payload.get("meterValue"))
        elif frame.action == "StopTransaction" and isinstance(end := frame.payload.get("meterStop"), int):
            session = begun[number]
            samples = [*session.samples, *registers(frame, frame.payload.get("transactionData"))]
            rule.look(frame, _falls(session.start, samples, end))


def _falls(start: int, samples: list[tuple[float, float, float, Frame]], end: int) -> str | None:
    if end < start:
        return f"it began at {start} Wh and ended at {end} Wh"
    before, last = float(start), f"began at {start} Wh"
    for _, value, rounded, _ in sorted(samples, key=lambda one: one[0]):
        if value < before - rounded:
            return f"it {last} and then showed {value:g} Wh"
        if value > end + rounded:
            return f"it showed {value:g} Wh and ended at {end} Wh"
        before, last = max(before, value), f"showed {value:g} Wh"
    return None


def registers(frame: Frame, rows: object) -> Iterator[tuple[float, float, float, Frame]]:
    """Iterate over the outlet's registers in rows of values: second, Wh, by how many Wh it is rounded, the frame."""
    for row in rows if isinstance(rows, list) else ():
        at = seconds(row.get("timestamp")) if isinstance(row, Mapping) else None
        for one in row.get("sampledValue") or () if at is not None else ():
            value = _register(one)
            if at is not None and value is not None:
                yield at, *value, frame


def _register(one: Any) -> tuple[float, float] | None:
    """Return the outlet's import register in Wh, and by how much it may be rounded; None for any other value."""
    if not isinstance(one, Mapping) or one.get("measurand", REGISTER) != REGISTER or one.get("phase"):
        return None
    factor = UNITS_WH.get(one.get("unit", "Wh"))
    if factor is None or one.get("location", "Outlet") != "Outlet" or one.get("format", "Raw") != "Raw":
        return None
    text = str(one.get("value"))
    try:
        return float(text) * factor, 1.0 + factor * 10.0 ** -len(text.partition(".")[2])
    except ValueError:
        return None


# --- times of a session ----------------------------------------------------------------------------------------------


def order(rule: Rule, frames: Iterable[Frame]) -> None:
    """A session's values are of the time between its start and its stop, by the station's own clock."""
    spans: dict[object, tuple[float, float]] = {}
    values: dict[object, list[tuple[float, Frame]]] = {}
    for frame in frames:
        if frame.ours or frame.kind != CALL:
            continue
        number, at = frame.payload.get("transactionId"), seconds(frame.payload.get("timestamp"))
        if frame.action == "StartTransaction" and frame.answer is not None and at is not None:
            number = frame.answer.payload.get("transactionId")
            spans[number], values[number] = (at, float("inf")), []
        elif frame.action == "StopTransaction" and number in spans and at is not None:
            start, _ = spans[number]
            spans[number] = start, at
            early = f"it ended {start - at:.0f} s before it began" if at < start - STEP_S else None
            rule.look(frame, early or _outside(values[number], spans[number]))
        elif frame.action == "MeterValues" and number in spans:
            rows = frame.payload.get("meterValue")
            told = [seconds(row.get("timestamp")) for row in rows or () if isinstance(row, Mapping)]
            found = [(one, frame) for one in told if one is not None]
            values[number] += found
            if spans[number][1] < float("inf"):
                late = [at - spans[number][1] for at, _ in found if at > spans[number][1] + SECOND_S]
                after = f"a value is {max(late):.0f} s younger than the stop, and came behind it" if late else None
                rule.look(frame, after or _outside(found, spans[number]))


def _outside(values: Iterable[tuple[float, Frame]], span: tuple[float, float]) -> str | None:
    for at, _ in values:
        if at > span[1] + STEP_S:
            return f"a value is {at - span[1]:.0f} s younger than the stop"
        if at < span[0] - STEP_S:
            return f"a value is {span[0] - at:.0f} s older than the start"
    return None


# --- what is told again ----------------------------------------------------------------------------------------------

ONCE = {"StartTransaction": ("idTag", "meterStart", "timestamp"), "StopTransaction": ("meterStop", "timestamp")}
"""What a message about a session says of it, and says again where it is told again."""


def retold(rule: Rule, frames: Iterable[Frame]) -> None:
    """A start or stop that was not acknowledged is told again as it was; one that was is not told again.

    A start is the same start where its connector told nothing of an end in between. An acknowledgement arrived where
    the station made another CALL behind it, on the same connection.
    """
    waiting: dict[tuple[str, object], Frame] = {}
    known: dict[tuple[object, ...], Frame] = {}
    arrived: set[int] = set()
    before: Frame | None = None
    for frame in frames:
        if frame.ours or frame.kind != CALL:
            continue
        if before is not None and before.socket == frame.socket and before.answer and before.answer.i < frame.i:
            arrived.add(before.i)
        before = frame
        connector = frame.payload.get("connectorId")
        if frame.action == "StatusNotification" and frame.payload.get("status") not in ("Charging", "Preparing"):
            waiting.pop(("StartTransaction", connector), None)
        if frame.action not in ONCE:
            continue
        key = (frame.action, connector if frame.action == "StartTransaction" else frame.payload.get("transactionId"))
        said = (*key, *(str(frame.payload.get(name)) for name in ONCE[frame.action]))
        first = waiting.pop(key, None)
        if (same := known.get(said)) is not None and same.i in arrived:
            rule.look(frame, "it was acknowledged before")
        elif first is not None:
            other = [name for name in ONCE[frame.action] if frame.payload.get(name) != first.payload.get(name)]
            told = [f"{name} was {first.payload.get(name)}, is {frame.payload.get(name)}" for name in other]
            rule.look(frame, f"told again otherwise: {', '.join(told)}"[:200] if told else None)
        if frame.answer is None or frame.answer.kind != CALLRESULT:
            waiting[key] = frame
        else:
            _begun_or_ended(known, frame)
            known.setdefault(said, frame)


def _begun_or_ended(known: dict[tuple[object, ...], Frame], frame: Frame) -> None:
    """Forget the start of what ended, and the end of what began under its number: the next like it is another."""
    starts = frame.action == "StartTransaction"
    number = frame.answer.payload.get("transactionId") if starts and frame.answer else None
    number = number if starts else frame.payload.get("transactionId")
    for said, one in list(known.items()):
        of_start = one.action == "StartTransaction" and one.answer is not None
        other = one.answer.payload.get("transactionId") if of_start and one.answer else said[1]
        if one.action != frame.action and other == number:
            del known[said]


# --- the steps of a transfer -----------------------------------------------------------------------------------------

STEPS = {"Downloading": 1, "Downloaded": 2, "DownloadFailed": 2, "Installing": 3, "Installed": 4}
"""How far an update is. After a failure it may begin again."""


def updates(rule: Rule, frames: Iterable[Frame]) -> None:
    """An update of firmware does not go back from installing to downloading, unless it is asked for anew."""
    last = ""
    for frame in frames:
        if frame.kind != CALL:
            continue
        if frame.ours and frame.action in ("UpdateFirmware", "SignedUpdateFirmware"):
            last = ""
        if frame.ours or not frame.action.endswith("FirmwareStatusNotification"):
            continue
        word = str(frame.payload.get("status"))
        back = STEPS.get(last, 0) >= 3 > STEPS.get(word, 9)
        rule.look(frame, f"{word} came after {last}" if back else None)
        last = word if word in STEPS and word != "DownloadFailed" else "" if word != "Idle" else last
