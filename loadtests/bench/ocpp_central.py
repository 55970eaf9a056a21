"""The peer of the benches: the central system of the `ocpp` package as its own example shows it, nothing kept."""

from __future__ import annotations

from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action

AT = "2026-01-01T00:00:00.000Z"


class Central(ChargePoint):  # type: ignore[misc]
    """Answers every call of a charging session, always in the same words."""

    @on(Action.boot_notification)
    def _boot(self, **_: Any) -> Any:
        return call_result.BootNotification(AT, 300, "Accepted")

    @on(Action.heartbeat)
    def _heartbeat(self) -> Any:
        return call_result.Heartbeat(AT)

    @on(Action.status_notification)
    def _status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on(Action.start_transaction)
    def _start_transaction(self, **_: Any) -> Any:
        return call_result.StartTransaction(1, {"status": "Accepted"})

    @on(Action.meter_values)
    def _meter_values(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on(Action.stop_transaction)
    def _stop_transaction(self, **_: Any) -> Any:
        return call_result.StopTransaction()
