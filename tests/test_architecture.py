"""Who may know whom, how long a file may be, and what nobody may reach for. Read from the source, by `ast`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("csms", "simulator", "scenarios", "reports", "loadtests")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "out" not in path.parts)
LINES = 600
ASYNCIO = [
    "csms/connection.py",
    "csms/serve/credentials.py",
    "csms/serve/projections.py",
    "csms/serve/server.py",
    "csms/serve/wall_clock.py",
    "scenarios/cli/serve.py",
    "scenarios/live/target_run.py",
    "scenarios/cli/worlds.py",
    "scenarios/live/live_world.py",
    "scenarios/targets/target.py",
    "csms/node.py",
    "csms/handle.py",
    "csms/dispatch.py",
    "csms/presence.py",
    "csms/store/sqlite.py",
    "csms/store/postgres.py",
    "simulator/dial.py",
    "simulator/websocket.py",
    "scenarios/live/fleet.py",
    "scenarios/world/loop.py",
    "scenarios/world/world.py",
    "scenarios/world/host.py",
    "scenarios/world/storage.py",
    "scenarios/steps/deeds.py",
    "scenarios/steps/faults.py",
    "scenarios/live/check.py",
    "scenarios/cases/players/csms.py",
    "scenarios/cases/players/hand.py",
    "scenarios/cases/players/notebook.py",
    "scenarios/cases/players/runner.py",
    "scenarios/cases/players/simulated.py",
    "scenarios/cases/players/station.py",
]
SHELLS = (
    "csms/store/sqlite.py",
    "scenarios/explore/campaign.py",
    "scenarios/explore/search.py",
    "scenarios/explore/proofs.py",
    "scenarios/cli/prove.py",
    "scenarios/cli/check.py",
    "scenarios/cli/fleet.py",
    "scenarios/cli/load.py",
    "scenarios/cli/search.py",
    "csms/serve/wall_clock.py",
    "scenarios/live/live_world.py",
)
FORBIDDEN_NAMES = {"utils", "common", "helpers", "base", "manager", "service"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Absolute names of everything a file imports."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            yield f"{start}.{node.module or ''}".strip(".") if node.level else str(node.module)


def roots(path: Path) -> set[str]:
    return {found.split(".")[0] for found in imports(path)}


def test_csms_and_simulator_meet_only_on_the_wire() -> None:
    for path in FILES:
        if name(path).startswith("csms/"):
            assert not roots(path) & {"simulator", "scenarios", "reports", "loadtests", "simpy"}, name(path)
        if name(path).startswith("simulator/"):
            assert not roots(path) & {"csms", "scenarios", "reports", "loadtests"}, name(path)


def test_the_domain_is_standard_library_only() -> None:
    for path in (ROOT / "csms" / "domain").glob("*.py"):
        others = {found for found in imports(path) if found.split(".")[0] not in sys.stdlib_module_names}
        assert all(found.startswith("csms.domain") for found in others), (name(path), others)
        assert "asyncio" not in roots(path)


def test_reports_know_nobody_and_nobody_knows_the_load_tests() -> None:
    for path in FILES:
        if name(path).startswith("reports/"):
            assert not roots(path) & {"csms", "simulator", "scenarios", "loadtests"}, name(path)
        elif not name(path).startswith("loadtests/"):
            assert "loadtests" not in roots(path), name(path)


def test_judges_see_the_history_only() -> None:
    judges = [*(ROOT / "scenarios" / "invariants").glob("*.py"), ROOT / "scenarios" / "verdict.py"]
    allowed = ("scenarios.history", "scenarios.readings", "scenarios.verdict", "scenarios.invariants")
    for path in judges:
        for found in imports(path):
            root = found.split(".")[0]
            assert root in sys.stdlib_module_names or found.startswith(allowed), (name(path), found)


def test_asyncio_stays_in_its_rooms() -> None:
    for path in FILES:
        if "asyncio" in roots(path) and not name(path).startswith(("loadtests/", "scenarios/specimens/")):
            assert name(path) in ASYNCIO, name(path)


def test_only_the_dialect_knows_1_6() -> None:
    words = ("idTag", "connectorId", "chargePoint")
    for path in (ROOT / "csms").rglob("*.py"):
        if path.name not in ("v16.py",):
            text = path.read_text("utf-8")
            assert not any(word in text for word in words), name(path)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_is_short_and_reaches_for_no_clock(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LINES
    assert not set(path.stem.split("_")) & FORBIDDEN_NAMES
    if name(path) in SHELLS or name(path).startswith("loadtests/"):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            assert called not in ("datetime.now", "datetime.utcnow", "time.time", "time.monotonic", "uuid.uuid4"), (
                called
            )
            if called.startswith("random.") and called not in ("random.Random",):
                pytest.fail(f"{called} is not seeded")
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert not {"threading", "uuid"} & {alias.name for alias in node.names}


def test_the_rules_bite(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import csms.node\nfrom simulator import station\n")
    found = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(ast.parse(bad.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert found == {"csms.node", "simulator"}
