"""The variables of a simulated station: what OCPP 2.0.1 requires without optional features, and a few more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

from interlock.simulator.clock import ClockSpec
from interlock.simulator.spec import StationSpec
from interlock.simulator.station import Station
from interlock.simulator.v201.device_model import Catalogue, Kind, Name, Variable
from interlock.simulator.v201.status import station_word, word

MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import,Voltage"
STOP_POINTS = {"unplugged": "EVConnected", "stopped": "PowerPathClosed"}
"""TxStopPoint for each of `StationSpec.stop_point`."""
START_POINTS = {"charging": "PowerPathClosed", "plugged": "EVConnected"}
"""TxStartPoint for each of `StationSpec.start_point`."""
ITEMS_PER_MESSAGE = 50


def catalogue(spec: StationSpec) -> Catalogue:
    """Return the variables of a station like this; those that are alike share one."""
    return _catalogue(replace(spec, station_id="", serial="", clock=ClockSpec()))


@lru_cache(maxsize=64)
def _catalogue(spec: StationSpec) -> Catalogue:
    return Catalogue((*_places(spec), *_fixed(spec), *_writable(spec)))


def _places(spec: StationSpec) -> Iterator[Variable]:
    yield from _place(Name("ChargingStation", 0, 0, ""), station_word)
    for evse in range(1, spec.evses + 1):
        yield from _place(Name("EVSE", evse, 0, ""), _reader(evse, None))
        yield Variable(Name("EVSE", evse, 0, "Power"), "0", "decimal", most=int(spec.max_power_w))
        yield Variable(Name("EVSE", evse, 0, "AllowReset"), "false", "boolean")
        for connector in range(1, spec.connectors_each + 1):
            place = Name("Connector", evse, connector, "")
            yield from _place(place, _reader(evse, connector))
            yield Variable(place._replace(variable="ConnectorType"), "cType2")


def _reader(evse: int, connector: int | None) -> Callable[[Station], str]:
    return lambda station: word(station.evses[evse - 1], connector)


def _place(place: Name, state: Callable[[Station], str]) -> Iterator[Variable]:
    yield Variable(place._replace(variable="Available"), "true", "boolean")
    yield Variable(place._replace(variable="AvailabilityState"), kind="OptionList", read=state)
    yield Variable(place._replace(variable="SupplyPhases"), "3", "integer")


def _fixed(spec: StationSpec) -> Iterator[Variable]:
    fixed: tuple[tuple[str, str, str, Kind, str], ...] = (
        ("AuthCacheCtrlr", "Available", "", "boolean", "true"),
        ("DeviceDataCtrlr", "BytesPerMessage", "GetReport", "integer", "65000"),
        ("DeviceDataCtrlr", "BytesPerMessage", "GetVariables", "integer", "65000"),
        ("DeviceDataCtrlr", "BytesPerMessage", "SetVariables", "integer", "65000"),
        ("DeviceDataCtrlr", "ItemsPerMessage", "GetReport", "integer", str(ITEMS_PER_MESSAGE)),
        ("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", "integer", str(ITEMS_PER_MESSAGE)),
        ("DeviceDataCtrlr", "ItemsPerMessage", "SetVariables", "integer", str(ITEMS_PER_MESSAGE)),
        ("OCPPCommCtrlr", "FileTransferProtocols", "", "MemberList", "HTTPS,HTTP"),
        ("OCPPCommCtrlr", "MessageTimeout", "Default", "integer", str(int(spec.call_timeout_s))),
        ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "", "boolean", "true"),
        ("SampledDataCtrlr", "TxEndedMeasurands", "", "MemberList", MEASURANDS),
        ("SampledDataCtrlr", "TxStartedMeasurands", "", "MemberList", MEASURANDS),
        ("SampledDataCtrlr", "TxUpdatedMeasurands", "", "MemberList", MEASURANDS),
        ("SecurityCtrlr", "SecurityProfile", "", "integer", "1"),
        ("TxCtrlr", "StopTxOnEVSideDisconnect", "", "boolean", "true"),
        ("TxCtrlr", "TxStartPoint", "", "MemberList", START_POINTS[spec.start_point]),
        ("TxCtrlr", "TxStopPoint", "", "MemberList", STOP_POINTS[spec.stop_point]),
    )
    for component, variable, instance, kind, value in fixed:
        yield Variable(Name(component, 0, 0, variable, instance), value, kind)
    yield Variable(Name("ClockCtrlr", 0, 0, "DateTime"), kind="dateTime", read=Station.time)


def _writable(spec: StationSpec) -> Iterator[Variable]:
    truths = (
        ("AuthCacheCtrlr", "Enabled", True),
        ("AuthCtrlr", "AuthorizeRemoteStart", False),
        ("AuthCtrlr", "LocalAuthorizeOffline", True),
        ("AuthCtrlr", "LocalPreAuthorize", False),
        ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", spec.offline_unknown),
        ("TxCtrlr", "StopTxOnInvalidId", True),
    )
    for component, variable, truth in truths:
        yield Variable(Name(component, 0, 0, variable), "true" if truth else "false", "boolean", writable=True)
    numbers: tuple[tuple[str, str, str, float, int], ...] = (
        ("OCPPCommCtrlr", "HeartbeatInterval", "", spec.heartbeat_s, 0),
        ("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent", 5, 1),
        ("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent", spec.retry_s, 0),
        ("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "", 3, 0),
        ("OCPPCommCtrlr", "OfflineThreshold", "", 300, 0),
        ("OCPPCommCtrlr", "ResetRetries", "", 1, 0),
        ("SampledDataCtrlr", "TxEndedInterval", "", 0, 0),
        ("SampledDataCtrlr", "TxUpdatedInterval", "", spec.meter_interval_s, 0),
        ("TxCtrlr", "EVConnectionTimeOut", "", spec.connection_timeout_s, 0),
    )
    for component, variable, instance, value, least in numbers:
        name = Name(component, 0, 0, variable, instance)
        yield Variable(name, str(int(value)), "integer", writable=True, least=least)
    ping = Name("OCPPCommCtrlr", 0, 0, "WebSocketPingInterval")
    yield Variable(ping, "0", "integer", writable=True, least=0, reboot=True)
    yield Variable(Name("OCPPCommCtrlr", 0, 0, "NetworkConfigurationPriority"), "1", "SequenceList", writable=True)
    yield Variable(Name("ClockCtrlr", 0, 0, "TimeSource"), "Heartbeat", "SequenceList", writable=True)
    yield Variable(Name("SecurityCtrlr", 0, 0, "OrganizationName"), "", writable=True)
