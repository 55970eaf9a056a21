"""What stations report over time: statuses and meters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.scenarios.judge.wire_check import NO_CONNECTIONS, Check, Heard, Recent, shown
from interlock.scenarios.record.frames import CALL

FORBIDDEN = {
    "Available": {"Finishing"},
    "Preparing": {"Reserved", "Unavailable"},
    "Charging": {"Preparing", "Reserved"},
    "SuspendedEV": {"Preparing", "Reserved"},
    "SuspendedEVSE": {"Preparing", "Reserved"},
    "Finishing": {"Charging", "SuspendedEV", "SuspendedEVSE", "Reserved"},
    "Reserved": {"Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"},
    "Unavailable": {"Reserved", "Finishing"},
}
"""The changes of a connector's status for which the standard has no event: the empty fields of its table."""
NEAR_S = 30.0
"""Without connections, two statuses this near were on one."""


@dataclass(slots=True)
class _Said:
    status: str
    i: int
    t: float
    place: tuple[str, int]


class LegalStatuses(Check):
    """A connector's status changes only as the standard has an event for.

    From Available nothing can be Finishing, what charges cannot be Preparing. Only on one connection: what happened
    while there was none is not told; and not where a MinimumStatusDuration lets a station skip what is short.
    """

    id, name, about, level = "S09", "statuses follow one another", "station", "SHOULD"
    absent = "no status changed"
    clause = "OCPP 1.6 section 4.9"
    dialect = ("1.6",)

    def __init__(self) -> None:
        super().__init__()
        self._said: Recent[_Said] = Recent()
        self._skips: set[str] = set()

    def met(self, heard: Heard) -> None:
        """Take note of a setting that lets statuses be skipped."""
        if heard.frame is not None and heard.frame.field("key") == "MinimumStatusDuration":
            self._skips.add(heard.station)

    def said(self, heard: Heard) -> None:
        """Compare it with the one before."""
        frame = heard.frame
        if frame is None or frame.kind != CALL:
            return
        if frame.action == "BootNotification":
            self._boots(heard)
        if frame.action != "StatusNotification":
            return
        key, status = (heard.station, frame.field("connectorId")), str(frame.field("status"))
        before = self._said.get(key)
        self._said.put(key, _Said(status, heard.i, heard.t, heard.place))
        if before is None or before.status == status or before.place != heard.place or heard.station in self._skips:
            return
        if not heard.connection.known and (
            not heard.timed or heard.t - before.t > NEAR_S or heard.connection.waiting("station")
        ):
            self.lack(NO_CONNECTIONS)
            return
        self.checked += 1
        if status in FORBIDDEN.get(before.status, ()):
            what = f"connector {key[1]} went from {before.status} to {shown(status, 20)}"
            self.violated(what, "a change that the standard knows", shown(status), heard.station, before.i, heard.i)

    def _boots(self, heard: Heard) -> None:
        # A controller that started anew tells what is so now.
        for connector in range(21):
            self._said.pop((heard.station, connector))


REGISTERS = "Register"
IMPORT = "Energy.Active.Import.Register"
ROUNDING_WH = 1.0
"""A sample is rounded on its own, so it may differ from the register by this much."""


@dataclass(slots=True)
class _Reading:
    value: float
    at: datetime
    i: int


class MonotoneMeters(Check):
    """Within a transaction an energy register never falls, in the order of the readings' own times.

    Compared for one measurand, phase, place and unit at a time; an interval is no register, signed data is not read.
    Nor does a transaction end below what was read of it.
    """

    id, name, about, absent = "S11", "meters never run backwards", "station", "no register was read twice"
    clause = "OCPP 1.6 sections 4.7 and 7.31; OCPP 2.0.1 J02"

    def __init__(self) -> None:
        super().__init__()
        self._read: Recent[_Reading] = Recent()
        self._top: Recent[_Reading] = Recent()

    def said(self, heard: Heard) -> None:
        """Compare each register with its reading before."""
        frame = heard.frame
        if frame is None or frame.kind != CALL:
            return
        match frame.action:
            case "MeterValues" if (number := frame.field("transactionId")) is not None:
                owner = (heard.station, str(number), frame.field("connectorId"))
                self._look(heard, owner, frame.field("meterValue"))
            case "StopTransaction" if (number := frame.field("transactionId")) is not None:
                self._stops(heard, (heard.station, str(number)), frame.field("meterStop"), frame.field("timestamp"))
            case "TransactionEvent" if isinstance(info := frame.field("transactionInfo"), dict):
                self._look(heard, (heard.station, str(info.get("transactionId")), None), frame.field("meterValue"))

    def _stops(self, heard: Heard, owner: tuple[str, str], stop_wh: Any, at: Any) -> None:
        top, ended = self._top.get(owner), _moment(at)
        if top is None or ended is None or type(stop_wh) is not int or ended < top.at:
            return
        self.checked += 1
        if stop_wh < top.value - ROUNDING_WH:
            what = f"transaction {owner[1]} ends below a reading of it"
            self.violated(what, f"{top.value:g} Wh or more", f"{stop_wh} Wh", heard.station, top.i, heard.i)

    def _look(self, heard: Heard, owner: tuple[Any, ...], readings: Any) -> None:
        for reading in readings if isinstance(readings, list) else ():
            at = _moment(reading.get("timestamp")) if isinstance(reading, dict) else None
            samples = reading.get("sampledValue") if isinstance(reading, dict) else None
            for sample in samples if isinstance(samples, list) and at is not None else ():
                if isinstance(sample, dict) and at is not None:
                    self._sample(heard, owner, at, sample)

    def _sample(self, heard: Heard, owner: tuple[Any, ...], at: datetime, sample: dict[str, Any]) -> None:
        measurand = str(sample.get("measurand", IMPORT))
        value = _number(sample.get("value"))
        if REGISTERS not in measurand or value is None or sample.get("format") == "SignedData":
            return
        unit = sample.get("unit") or str(sample.get("unitOfMeasure") or "Wh")
        key = (*owner, measurand, sample.get("phase"), sample.get("location"), str(unit))
        if (
            unit == "Wh"
            and measurand == IMPORT
            and not sample.get("phase")
            and sample.get("location") in (None, "Outlet")
        ):
            top = self._top.get(owner[:2])
            if top is None or value > top.value:
                self._top.put(owner[:2], _Reading(value, at, heard.i))
        before = self._read.get(key)
        if before is not None and at < before.at:
            return  # older than what is known: told late, or the clock was set back
        self._read.put(key, _Reading(value, at, heard.i))
        if before is None or at == before.at:
            return
        self.checked += 1
        if value < before.value:
            what = f"{measurand} of transaction {owner[1]} fell"
            self.violated(what, f"{before.value:g} or more", f"{value:g}", heard.station, before.i, heard.i)


def _moment(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
