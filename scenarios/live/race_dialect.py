"""Every command that the operator's side can carry, one after the other to one station, with odd values.

Connector 0, members that are zero or left out, nested lists, signs beyond ASCII: what leaves has to be what was asked
for, member by member (R20), under message ids of its own (W06), and what the station answers is on record (R24). What
the CSMS refuses to send is its own affair. Here are the commands of OCPP 1.6; `race_dialect_201` has those of 2.0.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from interlock.csms.domain import commands as do
from interlock.scenarios.live import race_dialect_201
from interlock.scenarios.live.line import Line
from interlock.scenarios.live.race_orders import LEAVES_S, Place, ask, settle
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.race_session import Session
from interlock.scenarios.record.frames import Frame
from interlock.scenarios.record.versions import names
from interlock.scenarios.targets.target import TargetGone

REFUSALS = {
    **dict.fromkeys(names("ChangeAvailability ChangeConfiguration ClearCache Reset ReserveNow"), "Rejected"),
    **dict.fromkeys(
        names("CancelReservation RemoteStartTransaction RemoteStopTransaction SetChargingProfile"), "Rejected"
    ),
    "ClearChargingProfile": "Unknown",
    "SendLocalList": "Failed",
    "UnlockConnector": "UnlockFailed",
}
"""How the second station refuses."""
RARE = {
    "ChangeConfiguration": "RebootRequired",
    "ReserveNow": "Occupied",
    "SendLocalList": "VersionMismatch",
    "SetChargingProfile": "NotSupported",
    "TriggerMessage": "NotImplemented",
}
"""How the third station answers these: each a yes or a no in another word. It is asked for nothing else."""
WORDS: dict[str, Mapping[str, str]] = {"DIALECT1": {}, "DIALECT2": REFUSALS, "DIALECT3": RARE}
MOST_SILENT = 2
"""Commands that never left, after which a station is asked for no more."""

Ordered = tuple[str, do.Command]


async def dialect(session: Session) -> None:
    """Ask for all of them at a station that obeys and at one that refuses, and for some at one with rare words."""
    target = session.target
    if target is None:
        return
    for name, words in WORDS.items():
        if words is RARE and session.ocpp != "1.6":
            continue
        line = session.line(name)
        place = _Place(session, line, "once")
        place.words = words
        line.answers = place.answer
        if not await session.arrive(line):
            return
        for connector in (1, 2):
            free = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
            await session.call(line, "StatusNotification", free)
        await _visit(session, line)
        try:
            wanted = (orders if session.ocpp == "1.6" else race_dialect_201.orders)(line.now())
            asked = [one for one in wanted if one[0] in target.commands]
            await _all(
                session, place, [one for one in asked if words is not RARE or session.worded(one[1])[0] in words]
            )
        except TargetGone as error:
            session.observe("control.failed", station=line.station, why=str(error))
        line.close()


async def _visit(session: Session, line: Line) -> None:
    """Let somebody charge: what is asked for behind it names other cards and connectors."""
    card, alone = session.cards.one(1)
    async with alone:
        reply = await session.call(line, "StartTransaction", start_of(line, card, 1, 9000))
        number = reply.field("transactionId")
        if type(number) is int:
            await session.call(line, "StopTransaction", stop_of(line, number, 9100, card))


class _Place(Place):
    """A station that refuses with each action's own word."""

    words: Mapping[str, str] = MappingProxyType({})

    def answer(self, frame: Frame) -> dict[str, Any] | None:
        """Answer a CALL."""
        known = Place.answer(self, frame)
        if self.line.ocpp != "1.6":
            return race_dialect_201.answer(frame, refusing=self.words is REFUSALS) or known
        word = self.words.get(frame.action)
        return {"status": word} if word is not None else known


