"""What the readings of one moment say of a connector, by phase, place, context and unit (OCPP 1.6 7.31 to 7.43)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.csms.dialects import v16
from interlock.csms.domain import reports as rp
from interlock.csms.domain.readings import POWERS, Reading, Summary, summary

from .values import steady

REGISTER, POWER, VOLTAGE = "Energy.Active.Import.Register", "Power.Active.Import", "Voltage"


NO_NUMBERS = ("nan", "inf", "-inf", "1e400", "1,5", "", "0x10", "1_000", "\u0663", "9" * 20, "5 Wh")


def wh(value: float | str, **said: Any) -> Reading:
    return Reading(str(value), measurand=REGISTER, **said)


def watt(value: float | str, **said: Any) -> Reading:
    return Reading(str(value), measurand=POWER, **said)


def volt(value: float | str, **said: Any) -> Reading:
    return Reading(str(value), measurand=VOLTAGE, **said)


@pytest.mark.parametrize(
    ("readings", "energy_wh"),
    [
        ([Reading("5")], 5),
        ([wh(5, location="Outlet")], 5),
        ([wh("0.152", unit="MWh")], 152_000),
        ([wh("152.4", unit="kWh")], 152_400),
        ([wh("152.4", unit="kwh")], 152_400),
        ([wh("152", multiplier=3)], 152_000),
        ([wh("1.5e3")], 1500),
        ([wh(7, phase="L1")], 7),
        ([wh(7, phase="L1-N")], 7),
        ([wh(1, phase="L1"), wh(2, phase="L2"), wh(3, phase="L3")], 6),
        ([wh(1, phase="L1"), wh(1, phase="L1-N"), wh(2, phase="L2")], 3),
        ([wh(1, phase="L1-N"), wh(4, phase="L1"), wh(2, phase="L2-N")], 6),
        ([wh(1, phase="L1"), wh(2, phase="L2"), wh(9)], 9),
        ([wh(9), wh(1, phase="L1"), wh(2, phase="L2")], 9),
        ([wh(1, phase="L1-L2"), wh(2, phase="N")], None),
        ([wh(9), wh(5, location="Inlet")], 9),
        ([wh(5, location="Inlet")], None),
        ([wh(5, location="EV"), wh(6, location="Cable"), wh(7, location="Body")], None),
        ([wh(9, context="Sample.Periodic"), wh(5, context="Transaction.Begin")], 9),
        ([wh(5, context="Transaction.Begin"), wh(9)], 9),
        ([wh(5, context="Transaction.Begin"), wh(8, context="Sample.Clock"), wh(9, context="Transaction.End")], 9),
        ([wh(9, context="Transaction.End"), wh(8, context="Sample.Periodic")], 9),
        ([wh(5, context="Transaction.Begin")], 5),
        ([wh(1, phase="L1"), wh(2, phase="L2"), wh(1, phase="L1", context="Transaction.Begin")], 3),
        ([wh("5", format="Raw"), wh("OCMF|{}", format="SignedData")], 5),
        ([wh("OCMF|{}", format="SignedData")], None),
        ([wh(5, unit="varh")], None),
        ([wh(5, unit="furlongs"), Reading("7", measurand="SoC")], None),
        ([Reading("7", measurand="Energy.Active.Export.Register")], None),
        ([Reading("8", measurand="Energy.Active.Import.Interval")], None),
        *(([wh(text)], None) for text in NO_NUMBERS),
    ],
)
def test_the_register_of_a_connector(readings: list[Reading], energy_wh: int | None) -> None:
    assert summary(readings).energy_wh == energy_wh


@pytest.mark.parametrize(
    ("readings", "power_w"),
    [
        ([watt("7.2", unit="kW")], 7200.0),
        ([watt(3000, phase="L1"), watt(3100, phase="L2"), watt(3200, phase="L3")], 9300.0),
        ([watt(3000, phase="L1"), watt(8000)], 8000.0),
        ([watt(7000, location="Inlet"), watt(6900)], 6900.0),
        ([watt(5, unit="kvar")], None),
        ([Reading("7", measurand="Power.Offered"), Reading("5", measurand="Power.Active.Export")], None),
    ],
)
def test_the_power_of_a_connector(readings: list[Reading], power_w: float | None) -> None:
    assert summary(readings).power_w == power_w


@pytest.mark.parametrize(
    ("readings", "voltage_v"),
    [
        ([volt("230.5")], 230.5),
        ([volt(231, phase="L1-N"), volt(180, phase="L2-N"), volt(230, phase="L3-N")], 180.0),
        ([volt(229, phase="L1"), volt(231, phase="L2")], 229.0),
        ([volt(230), volt(180, phase="L3-N")], 180.0),
        ([volt(231, phase="L1-N"), volt(0, phase="L2-N"), volt(0, phase="L3-N")], 231.0),
        ([volt(0, phase="L1-N")], 0.0),
        ([volt(400, phase="L1-L2"), volt(0, phase="N")], None),
        ([volt(400, phase="L1-L2"), volt(231, phase="L1-N")], 231.0),
        ([volt("0.23", unit="kV")], 230.0),
    ],
)
def test_an_undervoltage_is_seen_whatever_phase_it_is_told_by(readings: list[Reading], voltage_v: float | None) -> None:
    assert summary(readings).voltage_v == voltage_v


_SAID = st.builds(
    Reading,
    value=st.text(max_size=6) | st.floats().map(str) | st.integers(-(10**20), 10**20).map(str),
    measurand=st.sampled_from([None, REGISTER, POWER, VOLTAGE, "SoC", "Odd"]),
    phase=st.sampled_from([None, "L1", "L2-N", "L1-L2", "N", "Odd"]),
    location=st.sampled_from([None, "Outlet", "Inlet", "Odd"]),
    context=st.sampled_from([None, "Transaction.Begin", "Transaction.End", "Sample.Periodic", "Odd"]),
    unit=st.sampled_from([*POWERS, "Odd", "KWH"]),
    format=st.sampled_from([None, "Raw", "SignedData"]),
    multiplier=st.integers(-400, 400),
)


@given(st.lists(_SAID, max_size=8))
@steady(300)
def test_whatever_is_told_is_summed_up_in_finite_numbers(readings: list[Reading]) -> None:
    found = summary(readings)
    for value in (found.energy_wh, found.power_w, found.voltage_v):
        assert value is None or math.isfinite(value)
    elsewhere = [one for one in readings if one.location not in (None, "Outlet")]
    assert summary(elsewhere) == Summary(None, None, None)


@given(st.lists(_SAID, max_size=6))
@steady(100)
def test_what_was_at_the_beginning_never_replaces_what_is_later(readings: list[Reading]) -> None:
    later = [one for one in readings if one.context != "Transaction.Begin"]
    found, alone = summary(readings), summary(later)
    for name in ("energy_wh", "power_w", "voltage_v"):
        assert getattr(alone, name) is None or getattr(found, name) == getattr(alone, name)


def test_a_message_keeps_each_value_as_it_came() -> None:
    sampled = [
        {"value": "5.5", "measurand": REGISTER, "unit": "kWh", "phase": "L1", "location": "Outlet", "context": "Other"},
        {"value": "a1b2", "format": "SignedData"},
    ]
    meter = {"connectorId": 1, "meterValue": [{"timestamp": "2026-05-04T10:00:00Z", "sampledValue": sampled}]}
    found = v16.report("MeterValues", meter)
    assert isinstance(found, rp.Meter)
    assert found.samples[0].readings == (
        Reading("5.5", REGISTER, "L1", "Outlet", "Other", "kWh"),
        Reading("a1b2", format="SignedData"),
    )
    assert found.samples[0].energy_wh == 5500
