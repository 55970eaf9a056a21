"""What a station accepted or said of itself must show afterwards: boots, configuration, limits, availability, sessions.

Each function looks at a whole exchange and tells `rule.look` of every frame that says something of its rule. A station
is accused where its own words contradict each other or what it was told, whatever the case was about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.scenarios.judge.exchange import CALL, CALLRESULT, Frame, Mark
from interlock.scenarios.judge.passive_sessions import Rule, registers, seconds

OF_STATION = ("Available", "Unavailable", "Faulted")
"""The statuses of connector 0, which is the station."""
IN_USE = ("Available", "Preparing", "Charging", "Reserved")
REBOOTS = ("Reset", "UpdateFirmware", "SignedUpdateFirmware", "TriggerMessage", "ExtendedTriggerMessage")
"""CALLs after which a boot, or a message that a case asked for, is in order."""
ALIGNED_S, LEAST_S = 1.0, 4
"""How far from its instant an aligned value may be, and the shortest interval that is judged."""
HOUR_S = 3600
SECRET = "AuthorizationKey"
"""A key that is not read back as it is."""
QUIET_S = 120.0
"""A session that was not ended for so long, to the end of the run, is not going to be."""
REGISTER_MAX_W = 4_000_000.0
"""More than any connector delivers."""
APART, LEAST_WH = 10.0, 10.0
"""Energy and power contradict each other where one is so many times the other; energy of at least so many Wh."""
WATTS = {"W": 1.0, "kW": 1000.0}
LIMITS = {
    "SendLocalList": (("SendLocalListMaxLength", "localAuthorizationList"),),
    "SetChargingProfile": (("ChargeProfileMaxStackLevel", "stackLevel"), ("ChargingScheduleMaxPeriods", "periods")),
}
"""The key that limits each, and what it limits."""


def _accepted(frame: Frame) -> bool:
    answer = frame.answer
    return answer is not None and answer.kind == CALLRESULT and answer.payload.get("status") == "Accepted"


def _calls(frames: Sequence[Frame]) -> Iterator[Frame]:
    return (frame for frame in frames if frame.kind == CALL)


# --- statuses --------------------------------------------------------------------------------------------------------


def station_status(rule: Rule, frames: Sequence[Frame]) -> None:
    """Connector 0 is Available, Unavailable or Faulted."""
    for frame in _calls(frames):
        if not frame.ours and frame.action == "StatusNotification" and frame.payload.get("connectorId") == 0:
            word = frame.payload.get("status")
            rule.look(frame, None if word in OF_STATION else f"connector 0, the station, is {word}")


def availability(rule: Rule, frames: Sequence[Frame]) -> None:
    """A connector that was made Inoperative and said so is in no use until it is asked to be Operative."""
    asked: set[object] = set()
    shown: set[object] = set()
    for frame in _calls(frames):
        connector = frame.payload.get("connectorId")
        if frame.ours and frame.action == "ChangeAvailability":
            if frame.payload.get("type") == "Inoperative" and _accepted(frame) and connector != 0:
                asked.add(connector)
            elif frame.payload.get("type") == "Operative":
                gone = {connector} if connector != 0 else set(asked)
                asked, shown = asked - gone, shown - gone
        elif not frame.ours and frame.action == "StatusNotification" and connector in asked:
            word = frame.payload.get("status")
            if word == "Unavailable":
                shown.add(connector)
            wrong = connector in shown and word in IN_USE
            rule.look(frame, f"connector {connector} is Inoperative, and is told to be {word}" if wrong else None)


# --- boots -----------------------------------------------------------------------------------------------------------


def boots(rule: Rule, frames: Sequence[Frame], marks: Sequence[Mark]) -> None:
    """Before a boot is accepted nothing else is told, and the next boot waits for the interval that was given.

    What came before the first boot counts on a connection that was seen to open, until somebody does anything.
    """
    opened = {mark.fields.get("socket") for mark in marks if mark.kind == "socket.opened"}
    begun = min((mark.t for mark in marks if mark.kind == "case.begun"), default=float("inf"))
    state: str | None = None
    """How the last boot was answered; None: there was none."""
    excused = False
    early: dict[int, Frame] = {}
    last: tuple[Frame, float] | None = None
    for frame in _calls(frames):
        if frame.ours:
            excused = excused or frame.action in REBOOTS or frame.action == "GetDiagnostics"
        elif frame.action == "BootNotification":
            before = early.pop(frame.socket, None) if state is None else None
            soon = _too_soon(frame, last) if not excused else None
            rule.look(frame, f"{before.action} came before it" if before is not None and not excused else soon)
            given = frame.answer.payload if frame.answer is not None and frame.answer.kind == CALLRESULT else {}
            state, excused = given.get("status"), False
            interval = given.get("interval")
            last = (frame, float(interval)) if isinstance(interval, int) and state in ("Pending", "Rejected") else None
        elif state is None:
            if frame.socket in opened and frame.t < begun:
                early.setdefault(frame.socket, frame)
        elif state in ("Pending", "Rejected"):
            rule.look(frame, None if excused else f"the boot was answered with {state}, and {frame.action} was told")


def _too_soon(frame: Frame, last: tuple[Frame, float] | None) -> str | None:
    if last is None or last[0].socket != frame.socket or last[0].answer is None:
        return None
    waited, interval = frame.t - last[0].answer.t, last[1]
    if waited < interval - max(1.0, interval / 10):
        return f"it came after {waited:.0f} s, and the interval was {interval:.0f} s"
    return None


# --- configuration ---------------------------------------------------------------------------------------------------


def read_back(rule: Rule, frames: Sequence[Frame]) -> None:
    """A value that was accepted is what is read afterwards, until the station boots."""
    given: dict[str, str] = {}
    for frame in _calls(frames):
        if not frame.ours:
            given = {} if frame.action == "BootNotification" else given
        elif frame.action == "ChangeConfiguration":
            key, value = frame.payload.get("key"), frame.payload.get("value")
            if isinstance(key, str) and isinstance(value, str) and key != SECRET:
                given.pop(key, None)
                if _accepted(frame):
                    given[key] = value
        elif frame.action == "GetConfiguration":
            for key, value in _told(frame):
                if key in given:
                    wrong = f"{key} is {value!r} and was accepted as {given[key]!r}"[:200]
                    rule.look(_answered(frame), None if _plain(value) == _plain(given[key]) else wrong)


def _answered(frame: Frame) -> Frame:
    return frame.answer or frame


def _told(frame: Frame) -> Iterator[tuple[str, str]]:
    """Iterate over the keys and values of an answered GetConfiguration."""
    answer = frame.answer
    rows = answer.payload.get("configurationKey") if answer is not None and answer.kind == CALLRESULT else None
    for one in rows if isinstance(rows, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("key"), str) and isinstance(one.get("value"), str):
            yield one["key"], one["value"]


def _plain(value: str) -> object:
    """Return what a value means: a number, a list in any order, a text in any case."""
    try:
        return float(value)
    except ValueError:
        return sorted(part.strip().casefold() for part in value.split(",") if part.strip())


def own_limits(rule: Rule, frames: Sequence[Frame]) -> None:
    """What is accepted is within the limits that the station's own configuration states."""
    limits: dict[str, int] = {}
    for frame in _calls(frames):
        if frame.ours and frame.action == "GetConfiguration":
            limits |= {key: int(value) for key, value in _told(frame) if value.isascii() and value.isdigit()}
        for key, what in LIMITS.get(frame.action, ()) if frame.ours else ():
            size = _size(frame.payload, what)
            if key in limits and size is not None and frame.answer is not None:
                over = size > limits[key] and _accepted(frame)
                rule.look(frame.answer, f"{what} {size} was accepted, and {key} is {limits[key]}" if over else None)


