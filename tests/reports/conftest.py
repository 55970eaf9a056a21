"""Two real runs: the naive design losing an unlock, and the reference holding."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.scenarios.cli.main import main


def ran(out: Path, *flags: str) -> Path:
    """Run the question's race into `out` and return the suite's folder."""
    with pytest.raises(SystemExit):
        main(["run", "heartbeat-vs-unlock", "--seed", "0", "--jobs", "1", "--quiet", "--out", str(out), *flags])
    return out


@pytest.fixture(scope="session")
def naive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite folder with one failing run."""
    return ran(tmp_path_factory.mktemp("naive"), "--csms", "send-then-append")


@pytest.fixture(scope="session")
def naive_run(naive: Path) -> Path:
    """The run folder in it."""
    return naive / "heartbeat-vs-unlock" / "send-then-append-seed-0"


@pytest.fixture(scope="session")
def held_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder in which everything held."""
    return ran(tmp_path_factory.mktemp("held")) / "heartbeat-vs-unlock" / "seed-0"
