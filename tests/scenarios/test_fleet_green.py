"""A fleet's run is green only if something was seen: stations accepted, their sessions told, somebody who answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.judge.fleet_checks import Facts, complete, settle
from interlock.scenarios.judge.verdict import Finding, Verdict, verdict_of
from interlock.scenarios.judge.wire import Judgement
from interlock.scenarios.record.domain_view import Observation
from tests.simulator.wire import FakeCsms, now

from .test_cli_fleet import Ended, interlock
from .wire_examples import BOOT, Wire, wire


def _boots_fail(server: FakeCsms) -> None:
    """Answer each boot with an error."""

    async def talk(socket: Any) -> None:
        async for text in socket:
            message = json.loads(text)
            server.heard.append(("", message[2], message[3]))
            await socket.send(json.dumps([4, message[1], "InternalError", "the handler failed", {}]))

    server._talk = talk  # type: ignore[method-assign]


def _pending(server: FakeCsms) -> None:
    """Let nobody be accepted."""
    server.script["BootNotification"] = lambda _: {"status": "Pending", "currentTime": now(), "interval": 1}


def _silent(server: FakeCsms) -> None:
    """Answer nothing at all."""
    server.script["BootNotification"] = lambda _: None


async def fleet(flaw: Callable[[FakeCsms], None], folder: Path, *words: str) -> Ended:
    server = FakeCsms()
    flaw(server)
    await server.start()
    try:
        return await interlock("fleet", server.url, "-n", "2", *words, "--out", "run", cwd=folder)
    finally:
        await server.stop()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("flaw", "code", "words"),
    [
        (_boots_fail, 1, "W14 valid requests are answered"),
        (_pending, 3, "2 of 2 stations were never accepted: their boots were answered Pending"),
        (_silent, 3, "F03 somebody answers: nobody answered"),
    ],
)
async def test_what_did_not_happen_is_not_green(
    flaw: Callable[[FakeCsms], None], code: int, words: str, tmp_path: Path
) -> None:
    done = await fleet(flaw, tmp_path, "--time", "2s", "--rate", "100")
    assert done.code == code, done
    assert words in done.out
    again = await interlock("judge", "run", "--quiet", cwd=tmp_path)
    assert again.code == code


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_profile_tells_answered_starts_again(tmp_path: Path) -> None:
    """A CSMS that gives each telling of a start a new id passes until somebody tells one again."""
    done = await fleet(lambda _: None, tmp_path, "-n", "6", "--profile", "forgetful", "--time", "14s", "--seed", "1")
    assert done.code == 1, done
    assert "W15 one start, one transactionId" in done.out


# --- the findings themselves -----------------------------------------------------------------------------------------


def judged(told: Wire, facts: Facts, profile: str = "busy", stations: int = 1) -> dict[str, Finding]:
    told.history.end()
    work = Judgement("csms")
    for seen in told.history.observations:
        work.see(seen)
    run = {"rules": {"fleet": stations}, "spec": {"profile": profile}}
    return {one.id: one for one in complete(work.findings(), work, facts, run)}


def facts(begun: int = 1, ended: int = 1, pending: int = 0) -> Facts:
    found = Facts()
    for kind, count in (("session.begun", begun), ("session.ended", ended)):
        for i in range(count):
            found.see(Observation(i, 1.0, kind, {}))
    found.see(Observation(9, 9.0, "outbox", {"station": "CP01", "pending": pending}))
    return found


def session() -> Wire:
    return wire().boot().start("s", 10).stop("e", 20)


def test_a_session_that_was_told_is_green() -> None:
    found = judged(session(), facts())
    assert {found[id].verdict for id in ("W00", "F01", "F02", "F03", "F04")} == {Verdict.PASS}
    assert verdict_of(found.values()) is Verdict.PASS


@pytest.mark.parametrize(
    ("told", "of", "id", "verdict", "words"),
    [
        (wire().boot(), facts(0, 0), "F02", Verdict.INCONCLUSIVE, "no session ended in 9 s"),
        (wire().boot(), facts(1, 0), "F02", Verdict.INCONCLUSIVE, "no report of a start was answered"),
        (wire().boot().start("s", 1), facts(1, 1), "F02", Verdict.INCONCLUSIVE, "no report of an end was answered"),
        (session(), facts(pending=2), "F02", Verdict.INCONCLUSIVE, "nobody who answered"),
        (session().up(2, "h", "Heartbeat", {}).wait(6), facts(), "F04", Verdict.INCONCLUSIVE, "1 calls of Heartbeat"),
        (wire().boot(status="Rejected"), facts(), "F01", Verdict.INCONCLUSIVE, "answered Rejected"),
        (wire().up(2, "b", "BootNotification", BOOT), facts(), "F01", Verdict.INCONCLUSIVE, "had no answer"),
        (wire().up(2, "b", "BootNotification", BOOT), facts(), "F03", Verdict.ERROR, "nobody answered"),
    ],
)
def test_what_is_missing_is_said(told: Wire, of: Facts, id: str, verdict: Verdict, words: str) -> None:
    found = judged(told, of)
    assert found[id].verdict is verdict
    assert words in str(found[id].reason)
    assert verdict_of(found.values()) > Verdict.PASS


def test_a_quiet_profile_needs_no_session() -> None:
    assert verdict_of(judged(wire().boot(), facts(0, 0), "idle").values()) is Verdict.PASS


def test_a_station_that_never_came_is_not_green() -> None:
    assert verdict_of(judged(session(), facts(), stations=2).values()) is Verdict.INCONCLUSIVE


def test_what_is_certainly_wrong_stays_wrong_beside_a_dead_peer() -> None:
    told = wire().up(2, "b", "BootNotification", BOOT).down(4, "b", "InternalError", "", {})
    found = judged(told, facts())
    assert found["F03"].verdict is Verdict.INCONCLUSIVE
    assert verdict_of(found.values()) is Verdict.FAIL
    beside = [Finding("L03", "x", "MUST", Verdict.ERROR), Finding("W14", "x", "MUST", Verdict.FAIL)]
    assert verdict_of(settle(beside)) is Verdict.FAIL
    right = [Finding("L00", "x", "BOOKKEEPING", Verdict.ERROR)]
    assert settle(right) == right
