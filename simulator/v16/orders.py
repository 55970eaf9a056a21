"""What a station does when an OCPP 1.6 CSMS calls: one function per action, found by its name in `ORDERS`.

Each decides, has the effect begin, and records with `ORDERS.answer` the status word it gives, at the moment it acts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.orders import Order, Orders

if TYPE_CHECKING:
    from interlock.simulator.v16.controller import Controller


# --- starting and stopping -------------------------------------------------------------------------------------------


def _remote_start(controller: Controller, order: Order) -> None:
    station = controller.station
    evse = _evse_to_start(controller, order.whole("connectorId"))
    id_tag: str = order.payload["idTag"]
    asks = controller.configuration.truth("AuthorizeRemoteTxRequests")
    # A tag that is asked for may turn out to be of the group that the connector is reserved for.
    if (
        evse is None
        or not id_tag
        or evse.refuses_start()
        or (evse.busy and station.second_start == "reject")
        or not (asks or controller.reservations.admits(evse, id_tag))
        or not _takes_profile(controller, order)
    ):
        ORDERS.answer(controller, order, "Rejected")
        return
    ORDERS.answer(controller, order, "Accepted")
    if not station.spec.persona.starts:
        return
    evse.end("other", "remote", order.message_id)
    if not asks:
        evse.expect(id_tag, order.message_id)
        return

    def authorized(accepted: bool) -> None:
        if accepted and evse.session is None and not evse.refuses_start():
            evse.expect(id_tag, order.message_id)

    controller.authorize(evse, id_tag, authorized)


def _evse_to_start(controller: Controller, connector: int | None) -> Evse | None:
    station = controller.station
    if connector is not None:
        return station.evse(connector)
    for evse in station.evses:
        if not evse.busy and not evse.refuses_start() and not evse.reserved:
            return evse
    return None


def _takes_profile(controller: Controller, order: Order) -> bool:
    """Tell whether a remote start's charging profile, if it has one, may be: it is ignored without the feature."""
    profile = order.payload.get("chargingProfile")
    if profile is None or SMART not in controller.station.spec.features:
        return True
    return controller.profiles.await_start(order.message_id, profile)


def _remote_stop(controller: Controller, order: Order) -> None:
    wanted = order.whole("transactionId")
    for evse in controller.station.evses:
        if evse.session is not None and evse.session.transaction_id == wanted:
            ORDERS.answer(controller, order, "Accepted")
            evse.end("remote", "remote", order.message_id)
            return
    ORDERS.answer(controller, order, "Rejected")


def _unlock(controller: Controller, order: Order) -> None:
    evse = controller.station.evse(order.whole("connectorId"))
    if evse is None:
        ORDERS.answer(controller, order, "NotSupported")
        return

    def moved(opened: bool) -> None:
        ORDERS.answer(controller, order, "Unlocked" if opened else "UnlockFailed")

    evse.unlock(order.message_id, moved)


# --- the station -----------------------------------------------------------------------------------------------------


def _reset(controller: Controller, order: Order) -> None:
    station = controller.station
    ORDERS.answer(controller, order, "Accepted")
    hard = order.payload["type"] == "Hard"
    if not hard:
        for evse in station.evses:
            evse.end("reset", "remote", order.message_id)
    # Long enough for the answer (and, if soft, for the stops) to leave.
    pause_s = station.rng.uniform(0.3, 0.6) + (0.0 if hard else 1.0)
    if hard:
        station.after(pause_s, lambda: station.reboot("HardReset", "hard reset"))
    else:
        station.after(pause_s, lambda: station.reboot("SoftReset", "reset"))


def _change_availability(controller: Controller, order: Order) -> None:
    station, operative = controller.station, order.payload["type"] == "Operative"
    connector = order.whole("connectorId")
    if connector == 0:
        station.set_operative(operative)
        done = [evse.set_operative(operative) for evse in station.evses]
        ORDERS.answer(controller, order, "Accepted" if all(done) else "Scheduled")
        return
    evse = station.evse(connector)
    if evse is None:
        ORDERS.answer(controller, order, "Rejected")
    else:
        ORDERS.answer(controller, order, "Accepted" if evse.set_operative(operative) else "Scheduled")


