"""Installed, the product owns one importable name: a project with packages of our folders' names is left alone."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("csms", "simulator", "scenarios", "reports", "loadtests")
TEST = "\n".join(f"import {name}\nassert {name}.OWN" for name in FOLDERS) + "\n\ndef test_own() -> None: ...\n"


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, ROOT)
    done = run(sys.executable, *build, cwd=out)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_has_one_top_level_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"interlock"}
    for wanted in (
        "csms/node.py",
        "scenarios/targets/steve.toml",
        "csms/store/migrations/0001.sql",
        "csms/serve/ui/main.js",
    ):
        assert f"interlock/{wanted}" in names
    assert not [name for name in names if "reports/out" in name or "__pycache__" in name]


def test_a_project_with_folders_of_our_names_is_left_alone(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    words = ("-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target", site, wheel)
    assert run(sys.executable, *words, cwd=tmp_path).returncode == 0
    project = tmp_path / "project"
    for name in FOLDERS:
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text("OWN = True\n")
    (project / "conftest.py").write_text("")
    (project / "test_own.py").write_text(TEST)
    # The installed copy alone, not this checkout: its folder comes first, and the checkout's is taken away.
    start = (
        f"import sys; sys.path = [{str(site)!r}] + [p for p in sys.path if p != {str(ROOT)!r}]\n"
        "import interlock, pytest\n"
        f"assert interlock.__file__.startswith({str(site)!r}), interlock.__file__\n"
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    for more in ([], ["--interlock", "-k", "heartbeat-vs-unlock or test_own"]):
        words = ("-q", "-p", "no:cacheprovider", "--rootdir", str(project), *more)
        done = run(sys.executable, "-c", start, *words, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{3 if more else 1} passed" in done.stdout
