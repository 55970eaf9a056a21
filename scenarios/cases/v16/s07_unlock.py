"""Unlocking, with and without a session, and when the lock does not move (1.6 section 5.18)."""

from __future__ import annotations

from interlock.scenarios.cases.language import TAG, C, Hand, Never, Ref, Sent
from interlock.scenarios.cases.states import status
from interlock.scenarios.cases.v16._words import (
    AUTHORIZED,
    PREPARING,
    REMOTE_AUTHORIZE,
    ask,
    csms,
    order,
    station,
    stop,
    tell_status,
    tell_stop,
)

_HERE = {"connectorId": C}
_UNLOCKED, _FAILED, _NOT = {"status": "Unlocked"}, {"status": "UnlockFailed"}, {"status": "NotSupported"}

CASES = (
    station(
        "TC_017_1_CS", "Unlock, no session", "5.18",
        *ask("UnlockConnector", _HERE, _UNLOCKED),
        features=("!fixed_cable",),
    ),
    station(
        "TC_017_2_CS", "Unlock, no session, fixed cable", "5.18",
        *ask("UnlockConnector", _HERE, _NOT),
        features=("fixed_cable",),
    ),
    station(
        "TC_018_1_CS", "Unlock, charging", "5.18",
        *ask("UnlockConnector", _HERE, _UNLOCKED), stop("UnlockCommand"), status("Finishing"),
        Hand("unplug"), status("Available"),
        state="charging", features=("!fixed_cable",),
    ),
    station(
        "TC_018_2_CS", "Unlock, charging, fixed cable", "5.18",
        *ask("UnlockConnector", _HERE, _NOT), Never("StopTransaction"),
        state="charging", features=("fixed_cable",),
    ),
    station(
        "TC_024_CS", "Remote start, the lock jams", "4.9 ConnectorLockFailure",
        Hand("plug"), PREPARING, Hand("jam_lock"),
        *ask("RemoteStartTransaction", {"connectorId": C, "idTag": TAG}), REMOTE_AUTHORIZE,
        Sent("StatusNotification", {"connectorId": C, "status": "Faulted", "errorCode": "ConnectorLockFailure"}),
        Never("StartTransaction"),
        features=("!fixed_cable",),
    ),
    station(
        "TC_030_CS", "Unlock, the lock jams", "5.18",
        Hand("jam_lock"), *ask("UnlockConnector", _HERE, _FAILED),
        features=("!fixed_cable",),
    ),
    station(
        "TC_031_CS", "Unlock of a connector that is not there", "5.18",
        *ask("UnlockConnector", {"connectorId": Ref("unknown_connector")}, _NOT),
    ),
    csms("TC_017_1_CSMS", "Unlock, no session", "5.18", *order("UnlockConnector", _HERE, _UNLOCKED)),
    csms("TC_017_2_CSMS", "Unlock, fixed cable", "5.18", *order("UnlockConnector", _HERE, _NOT)),
    csms(
        "TC_018_1_CSMS", "Unlock, charging", "5.18",
        *order("UnlockConnector", _HERE, _UNLOCKED),
        *tell_status("Finishing"), *tell_stop("UnlockCommand"), *tell_status("Available"),
        state="session",
    ),
    csms(
        "TC_024_CSMS", "The lock jams", "4.9",
        *AUTHORIZED, *tell_status("Preparing"), *tell_status("Faulted", "ConnectorLockFailure"),
    ),
    csms("TC_030_CSMS", "Unlock fails", "5.18", *order("UnlockConnector", _HERE, _FAILED)),
    csms("TC_031_CSMS", "Unlock is not supported", "5.18", *order("UnlockConnector", _HERE, _NOT)),
)  # fmt: skip
