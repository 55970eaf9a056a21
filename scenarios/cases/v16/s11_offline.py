"""What happens without a connection is told afterwards, in order (1.6 sections 4.7, 4.8, 4.10)."""

from __future__ import annotations

from dataclasses import replace

from interlock.scenarios.cases.language import ABSENT, TX, C, Each, Hand, Ref, Rest, Series, one_of
from interlock.scenarios.cases.states import ACCEPTED, START, status
from interlock.scenarios.cases.v16._words import (
    CHARGING,
    LOCAL,
    csms,
    offline,
    station,
    stop,
    tell_start,
    tell_status,
    tell_stop,
)

_BEGUN = offline(Hand("plug"), Hand("swipe"))
_LET = {"?LocalAuthorizeOffline": "true", "?AllowOfflineTxForUnknownId": "true", "?LocalAuthListEnabled": "true"}
_ON_INVALID = "StopTransactionOnInvalidId"
_LATE_START = replace(START, within="reconnect")
_REFUSED_START = replace(_LATE_START, given={"transactionId": TX, "idTagInfo": {"status": "Invalid"}})
_SAMPLE = {"sampledValue": Each({"context": one_of("Sample.Periodic", ABSENT)})}
_INVALID = {"transactionId": TX, "idTagInfo": {"status": "Invalid"}}

CASES = (
    station(
        "TC_036_CS", "Connection lost during a transaction", "4.7",
        *offline(Rest("offline")),
        Series(
            "MeterValues", "sample", {"connectorId": C, "transactionId": TX, "meterValue": Each(_SAMPLE)},
            stamp="meterValue.0.timestamp",
        ),
        state="charging", config={"MeterValueSampleInterval": "{sample}", "?ClockAlignedDataInterval": "0"},
    ),
    station(
        "TC_037_1_CS", "Started offline, the tag is accepted", "4.8",
        *_BEGUN, _LATE_START, replace(CHARGING, within="reconnect"),
        features=("offline_start",), config=_LET,
    ),
    station(
        "TC_037_2_CS", "Started offline, the tag is refused: suspended", f"9.1 {_ON_INVALID}",
        *_BEGUN, _REFUSED_START, status("SuspendedEVSE", within="reconnect", after="StartTransaction"),
        features=("offline_start",), config={**_LET, _ON_INVALID: "false"},
    ),
    station(
        "TC_037_3_CS", "Started offline, the tag is refused: stopped", f"9.1 {_ON_INVALID}",
        *_BEGUN, _REFUSED_START, stop("DeAuthorized", within="reconnect", after="StartTransaction"),
        status("Finishing", within="reconnect"),
        features=("offline_start",), config={**_LET, _ON_INVALID: "true"},
    ),
    station(
        "TC_038_CS", "Stopped offline", "4.10",
        *offline(Hand("swipe")), stop(LOCAL, within="reconnect"), status("Finishing", within="reconnect"),
        state="charging",
    ),
    station(
        "TC_039_CS", "Started and stopped offline", "4.8",
        *offline(Hand("plug"), Hand("swipe"), Rest("quiet"), Hand("swipe")),
        _LATE_START, stop(LOCAL, within="reconnect", after="StartTransaction"),
        features=("offline_start",), config=_LET,
    ),
    csms(
        "TC_037_1_CSMS", "Started offline, the tag is accepted", "4.8",
        *offline(), *tell_start({"transactionId": TX, "idTagInfo": ACCEPTED}), *tell_status("Charging"),
    ),
    csms(
        "TC_037_3_CSMS", "Started offline, the tag is refused", "4.8",
        *offline(), *tell_start(_INVALID, Ref("invalid_tag")), *tell_status("Charging"),
        *tell_stop("DeAuthorized"), *tell_status("Finishing"),
        features=("invalid",),
    ),
    csms(
        "TC_039_CSMS", "Started and stopped offline", "4.8",
        *offline(), *tell_start({"transactionId": TX, "idTagInfo": ACCEPTED}), *tell_stop("Local"),
    ),
)  # fmt: skip
