"""Sessions begin at the station: cable or card first (1.6 sections 4.1, 4.8, 5.1)."""

from __future__ import annotations

from dataclasses import replace

from interlock.scenarios.cases.language import Hand, Never
from interlock.scenarios.cases.states import START, status
from interlock.scenarios.cases.v16._words import (
    AUTHORIZE,
    AUTHORIZED,
    CHARGING,
    PREPARING,
    csms,
    station,
    tell_start,
    tell_status,
)

_ASKS = {"LocalPreAuthorize": "false"}
_STARTS = replace(START, after="Authorize")

CASES = (
    station(
        "TC_003_CS", "Regular session, cable first", "4.8",
        Hand("plug"), PREPARING,
        Hand("swipe"), AUTHORIZE, _STARTS, CHARGING,
        config=_ASKS,
    ),
    station(
        "TC_004_1_CS", "Regular session, card first", "4.8",
        Hand("swipe"), AUTHORIZE,
        Hand("plug"), START, CHARGING,
        config=_ASKS,
    ),
    station(
        "TC_004_2_CS", "Card first, nobody plugs in", "9.1 ConnectionTimeOut",
        Hand("swipe"), AUTHORIZE, replace(PREPARING, name="preparing"),
        status("Available", within="lapse", after="preparing"), Never("StartTransaction"),
        config={**_ASKS, "ConnectionTimeOut": "{connection_timeout}"},
    ),
    csms(
        "TC_003_CSMS", "Regular session, cable first", "4.8",
        *tell_status("Preparing"), *AUTHORIZED, *tell_start(), *tell_status("Charging"),
    ),
    csms(
        "TC_004_1_CSMS", "Regular session, card first", "4.8",
        *AUTHORIZED, *tell_status("Preparing"), *tell_start(), *tell_status("Charging"),
    ),
    csms(
        "TC_004_2_CSMS", "Card first, nobody plugs in", "4.9",
        *AUTHORIZED, *tell_status("Preparing"), *tell_status("Available"),
    ),
)  # fmt: skip
