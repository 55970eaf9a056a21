"""Before the first case with a CSMS: the tester boots until it is accepted, and finds out which cards are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.scenarios.cases.players.runner import Runner

BOOT = {"chargePointVendor": "Interlock", "chargePointModel": "Tester", "firmwareVersion": "1"}
REFUSED = {"invalid": "Invalid", "expired": "Expired", "blocked": "Blocked"}
"""Features of a CSMS's cards, and the word for the card in `[values] {feature}_tag`."""
BOOT_AGAIN_S = 5.0
"""Before another boot, where the CSMS leaves the interval to the station (1.6 section 4.2)."""


async def meet_csms(
    runner: Runner, place: str, cards: Mapping[str, str] | None = None
) -> tuple[dict[str, bool], str | None]:
    """Return the features found by trying, and why no case can be run with the CSMS, or None.

    Which cards a CSMS accepts is not fixed by the standard: where it gives one of `REFUSED` the status that the cases
    expect, the feature counts as present; otherwise only if declared, or if `cards` lists a card with that status.
    """
    if why := await _boot(runner, place):
        return {}, why
    bound, listed = runner.tester.bound, cards or {}
    for card in (bound["tag"], *(card for card, word in listed.items() if word == "Accepted")):
        word = await _word(runner, card)
        if word == "Accepted":
            bound["tag"] = card
            break
    else:
        why = f"the CSMS does not accept the card {card!r} ({word}): register it there, or name another with --id-tag"
        return {}, f"{why} or as [values] tag"
    seen = []
    for one, wanted in REFUSED.items():
        named = next((card for card, word in listed.items() if word == wanted), None)
        bound[f"{one}_tag"] = named or bound[f"{one}_tag"]
        if named is not None or await _word(runner, bound[f"{one}_tag"]) == wanted:
            seen.append(one)
    if (await _info(runner, bound["group_tag"])).get("parentIdTag") == bound["parent_tag"]:
        seen.append("group")
    return dict.fromkeys(seen, True), None


async def _boot(runner: Runner, place: str) -> str | None:
    """Boot, again where it has to wait; return why it is not let in, or None."""
    left_s = runner.facts.limit("boot")
    book, station = runner.book, runner.book.station
    while True:
        answer = await runner.ask("BootNotification", BOOT, any_answer=True)
        if answer is None:
            return f"{place} does not answer a BootNotification"
        said = answer if isinstance(answer, dict) else {}
        word, wait_s = said.get("status"), said.get("interval")
        if word == "Accepted":
            return None
        again_s = float(wait_s) if isinstance(wait_s, int | float) and wait_s > 0 else BOOT_AGAIN_S
        if word not in ("Pending", "Rejected") or again_s > left_s:
            return f"{place} does not accept the station {station!r}: it answered {word or str(said)[:80]}"
        left_s -= again_s
        await book.until(lambda: runner.tester.trouble, again_s)


async def _word(runner: Runner, tag: str) -> Any:
    return (await _info(runner, tag)).get("status")


async def _info(runner: Runner, tag: str) -> dict[str, Any]:
    answer = await runner.ask("Authorize", {"idTag": tag})
    info = answer.get("idTagInfo") if isinstance(answer, dict) else None
    return info if isinstance(info, dict) else {}
