"""What a meter reported, reading by reading, and the register, power and voltage of a connector that follow from it.

A value is qualified by measurand, phase, location, context, unit and format (OCPP 1.6 sections 7.31 to 7.43; 2.0.1 part
2 sections 2.46 and 3.55 to 3.59). Every reading is stored as it came; the summary uses only those measured at the
outlet, or without a stated location.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from interlock.csms.domain.generic import nothing
from interlock.csms.domain.replies import Given, Reply

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.events import Facts
    from interlock.csms.domain.station import Station

REGISTER, POWER, VOLTAGE = "Energy.Active.Import.Register", "Power.Active.Import", "Voltage"
OUTLET = ("Outlet", None)
BEGIN, END = "Transaction.Begin", "Transaction.End"
PHASES = {"L1": "L1", "L2": "L2", "L3": "L3", "L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}
"""A phase, by its name with or without the neutral that it is measured against."""


# --- reports ---------------------------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """One value as the station sent it; what was not stated is None.

    `multiplier` is the power of ten `value` is to be multiplied with (OCPP 2.0.1 `unitOfMeasure`).
    """

    value: str
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    context: str | None = None
    unit: str | None = None
    format: str | None = None
    multiplier: int = 0

    @property
    def number(self) -> float | None:
        """The value in its unit without a prefix (Wh, W, varh, ...); None for one that is no finite number."""
        power = POWERS.get(self.unit)
        if power is None and self.unit is not None:
            power = _FOLDED.get(self.unit.casefold())
        return None if power is None else self.times_ten_to(power)

    def times_ten_to(self, power: int) -> float | None:
        """Return the value times 10 to `power` and to its multiplier; None for one that is no finite number."""
        value, power = self.value, power + self.multiplier
        if self.format is not None and self.format != "Raw":
            return None
        if not ((value.isascii() and value.replace(".", "", 1).isdigit()) or _NUMBER.fullmatch(value.strip())):
            return None
        number = float(value)
        if power:
            if abs(power) > POWER_LIMIT:
                return None
            number = round(number * 10.0**power if power > 0 else number / 10.0**-power, DECIMALS)
        return number if abs(number) < NUMBER_LIMIT else None


@dataclass(frozen=True, slots=True)
class Sample:
    """What an EVSE's meter measured at one moment; what it did not measure is None. `readings` are as they came.

    `unread` are those of them that could not be read (see `Summary`).
    """

    sampled_at: datetime | None
    energy_wh: int | None
    power_w: float | None
    voltage_v: float | None
    readings: tuple[Reading, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Meter:
    """Readings of `evse` (0: the station's main meter), within a transaction or not."""

    evse: int
    transaction_id: str | None
    samples: tuple[Sample, ...]


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MeterSampled:
    """One sample of an EVSE's meter, in a stream of its own; `readings` are as the station sent them.

    `energy_wh`, `power_w` and `voltage_v` are their values for the EVSE as a whole (see `summary`).
    """

    at: datetime
    evse: int
    transaction_id: str | None
    sampled_at: datetime | None
    energy_wh: int | None
    power_w: float | None
    voltage_v: float | None
    readings: tuple[Reading, ...] = ()


Report = Meter
Event = MeterSampled

# --- facts -----------------------------------------------------------------------------------------------------------

REPORTED: dict[type, Callable[[Station, Any, datetime, Given], tuple[Facts, Reply]]] = {
    Meter: nothing,
}

# --- the summary of readings -----------------------------------------------------------------------------------------

POWER_LIMIT = 24
"""The greatest power of ten that is accepted."""
DECIMALS = 6
"""Decimal places kept after scaling, so that 36.8 times 100 is exactly 3680."""
NUMBER_LIMIT = 2.0**53
"""Beyond this a number has lost its units place."""
VALUE_LIMIT, UNREAD_LIMIT = 60, 3
"""Characters shown of an unreadable value, and how many earlier ones are kept beside the newest."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_BASE = "Wh varh VAh W VA var A V K Celsius Celcius Fahrenheit Percent Hertz Hz"
_WITH_PREFIX = ("Wh", "varh", "VAh", "W", "VA", "var", "A", "V")
POWERS: Mapping[str | None, int] = {
    None: 0,
    **dict.fromkeys(_BASE.split(), 0),
    **{f"k{unit}": 3 for unit in _WITH_PREFIX},
    **{f"M{unit}": 6 for unit in _WITH_PREFIX},
    **{f"m{unit}": -3 for unit in _WITH_PREFIX},
}
"""The power of ten by which a value in a unit is multiplied to have it without a prefix."""
_FOLDED = {unit.casefold(): power for unit, power in POWERS.items() if unit and not unit.startswith(("M", "m"))}


def _fitting(end: str) -> Mapping[str | None, int]:
    """Return the units of a measurand with their powers of ten: None, and those ending with `end` in any case."""
    fits = {unit: power for unit, power in POWERS.items() if unit is None or unit.lower().endswith(end)}
    return {**{unit: power for unit, power in _FOLDED.items() if unit.endswith(end)}, **fits}


_MEASURED: Mapping[str | None, Mapping[str | None, int]] = {
    None: _fitting("wh"),
    REGISTER: _fitting("wh"),
    POWER: _fitting("w"),
    VOLTAGE: _fitting("v"),
}
_Told = tuple[str | None, str | None, float]
"""A reading's context, phase and number."""


class Summary(NamedTuple):
    """The values of a connector at one moment; what was not measured is None.

    `unread` are readings of these measurands that cannot be read: the rule each breaks, and its value.
    """

    energy_wh: int | None
    power_w: float | None
    voltage_v: float | None
    unread: tuple[tuple[str, str], ...] = ()


def summary(readings: Iterable[Reading]) -> Summary:
    """Return the register, the power and the voltage of a connector."""
    told: dict[str | None, list[_Told]] = {}
    unread: tuple[tuple[str, str], ...] = ()
    for one in readings:
        measurand, unit = one.measurand, one.unit
        powers = _MEASURED.get(measurand)
        if powers is None or one.location not in OUTLET:
            continue
        power = powers.get(unit)
        if power is None:
            power = powers.get(unit.casefold()) if unit is not None else None
        if power is not None and (number := one.times_ten_to(power)) is not None:
            told.setdefault(measurand or REGISTER, []).append((one.context, one.phase, number))
        elif one.format in (None, "Raw"):
            said = f"{one.value} {unit or ''}".strip()[:VALUE_LIMIT]
            unread = (*unread[:UNREAD_LIMIT], ("unit" if power is None else "number", said))
    register = _of_contexts(told.get(REGISTER), _whole, max)
    return Summary(
        None if register is None else round(register),
        _of_contexts(told.get(POWER), _whole, _last),
        _of_contexts(told.get(VOLTAGE), _lowest, min),
        unread,
    )


def final_wh(samples: Sequence[Sample]) -> int | None:
    """Return the energy register at the end of a transaction, in Wh: of the last sample with the context of its end."""
    ends = [
        energy
        for one in samples
        if (energy := summary([said for said in one.readings if said.context == END]).energy_wh) is not None
    ]
    return ends[-1] if ends else None


def _last(values: list[float]) -> float:
    return values[-1]


def _of_contexts(
    told: list[_Told] | None, of: Callable[[list[_Told]], float | None], among: Callable[[list[float]], float]
) -> float | None:
    """Reduce each context's readings by `of`, and the results of several contexts by `among`.

    Readings of a transaction's beginning count only if there are no later ones.
    """
    if told is None:
        return None
    if len(told) == 1:
        return told[0][2] if told[0][1] is None else of(told)  # one value without a phase is the total
    contexts: dict[str | None, list[_Told]] = {}
    for one in told:
        contexts.setdefault(one[0], []).append(one)
    later = [found for context, found in contexts.items() if context != BEGIN]
    values = [value for found in later or contexts.values() if (value := of(found)) is not None]
    return among(values) if values else None


def _whole(told: list[_Told]) -> float | None:
    """Return the last value without a phase; if there is none, the sum of the phases."""
    whole: float | None = None
    phases: dict[str, float] = {}
    for _, phase, number in told:
        if phase is None:
            whole = number
        elif phase in PHASES:
            phases[PHASES[phase]] = number
    return whole if whole is not None or not phases else sum(phases.values())


def _lowest(told: list[_Told]) -> float | None:
    """Return the lowest voltage to neutral, without phases that read 0 V (not connected) beside others that do not."""
    found = [number for _, phase, number in told if phase is None or phase in PHASES]
    return min((number for number in found if number > 0.0), default=min(found, default=None))
