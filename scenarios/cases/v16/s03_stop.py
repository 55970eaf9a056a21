"""Sessions end at the station: by card, by a card of the same group, by taking the cable out (1.6 section 4.10)."""

from __future__ import annotations

from dataclasses import replace

from interlock.scenarios.cases.language import TAG, TX, C, Hand, Ref, Sent, one_of
from interlock.scenarios.cases.states import ACCEPTED, status
from interlock.scenarios.cases.v16._words import LOCAL, OVER, ask, csms, station, stop, tell_status, tell_stop

_SIDE, _LOCK = "StopTransactionOnEVSideDisconnect", "UnlockConnectorOnEVSideDisconnect"
_GONE = status(OVER)
_GROUP = Ref("group_tag")

CASES = (
    station(
        "TC_068_CS", "Stopped by the same card", "4.10",
        Hand("swipe"), stop(LOCAL, fields={"idTag": TAG}), status("Finishing"),
        state="charging",
    ),
    station(
        "TC_069_CS", "Stopped by a card of the same group", "4.10",
        Hand("swipe", tag=_GROUP),
        Sent(
            "Authorize",
            {"idTag": _GROUP},
            given={"idTagInfo": {**ACCEPTED, "parentIdTag": Ref("parent_tag")}},
        ),
        stop(LOCAL, fields={"idTag": _GROUP}, after="Authorize"), status("Finishing"),
        state="charging",
    ),
    station(
        "TC_005_1_CS", "Cable out at the vehicle: stop and unlock", f"9.1 {_SIDE}",
        Hand("unplug"), stop("EVDisconnected"), _GONE,
        state="charging", features=("!fixed_cable",),
        config={_SIDE: "true", _LOCK: "true", "?MinimumStatusDuration": "0"},
    ),
    station(
        "TC_005_2_CS", "Cable out at the vehicle: stop, stay locked", f"9.1 {_LOCK}",
        Hand("unplug"), stop("EVDisconnected"), _GONE,
        *ask("UnlockConnector", {"connectorId": C}, {"status": one_of("Unlocked", "NotSupported")}),
        state="charging", config={_SIDE: "true", _LOCK: "false", "?MinimumStatusDuration": "0"},
    ),
    station(
        "TC_005_3_CS", "Cable out at the vehicle: suspend", f"9.1 {_SIDE}",
        Hand("unplug"), status(one_of("SuspendedEV", "SuspendedEVSE")),
        *ask("RemoteStopTransaction", {"transactionId": TX}), stop("Remote"), replace(_GONE, level="must"),
        state="charging", config={_SIDE: "false", _LOCK: "false", "?MinimumStatusDuration": "0"},
    ),
    csms(
        "TC_005_1_CSMS", "Cable out at the vehicle", "4.10",
        *tell_status("SuspendedEV"), *tell_stop("EVDisconnected"), *tell_status("Finishing"), *tell_status("Available"),
        state="session",
    ),
)  # fmt: skip
