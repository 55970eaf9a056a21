"""What a station does when an OCPP 2.0.1 CSMS calls: one function per action, found by its name in `ORDERS`.

Each decides, has the effect begin, and records with `ORDERS.answer` the status word it gives, at the moment it acts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from interlock.simulator.evse import Evse
from interlock.simulator.ocppj.orders import Order, Orders, whole
from interlock.simulator.v201.messages import NOT_ASKED_FOR, Token
from interlock.simulator.v201.sessions import RemoteStart
from interlock.simulator.v201.variables import ITEMS_PER_MESSAGE

if TYPE_CHECKING:
    from interlock.simulator.v201.controller import Controller

# --- starting and stopping -------------------------------------------------------------------------------------------


def _request_start(controller: Controller, order: Order) -> None:
    station, payload = controller.station, order.payload
    evse = _evse_to_start(controller, order.whole("evseId"))
    token = Token(payload["idToken"]["idToken"], payload["idToken"]["type"])
    remote_start_id = order.whole("remoteStartId")
    if (
        not controller.conversation.registered  # B02.FR.05
        or evse is None
        or remote_start_id is None
        or evse.refuses_start()
        or (evse.busy and station.second_start == "reject")  # F01.FR.24
    ):
        ORDERS.answer(controller, order, "Rejected")
        return
    answer = {"status": "Accepted"}
    open_one = controller.sessions.open_at(evse)
    if open_one is not None and evse.session is None:
        answer["transactionId"] = open_one.transaction_id  # F01.FR.13: the one it will go on with
    ORDERS.answer(controller, order, "Accepted", answer)
    if not station.spec.persona.starts:
        return
    evse.end("other", "remote", order.message_id)

    def expect(accepted: bool) -> None:
        if accepted and evse.session is None and not evse.refuses_start():
            controller.sessions.expect(evse, RemoteStart(order.message_id, remote_start_id, token))
            evse.expect(token.id_token, order.message_id)

    if controller.model.truth("AuthCtrlr", "AuthorizeRemoteStart") and token.kind not in NOT_ASKED_FOR:
        controller.authorize(evse, token.id_token, expect)
    else:
        expect(True)


def _evse_to_start(controller: Controller, evse_id: int | None) -> Evse | None:
    station = controller.station
    if evse_id is not None:
        return station.evse(evse_id)
    return next((evse for evse in station.evses if not evse.busy and not evse.refuses_start()), None)


def _request_stop(controller: Controller, order: Order) -> None:
    wanted = order.payload["transactionId"]
    for evse, transaction in controller.sessions.open():
        if transaction.transaction_id == wanted and controller.conversation.registered:
            ORDERS.answer(controller, order, "Accepted")
            if evse.session is not None:
                evse.end("remote", "remote", order.message_id)
            else:
                controller.sessions.stopped(transaction, "RemoteStop")
            return
    ORDERS.answer(controller, order, "Rejected")


def _transaction_status(controller: Controller, order: Order) -> None:
    wanted = order.payload.get("transactionId")
    answer: dict[str, Any] = {"messagesInQueue": controller.sessions.has_queued(wanted)}
    if wanted is not None:
        answer["ongoingIndicator"] = any(one.transaction_id == wanted for _, one in controller.sessions.open())
    ORDERS.answer(controller, order, "Accepted", answer)


def _unlock(controller: Controller, order: Order) -> None:
    evse, connector = controller.station.evse(order.whole("evseId")), order.whole("connectorId")
    if evse is None or connector is None or not 1 <= connector <= len(evse.locks):
        ORDERS.answer(controller, order, "UnknownConnector")
        return
    if evse.session is not None and evse.connector == connector:
        ORDERS.answer(controller, order, "OngoingAuthorizedTransaction")  # F05.FR.02
        return

    def moved(opened: bool) -> None:
        ORDERS.answer(controller, order, "Unlocked" if opened else "UnlockFailed")
        transaction = controller.sessions.open_at(evse)
        if opened and transaction is not None and transaction.connector == connector:
            controller.sessions.update(evse, "UnlockCommand", "Other")

    evse.unlock(order.message_id, moved, connector)


# --- the station -----------------------------------------------------------------------------------------------------


def _reset(controller: Controller, order: Order) -> None:
    station = controller.station
    if "evseId" in order.payload:
        ORDERS.answer(controller, order, "Rejected")  # EVSE.AllowReset is false (B11.FR.09, B12.FR.09)
        return
    # Long enough for the answer and the last events to leave.
    pause_s = station.rng.uniform(0.3, 0.6) + 1.0
    if order.payload["type"] == "OnIdle" and not controller.sessions.none_open:

        def reset() -> None:
            station.after(pause_s, lambda: controller.reset("OnIdle", "ScheduledReset"))

        controller.reset_when_idle = reset
        ORDERS.answer(controller, order, "Scheduled")
        return
    ORDERS.answer(controller, order, "Accepted")
    for evse in station.evses:
        evse.end("reset", "remote", order.message_id)
    controller.sessions.end_all("reset")
    station.after(pause_s, lambda: controller.reset(order.payload["type"], "RemoteReset"))


def _change_availability(controller: Controller, order: Order) -> None:
    station, place = controller.station, order.payload.get("evse")
    operative = order.payload["operationalStatus"] == "Operative"
    if place is None:
        station.set_operative(operative)
        done = [controller.set_operative(evse, operative) for evse in station.evses]
        ORDERS.answer(controller, order, "Accepted" if all(done) else "Scheduled")
        return
    evse, connector = station.evse(whole(place["id"])), whole(place.get("connectorId", 1))
    # Connectors of one EVSE have no availability of their own here.
    if evse is None or connector != 1 or ("connectorId" in place and len(evse.locks) > 1):
        ORDERS.answer(controller, order, "Rejected")
    else:
        done_now = controller.set_operative(evse, operative)
        ORDERS.answer(controller, order, "Accepted" if done_now else "Scheduled")


def _clear_cache(controller: Controller, order: Order) -> None:
    if not controller.model.truth("AuthCacheCtrlr", "Enabled"):
        ORDERS.answer(controller, order, "Rejected")  # C11.FR.04
        return
    controller.known_tokens.clear()
    ORDERS.answer(controller, order, "Accepted")


def _data_transfer(controller: Controller, order: Order) -> None:
    known = order.payload["vendorId"] == controller.station.spec.vendor
    ORDERS.answer(controller, order, "Accepted" if known else "UnknownVendorId")


# --- messages that are asked for -------------------------------------------------------------------------------------


def _trigger(controller: Controller, order: Order) -> None:
    message, place = order.payload["requestedMessage"], order.payload.get("evse") or {}
    send = TRIGGERED.get(message)
    if send is None:
        ORDERS.answer(controller, order, "NotImplemented")
        return
    evse = controller.station.evse(whole(place.get("id")))
    if place and evse is None and message not in ("BootNotification", "Heartbeat"):
        ORDERS.answer(controller, order, "Rejected")
        return
    if message == "BootNotification" and controller.conversation.registered:
        ORDERS.answer(controller, order, "Rejected")  # F06.FR.17
        return
    if message == "StatusNotification" and (evse is None or whole(place.get("connectorId")) is None):
        ORDERS.answer(controller, order, "Rejected")  # F06.FR.12 and 13
        return
    ORDERS.answer(controller, order, "Accepted")
    send(controller, [evse] if evse is not None else controller.station.evses, whole(place.get("connectorId")))


def _send_boot(controller: Controller, evses: list[Evse], connector: int | None) -> None:
    controller.boot_on_demand()


def _send_heartbeat(controller: Controller, evses: list[Evse], connector: int | None) -> None:
    controller.conversation.registration.heartbeat_on_demand()


def _send_status(controller: Controller, evses: list[Evse], connector: int | None) -> None:
    for status in controller.statuses_of(evses[0]):
        if status.connector == connector:
            controller.conversation.report_now(status, early=not controller.conversation.registered)


def _send_events(controller: Controller, evses: list[Evse], connector: int | None) -> None:
    for evse in evses:
        controller.sessions.update(evse, "Trigger", "Trigger", with_state=True)


def _send_readings(controller: Controller, evses: list[Evse], connector: int | None) -> None:
    for evse in evses:
        controller.send_meter_values(evse, "Trigger")


TRIGGERED: dict[str, Callable[[Controller, list[Evse], int | None], None]] = {
    "BootNotification": _send_boot,
    "Heartbeat": _send_heartbeat,
    "MeterValues": _send_readings,
    "StatusNotification": _send_status,
    "TransactionEvent": _send_events,
}
"""What a TriggerMessage may ask for."""

# --- the device model ------------------------------------------------------------------------------------------------


def _get_variables(controller: Controller, order: Order) -> None:
    asked = order.payload["getVariableData"]
    if len(asked) > ITEMS_PER_MESSAGE:
        controller.conversation.link.refuse(
            order.message_id, "OccurrenceConstraintViolation", "too many items"
        )  # B06.FR.16
        return
    results = [controller.model.get(one) for one in asked]
    ORDERS.answer(controller, order, "Accepted", {"getVariableResult": results})


def _set_variables(controller: Controller, order: Order) -> None:
    asked = order.payload["setVariableData"]
    if len(asked) > ITEMS_PER_MESSAGE:
        controller.conversation.link.refuse(order.message_id, "OccurrenceConstraintViolation", "too many items")
        return
    results = [controller.model.set(one) for one in asked]
    ORDERS.answer(controller, order, "Accepted", {"setVariableResult": results})


def _base_report(controller: Controller, order: Order) -> None:
    writable_only = order.payload["reportBase"] == "ConfigurationInventory"
    if order.payload["reportBase"] == "SummaryInventory":
        ORDERS.answer(controller, order, "NotSupported")  # B07.FR.02
        return
    ORDERS.answer(controller, order, "Accepted")
    controller.send_report(order.whole("requestId") or 0, controller.model.report(writable_only=writable_only))


ORDERS: Orders[Controller] = Orders(
    {
        "ChangeAvailability": _change_availability,
        "ClearCache": _clear_cache,
        "DataTransfer": _data_transfer,
        "GetBaseReport": _base_report,
        "GetTransactionStatus": _transaction_status,
        "GetVariables": _get_variables,
        "RequestStartTransaction": _request_start,
        "RequestStopTransaction": _request_stop,
        "Reset": _reset,
        "SetVariables": _set_variables,
        "TriggerMessage": _trigger,
        "UnlockConnector": _unlock,
    },
    moving=frozenset(
        ("ChangeAvailability", "RequestStartTransaction", "RequestStopTransaction", "Reset", "UnlockConnector")
    ),
    prompt=frozenset(("Reset",)),
)
"""What the station does for each action."""
