"""Whether the meter values that a CSMS keeps of a session are those that were told of it, value by value.

What stations say in MeterValues of a running transaction is compared with what is on record: measurand, phase, context,
unit and time as far as the control file says where they are. A kind of sample (measurand, phase, context) of which
nothing is on record anywhere, where anything is, is one that the CSMS does not keep; so is what is no number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from interlock.scenarios.judge.race_record import Exchange, Record, same_time
from interlock.scenarios.judge.verdict import Violation

DEFAULTS = {"measurand": "Energy.Active.Import.Register", "context": "Sample.Periodic", "phase": ""}
KILO = ("kWh", "kvarh", "kW", "kVA", "kvar")
Key = tuple[str, ...]
Sample = tuple[Key, tuple[Decimal, ...], str | None]
"""Its kind, the values it may stand as, and its time."""
Session = tuple[str, str]
Found = tuple[int, list[Violation]]


def on_record(record: Record, run: Mapping[str, Any]) -> Found:
    """The meter values on record of a session are those that were told of it, value by value.

    A kind of sample (measurand, phase, context) of which nothing is on record anywhere is one that the CSMS does not
    keep. What a station tells of a connector without naming a transaction may be that of the one that runs there.
    """
    shown = {(one["station"], one["transaction_id"]): one for one in record.noted["csms.samples"]}
    names = {name for one in shown.values() for sample in one["samples"] for name in sample}
    there = {
        session: list(dict.fromkeys(filter(None, (_of(sample, names, sample.get("at")) for sample in one["samples"]))))
        for session, one in shown.items()
    }
    kept = {one[0] for samples in there.values() for one in samples}
    during, ever = _told(record, names)
    checked, found = 0, list[Violation]()
    for session, samples in there.items():
        wanted = list(dict.fromkeys(one for one in during[session] if one[0] in kept or not kept))
        checked += len(wanted) + len(samples)
        lost = [one for one in wanted if not any(_alike(one, other) for other in samples)]
        strange = [one for one in samples if not any(_alike(other, one) for other in ever[session])]
        if lost:
            what = f"a meter value of transaction {session[1]} is not on record as it was told"
            near = "; ".join(map(_shown, samples[:3])) or "nothing"
            found.append(Violation(what, _shown(lost[0]), near, session[0], (shown[session].i,)))
        elif strange:
            what = f"a meter value that is on record of transaction {session[1]} was not told of it"
            told = "; ".join(map(_shown, ever[session][:3])) or "nothing"
            found.append(Violation(what, told, _shown(strange[0]), session[0], (shown[session].i,)))
    return checked, found


def unread(record: Record, run: Mapping[str, Any]) -> str | None:
    """Say why nobody knows what became of meter values that were taken; None: it is known, or there were none."""
    told = sum(one.result is not None and not one.newer for one in record.of("MeterValues"))
    if not told or record.noted["csms.samples"] or "transactions" not in run.get("rules", {}).get("told", ()):
        return None
    return f"{told} MeterValues were answered; which are on record is not told: the control file has no [samples]"


def _told(record: Record, names: set[str]) -> tuple[dict[Session, list[Sample]], dict[Session, list[Sample]]]:
    """Return what has to be on record of each session, and what may be: said of its connector while it ran, too."""
    during: dict[Session, list[Sample]] = defaultdict(list)
    ever: dict[Session, list[Sample]] = defaultdict(list)
    running: dict[tuple[str, Any], list[tuple[Session, int, int]]] = defaultdict(list)
    stops: dict[Session, Exchange] = {}
    for stop in record.of("StopTransaction"):
        session = stop.station, str(stop.call.field("transactionId"))
        if stop.result is not None:
            stops.setdefault(session, stop)
        ever[session] += _samples(stop.call.field("transactionData"), names)
    for start in record.of("StartTransaction"):
        if start.result is not None:
            session = start.station, str(start.result.field("transactionId"))
            over = stops[session].answer_i if session in stops else record.told[-1].i
            running[start.station, start.call.field("connectorId")].append((session, start.i, over))
    for one in record.of("MeterValues"):
        if one.result is None:
            continue
        samples = list(_samples(one.call.field("meterValue"), names))
        number = one.call.field("transactionId")
        if number is not None:
            session = one.station, str(number)
            ever[session] += samples
            if session in stops and one.answer_i < stops[session].i:
                during[session] += samples
            continue
        for session, since, until in running[one.station, one.call.field("connectorId")]:
            if since <= one.i <= until:
                ever[session] += samples
    return during, ever


def _samples(readings: Any, names: set[str]) -> Iterator[Sample]:
    for reading in readings if isinstance(readings, list) else ():
        for sample in reading.get("sampledValue", ()) if isinstance(reading, dict) else ():
            found = _of(sample, names, reading.get("timestamp")) if isinstance(sample, dict) else None
            if found is not None:
                yield found


def _of(sample: Mapping[str, Any], names: set[str], at: Any) -> Sample | None:
    """Read a sample, told or on record; None: it is no number."""
    try:
        value = Decimal(str(sample.get("value")))
    except InvalidOperation:
        return None
    if sample.get("format") == "SignedData" or not value.is_finite():
        return None
    key = tuple(str(sample.get(name) or default) for name, default in DEFAULTS.items() if name in names)
    unit = str(sample.get("unit") or "Wh")
    values: tuple[Decimal, ...] = (value * 1000,) if unit in KILO else (value,)
    if "unit" not in names:
        values = (*values, value)  # it may be told in the unit of the record, or as it was told
    return key, values, str(at) if at is not None and "at" in names else None


def _alike(told: Sample, on_record: Sample) -> bool:
    near = any(abs(one - other) <= Decimal("0.01") for one in told[1] for other in on_record[1])
    return told[0] == on_record[0] and near and same_time(told[2], on_record[2])


def _shown(one: Sample) -> str:
    return " ".join(filter(None, (*one[0], f"{one[1][0]:f}", one[2])))
