"""The cases of a CSMS on foreign ones: no right one is accused, whatever it does that the standard leaves open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.players.declaration import FEATURES, Declaration
from interlock.scenarios.cases.players.hand import NoHand
from interlock.scenarios.judge import wire
from interlock.scenarios.judge.cases import Outcome
from interlock.scenarios.live.check import Check, Plan, exit_code
from interlock.scenarios.record.recorder import observations
from interlock.simulator.network.address import parse
from tests.foreign.brain import Brain
from tests.foreign.case_world import ForeignCaseWorld
from tests.foreign.operated import WRONG_OPERATED, Operated
from tests.foreign.right import RIGHT, AcceptsEveryCard, Chatty, OldCore, Strict, Whole
from tests.foreign.shells import Shell, library, odd_json, raw, sans_io
from tests.foreign.strangers import STRANGERS
from tests.foreign.wrong import WRONG

SERVERS = ("tls", "mutual_tls", "basic_auth")
CARDS = ("invalid", "expired", "blocked", "group")
ALL = {name: True for name in FEATURES if name not in (*SERVERS, *CARDS)}
OPEN = {"IL_231_CSMS", "IL_232_CSMS", "IL_233_CSMS", "IL_234_CSMS", "TC_064_CSMS"}
"""Where the standard names a code and does not demand it: PARTIAL for who does otherwise."""
QUICK = {"quiet": 0.3, "offline": 2.0, "effect": 10.0, "answer": 20.0}


def tried(brain: Brain, out: Path, **features: bool) -> tuple[dict[str, Outcome], list[str]]:
    """Run all cases in virtual time; return what came of each, and which wire checks were broken."""
    declared = Declaration(features={**({} if isinstance(brain, OldCore) else ALL), **features})
    world = ForeignCaseWorld(brain, declared, out)
    found = world.run(catalogue.chosen("csms"))
    seen = wire.judge(list(observations(world.book.recorder.path)))
    return found, [one.id for one in seen if one.violations]


GATE = (Whole, AcceptsEveryCard, Strict, Chatty)


@pytest.mark.parametrize("kind", [one if one in GATE else pytest.param(one, marks=pytest.mark.slow) for one in RIGHT])
def test_a_right_csms_is_never_accused(kind: Callable[[], Operated], tmp_path: Path) -> None:
    found, broken = tried(kind(), tmp_path)
    words = {name: one.word.name for name, one in found.items()}
    assert broken == []
    odd = {
        name: found[name].reason for name, word in words.items() if word not in ("PASS", "NOT_APPLICABLE", "PARTIAL")
    }
    assert odd == {}
    assert {name for name, word in words.items() if word == "PARTIAL"} <= OPEN
    assert sum(word == "PASS" for word in words.values()) >= (70 if kind is OldCore else 100)


def test_which_cards_a_csms_refuses_is_its_own_affair_until_it_is_declared(tmp_path: Path) -> None:
    ids = ("TC_023_1_CSMS", "TC_037_3_CSMS")
    open_, _ = tried(AcceptsEveryCard(), tmp_path / "open")
    assert [open_[one].word.name for one in ids] == ["NOT_APPLICABLE"] * 2
    assert open_[ids[0]].reason == "invalid is not declared"
    declared, _ = tried(AcceptsEveryCard(), tmp_path / "declared", invalid=True)
    assert [declared[one].word.name for one in ids] == ["FAIL"] * 2

    class StartsInvalid(Whole):
        """Says Invalid to Authorize, and begins a session with the card."""

        def started(self, number: int) -> dict[str, object]:
            return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}

    shown, _ = tried(StartsInvalid(), tmp_path / "shown")
    assert [shown[one].word.name for one in ids] == ["PASS", "FAIL"]


WRONGS = {
    "ids-in-small-letters": (WRONG, "IL_260_CSMS"),
    "takes-any-action": (WRONG, "IL_231_CSMS"),
    "no-offsets": (WRONG, "IL_275_CSMS"),
    "unlocks-connector-1": (WRONG_OPERATED, "IL_269_CSMS"),
    "always-operative": (WRONG_OPERATED, "IL_270_CSMS"),
    "sends-twice": (WRONG_OPERATED, "IL_281_CSMS"),
}
"""Whole wrong CSMSs, and a case that catches each; all of them: `make prove-cases`."""


@pytest.mark.parametrize("name", WRONGS)
def test_a_wrong_csms_is_caught(name: str, tmp_path: Path) -> None:
    group, case = WRONGS[name]
    world = ForeignCaseWorld(group[name][1](), Declaration(limits={"effect": 5.0, "answer": 5.0}), tmp_path)
    found = world.run(catalogue.chosen("csms", [case]))
    assert found[case].word.name == "FAIL", found[case].reason


SOCKETS: dict[str, tuple[Shell, Callable[[], Brain]]] = {
    "raw": (raw, Brain),
    "operated": (raw, Operated),
    "odd-json": (odd_json, Brain),
    "sans-io": (sans_io, Brain),
    "library": (library, Brain),
    **{name: (shell, Brain if name == "patient" else brain) for name, (shell, brain) in STRANGERS.items()},
}


FOUND = {name: {"W13"} for name in ("library", "queued")}
"""The `ocpp` package writes FormatViolation, an error code of OCPP 2.0.1."""


class _Asks:
    """The operator of a brain, if it has one."""

    def __init__(self, brain: Operated) -> None:
        self.brain, self.count = brain, 0

    async def do(self, deed: str, names: dict[str, object]) -> None:
        self.count += 1
        self.brain.ask(str(names["station"]), str(names["action"]), names["payload"], f"c{self.count}")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_no_right_csms_of_any_style_is_accused_over_sockets(tmp_path: Path) -> None:
    async def one(name: str, shell: Shell, brain: Brain) -> Check:
        async with shell(brain) as url:
            plan = Plan(
                "csms",
                catalogue.chosen("csms"),
                Declaration(limits=QUICK),
                tmp_path / name,
                datetime.now(UTC),
                "interlock check",
                lambda _: _Asks(brain) if isinstance(brain, Operated) else NoHand("there is no --control"),
                url=parse(url),
            )
            check = Check(plan, lambda *_: None)
            await check.work()
            return check

    done = await asyncio.gather(*(one(name, shell, kind()) for name, (shell, kind) in SOCKETS.items()))
    for name, check in zip(SOCKETS, done, strict=True):
        accused = {one.id: one.reason for one in check.results.values() if one.verdict in ("FAIL", "ERROR")}
        assert (name, check.trouble, accused) == (name, None, {})
        assert {one["id"] for one in check.findings if one["broken"]} <= FOUND.get(name, set()), name
        assert exit_code(check.results.values(), None, False, []) == 0, name
        assert sum(one.verdict == "PASS" for one in check.results.values()) >= 50, name
