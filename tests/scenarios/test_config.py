"""`interlock config`: every option, its value, and where that comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.cli import main as cli


def config(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, Any]]:
    with pytest.raises(SystemExit) as end:
        cli.main(["config", "--json", *words])
    out, err = capsys.readouterr()
    assert end.value.code == 0, err
    return {row["key"]: row for row in json.loads(out)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_source_is_named_and_the_nearer_one_wins(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "pyproject.toml").write_text("[tool.interlock.run]\nseed = 3\nseeds = 4\nnot = ['heavy']\n")
    monkeypatch.setenv("INTERLOCK_RUN_SEEDS", "5")
    monkeypatch.setenv("INTERLOCK_RUN_JUNIT", "e.xml")
    found = config(capsys, "run", "--junit", "f.xml")
    told = {
        key: (found[f"run.{key}"]["value"], found[f"run.{key}"]["from"]) for key in ("seed", "seeds", "junit", "csms")
    }
    assert told == {
        "seed": (3, "pyproject.toml [tool.interlock]"),
        "seeds": (5, "environment INTERLOCK_RUN_SEEDS"),
        "junit": ("f.xml", "flag"),
        "csms": ("reference", "default"),
    }
    assert found["run.not"]["value"] == ["heavy"]
    (folder / "interlock.toml").write_text("[run]\nseed = 8\n")
    found = config(capsys, "run")
    assert (found["run.seed"]["value"], found["run.seed"]["from"]) == (8, "interlock.toml")


def test_without_a_command_it_is_all_of_them_and_secrets_stay_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_FLEET_PASSWORD", "geheim")
    monkeypatch.setenv("INTERLOCK_RUN_SEEDZ", "1")
    found = config(capsys)
    assert {key.split(".")[0] for key in found} >= {
        "run",
        "load",
        "fleet",
        "serve",
        "check",
        "judge",
        "report",
        "list",
    } - {"report"}
    assert found["fleet.password"]["value"] == "***"
    assert "geheim" not in json.dumps(found)
    with pytest.raises(SystemExit):
        cli.main(["config", "run"])
    out, err = capsys.readouterr()
    assert "INTERLOCK_RUN_SEEDZ is set, and no option is called that; did you mean INTERLOCK_RUN_SEED" in err
    assert "run.seed " in out
