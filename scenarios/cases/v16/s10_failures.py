"""Refused tags, power failures, faults (1.6 sections 4.1, 4.9, 5.2)."""

from __future__ import annotations

from interlock.scenarios.cases.language import ABSENT, C, Hand, Item, Never, Ref, Sent, one_of
from interlock.scenarios.cases.states import status
from interlock.scenarios.cases.v16._words import (
    BOOT,
    BOOTS,
    PREPARING,
    after_boot,
    ask,
    csms,
    station,
    stop,
    tell,
    tell_status,
    tell_stop,
)

_BACK = after_boot(one_of("Finishing", "Preparing"))


def _refused(word: str, tag: str) -> tuple[Item, ...]:
    return tell("Authorize", {"idTag": Ref(tag)}, {"idTagInfo": {"status": word}})


CASES = (
    station(
        "TC_023_CS", "A tag that is not accepted", "4.1",
        Hand("plug"), PREPARING,
        Hand("swipe", tag=Ref("invalid_tag")),
        Sent("Authorize", {"idTag": Ref("invalid_tag")}, given={"idTagInfo": {"status": "Invalid"}}),
        Never("StartTransaction", after="Authorize"),
        config={"?MinimumStatusDuration": "0"},
    ),
    station(
        "TC_032_1_CS", "Power failure, transactions are stopped before", "4.10",
        Hand("power_cycle"), stop("PowerLoss", within="boot"), BOOT, _BACK,
        state="charging", features=("backup_power",),
    ),
    station(
        "TC_032_2_CS", "Power failure, transactions are stopped afterwards", "4.10",
        Hand("power_cycle"), BOOT, after_boot(one_of("Finishing", "Preparing", "Charging")),
        stop(one_of("PowerLoss", "Local", "Reboot", "Other", ABSENT), within="boot"),
        state="charging", features=("!backup_power",),
    ),
    station(
        "TC_034_CS", "Power failure while unavailable", "5.2",
        *ask("ChangeAvailability", {"connectorId": C, "type": "Inoperative"}), status("Unavailable"),
        Hand("power_cycle"), BOOT, after_boot("Unavailable"),
    ),
    station(
        "TC_041_CS", "A fault", "4.9",
        Hand("fault"), status("Faulted"), Never("StartTransaction"),
    ),
    csms("TC_023_1_CSMS", "A tag that is not known", "4.1", *_refused("Invalid", "invalid_tag"), features=("invalid",)),
    csms("TC_023_2_CSMS", "A tag that is expired", "4.1", *_refused("Expired", "expired_tag"), features=("expired",)),
    csms("TC_023_3_CSMS", "A tag that is blocked", "4.1", *_refused("Blocked", "blocked_tag"), features=("blocked",)),
    csms(
        "TC_032_1_CSMS", "Power failure, transactions are stopped afterwards", "4.10",
        *BOOTS, *tell_status("Finishing"), *tell_stop("PowerLoss"),
        state="session",
    ),
)  # fmt: skip