def _size(payload: Mapping[str, Any], what: str) -> int | None:
    profile = payload.get("csChargingProfiles")
    profile = profile if isinstance(profile, Mapping) else {}
    schedule = profile.get("chargingSchedule")
    found = {
        "localAuthorizationList": payload.get("localAuthorizationList"),
        "stackLevel": profile.get("stackLevel"),
        "periods": schedule.get("chargingSchedulePeriod") if isinstance(schedule, Mapping) else None,
    }[what]
    return len(found) if isinstance(found, list) else found if isinstance(found, int) else None


def aligned(rule: Rule, frames: Sequence[Frame]) -> None:
    """Values of context Sample.Clock are of multiples of the interval, where it divides an hour and was accepted."""
    interval, since, before = 0, 0.0, True
    for frame in _calls(frames):
        if frame.ours and frame.action == "ChangeConfiguration":
            value = str(frame.payload.get("value"))
            if frame.payload.get("key") == "ClockAlignedDataInterval" and _accepted(frame):
                interval = int(value) if value.isascii() and value.isdigit() else 0
                since, before = frame.t + interval, True
        elif not frame.ours and frame.action == "MeterValues" and interval >= LEAST_S and HOUR_S % interval == 0:
            for at in _clock_values(frame) if frame.t > since else ():
                off = min(at % interval, -at % interval)
                wrong = off > ALIGNED_S
                rule.look(frame, f"a value is {off:.1f} s beside its instant" if wrong and not before else None)
                before = not wrong


