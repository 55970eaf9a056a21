"""The job of `docs/ci.md`, step by step, against a small CSMS that knows nothing of Interlock.

Left out is the installation, which `test_wheel` does; `interlock` is this checkout's in its place.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.vendor_csms import CONTROL, Central, VendorCsms
from tests.test_docs import ACTION

ROOT = Path(__file__).parents[1]
SELECT = "heartbeat-vs-unlock status-vs-unlock --not heavy --seeds 1"


class UnlocksTwice(Central):
    """Sends each command again once it is answered."""

    async def order(self, action: str, payload: dict[str, Any]) -> None:
        await super().order(action, payload)
        await super().order(action, payload)


def filled(text: str, inputs: dict[str, str]) -> str:
    """Return a text of the action with the values of its inputs."""
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], text)


async def job(folder: Path, inputs: dict[str, str]) -> tuple[dict[str, int], list[Path]]:
    """Carry out the action's steps: (exit code of each that ran a script, the paths that are kept)."""
    command = folder / "interlock" / "bin" / "interlock"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m interlock "$@"\n')
    command.chmod(0o755)
    given = {name: about["default"] for name, about in ACTION["inputs"].items() if "default" in about} | inputs
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK", "GITHUB"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), "RUNNER_TEMP": str(folder)}
    codes: dict[str, int] = {}
    artifacts = []
    for step in ACTION["runs"]["steps"]:
        if step["name"] == "Install Interlock" or ("inputs.check" in step.get("if", "") and given["check"] != "true"):
            continue
        if "uses" in step:
            artifacts.append(folder / filled(step["with"]["path"], given))
            continue
        assert step["shell"] == "bash"
        own = {name: filled(value, given) for name, value in step.get("env", {}).items()}
        process = await asyncio.create_subprocess_exec(
            *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]),
            cwd=folder,
            env={**environment, **own},
        )
        codes[step["name"]] = await process.wait()
    return codes, artifacts


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize(("kind", "code"), [(Central, 0), (UnlocksTwice, 1)])
async def test_the_job_of_the_page_is_green_for_a_right_csms_and_red_for_a_wrong_one(
    kind: type[Central], code: int, tmp_path: Path
) -> None:
    async with VendorCsms(kind).running() as csms:
        (tmp_path / "interlock-target.toml").write_text(CONTROL.format(port=csms.control_port))
        target = f"ws://127.0.0.1:{csms.port}/ocpp"
        inputs = {"target": target, "control": "interlock-target.toml", "select": SELECT, "wait-s": "30"}
        codes, (artifact,) = await job(tmp_path, inputs)
    assert codes == {"Run the scenarios": code}
    suite = ET.parse(artifact / "junit.xml").getroot()
    assert [one.get("name") for one in suite.iter("testcase")]
    assert bool(list(suite.iter("failure"))) == bool(code)
    assert "heartbeat-vs-unlock" in (artifact / "index.html").read_text("utf-8")
    assert len(list(artifact.glob("*/seed-*/report.html"))) >= code
