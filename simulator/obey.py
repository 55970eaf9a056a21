"""What a station does when the CSMS calls: one function per action, found by its name in `ACTIONS`.

Each decides, has the effect begin, and records with `station.obey` the status word it will answer, at the moment it
acts. Payloads were checked against their schemas before they come here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.simulator import v16
from interlock.simulator.evse import Evse

if TYPE_CHECKING:
    from interlock.simulator.station import Station


@dataclass(frozen=True, slots=True)
class Order:
    """A CALL of the CSMS."""

    message_id: str
    action: str
    payload: dict[str, Any]

    def whole(self, name: str) -> int | None:
        """Return a whole number of the payload; a schema's "integer" may have come as 1.0."""
        value = self.payload.get(name)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value if isinstance(value, int) else None


MOVING = frozenset(
    ("RemoteStartTransaction", "RemoteStopTransaction", "UnlockConnector", "Reset", "ChangeAvailability")
)
"""Actions that move something: those that a persona may be late with."""


def take(station: Station, message_id: str, action: str, payload: dict[str, Any]) -> None:
    """Take a CALL."""
    if station.talk.registration == "Rejected":
        return  # 1.6 section 4.2: a station that was rejected does not talk
    carry_out = ACTIONS.get(action)
    if carry_out is None:
        code = "NotSupported" if action in v16.known_actions() else "NotImplemented"
        station.talk.link.refuse(message_id, code)
        return
    wrong = v16.wrong_with(action, payload)
    if wrong is not None:
        station.talk.link.refuse(message_id, *wrong)
        return
    order = Order(message_id, action, payload)
    if action not in MOVING:
        carry_out(station, order)
        return
    delay_s = station.rng.uniform(*station.spec.act_s)
    late = station.spec.persona.act_delay_s
    if late != (0.0, 0.0):
        delay_s += station.rng.uniform(*late)
    station.after(delay_s, lambda: carry_out(station, order))


# --- starting and stopping -------------------------------------------------------------------------------------------


def _remote_start(station: Station, order: Order) -> None:
    evse = _evse_to_start(station, order.whole("connectorId"))
    id_tag: str = order.payload["idTag"]
    if evse is None or not id_tag:
        station.obey(order, "Rejected")
        return
    busy = evse.session is not None or evse.awaited is not None
    if evse.refuses_start() or (busy and station.second_start == "reject"):
        station.obey(order, "Rejected")
        return
    station.obey(order, "Accepted")
    if not station.spec.persona.starts:
        return
    evse.end("Other", "remote", order.message_id)
    if not station.configuration.truth("AuthorizeRemoteTxRequests"):
        evse.expect(id_tag, order.message_id)
        return

    def authorized(accepted: bool) -> None:
        if accepted and evse.session is None and not evse.refuses_start():
            evse.expect(id_tag, order.message_id)

    station.talk.authorize(id_tag, authorized)


def _evse_to_start(station: Station, connector: int | None) -> Evse | None:
    if connector is not None:
        return station.evse(connector)
    for evse in station.evses:
        if evse.session is None and evse.awaited is None and not evse.refuses_start():
            return evse
    return None


def _remote_stop(station: Station, order: Order) -> None:
    wanted = order.whole("transactionId")
    for evse in station.evses:
        if evse.session is not None and evse.session.transaction_id == wanted:
            station.obey(order, "Accepted")
            evse.end("Remote", "remote", order.message_id)
            return
    station.obey(order, "Rejected")


def _unlock(station: Station, order: Order) -> None:
    evse = station.evse(order.whole("connectorId"))
    if evse is None:
        station.obey(order, "NotSupported")
    else:
        evse.unlock(order)


# --- the station -----------------------------------------------------------------------------------------------------


def _reset(station: Station, order: Order) -> None:
    station.obey(order, "Accepted")
    hard = order.payload["type"] == "Hard"
    reason = "HardReset" if hard else "SoftReset"
    if not hard:
        for evse in station.evses:
            evse.end(reason, "remote", order.message_id)
    # Long enough for the answer (and, if soft, for the stops) to leave.
    station.after(station.rng.uniform(0.3, 0.6) + (0.0 if hard else 1.0), lambda: station.reboot(reason))


def _change_availability(station: Station, order: Order) -> None:
    operative = order.payload["type"] == "Operative"
    connector = order.whole("connectorId")
    if connector == 0:
        station.set_operative(operative)
        words = [evse.set_operative(operative) for evse in station.evses]
        station.obey(order, "Scheduled" if "Scheduled" in words else "Accepted")
        return
    evse = station.evse(connector)
    station.obey(order, "Rejected" if evse is None else evse.set_operative(operative))


def _trigger(station: Station, order: Order) -> None:
    message, connector = order.payload["requestedMessage"], order.whole("connectorId")
    known = connector is None or 0 <= connector <= len(station.evses)
    if message not in ("BootNotification", "Heartbeat", "StatusNotification", "MeterValues"):
        station.obey(order, "NotImplemented")
    elif not known:
        station.obey(order, "Rejected")
    else:
        station.obey(order, "Accepted")
        station.talk.triggered(message, connector)


def _change_configuration(station: Station, order: Order) -> None:
    name, value = order.payload["key"], order.payload["value"]
    word = station.configuration.change(name, value)
    station.obey(order, word)
    if word == "Accepted":
        station.talk.configured(name)


def _get_configuration(station: Station, order: Order) -> None:
    keys = station.configuration.keys
    asked = dict.fromkeys(order.payload.get("key") or keys)
    found = [
        {"key": name, "readonly": keys[name].readonly, "value": keys[name].value} for name in asked if name in keys
    ]
    answer: dict[str, Any] = {"configurationKey": found}
    if unknown := [name for name in asked if name not in keys]:
        answer["unknownKey"] = unknown
    station.obey(order, "Accepted", answer)


def _clear_cache(station: Station, order: Order) -> None:
    station.talk.known_tags.clear()
    station.obey(order, "Accepted")


def _data_transfer(station: Station, order: Order) -> None:
    station.obey(order, "Accepted" if order.payload["vendorId"] == station.spec.vendor else "UnknownVendorId")


ACTIONS: dict[str, Callable[[Station, Order], None]] = {
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": _clear_cache,
    "DataTransfer": _data_transfer,
    "GetConfiguration": _get_configuration,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "Reset": _reset,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
}
"""What the station does for each action."""
