"""States a case may need, each with the path that reaches it and with how a recording shows that it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.scenarios.cases.language import PRESENT, TAG, TX, Answered, C, Hand, In, Item, Ref, Say, Sent

ACCEPTED = {"status": "Accepted"}
TAG_ACCEPTED = {"idTagInfo": ACCEPTED}


class Told(Protocol):
    """A frame of an exchange."""

    ours: bool
    kind: int
    action: str
    payload: Any

    @property
    def answer(self) -> Any:
        """Its answer."""


@dataclass(frozen=True, slots=True)
class State:
    """`holds` returns what is bound where a recording is in that state, or None where it is not."""

    name: str
    path: tuple[Item, ...]
    holds: Callable[[Sequence[Told]], dict[str, Any] | None]


def _always(_: Sequence[Told]) -> dict[str, Any] | None:
    return {}


def _charging(frames: Sequence[Told]) -> dict[str, Any] | None:
    """Return the connector, tag and transaction that run last."""
    running: dict[Any, dict[str, Any]] = {}
    for frame in frames:
        if frame.kind != 2 or frame.answer is None or frame.answer.kind != 3:
            continue
        if frame.action == "StartTransaction":
            number = frame.answer.payload.get("transactionId")
            running[number] = {
                "connector": frame.payload.get("connectorId"),
                "tag": frame.payload.get("idTag"),
                "transaction": number,
            }
        elif frame.action == "StopTransaction":
            running.pop(frame.payload.get("transactionId"), None)
    return list(running.values())[-1] if running else None


def status(word: Any, connector: Any = C, **more: Any) -> Sent:
    """Return the expectation of a StatusNotification."""
    return Sent("StatusNotification", {"connectorId": connector, "status": word}, **more)


START = Sent(
    "StartTransaction",
    {"connectorId": C, "idTag": TAG, "meterStart": PRESENT, "timestamp": PRESENT},
    given={"transactionId": TX, "idTagInfo": ACCEPTED},
)
"""A station begins a transaction, and gets its number."""
REMOTE_START = (
    Say("RemoteStartTransaction", {"connectorId": C, "idTag": TAG}),
    Answered("RemoteStartTransaction", ACCEPTED),
)

_plugged = (Hand("plug"), status("Preparing"))

STATES: dict[str, State] = {
    one.name: one
    for one in (
        State("idle", (), _always),
        State("plugged", _plugged, _always),
        State("charging", (*_plugged, *REMOTE_START, START, status("Charging")), _charging),
        State("reserved", (
            Say("ReserveNow", {
                "connectorId": C, "idTag": TAG, "reservationId": Ref("reservation"), "expiryDate": In(3600),
            }),
            Answered("ReserveNow", ACCEPTED),
            status("Reserved"),
        ), _always),
        State("unavailable", (
            Say("ChangeAvailability", {"connectorId": C, "type": "Inoperative"}),
            Answered("ChangeAvailability", ACCEPTED),
            status("Unavailable"),
        ), _always),
        State("faulted", (Hand("fault"), status("Faulted")), _always),
        # The tester is the station: it sends what a station sends, which the CSMS must accept.
        State("booted", (), _always),
        State("session", (
            Say("StatusNotification", {"connectorId": C, "errorCode": "NoError", "status": "Preparing"}),
            Answered("StatusNotification"),
            Say("Authorize", {"idTag": TAG}),
            Answered("Authorize", TAG_ACCEPTED),
            Say("StartTransaction", {
                "connectorId": C, "idTag": TAG, "meterStart": 0, "timestamp": In(0),
            }),
            Answered("StartTransaction", {"transactionId": TX, "idTagInfo": ACCEPTED}),
            Say("StatusNotification", {"connectorId": C, "errorCode": "NoError", "status": "Charging"}),
            Answered("StatusNotification"),
        ), _charging),
    )
}  # fmt: skip
"""Every state by name."""