def _clock_values(frame: Frame) -> Iterator[float]:
    rows = frame.payload.get("meterValue")
    for row in rows if isinstance(rows, list) else ():
        values = row.get("sampledValue") if isinstance(row, Mapping) else None
        clocked = isinstance(values, list) and any(
            isinstance(one, Mapping) and one.get("context") == "Sample.Clock" for one in values
        )
        if clocked and (at := seconds(row.get("timestamp"))) is not None:
            yield at


# --- schedules -------------------------------------------------------------------------------------------------------


def composite(rule: Rule, frames: Sequence[Frame]) -> None:
    """A composite schedule is of the connector and in the unit that were asked for, its periods in order."""
    for frame in _calls(frames):
        if frame.ours and frame.action == "GetCompositeSchedule" and _accepted(frame) and frame.answer is not None:
            rule.look(frame.answer, _odd_schedule(frame.payload, frame.answer.payload))


def _odd_schedule(asked: Mapping[str, Any], told: Mapping[str, Any]) -> str | None:
    connector, schedule = told.get("connectorId"), told.get("chargingSchedule")
    if connector is not None and connector != asked.get("connectorId"):
        return f"it is of connector {connector}, and {asked.get('connectorId')} was asked for"
    if not isinstance(schedule, Mapping):
        return None
    unit = schedule.get("chargingRateUnit")
    if asked.get("chargingRateUnit") not in (None, unit):
        return f"it is in {unit}, and {asked.get('chargingRateUnit')} was asked for"
    periods = schedule.get("chargingSchedulePeriod")
    starts = [one.get("startPeriod") for one in periods or () if isinstance(one, Mapping)]
    numbers = [one for one in starts if isinstance(one, int)]
    return None if numbers == sorted(set(numbers)) else f"its periods begin at {', '.join(map(str, numbers))}"[:200]


# --- sessions --------------------------------------------------------------------------------------------------------


