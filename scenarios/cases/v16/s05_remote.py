"""Sessions begun and ended from afar (1.6 sections 5.11, 5.12)."""

from __future__ import annotations

from dataclasses import replace

from interlock.scenarios.cases.language import TAG, TX, C, Hand, Never, Ref
from interlock.scenarios.cases.states import START, status
from interlock.scenarios.cases.v16._words import (
    AUTHORIZED,
    CHARGING,
    PREPARING,
    REMOTE_AUTHORIZE,
    ask,
    csms,
    order,
    station,
    stop,
    tell_start,
    tell_status,
    tell_stop,
)

_START = {"connectorId": C, "idTag": TAG}
_ANY = {"idTag": TAG}
_REJECTED = {"status": "Rejected"}

CASES = (
    station(
        "TC_010_CS", "Remote start, cable first", "5.11",
        *ask("RemoteStartTransaction", _START), REMOTE_AUTHORIZE, replace(START, after="Authorize"), CHARGING,
        state="plugged",
    ),
    station(
        "TC_011_1_CS", "Remote start, cable afterwards", "5.11",
        *ask("RemoteStartTransaction", _START), REMOTE_AUTHORIZE, PREPARING,
        Hand("plug"), START, CHARGING,
    ),
    station(
        "TC_011_2_CS", "Remote start, nobody plugs in", "9.1 ConnectionTimeOut",
        *ask("RemoteStartTransaction", _START), REMOTE_AUTHORIZE, replace(PREPARING, name="preparing"),
        status("Available", within="lapse", after="preparing"), Never("StartTransaction"),
        config={"ConnectionTimeOut": "{connection_timeout}"},
    ),
    station(
        "TC_012_CS", "Remote stop", "5.12",
        *ask("RemoteStopTransaction", {"transactionId": TX}), stop("Remote"), status("Finishing"),
        state="charging",
    ),
    station(
        "TC_026_CS", "Remote start at an occupied connector is rejected", "5.11",
        *ask("RemoteStartTransaction", {"connectorId": C, "idTag": Ref("other_tag")}, _REJECTED),
        Never("StartTransaction"),
        state="charging", config={"LocalPreAuthorize": "false"},
    ),
    station(
        "TC_027_CS", "Remote start at connector 0 is rejected", "5.11",
        *ask("RemoteStartTransaction", {"connectorId": 0, "idTag": TAG}, _REJECTED), Never("StartTransaction"),
    ),
    station(
        "TC_028_CS", "Remote stop of an unknown transaction is rejected", "5.12",
        *ask("RemoteStopTransaction", {"transactionId": Ref("unknown_transaction")}, _REJECTED),
        Never("StopTransaction"),
        state="charging",
    ),
    csms(
        "TC_010_CSMS", "Remote start, cable first", "5.11",
        *tell_status("Preparing"), *order("RemoteStartTransaction", _START, fields=_ANY),
        *AUTHORIZED, *tell_start(), *tell_status("Charging"),
    ),
    csms(
        "TC_011_1_CSMS", "Remote start, cable afterwards", "5.11",
        *order("RemoteStartTransaction", _START, fields=_ANY),
        *AUTHORIZED, *tell_status("Preparing"), *tell_start(), *tell_status("Charging"),
    ),
    csms(
        "TC_011_2_CSMS", "Remote start, nobody plugs in", "5.11",
        *order("RemoteStartTransaction", _START, fields=_ANY),
        *AUTHORIZED, *tell_status("Preparing"), *tell_status("Available"),
    ),
    csms(
        "TC_012_CSMS", "Remote stop", "5.12",
        *order("RemoteStopTransaction", {"transactionId": TX}),
        *tell_stop("Remote"), *tell_status("Finishing"), *tell_status("Available"),
        state="session",
    ),
    csms(
        "TC_026_CSMS", "Remote start is rejected", "5.11",
        *order("RemoteStartTransaction", _START, _REJECTED, fields=_ANY),
    ),
    csms(
        "TC_028_CSMS", "Remote stop is rejected", "5.12",
        *order("RemoteStopTransaction", {"transactionId": TX}, _REJECTED),
        state="session",
    ),
)  # fmt: skip
