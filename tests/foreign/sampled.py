"""A right CSMS that tells the meter values it keeps of a transaction, and wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.foreign.brain import Payload
from tests.foreign.operated import Operated

ENERGY = "Energy.Active.Import.Register"
Row = dict[str, str | None]


class Sampled(Operated):
    """Keeps each sample of a running transaction, in Wh; a reading that names none is that of the one that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.samples: dict[int, list[Row]] = {}

    def whose(self, station: str, payload: Payload) -> int | None:
        """Return the transaction of a reading."""
        if (number := payload.get("transactionId")) is not None:
            return int(number) if self.sessions.get(number, {}).get("station") == station else None
        for number, one in self.sessions.items():
            if (one["station"], one["connector"], one["stop"]) == (station, payload["connectorId"], None):
                return number
        return None

    def rows(self, payload: Payload) -> Iterator[Row]:
        """Return what is kept of a message."""
        for reading in payload["meterValue"]:
            for sample in reading["sampledValue"]:
                unit, value = sample.get("unit"), sample["value"]
                if unit == "kWh":
                    unit, value = "Wh", str(float(value) * 1000)
                more = {name: sample.get(name) for name in ("measurand", "phase", "context")}
                yield {"value": value, "unit": unit, "at": reading["timestamp"], **more}

    def on_MeterValues(self, station: str, payload: Payload) -> Payload:
        number = self.whose(station, payload)
        if number is not None:
            self.samples.setdefault(number, []).extend(self.rows(payload))
        return {}


def _each(change: Callable[[Row], Row]) -> Any:
    return lambda self, payload: map(change, Sampled.rows(self, payload))


def _of_the_last(self: Sampled, station: str, payload: Payload) -> int | None:
    place = station, payload["connectorId"]
    mine = [number for number, one in self.sessions.items() if (one["station"], one["connector"]) == place]
    return payload.get("transactionId") or (mine[-1] if mine else None)


def _some(self: Sampled, payload: Payload) -> Iterator[Row]:
    for row in Sampled.rows(self, payload):
        self.counted_rows = getattr(self, "counted_rows", 0) + 1
        if self.counted_rows % 5:
            yield row


def _as_wh(row: Row) -> Row:
    return {**row, "value": str(float(str(row["value"])) / 1000)} if row["unit"] == "Wh" else row


def _first(self: Sampled, payload: Payload) -> Iterator[Row]:
    for reading in payload["meterValue"]:
        yield from Sampled.rows(self, {"meterValue": [{**reading, "sampledValue": reading["sampledValue"][:1]}]})


SAMPLED: dict[str, tuple[str, Callable[[], Operated]]] = {
    name: (sentence, type(name, (Sampled,), parts))
    for name, sentence, parts in (
        ("some-samples-are-lost", "one sample in five is not on record", {"rows": _some}),
        ("kwh-is-wh", "a sample in Wh is on record in kWh, as Wh", {"rows": _each(_as_wh)}),
        (
            "phases-are-lost",
            "the phase of a sample is not on record",
            {"rows": _each(lambda row: {**row, "phase": None})},
        ),
        ("first-sample-only", "of each reading one sample is on record", {"rows": _first}),
        (
            "contexts-are-lost",
            "a sample is on record as a periodic one",
            {"rows": _each(lambda row: {**row, "context": "Sample.Periodic"})},
        ),
        (
            "readings-of-the-last",
            "a reading that names no transaction is that of the last one",
            {"whose": _of_the_last},
        ),
        (
            "samples-at-receipt",
            "a sample is on record under another time",
            {"rows": _each(lambda row: {**row, "at": "2026-01-01T00:00:00Z"})},
        ),
    )
}