def ended(rule: Rule, frames: Sequence[Frame]) -> None:
    """A session whose connector is Available, or has another one, was ended: sooner or later it is told."""
    running: dict[object, Frame] = {}
    over: dict[object, tuple[Frame, Frame, str]] = {}
    stopped = {frame.payload.get("transactionId") for frame in _calls(frames) if frame.action == "StopTransaction"}
    for frame in _calls(frames):
        connector = frame.payload.get("connectorId")
        if frame.ours or frame.action not in ("StartTransaction", "StatusNotification"):
            continue
        starts = frame.action == "StartTransaction"
        if connector in running and (starts or frame.payload.get("status") == "Available"):
            begun = running.pop(connector)
            what = "another session began there" if starts else "its connector is Available"
            over[begun.i] = begun, frame, what
        if starts and frame.answer is not None and frame.answer.kind == CALLRESULT:
            running[connector] = frame
    end = frames[-1].t if frames else 0.0
    for begun, frame, what in over.values():
        number = begun.answer.payload.get("transactionId") if begun.answer is not None else None
        missing = number not in stopped and end - frame.t > QUIET_S
        rule.look(frame, f"transaction {number} was never stopped, and {what}" if missing else None)


def power(rule: Rule, frames: Sequence[Frame]) -> None:
    """From a session's start to its stop no more energy is delivered than any connector could."""
    begun: dict[object, tuple[float, int]] = {}
    for frame in _calls(frames):
        at = seconds(frame.payload.get("timestamp"))
        if frame.ours or at is None:
            continue
        if frame.action == "StartTransaction" and frame.answer is not None and frame.answer.kind == CALLRESULT:
            meter = frame.payload.get("meterStart")
            if isinstance(meter, int):
                begun[frame.answer.payload.get("transactionId")] = at, meter
        elif frame.action == "StopTransaction" and (first := begun.get(frame.payload.get("transactionId"))) is not None:
            meter = frame.payload.get("meterStop")
            energy, took = (meter - first[1] if isinstance(meter, int) else 0), max(at - first[0], 0.0) + 2.0
            most = REGISTER_MAX_W * took / HOUR_S
            wrong = f"{energy} Wh in {took - 2:.0f} s are more than any connector delivers"
            rule.look(frame, wrong if energy > most else None)


def follows_power(rule: Rule, frames: Sequence[Frame]) -> None:
    """Where a session's samples have energy and power, the one is that of the other, roughly.

    Between two samples it had at least the smaller power, and no more than the greater by far.
    """
    first: dict[object, float] = {}
    last: dict[object, tuple[float, float]] = {}
    least: dict[object, float] = {}
    most: dict[object, float] = {}
    for frame in _calls(frames):
        number = frame.payload.get("transactionId")
        if frame.ours or frame.action != "MeterValues" or number is None:
            continue
        for at, energy, rounded, watts in _pairs(frame):
            before, power = last.get(number, (at, watts))
            last[number] = at, watts
            hours = max(at - before, 0.0) / HOUR_S
            least[number] = least.get(number, 0.0) + min(watts, power) * hours
            most[number] = most.get(number, 0.0) + max(watts, power) * hours
            told = energy - first.setdefault(number, energy)
            low = told + rounded < least[number] / APART
            high = told > LEAST_WH + 2 * rounded and told - 2 * rounded > most[number] * APART
            wrong = f"{told:.0f} Wh, and by its power it is {least[number]:.0f} to {most[number]:.0f} Wh"
            rule.look(frame, wrong if low or high else None)


def _pairs(frame: Frame) -> Iterator[tuple[float, float, float, float]]:
    """Iterate over rows that have both: second, Wh, by how many Wh it is rounded, W."""
    rows = frame.payload.get("meterValue")
    for row in rows if isinstance(rows, list) else ():
        values = row.get("sampledValue") if isinstance(row, Mapping) else None
        powers = [power for one in values or () if (power := _watts(one)) is not None]
        for at, energy, rounded, _ in registers(frame, [row]) if len(powers) == 1 else ():
            yield at, energy, rounded, powers[0]


def _watts(one: Any) -> float | None:
    if not isinstance(one, Mapping) or one.get("measurand") != "Power.Active.Import" or one.get("phase"):
        return None
    factor = WATTS.get(str(one.get("unit", "W")))
    try:
        return None if factor is None else float(str(one.get("value"))) * factor
    except ValueError:
        return None
