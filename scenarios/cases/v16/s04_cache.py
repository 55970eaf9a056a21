"""The authorization cache (1.6 section 3.5.1, 5.4)."""

from __future__ import annotations

from dataclasses import replace

from interlock.scenarios.cases.language import TAG, TX, C, Hand, Never, Ref
from interlock.scenarios.cases.states import START, status
from interlock.scenarios.cases.v16._words import (
    AUTHORIZE,
    CHARGING,
    OVER,
    PREPARING,
    ask,
    csms,
    order,
    station,
    stop,
    tell_start,
    tell_status,
)

_CONFIG = {"?AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true", "AuthorizeRemoteTxRequests": "true"}
_START = ask("RemoteStartTransaction", {"connectorId": C, "idTag": TAG})
_AGAIN = replace(START, given={**START.given, "transactionId": Ref("second_transaction")})

CASES = (
    station(
        "TC_007_CS", "Regular session, tag in the cache", "3.5.1",
        *ask("ClearCache"), *ask("RemoteStartTransaction", {"connectorId": C, "idTag": TAG}), AUTHORIZE,
        Hand("plug"), START, CHARGING,
        *ask("RemoteStopTransaction", {"transactionId": TX}), stop("Remote"), status(OVER),
        Hand("unplug"), status("Available"),
        Hand("plug"), PREPARING, *_START,
        Never("Authorize", {"idTag": TAG}), _AGAIN, CHARGING,
        features=("cache",), config=_CONFIG,
    ),
    station(
        "TC_061_CS", "The cache is cleared", "5.4",
        *ask("ClearCache"), *_START, AUTHORIZE, replace(PREPARING, name="preparing"),
        status("Available", within="lapse", after="preparing"),
        features=("cache",), config={**_CONFIG, "ConnectionTimeOut": "{connection_timeout}"},
    ),
    csms(
        "TC_007_CSMS", "Regular session, tag in the cache", "4.8",
        *tell_status("Preparing"), *tell_start(), *tell_status("Charging"),
    ),
    csms("TC_061_CSMS", "The cache is cleared", "5.4", *order("ClearCache")),
)  # fmt: skip
