"""Meter values: sampled, and aligned to the clock (1.6 section 4.7, 9.1)."""

from __future__ import annotations

from interlock.scenarios.cases.language import ABSENT, TX, C, Each, Rest, Series, one_of
from interlock.scenarios.cases.v16._words import station

_STAMP = "meterValue.0.timestamp"


def _values(context: object) -> dict[str, object]:
    return {"connectorId": C, "transactionId": TX, "meterValue": Each({"sampledValue": Each({"context": context})})}


CASES = (
    station(
        "TC_070_CS", "Sampled meter values", "9.1 MeterValueSampleInterval",
        Rest(0.0), Series("MeterValues", "sample", _values(one_of("Sample.Periodic", ABSENT)), stamp=_STAMP),
        state="charging", config={"MeterValueSampleInterval": "{sample}", "?ClockAlignedDataInterval": "0"},
    ),
    station(
        "TC_071_CS", "Meter values aligned to the clock", "9.1 ClockAlignedDataInterval",
        Rest(0.0), Series("MeterValues", "sample", _values("Sample.Clock"), stamp=_STAMP),
        state="charging", config={"ClockAlignedDataInterval": "{sample}", "MeterValueSampleInterval": "0"},
    ),
)  # fmt: skip