def _trigger(controller: Controller, order: Order) -> None:
    message, connector = order.payload["requestedMessage"], order.whole("connectorId")
    send = TRIGGERED.get(message)
    if send is None or (message in FILES and FIRMWARE not in controller.station.spec.features):
        ORDERS.answer(controller, order, "NotImplemented")
    elif connector is not None and not 0 <= connector <= len(controller.station.evses):
        ORDERS.answer(controller, order, "Rejected")
    else:
        ORDERS.answer(controller, order, "Accepted")
        send(controller, connector)


def _send_boot(controller: Controller, connector: int | None) -> None:
    controller.conversation.registration.boot()


def _send_heartbeat(controller: Controller, connector: int | None) -> None:
    controller.conversation.registration.heartbeat_on_demand()


def _send_statuses(controller: Controller, connector: int | None) -> None:
    early = not controller.conversation.registered
    for status in controller.statuses():
        if connector in (None, status.number):
            controller.conversation.report_now(status, early)


def _send_readings(controller: Controller, connector: int | None) -> None:
    for evse in controller.station.evses:
        if connector in (None, 0, evse.number):
            controller.sample(evse, "Trigger")


TRIGGERED: dict[str, Callable[[Controller, int | None], None]] = {
    "BootNotification": _send_boot,
    "DiagnosticsStatusNotification": lambda controller, _: controller.files.send_diagnostics(),
    "FirmwareStatusNotification": lambda controller, _: controller.files.send_firmware(),
    "Heartbeat": _send_heartbeat,
    "LogStatusNotification": lambda controller, _: controller.files.send_log(),
    "MeterValues": _send_readings,
    "StatusNotification": _send_statuses,
}
"""What a TriggerMessage may ask for."""


def _change_configuration(controller: Controller, order: Order) -> None:
    asked, value = order.payload["key"], order.payload["value"]
    status = controller.configuration.change(asked, value)
    ORDERS.answer(controller, order, status)
    if status == "Accepted":
        controller.configured(controller.configuration.name(asked) or asked)


def _get_configuration(controller: Controller, order: Order) -> None:
    keys = controller.configuration.keys
    asked = dict.fromkeys(order.payload.get("key") or keys)
    names = {one: controller.configuration.name(one) for one in asked}
    found = [
        {"key": name, "readonly": keys[name].readonly, "value": keys[name].value}
        for name in dict.fromkeys(names.values())
        if name is not None
    ]
    answer: dict[str, Any] = {"configurationKey": found}
    if unknown := [one for one, name in names.items() if name is None]:
        answer["unknownKey"] = unknown
    ORDERS.answer(controller, order, "Accepted", answer)


def _clear_cache(controller: Controller, order: Order) -> None:
    ORDERS.answer(controller, order, controller.clear_cache())


# --- reservations, local list, charging profiles, files --------------------------------------------------------------


def _get_list_version(controller: Controller, order: Order) -> None:
    enabled = controller.configuration.truth("LocalAuthListEnabled")
    ORDERS.answer(controller, order, "Accepted", {"listVersion": controller.local_list.version if enabled else -1})


def _send_local_list(controller: Controller, order: Order) -> None:
    if not controller.configuration.truth("LocalAuthListEnabled"):
        ORDERS.answer(controller, order, "NotSupported")
    elif controller.station.error == "LocalListConflict":
        ORDERS.answer(controller, order, "Failed")
    else:
        ORDERS.answer(controller, order, controller.local_list.update(order))


def _get_composite(controller: Controller, order: Order) -> None:
    answer = controller.profiles.composite(order)
    ORDERS.answer(controller, order, answer["status"], answer)


def _get_diagnostics(controller: Controller, order: Order) -> None:
    name = controller.files.upload_diagnostics(order.payload["location"])
    ORDERS.answer(controller, order, "Accepted", {"fileName": name})