async def _all(session: Session, place: _Place, wanted: list[Ordered]) -> None:
    silent = 0
    for number, (_, command) in enumerate(wanted):
        if not place.line.up or silent >= MOST_SILENT:
            return
        action, payload = session.worded(command)
        if action == "CancelReservation":
            command = do.Relay(action, _reserved(place, payload))
        before, request = place.count(action), f"{place.line.station}-{number}"
        asked = await ask(session, place, command, request)
        if asked.answer not in ("accepted", "known"):
            continue
        there = await place.hears(action, before, LEAVES_S)
        about = {"station": place.line.station, "request_id": request, "action": action}
        session.observe("left", **about, there=there, up=place.line.up)
        session.deed("dialect", "a command left" if there else "a command did not leave", place.line.station)
        silent += not there
        await settle(session, place, command, request, asked.command_id)


def _reserved(place: Place, payload: dict[str, Any]) -> dict[str, Any]:
    """Return what cancels the reservation that was made: its number may be the CSMS's own."""
    name = "reservationId" if place.line.ocpp == "1.6" else "id"
    made = [frame.field(name) for frame in place.called if frame.action == "ReserveNow"]
    return {"reservationId": made[-1]} if made and type(made[-1]) is int else payload


def orders(now: datetime) -> Iterator[Ordered]:
    """Return each command with the name under which it is asked for; `now` is the station's time, in UTC."""
    yield from (("ChangeAvailability", do.ChangeAvailability(0, works)) for works in (False, True))
    yield "Probe", do.Probe(2)
    yield "Unlock", do.Unlock(2)
    soon = (now + timedelta(minutes=20)).isoformat(timespec="seconds").replace("+00:00", "Z")
    for action, payload in _relayed(soon):
        yield "Relay", do.Relay(action, payload)
    yield "Relay", do.Relay("RemoteStartTransaction", {"idTag": "X-ANYWHERE"})
    yield "RemoteStart", do.RemoteStart(1, "X-DIALECT")
    yield "Reset", do.Reset(False)  # the last: behind it a CSMS may wait for a boot


def _relayed(soon: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}
    yield "TriggerMessage", {"requestedMessage": "Heartbeat"}
    yield "GetConfiguration", {"key": ["HeartbeatInterval", "MeterValuesSampledData"]}
    yield "GetConfiguration", {}
    yield "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "0"}
    yield "ChangeConfiguration", {"key": "Greeting", "value": 'Grüß Gott, "1" \\ <2>'}
    yield "DataTransfer", {"vendorId": "org.example", "messageId": "Ünit", "data": '{"limit": 0, "on": false}'}
    yield "GetLocalListVersion", {}
    cards: list[dict[str, Any]] = [
        {"idTag": "LIST-1", "idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}},
        {"idTag": "LIST-2", "idTagInfo": {"status": "Blocked", "expiryDate": soon}},
    ]
    yield "SendLocalList", {"listVersion": 7, "updateType": "Full", "localAuthorizationList": cards}
    gone = [{"idTag": "LIST-2"}]
    yield "SendLocalList", {"listVersion": 8, "updateType": "Differential", "localAuthorizationList": gone}
    reservation = {"connectorId": 2, "expiryDate": soon, "idTag": "X-RESERVES", "parentIdTag": "FAMILY"}
    yield "ReserveNow", {**reservation, "reservationId": 4711}
    yield "CancelReservation", {"reservationId": 4711}
    yield "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": _profile(soon)}
    yield "GetCompositeSchedule", {"connectorId": 0, "duration": 600, "chargingRateUnit": "W"}
    yield "ClearChargingProfile", {"connectorId": 0, "stackLevel": 0}
    yield "ClearChargingProfile", {}
    yield "GetDiagnostics", {"location": "ftp://127.0.0.1/diagnostics", "retries": 0}


def _profile(soon: str) -> dict[str, Any]:
    periods = [{"startPeriod": 0, "limit": 16.5}, {"startPeriod": 3600, "limit": 0.0, "numberPhases": 1}]
    return {
        "chargingProfileId": 31,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": soon,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": periods,
            "minChargingRate": 6.1,
        },
    }
