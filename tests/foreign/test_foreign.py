"""A slice of `make prove-outside`: right foreign CSMSs pass, wrong ones are flagged by the checks that are meant."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.scenarios.cli.check_races import cards_of
from interlock.scenarios.cli.main import app
from interlock.scenarios.live import race_beliefs, race_dialect, race_orders
from interlock.scenarios.live.race_session import Session
from interlock.scenarios.live.races import Plan, Races, races
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.refused import Refused
from interlock.scenarios.targets.control_file import NoTarget, load
from interlock.scenarios.targets.target import Decision, Misfit
from interlock.simulator.network.address import parse
from tests.foreign.brain import Brain
from tests.foreign.checking import CARDS, failed
from tests.foreign.details import DETAILS
from tests.foreign.operated import Hand, Operated
from tests.foreign.shells import Shell, raw
from tests.foreign.strangers import STRANGERS
from tests.foreign.subtle import SUBTLE
from tests.foreign.wild import WILD_OPERATED
from tests.foreign.wrong import WRONG

SLICE: dict[str, tuple[Shell, Brain, str | None]] = {
    "operated": (raw, Operated(), None),
    "threaded": (STRANGERS["threaded"][0], STRANGERS["threaded"][1](), None),
    "queued": (STRANGERS["queued"][0], STRANGERS["queued"][1](), None),
    "dies-of-errors": (raw, SUBTLE["dies-of-errors"][1](), "R16"),
    "away-is-accepted": (raw, WILD_OPERATED["away-is-accepted"][1](), "R24"),
    "never-accepts": (raw, WRONG["never-accepts"][1](), "R14"),
}
"""Shell, brain, and the check that has to fail: None for a right one."""


async def check_all(out: Path) -> list[Races]:
    """Check all of the slice, side by side in one loop."""

    async def one(name: str, shell: Shell, brain: Brain, out: Path) -> Races:
        known = {} if name in ("library", "threaded") else dict(CARDS)
        async with shell(brain) as url:
            plan = Plan(Reach(parse(url)), out, datetime.now(UTC), 3, 240.0, "T-", known, late_s=10.0)
            return await races(plan, Hand(brain) if isinstance(brain, Operated) else None)

    return await asyncio.gather(*(one(name, shell, brain, out / name) for name, (shell, brain, _) in SLICE.items()))


def test_a_right_one_passes_and_a_wrong_one_is_flagged(tmp_path: Path) -> None:
    for (name, (_, _, wrong)), found in zip(SLICE.items(), asyncio.run(check_all(tmp_path)), strict=True):
        if wrong is None:
            assert failed(found) == [], name
            told = found.document["invariants"]
            late = any("this process was" in (one["reason"] or "") or one["id"] == "P07" for one in told)
            assert found.verdict.name == "PASS" or late, name
        else:
            assert found.verdict.name == "FAIL", name
            assert wrong in failed(found), (name, failed(found))


def test_nobody_there_is_no_verdict() -> None:
    told = CliRunner().invoke(app, ["check", "csms", "ws://127.0.0.1:9", "--stage", "races", "--quiet"])
    assert isinstance(told.exception, Refused)
    assert "127.0.0.1:9" in str(told.exception)


class _Useless(Hand):
    """A control interface that takes nothing, or tells nothing."""

    def __init__(self, brain: Operated, answer: str) -> None:
        super().__init__(brain)
        self.answer = answer

    async def operate(self, station: str, command: Any, request_id: str) -> Decision:
        if self.answer == "failed":
            return Decision("failed", None, "status 500")
        return await super().operate(station, command, request_id)

    async def connectors(self, station: str) -> list[dict[str, Any]] | None:
        raise Misfit(f"[connectors] path is answered {self.answer}")


@pytest.mark.parametrize(
    ("answer", "says"),
    [("failed", "--control: ChangeAvailability for a station that is connected fails: status 500"), ("404", "404")],
)
def test_a_control_interface_of_no_use_is_one_sentence(
    answer: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(race_orders, "AGAIN_S", 0.0)
    brain = Operated()

    async def work() -> None:
        async with raw(brain) as url:
            plan = Plan(Reach(parse(url)), tmp_path / "out", datetime.now(UTC))
            await races(plan, _Useless(brain, answer))

    with pytest.raises(Refused) as error:
        asyncio.run(work())
    assert says in error.value.sentence
    assert error.value.code == 3


def test_cards_come_from_three_places_and_what_is_typed_wins() -> None:
    assert cards_of(["A"], ["B=Blocked", "C=Expired"], {"B": "Accepted", "D": "Invalid"}) == {
        "A": "Accepted",
        "B": "Blocked",
        "C": "Expired",
        "D": "Invalid",
    }
    with pytest.raises(Refused, match="CARD=STATUS"):
        cards_of([], ["B=Fine"], {})
    with pytest.raises(Refused, match="20 characters"):
        cards_of(["x" * 21], [], {})


def test_a_control_file_names_cards_by_status(tmp_path: Path) -> None:
    text = Path("scenarios/targets/interlock.toml").read_text("utf-8")
    file = tmp_path / "control.toml"
    file.write_text(text, "utf-8")
    assert load(file, {"INTERLOCK_API_TOKEN": "x"}).cards == {"Accepted": ("TAG-DRIVER",)}
    file.write_text(text.replace("Accepted = [", "Fine = ["), "utf-8")
    with pytest.raises(NoTarget, match=r"\[cards\] 'Fine' is no status of a card"):
        load(file, {"INTERLOCK_API_TOKEN": "x"})


DETAIL_CHECKS = {
    **dict.fromkeys(DETAILS, "R20"),
    "errors-stay-open": "R28",
    "drops-while-busy": "R22",
    "lost-is-done": "R24",
    **dict.fromkeys(("comes-back-free", "a-fault-stays", "one-connector-stays", "suspended-is-free"), "R25"),
    **dict.fromkeys(("seen-is-online", "boot-is-online", "an-error-is-a-fault", "the-station-is-all"), "R25"),
}


def _told(found: Races) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = found.document["invariants"]
    return told


async def _details(out: Path) -> dict[str, Races]:
    """Check the CSMSs that are wrong in a detail, and the right one, by the parts that are about it."""

    def parts(session: Session, clock: Any) -> dict[str, Any]:
        def fails() -> Any:
            return race_orders.order(session, "Unlock", "fails", 1)

        def queued() -> Any:
            return race_orders.order(session, "Unlock", "queued", 2)

        about = (("dialect", race_dialect.dialect), ("beliefs", race_beliefs.beliefs))
        return {"fails": fails, "queued": queued, **{name: (lambda part=part: part(session)) for name, part in about}}

    async def one(name: str, brain: Operated) -> tuple[str, Races]:
        async with raw(brain) as url:
            plan = Plan(Reach(parse(url)), out / name, datetime.now(UTC), 3, 120.0, "T-", dict(CARDS))
            return name, await races(plan, Hand(brain), parts=parts)

    every = {"right": Operated(), **{name: make() for name, (_, make) in DETAILS.items()}}
    return dict(await asyncio.gather(*(one(name, brain) for name, brain in every.items())))


@pytest.mark.slow
def test_a_wrong_detail_of_a_command_or_a_belief_is_flagged(tmp_path: Path) -> None:
    found = asyncio.run(_details(tmp_path))
    assert failed(found.pop("right")) == []
    for name, races_of in found.items():
        wanted = DETAIL_CHECKS[name]
        late = any(one["id"] == wanted and "this process was" in (one["reason"] or "") for one in _told(races_of))
        assert late or wanted in failed(races_of), (name, failed(races_of))