def _get_log(controller: Controller, order: Order) -> None:
    request, location = order.whole("requestId") or 0, order.payload["log"]["remoteLocation"]
    word, name = controller.files.upload_log(request, location)
    ORDERS.answer(controller, order, word, {"status": word, "filename": name})


def _signed_update(controller: Controller, order: Order) -> None:
    station, firmware = controller.station, order.payload["firmware"]
    if controller.files.firmware != "Idle":
        ORDERS.answer(controller, order, "Rejected")
        return
    in_s = station.clock.until(firmware["retrieveDateTime"], station.env.now) or 0.0
    request = order.whole("requestId") or 0
    controller.files.update_firmware(firmware["location"], in_s, request, firmware["signature"])
    ORDERS.answer(controller, order, "Accepted")


def _update_firmware(controller: Controller, order: Order) -> None:
    station = controller.station
    in_s = station.clock.until(order.payload["retrieveDate"], station.env.now) or 0.0
    controller.files.update_firmware(order.payload["location"], in_s)
    ORDERS.answer(controller, order, "Accepted", {})


def _data_transfer(controller: Controller, order: Order) -> None:
    known = order.payload["vendorId"] == controller.station.spec.vendor
    ORDERS.answer(controller, order, "Accepted" if known else "UnknownVendorId")


FIRMWARE, SMART, SECURITY = "FirmwareManagement", "SmartCharging", "Security"
FILES = frozenset(("DiagnosticsStatusNotification", "FirmwareStatusNotification"))
FEATURES = {
    "CancelReservation": "Reservation",
    "ClearChargingProfile": SMART,
    "GetCompositeSchedule": SMART,
    "ExtendedTriggerMessage": SECURITY,
    "GetDiagnostics": FIRMWARE,
    "GetLog": SECURITY,
    "GetLocalListVersion": "LocalAuthListManagement",
    "ReserveNow": "Reservation",
    "SendLocalList": "LocalAuthListManagement",
    "SetChargingProfile": SMART,
    "SignedUpdateFirmware": SECURITY,
    "TriggerMessage": "RemoteTrigger",
    "UpdateFirmware": FIRMWARE,
}
"""The feature profile that an action belongs to, where that is not Core (1.6 section 3.2)."""

ORDERS: Orders[Controller] = Orders(
    {
        "CancelReservation": lambda controller, order: ORDERS.answer(
            controller, order, controller.reservations.cancel(order.whole("reservationId"))
        ),
        "ChangeAvailability": _change_availability,
        "ChangeConfiguration": _change_configuration,
        "ClearCache": _clear_cache,
        "ClearChargingProfile": lambda controller, order: ORDERS.answer(
            controller, order, controller.profiles.clear(order)
        ),
        "DataTransfer": _data_transfer,
        "GetCompositeSchedule": _get_composite,
        "GetConfiguration": _get_configuration,
        "ExtendedTriggerMessage": _trigger,
        "GetDiagnostics": _get_diagnostics,
        "GetLog": _get_log,
        "GetLocalListVersion": _get_list_version,
        "RemoteStartTransaction": _remote_start,
        "RemoteStopTransaction": _remote_stop,
        "ReserveNow": lambda controller, order: ORDERS.answer(
            controller, order, controller.reservations.reserve(order)
        ),
        "Reset": _reset,
        "SendLocalList": _send_local_list,
        "SetChargingProfile": lambda controller, order: ORDERS.answer(
            controller, order, controller.profiles.set(order)
        ),
        "SignedUpdateFirmware": _signed_update,
        "TriggerMessage": _trigger,
        "UnlockConnector": _unlock,
        "UpdateFirmware": _update_firmware,
    },
    moving=frozenset(
        (
            "CancelReservation",
            "ChangeAvailability",
            "RemoteStartTransaction",
            "RemoteStopTransaction",
            "ReserveNow",
            "Reset",
            "UnlockConnector",
        )
    ),
    prompt=frozenset(("Reset",)),
)
"""What the station does for each action."""
