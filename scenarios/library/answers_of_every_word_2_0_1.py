"""A 2.0.1 station answers commands with every kind of word, with lists of words, and with every error.

An answer with a status for each element is a yes where one of them was done; nothing to report is a yes as well.
"""

from typing import Any

from interlock.csms.domain.commands import ChangeAvailability, Command, Relay, RemoteStart, Reserve, SetPassword, Unlock
from interlock.scenarios.library.answers_of_every_word import SECONDS_EACH, answered
from interlock.scenarios.spec import Scenario, step

_UNTIL = {"expiryDateTime": "2026-01-02T00:00:00Z"}
_VARIABLE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
_SET = {"setVariableData": [{**_VARIABLE, "attributeValue": "60"}, {**_VARIABLE, "attributeValue": "61"}]}
_WATCHED = {"value": 1.0, "type": "UpperThreshold", "severity": 5, **_VARIABLE}
_TYPED = {"idToken": {"type": "eMAID"}}


def _set(*words: str) -> dict[str, Any]:
    return {"setVariableResult": [{**_VARIABLE, "attributeStatus": word} for word in words]}


def _watched(*words: str) -> dict[str, Any]:
    return {"setMonitoringResult": [{"status": word, "type": "Delta", "severity": 5, **_VARIABLE} for word in words]}


WORDS: tuple[tuple[Command, Any], ...] = (
    (Relay("SetVariables", _SET), _set("Accepted", "Rejected")),
    (Relay("SetVariables", _SET), _set("Rejected", "UnknownVariable")),
    (Relay("SetVariables", _SET), _set("UnknownComponent", "RebootRequired")),
    (Relay("SetVariableMonitoring", {"setMonitoringData": [_WATCHED]}), _watched("Accepted")),
    (Relay("SetVariableMonitoring", {"setMonitoringData": [_WATCHED]}), _watched("Duplicate")),
    (
        Relay("ClearVariableMonitoring", {"id": [1, 2]}),
        {"clearMonitoringResult": [{"id": 1, "status": "NotFound"}, {"id": 2, "status": "Accepted"}]},
    ),
    (Relay("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}), "EmptyResultSet"),
    (Relay("GetBaseReport", {"requestId": 2, "reportBase": "FullInventory"}), "NotSupported"),
    (Relay("GetChargingProfiles", {"requestId": 3, "chargingProfile": {}}), "NoProfiles"),
    (Relay("GetLog", {"logType": "SecurityLog", "requestId": 4, "log": {"remoteLocation": "l"}}), "AcceptedCanceled"),
    (Relay("ClearCache", {}), {"status": "Rejected", "statusInfo": {"reasonCode": "NotEnabled"}}),
    (Unlock(1, 1), "UnlockFailed"),
    (Unlock(2, 1), "OngoingAuthorizedTransaction"),
    (ChangeAvailability(1, True, 1), "Scheduled"),
    (Reserve(1, "TAG-DRIVER", 7, {**_UNTIL, **_TYPED}), "Faulted"),
    (Reserve(0, "TAG-DRIVER", 8, {**_UNTIL, "connectorType": "cCCS2"}), "Occupied"),
    (RemoteStart(1, "TAG-OPERATOR", details=_TYPED), "Rejected"),
    (RemoteStart(2, "TAG-OPERATOR", 77, {"groupIdToken": {"idToken": "G", "type": "Central"}}), "Rejected"),
    (Relay("GetTransactionStatus", {"transactionId": "t"}), {"messagesInQueue": False, "ongoingIndicator": False}),
    (Relay("CustomerInformation", {"requestId": 5, "report": True, "clear": False}), "Invalid"),
    (Relay("GetLocalListVersion", {}), {"versionNumber": 4}),
    (SetPassword("a-password-of-16+"), _set("Accepted")),
)
ERRORS = ("NotSupported", "SecurityError", "FormatViolation", "InternalError", "GenericError", "RpcFrameworkError")

SCENARIO = Scenario(
    name="answers-of-every-word-2-0-1",
    title="Every kind of word, and every error, a 2.0.1 station may answer a command with",
    covers="What a station answers is in the log as it was meant, with all it said.",
    ocpp="2.0.1",
    absent_in=(("1.6", "its words are those of 2.0.1: answers-of-every-word has the others"),),
    steps=(
        *(one for n, pair in enumerate(WORDS) for one in answered(*pair, at=20.0 + SECONDS_EACH * n)),
        *(
            one
            for n, code in enumerate(ERRORS)
            for one in answered(Relay("ClearCache", {}), {}, at=120.0 + SECONDS_EACH * n, code=code)
        ),
        *answered(Relay("ClearCache", {}), "Rejected", at=150.0),
        step("answer_again", at=153.0, payload='{"status":"Accepted"}'),
        *answered(Relay("ClearCache", {}), {}, at=160.0, code="InternalError"),
        step("answer_again", at=420.0, payload='{"status":"Rejected"}'),
    ),
    retold=("spaced", "escaped", "reordered"),
    fiction=True,
    faults_s=440.0,
    quiet_s=300.0,
)
