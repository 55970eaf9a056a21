"""What the page can do to a simulated station: each deed by its name, with its parameters.

Errors::

    NoSuchDeed   not a deed, or a value it does not take; one sentence says what it takes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interlock.simulator.circumstances import EFFECTS
from interlock.simulator.station import Station

CARD_LIMIT = 36
"""Characters of the longest card that any OCPP version has room for."""
RAW_LIMIT = 64 * 1024
HOLD_S = (0.0, 3600.0)
DEPTH_V = (1.0, 230.0)
FAULTS = tuple(EFFECTS)


class NoSuchDeed(ValueError):
    """A deed that cannot be done as it was asked for."""


def perform(station: Station, asked: Mapping[str, Any]) -> str:
    """Do what was asked, `{"deed": name, ...}`, and return what came of it, in one sentence."""
    name = asked.get("deed")
    deed = DEEDS.get(name) if isinstance(name, str) else None
    if deed is None:
        raise NoSuchDeed(f"there is no deed {str(name)[:40]!r}; there are {', '.join(DEEDS)}")
    return deed(station, asked)


def _plug(station: Station, asked: Mapping[str, Any]) -> str:
    evse = _evse(station, asked)
    connector = _whole(asked, "connector", 1, 1, station.spec.connectors_each)
    return "the cable is in" if station.plug(evse, connector=connector) else "the cable does not go in"


def _unplug(station: Station, asked: Mapping[str, Any]) -> str:
    return "the cable is out" if station.unplug(_evse(station, asked)) else "the cable does not come out"


def _swipe(station: Station, asked: Mapping[str, Any]) -> str:
    card = asked.get("card")
    longest = 20 if station.spec.ocpp == "1.6" else CARD_LIMIT
    if not isinstance(card, str) or not card.isprintable() or not 1 <= len(card) <= longest:
        raise NoSuchDeed(f"a card has 1 to {longest} printable characters in OCPP {station.spec.ocpp}")
    return "the reader took the card" if station.swipe(_evse(station, asked), card) else "the reader takes no card now"


def _sag(station: Station, asked: Mapping[str, Any]) -> str:
    depth_v, hold_s = _number(asked, "volts", *DEPTH_V), _number(asked, "seconds", *HOLD_S)
    station.power.sag(depth_v, hold_s=hold_s)
    return f"the supply sags by {depth_v:g} V for {hold_s:g} s"


def _power_cut(station: Station, asked: Mapping[str, Any]) -> str:
    hold_s = _number(asked, "seconds", *HOLD_S)
    station.power.power_cut(hold_s)
    return f"there is no supply for {hold_s:g} s"


def _fail(station: Station, asked: Mapping[str, Any]) -> str:
    fault = asked.get("fault")
    if fault not in FAULTS:
        raise NoSuchDeed(f"there is no fault {str(fault)[:40]!r}; there are {', '.join(FAULTS)}")
    station.fail(_evse(station, asked, least=0), str(fault))
    return f"it has {fault}"


def _clear(station: Station, asked: Mapping[str, Any]) -> str:
    station.clear(_evse(station, asked, least=0))
    return "it is mended"


def _cut(station: Station, asked: Mapping[str, Any]) -> str:
    station.drop_connection("cut by hand")
    return "the line is cut; it dials again by itself"


def _dial(station: Station, asked: Mapping[str, Any]) -> str:
    station.reconnect_now()
    return "it dials at once, over the old line"


def _heartbeat(station: Station, asked: Mapping[str, Any]) -> str:
    station.send_heartbeat_now()
    return _sent(station)


def _status(station: Station, asked: Mapping[str, Any]) -> str:
    station.send_status_now(_evse(station, asked, least=0))
    return _sent(station)


def _meter(station: Station, asked: Mapping[str, Any]) -> str:
    station.send_meter_values_now(_evse(station, asked))
    return _sent(station)


def _raw(station: Station, asked: Mapping[str, Any]) -> str:
    text = asked.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= RAW_LIMIT:
        raise NoSuchDeed(f"a frame has 1 to {RAW_LIMIT} characters")
    station.send_raw(text)
    return _sent(station)


def _sent(station: Station) -> str:
    return "it was sent" if station.connected else "it is not connected: nothing was sent"


DEEDS: dict[str, Callable[[Station, Mapping[str, Any]], str]] = {
    "plug": _plug,
    "unplug": _unplug,
    "swipe": _swipe,
    "sag": _sag,
    "power-cut": _power_cut,
    "fail": _fail,
    "clear": _clear,
    "cut": _cut,
    "dial": _dial,
    "heartbeat": _heartbeat,
    "status": _status,
    "meter": _meter,
    "raw": _raw,
}
"""Every deed by name."""


def _evse(station: Station, asked: Mapping[str, Any], least: int = 1) -> int:
    return _whole(asked, "evse", None, least, len(station.evses))


def _whole(asked: Mapping[str, Any], name: str, default: int | None, least: int, most: int) -> int:
    value = asked.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise NoSuchDeed(f"{name} is a whole number from {least} to {most}")
    return value


def _number(asked: Mapping[str, Any], name: str, least: float, most: float) -> float:
    value = asked.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise NoSuchDeed(f"{name} is a number from {least:g} to {most:g}")
    return float(value)
