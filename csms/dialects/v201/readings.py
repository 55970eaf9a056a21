"""OCPP 2.0.1 meter values (part 2, MeterValueType): numbers with unit, multiplier, place, phase and context."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from interlock.csms.dialects.dialect import Payload, moment
from interlock.csms.domain import reports as rp
from interlock.csms.domain.readings import summary


def samples(meter_values: Iterable[Payload]) -> tuple[rp.Sample, ...]:
    """Return one sample for each `meterValue`, with every value as it came."""
    return tuple([_sample(one) for one in meter_values])


def register_wh(meter_values: Iterable[Payload], context: str, *, last: bool) -> int | None:
    """Return the energy register that a transaction began or ended with.

    That is the reading in `context`; for a station that names no such context, the first, or the `last`, of all.
    """
    named: list[int] = []
    found: list[int] = []
    for one in meter_values:
        readings = _readings(one)
        for kept, chosen in ((found, readings), (named, [said for said in readings if said.context == context])):
            if (energy := summary(chosen).energy_wh) is not None:
                kept.append(energy)
    among = named or found
    return among[-1 if last else 0] if among else None


def _sample(meter_value: Payload) -> rp.Sample:
    readings = _readings(meter_value)
    said = summary(readings)
    return rp.Sample(moment(meter_value.get("timestamp")), *said[:3], readings, said.unread)


def _readings(meter_value: Payload) -> tuple[rp.Reading, ...]:
    return tuple([reading for one in meter_value.get("sampledValue", ()) for reading in _reading(one)])


def _reading(value: Payload) -> Iterator[rp.Reading]:
    get = value.get
    unit: Payload = get("unitOfMeasure", {})
    where = get("measurand"), get("phase"), get("location"), get("context")
    yield rp.Reading(str(value["value"]), *where, unit.get("unit"), None, unit.get("multiplier", 0))
    if (signed := get("signedMeterValue")) is not None:
        yield rp.Reading(signed.get("signedMeterData", ""), *where, None, "SignedData")
