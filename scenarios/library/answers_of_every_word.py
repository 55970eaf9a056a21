"""A station answers commands with every word the standard has for them, and with every error.

What each means is in the log, in the station's own word and with all it said: some words are a yes though they are not
Accepted, two errors of 1.6 are a no, and an answer that comes a second time in other words stands beside the first.
"""

import json
from typing import Any

from interlock.csms.domain.commands import ChangeAvailability, Command, Relay, RemoteStart, Reserve, SetPassword, Unlock
from interlock.scenarios.spec import Scenario, Step, ask, step

_UNTIL = "2026-01-02T00:00:00Z"
_KEY = {"key": "HeartbeatInterval", "value": "60"}
_LIST = {"listVersion": 3, "updateType": "Full"}
_PROFILE = {
    "chargingProfileId": 3,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring",
    "chargingSchedule": {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000.0}]},
}
_LOADED = {"location": "http://files.example/f", "retrieveDate": _UNTIL}
WORDS: tuple[tuple[Command, Any], ...] = (
    (Relay("ChangeConfiguration", _KEY), "RebootRequired"),
    (Relay("ChangeConfiguration", _KEY), "NotSupported"),
    (Relay("ClearCache", {}), "Rejected"),
    (Unlock(1), "UnlockFailed"),
    (Unlock(2), "NotSupported"),
    (ChangeAvailability(1, True), "Scheduled"),
    (ChangeAvailability(2, True), "Rejected"),
    (Reserve(1, "TAG-DRIVER", 7, {"expiryDate": _UNTIL}), "Faulted"),
    (Reserve(2, "TAG-DRIVER", 8, {"expiryDate": _UNTIL, "parentIdTag": "GROUP"}), "Occupied"),
    (Reserve(0, "TAG-DRIVER", 9, {"expiryDate": _UNTIL}), "Unavailable"),
    (Reserve(1, "TAG-DRIVER", 9, {"expiryDate": _UNTIL}), "Accepted"),
    (RemoteStart(1, "TAG-OPERATOR"), "Rejected"),
    (Relay("CancelReservation", {"reservationId": 9}), "Rejected"),
    (Relay("SendLocalList", _LIST), "VersionMismatch"),
    (Relay("SendLocalList", _LIST), "Failed"),
    (Relay("GetLocalListVersion", {}), {"listVersion": 3}),
    (Relay("GetConfiguration", {}), {"configurationKey": [{"key": "k", "readonly": True, "value": "v"}]}),
    (Relay("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}), "NotImplemented"),
    (Relay("DataTransfer", {"vendorId": "v", "messageId": "m", "data": "d"}), {"status": "Accepted", "data": "yes"}),
    (Relay("DataTransfer", {"vendorId": "v"}), "UnknownMessageId"),
    (Relay("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": _PROFILE}), "NotSupported"),
    (Relay("ClearChargingProfile", {"id": 3}), "Unknown"),
    (Relay("GetCompositeSchedule", {"connectorId": 1, "duration": 60}), "Rejected"),
    (Relay("GetDiagnostics", {"location": "ftp://files.example/d"}), {"fileName": "d.zip"}),
    (Relay("UpdateFirmware", _LOADED), {}),
    (SetPassword("a-password-of-16+"), "Accepted"),
)
ERRORS = ("NotSupported", "NotImplemented", "InternalError", "GenericError", "FormationViolation", "ProtocolError")
SECONDS_EACH = 3.0


YES = ("Accepted", "Scheduled", "RebootRequired", "AcceptedCanceled", "EmptyResultSet", "NoProfiles")


def answered(command: Command, answer: Any, at: float, code: str = "") -> tuple[Step, Step]:
    """Lay down an answer (a status word, or a whole payload), and ask. A yes is one by its word, or one of a list."""
    payload = json.dumps({"status": answer} if isinstance(answer, str) else answer)
    yes = "tatus" not in payload or any(f'"{word}"' in payload for word in YES)
    does = "" if code else "Accepted" if yes else "Rejected"
    return step("answer_instead", at=at - 1.0, payload=payload, code=code, does=does), ask(command, at=at)


_SAID = tuple(one for n, pair in enumerate(WORDS) for one in answered(*pair, at=20.0 + SECONDS_EACH * n))
_WRONG = tuple(
    one
    for n, code in enumerate(ERRORS)
    for one in answered(Relay("ClearCache", {}), {}, at=120.0 + SECONDS_EACH * n, code=code)
)

SCENARIO = Scenario(
    name="answers-of-every-word",
    title="Every word, and every error, a station may answer a command with",
    covers="What a station answers is in the log as it was meant, with all it said.",
    absent_in=(("2.0.1", "its words are those of 1.6: answers-of-every-word-2-0-1 has the others"),),
    steps=(
        *_SAID,
        *_WRONG,
        *answered(Unlock(1), "UnlockFailed", at=150.0),
        step("answer_again", at=153.0, code="InternalError"),
        *answered(Relay("ClearCache", {}), "Rejected", at=160.0),
        step("answer_again", at=163.0, payload='{"status":"Accepted"}'),
        *answered(Relay("ClearCache", {}), {}, at=170.0, code="InternalError"),
        step("answer_again", at=173.0, payload='{"status":"Accepted"}', does="Accepted"),
        *answered(Relay("ClearCache", {}), {}, at=176.0, code="InternalError"),
        step("answer_again", at=420.0, payload='{"status":"Rejected"}'),
    ),
    retold=("spaced", "escaped", "reordered"),
    fiction=True,
    faults_s=440.0,
    quiet_s=300.0,
)
