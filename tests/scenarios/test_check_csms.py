"""`check csms`: a right foreign CSMS passes, wrong ones are caught, and what is none is told so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.cases.players.declaration import FEATURES as KNOWN
from interlock.scenarios.live.check import Check, exit_code
from interlock.simulator.network.address import parse

from .checking import HASTY, PATIENT, planned, verdicts
from .test_cli_fleet import interlock
from .vendor_csms import CONTROL, WRONG, Central, LetsNobodyIn, VendorCsms

pytestmark = pytest.mark.asyncio


EVERY = tuple(KNOWN)
BRISK = {**PATIENT, "answer": 10.0, "effect": 10.0}
UNSURE = {
    "IL_211_CSMS": "the ocpp package gives up its connection at brackets that do not end",
    "IL_241_CSMS": "it gives a start that is told twice two numbers",
}
"""What a CSMS of the `ocpp` package does not do right."""


async def checked(kind: Callable[..., Central], ids: list[str], out: Path, **changes: Any) -> Check:
    async with VendorCsms(kind).running() as csms:
        url = parse(f"ws://127.0.0.1:{csms.port}")
        plan = planned(
            "csms",
            ids,
            out,
            **{"url": url, "hand": lambda _: csms, "features": {"blocked": True, "invalid": True}, **changes},
        )
        check = Check(plan, lambda *_: None)
        await check.work()
    return check


async def test_a_right_foreign_csms_passes(tmp_path: Path) -> None:
    check = await checked(Central, [], tmp_path, features=dict.fromkeys(EVERY, True), limits=BRISK)
    found = verdicts(check)
    wrong = {name: check.results[name].reason for name, word in found.items() if word != "PASS" and name not in UNSURE}
    assert wrong == {}
    assert sum(name.startswith("TC_") for name in found) == 77


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
async def test_a_wrong_csms_is_caught(kind: type[Central], tmp_path: Path) -> None:
    case = WRONG[kind]
    check = await checked(kind, [case], tmp_path, limits={**PATIENT, **HASTY})
    assert verdicts(check) == {case: "FAIL"}, check.results[case].reason
    assert exit_code(check.results.values(), None, False, []) == 1


async def test_a_card_that_is_not_registered_is_said_to_be(tmp_path: Path) -> None:
    check = await checked(LetsNobodyIn, ["TC_003_CSMS"], tmp_path)
    assert verdicts(check) == {"TC_003_CSMS": "ERROR"}
    assert "does not accept the card 'TAG-VALID' (Invalid)" in check.results["TC_003_CSMS"].reason


async def test_without_control_what_it_has_to_send_is_not_applicable(tmp_path: Path) -> None:
    from interlock.scenarios.cases.players.hand import NoHand

    def nobody(_: str) -> NoHand:
        return NoHand("there is no --control")

    check = await checked(Central, ["TC_061_CSMS", "TC_003_CSMS"], tmp_path, hand=nobody)
    assert verdicts(check) == {"TC_003_CSMS": "PASS", "TC_061_CSMS": "NOT_APPLICABLE"}
    assert "--control" in check.results["TC_061_CSMS"].reason


async def test_the_command_as_a_user_types_it(tmp_path: Path) -> None:
    async with VendorCsms().running() as csms:
        (tmp_path / "control.toml").write_text(CONTROL.format(port=csms.control_port))
        url = f"ws://127.0.0.1:{csms.port}"
        line = ("check", "csms", url, "--control", "control.toml", "--cases", "TC_00*,TC_01*", "--out", "out")
        done = await interlock(*line, "--junit", "junit.xml", cwd=tmp_path)
        assert (done.code, done.err) == (0, ""), done.out
        again = await interlock(*line, "--resume", "--json", cwd=tmp_path)
        proved = await interlock("prove", "--cases", "out/1", "--quiet", cwd=tmp_path)
        one = await interlock("judge", "out/1", "--case", "TC_012_CSMS", cwd=tmp_path)
    assert "TC_012_CSMS" in done.out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {one["verdict"] for one in results["cases"]} == {"PASS"}
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "TC_012_CSMS" in page
    assert '<testcase classname="ocpp16.Core" name="TC_012_CSMS"' in (tmp_path / "junit.xml").read_text()
    assert "| TC_012_CSMS |" in (tmp_path / "out" / "report.md").read_text()
    assert (again.code, len(json.loads(again.out)["cases"])) == (0, len(results["cases"]))
    assert (proved.code, proved.out.split(":")[0]) == (0, "PASS")
    assert (one.code, one.out.splitlines()[0]) == (0, "PASS: TC_012_CSMS")


# --- what is no CSMS, or no right one --------------------------------------------------------------------------------


async def test_nobody_listens(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    done = await interlock("check", "csms", f"ws://127.0.0.1:{port}", "--cases", "TC_003_CSMS", cwd=tmp_path)
    assert done.code == 3
    assert "nothing listens" in done.err
    assert "1 ERROR" in done.out


async def test_another_version(tmp_path: Path) -> None:
    async with VendorCsms(subprotocols=("ocpp2.0.1",)).running() as csms:
        done = await interlock("check", "csms", f"ws://127.0.0.1:{csms.port}", "--cases", "TC_003_CSMS", cwd=tmp_path)
    assert done.code == 3
    assert "1 ERROR" in done.out


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (("csms", "http://x"), "begins with ws://"),
        (("csms", "ws://127.0.0.1:1", "--control", "nowhere.toml"), "cannot be read"),
        (("csms", "ws://127.0.0.1:1", "--cases", "TC_999*"), "no case of a csms"),
        (("csms", "ws://127.0.0.1:1", "--profile", "Cor"), "there is no profile 'Cor'"),
        (("station", "--listen", "9000"), "HOST:PORT"),
        (("station", "--operator", "robot"), "there is no operator"),
        (("station", "--operator", "http"), "--hand FILE goes with"),
        (("station", "--declare", "nowhere.toml"), "cannot be read"),
        (("station", "--resume", "--out", "nothing"), "no check to go on with"),
        (("station", "--level", "may"), "--level is must or should"),
    ],
)
async def test_wrong_usage_is_one_sentence(line: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    done = await interlock("check", *line, cwd=tmp_path)
    assert done.code in (2, 3)
    assert sentence in done.err
    assert len(done.err.strip().splitlines()) == 1
