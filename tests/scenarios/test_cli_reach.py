"""How a CSMS is reached, the same for every command: what is typed, what is refused, and that it arrives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from interlock.scenarios.cli import reach as options
from interlock.scenarios.cli.check_races import _turn
from interlock.scenarios.explore.campaign import Campaign, Done
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.live.races import Plan, races
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import Job
from interlock.simulator.network.address import parse

URL = "ws://127.0.0.1:9/ocpp"


def sentence(error: pytest.ExceptionInfo[Refused]) -> str:
    return error.value.sentence


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"header": ["X-Tenant"]}, "'NAME: VALUE'"),
        ({"header": ["Authorization: Basic x"]}, "--password"),
        ({"header": ["Sec-WebSocket-Protocol: ocpp2.0.1"]}, "the handshake sets this one itself"),
        ({"header": ["X: a\nY: b"]}, "'NAME: VALUE'"),
        ({"ids": " , "}, "names no station"),
        ({"ids": "A,B,A"}, "twice"),
        ({"ids": "A:B"}, "no station's id"),
        ({"ids": "@nowhere.txt"}, "cannot be read"),
        ({"wait": "soon"}, "--wait is a time"),
        ({"insecure": True}, "are for wss://"),
        ({"password": "x", "password_file": Path("y")}, "not both"),
    ],
)
def test_what_is_wrong_is_one_sentence(typed: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as error:
        options.reach(URL, **typed)
    assert says in sentence(error)


def test_options_become_a_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ids").write_text("CP 1\n\nCP2\n")
    way = options.reach(
        "wss://csms.example/ocpp", header=["X-Tenant: 7"], ids=f"@{tmp_path / 'ids'}", wait="2m", insecure=True
    )
    assert (way.ids, way.wait_s, dict(way.headers)) == (("CP 1", "CP2"), 120.0, {"X-Tenant": "7"})
    assert way.tls is not None
    assert not way.tls.check_hostname
    assert "any certificate is trusted" in capsys.readouterr().err
    assert options.again({"ids": "A", "wait": "0", "insecure": True, "ca": None}) == ["--ids", "A", "--insecure"]


def test_known_failures_have_a_reason_and_a_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "known"
    file.write_text("R0* until 2999-01-01  # ticket 7\n\nR13 until 2020-01-01\n# nothing\nW01\n")
    assert options.expected_in(file, "check", ["R01", "R13", "W01"]) == ["R0*", "W01"]
    assert "R13 was to be mended by 2020-01-01" in capsys.readouterr().err
    for text, says in (("R99", "no check is called 'R99'"), ("R01 until soon", "no date"), ("R01 R02", "is not `NAME")):
        file.write_text(text)
        with pytest.raises(Refused) as error:
            options.expected_in(file, "check", ["R01", "R02"])
        assert says in sentence(error)


def _document(**verdicts: str) -> dict[str, Any]:
    worst = max(Verdict[word] for word in verdicts.values())
    found = [{"id": id, "verdict": word, "reason": None, "violations": []} for id, word in verdicts.items()]
    return {"verdict": worst.name, "invariants": found}


@pytest.mark.parametrize(
    ("verdicts", "expected", "word"),
    [
        ({"R01": "FAIL", "W01": "PASS"}, ["R01"], "PASS"),
        ({"R01": "FAIL", "W01": "FAIL"}, ["R01"], "FAIL"),
        ({"R01": "PASS"}, ["R0?"], "FAIL"),
        ({"R01": "PASS"}, [], "PASS"),
        ({"R01": "INCONCLUSIVE"}, ["R01"], "INCONCLUSIVE"),
    ],
)
def test_an_expected_failure_holds_and_an_unexpected_pass_does_not(
    verdicts: dict[str, str], expected: list[str], word: str
) -> None:
    assert _turn(_document(**verdicts), expected).name == word


@pytest.mark.parametrize(
    ("words", "verdict"), [(("FAIL", "PASS"), "PASS"), (("PASS", "PASS"), "FAIL"), (("ERROR", "PASS"), "ERROR")]
)
def test_a_campaign_counts_known_failures(words: tuple[str, str], verdict: str, tmp_path: Path) -> None:
    jobs = [Job("two-unlocks-one-node", 0), Job("heartbeat-vs-unlock", 0)]
    campaign = Campaign(jobs, tmp_path, keep=lambda job: False, expected=["two-*"])
    campaign.done = [Done(job, _document(I01=word), 1, {}, None) for job, word in zip(jobs, words, strict=True)]
    assert campaign.verdict.name == verdict


@pytest.mark.asyncio
async def test_nobody_who_listens_is_told_once_the_wait_is_over() -> None:
    with pytest.raises(Refused) as error:
        await Reach(parse(URL), wait_s=0.1).there()
    assert "127.0.0.1:9" in sentence(error)
    assert error.value.code == 3


@pytest.mark.asyncio
async def test_headers_and_ids_arrive_and_too_few_ids_end_no_run(tmp_path: Path) -> None:
    came: list[tuple[str, str | None]] = []

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        came.append((socket.request.path, socket.request.headers.get("X-Tenant")))
        async for text in socket:
            name = str(text).split('"')[1]
            await socket.send(f'[4,"{name}","InternalError","",{{}}]')

    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        way = Reach(parse(f"ws://127.0.0.1:{port}/x"), headers={"X-Tenant": "7"}, ids=("ONE", "TWO", "THREE"))
        done = await races(Plan(way, tmp_path / "run", datetime.now(UTC), budget_s=5.0))
    assert came == [(f"/x/{name}", "7") for name in way.ids]
    assert done.verdict is Verdict.FAIL  # valid boots are answered with errors
    assert await asyncio.to_thread((tmp_path / "run" / "verdict.json").exists)
