"""Data transfer (1.6 sections 4.3, 5.6)."""

from __future__ import annotations

from interlock.scenarios.cases.language import PRESENT, Answered, Ref, Say, one_of
from interlock.scenarios.cases.v16._words import csms, station

_REFUSED = {"status": one_of("UnknownVendorId", "UnknownMessageId", "Rejected")}
_TRANSFER = {"vendorId": Ref("vendor"), "messageId": "unknown", "data": "x"}
_SCRIPT = (
    Say("DataTransfer", _TRANSFER),
    Answered("DataTransfer", _REFUSED, level="should"),
    Answered("DataTransfer", {"status": PRESENT}),
)

CASES = (
    station("TC_062_CS", "Data of an unknown vendor, to the station", "5.6", *_SCRIPT),
    csms("TC_064_CSMS", "Data of an unknown vendor, to the CSMS", "4.3", *_SCRIPT),
)
