"""Transactions as the station makes them: numbered events, from Started to Ended, none left out.

A transaction starts when a session begins (TxStartPoint PowerPathClosed) or, with `StationSpec.start_point` "plugged",
when a cable is put in (EVConnected). It ends when the cable is out (TxStopPoint EVConnected), and a session that began
meanwhile belongs to it; or, with `stop_point` "stopped", with its session (PowerPathClosed). What ends a session by
force (a fault, a reset, a loss of power) ends the transaction in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from interlock.simulator.circumstances import Circumstances
from interlock.simulator.ocppj.outbox import Entry
from interlock.simulator.session import EndReason, Reading
from interlock.simulator.v201 import messages
from interlock.simulator.v201.messages import Token


class Cause(NamedTuple):
    """Why something happened: a triggerReason, and the stoppedReason it means for a transaction."""

    trigger: str
    stopped: str


CAUSES: dict[EndReason, Cause] = {
    "local": Cause("StopAuthorized", "Local"),
    "remote": Cause("RemoteStop", "Remote"),
    "unplugged": Cause("EVCommunicationLost", "EVDisconnected"),
    "unlock": Cause("UnlockCommand", "Other"),
    "reset": Cause("ResetCommand", "ImmediateReset"),
    "hard reset": Cause("ResetCommand", "ImmediateReset"),
    "reboot": Cause("AbnormalCondition", "Reboot"),
    "power loss": Cause("AbnormalCondition", "PowerLoss"),
    "deauthorized": Cause("Deauthorized", "DeAuthorized"),
    "other": Cause("AbnormalCondition", "Other"),
}
"""What the end of a session is called."""

STOPPED = ("local", "remote", "deauthorized", "unlock")
"""Ends of a session that a driver or an operator asked for: the vehicle is still connected."""

FAULTS = {"GroundFailure": "GroundFault", "OverCurrentFailure": "OvercurrentFault"}
"""The stoppedReason of a transaction that a fault ended, where it has one of its own."""


def charging_state(circumstances: Circumstances) -> str:
    """Return the chargingState of an EVSE with a transaction."""
    if not circumstances.plugged:
        return "Idle"
    if not circumstances.charging:
        return "EVConnected"
    if circumstances.suspended_by_station:
        return "SuspendedEVSE"
    return "SuspendedEV" if circumstances.suspended_by_vehicle else "Charging"


class Event(Entry):
    """A TransactionEvent in the queue. It is marked as offline if it had not been sent when there was no connection."""

    __slots__ = ("_sent", "kind", "offline", "transaction")

    def __init__(self, transaction: Transaction, kind: str, body: str) -> None:
        super().__init__("TransactionEvent", body, durable=True, expendable=kind == "Updated")
        self.transaction, self.kind = transaction, kind
        self.offline = False
        self._sent = False

    def payload(self) -> str:
        """Write the payload; once it was sent it does not change any more."""
        self._sent = True
        return f'{self.body[:-1]},"offline":true}}' if self.offline else self.body

    def went_offline(self) -> None:
        """Note that the station has no connection while this waits (E04.FR.03, E12.FR.02)."""
        if not self._sent:
            self.offline = True


@dataclass(slots=True)
class Transaction:
    """One transaction. `seq_no` is the number of its next event."""

    transaction_id: str
    evse: int
    connector: int
    token: Token | None
    """The token that it was last authorized with."""
    began: dict[str, Any]
    """The reading at its start, as a MeterValue."""
    seq_no: int = 0
    charging_state: str = ""
    """The one reported last."""
    stopped: str | None = None
    """Why its last session was stopped."""

    def event(
        self,
        kind: str,
        trigger: str,
        at: str,
        *,
        state: str | None = None,
        readings: list[dict[str, Any]] | None = None,
        token: Token | None = None,
        remote_start_id: int | None = None,
        stopped: str | None = None,
    ) -> Event:
        """Make its next event."""
        info: dict[str, Any] = {"transactionId": self.transaction_id}
        if state is not None:
            info["chargingState"] = self.charging_state = state
        if remote_start_id is not None:
            info["remoteStartId"] = remote_start_id
        if stopped is not None:
            info["stoppedReason"] = stopped
        body: dict[str, Any] = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": trigger,
            "seqNo": self.seq_no,
            "transactionInfo": info,
            "evse": {"id": self.evse, "connectorId": self.connector},
        }
        if token is not None:
            body["idToken"] = messages.token(token)
        if readings:
            body["meterValue"] = readings
        self.seq_no += 1
        return Event(self, kind, messages.text(body))


def unknown_end(transaction_id: str, reading: Reading, at: str) -> str:
    """Write the Ended event of a transaction that the CSMS never knew."""
    return messages.text(
        {
            "eventType": "Ended",
            "timestamp": at,
            "triggerReason": "StopAuthorized",
            "seqNo": 7,
            "transactionInfo": {"transactionId": transaction_id, "stoppedReason": "Local"},
            "meterValue": [messages.meter_value(reading, at, "Transaction.End")],
        }
    )
