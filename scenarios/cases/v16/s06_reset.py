"""Resets, hard and soft, with and without a transaction (1.6 section 5.14)."""

from __future__ import annotations

from interlock.scenarios.cases.language import C, Item, one_of
from interlock.scenarios.cases.states import status
from interlock.scenarios.cases.v16._words import BOOT, BOOTS, after_boot, ask, csms, order, station, stop, tell_status

_BACK = after_boot(one_of("Finishing", "Preparing"))


def _idle(kind: str) -> tuple[Item, ...]:
    return (
        *ask("ChangeAvailability", {"connectorId": C, "type": "Inoperative"}), status("Unavailable"),
        *ask("Reset", {"type": kind}), BOOT, after_boot("Unavailable"),
        *ask("ChangeAvailability", {"connectorId": C, "type": "Operative"}), status("Available"),
    )  # fmt: skip


def _charging(kind: str, reason: str) -> tuple[Item, ...]:
    return (*ask("Reset", {"type": kind}), stop(reason, within="boot"), BOOT, _BACK)


def _ordered(kind: str) -> tuple[Item, ...]:
    return (*order("Reset", {"type": kind}), *BOOTS, *tell_status("Available"))


CASES = (
    station("TC_013_CS", "Hard reset, idle", "5.14", *_idle("Hard")),
    station("TC_014_CS", "Soft reset, idle", "5.14", *_idle("Soft")),
    station("TC_015_CS", "Hard reset, charging", "5.14", *_charging("Hard", "HardReset"), state="charging"),
    station("TC_016_CS", "Soft reset, charging", "5.14", *_charging("Soft", "SoftReset"), state="charging"),
    csms("TC_013_CSMS", "Hard reset", "5.14", *_ordered("Hard")),
    csms("TC_014_CSMS", "Soft reset", "5.14", *_ordered("Soft")),
)
