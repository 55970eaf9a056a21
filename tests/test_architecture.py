"""Who may know whom, how long a file may be, and what nobody may call. Read from the source, by `ast`.

Each rule is a function from a tree of source files to the breaches it finds. Every rule is run twice: on this
repository, where it finds nothing, and on a small tree planted to break it, where it finds what was planted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("csms", "simulator", "scenarios", "reports", "loadtests")
LINES = 600
FORBIDDEN_NAMES = {"utils", "common", "helpers", "base", "manager", "service", "impl"}
WORDS_OF_A_VERSION = ("idTag", "connectorId", "chargePoint", "evseId")
OTHER_FORMATS = ("csms/upcast.py", "csms/serve/watched.py")
"""Files that hold the same words as fields of another format: of old logs, and of the Open OCPP Trace format."""

ASYNCIO = (
    "csms/serve/",
    "csms/store/",
    "csms/connection.py",
    "csms/node.py",
    "csms/handle.py",
    "csms/dispatch.py",
    "csms/peers.py",
    "csms/presence.py",
    "csms/supervise.py",
    "csms/turn.py",
    "simulator/network/",
    "scenarios/cases/players/",
    "scenarios/cli/",
    "scenarios/hand/",
    "scenarios/live/",
    "scenarios/specimens/",
    "scenarios/steps/",
    "scenarios/targets/",
    "scenarios/world/",
    "loadtests/",
)
"""Where asyncio may be imported."""

SHELLS = (
    "csms/serve/wall_clock.py",
    "csms/store/sqlite.py",
    "scenarios/cli/",
    "scenarios/explore/",
    "scenarios/live/",
    "scenarios/targets/answers.py",
    "loadtests/",
)
"""Where the clock, threads and unseeded randomness may be reached for: everywhere else they are arguments."""


@dataclass(frozen=True)
class Source:
    """One file of a tree: its path below the root, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Absolute names of everything imported at run time; ours begin with `interlock.`."""
        return frozenset(_imports(self))

    @property
    def module(self) -> str:
        return "interlock." + self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def ours(self) -> Iterator[str]:
        """Names of our own that are imported, without the `interlock.` before them."""
        yield from (name.removeprefix("interlock.") for name in self.imports if name.startswith("interlock."))


Tree = tuple[Source, ...]
Rule = Callable[[Tree], Iterator[str]]


def read(root: Path) -> Tree:
    found = (path for package in PACKAGES for path in sorted((root / package).rglob("*.py")))
    return tuple(
        Source(path.relative_to(root).as_posix(), path.read_text("utf-8"))
        for path in found
        if not {"out", ".venv", "build"} & set(path.parts)
    )


def _imports(source: Source) -> Iterator[str]:
    package = ("interlock", *source.path.split("/")[:-1])
    for node in _run_time(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = f"{start}.{node.module or ''}".strip(".") if node.level else str(node.module)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree, leaving out what stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _run_time(child)


RULES: list[tuple[Rule, dict[str, str]]] = []


def rule(planted: dict[str, str]) -> Callable[[Rule], Rule]:
    """Register a rule with a tree, path to text, that it must find a breach in."""

    def register(check: Rule) -> Rule:
        RULES.append((check, planted))
        return check

    return register


def _known(tree: Tree, who: str, whom: tuple[str, ...], *, but: tuple[str, ...] = ()) -> Iterator[str]:
    """Find files below `who` that import something below `whom` and not below `but`."""
    for source in tree:
        if source.path.startswith(who):
            for name in source.ours():
                if name.startswith(whom) and not name.startswith(but or ("\0",)):
                    yield f"{source.path} imports {name}"


# --- who may know whom -----------------------------------------------------------------------------------------------


@rule({"csms/serve/x.py": "from interlock.simulator import station\n"})
def csms_and_simulator_meet_only_on_the_wire(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "csms/", ("simulator", "scenarios", "reports", "loadtests"))
    yield from _known(tree, "simulator/", ("csms", "scenarios", "reports", "loadtests"))
    for source in tree:
        if source.path.startswith("csms/") and any(name.split(".")[0] == "simpy" for name in source.imports):
            yield f"{source.path} imports simpy"


@rule({"csms/domain/x.py": "import msgspec\n"})
def the_domain_is_standard_library_only(tree: Tree) -> Iterator[str]:
    for source in tree:
        if source.path.startswith("csms/domain/"):
            for name in source.imports:
                root = name.split(".")[0]
                if not name.startswith("interlock.csms.domain") and root not in sys.stdlib_module_names:
                    yield f"{source.path} imports {name}"


@rule({"reports/x.py": "from interlock.csms.node import Csms\n"})
def reports_know_nobody(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "reports/", ("csms", "simulator", "scenarios", "loadtests"))


@rule({"scenarios/x.py": "from interlock.loadtests.users import record\n"})
def nobody_knows_the_load_tests(tree: Tree) -> Iterator[str]:
    for who in ("csms/", "simulator/", "scenarios/", "reports/"):
        yield from _known(tree, who, ("loadtests",))


@rule({"scenarios/explore/x.py": "def f():\n    from interlock.scenarios.cli.serve import serve\n"})
def nobody_imports_the_command_line(tree: Tree) -> Iterator[str]:
    for source in tree:
        if not source.path.startswith("scenarios/cli/"):
            yield from (f"{source.path} imports {name}" for name in source.ours() if name.startswith("scenarios.cli"))


@rule({"scenarios/judge/x.py": "from interlock.scenarios.world import loop\n"})
def judges_see_records_only(tree: Tree) -> Iterator[str]:
    ours = ("csms", "simulator", "scenarios", "reports", "loadtests")
    allowed = ("scenarios.judge", "scenarios.record", "scenarios.cases")
    yield from _known(tree, "scenarios/judge/", ours, but=allowed)


@rule({"scenarios/record/x.py": "import simpy\n"})
def records_are_standard_library_and_msgspec(tree: Tree) -> Iterator[str]:
    for source in tree:
        if source.path.startswith("scenarios/record/"):
            for name in source.imports:
                root = name.split(".")[0]
                fits = root in sys.stdlib_module_names or root == "msgspec"
                if not fits and not name.startswith("interlock.scenarios.record"):
                    yield f"{source.path} imports {name}"


@rule({"scenarios/live/x.py": "from interlock.csms.node import Csms\n"})
def no_csms_node_runs_over_sockets_in_live(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "scenarios/live/", ("csms.node", "csms.handle", "csms.store", "csms.serve"))


@rule({"scenarios/steps/x.py": "from interlock.scenarios.world.world import World\n"})
def steps_know_no_world(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "scenarios/steps/", ("scenarios.world", "scenarios.live"))


@rule({"csms/node.py": "from interlock.csms.serve.gate import Gate\n"})
def the_core_knows_no_server(tree: Tree) -> Iterator[str]:
    for source in tree:
        if source.path.startswith("csms/") and not source.path.startswith("csms/serve/"):
            yield from (f"{source.path} imports {name}" for name in source.ours() if name.startswith("csms.serve"))


@rule({"csms/store/x.py": "from interlock.csms.domain.station import Station\n"})
def the_log_knows_no_domain(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "csms/store/", ("csms",), but=("csms.store", "csms.supervise", "csms.domain.bounds"))


@rule(
    {
        "csms/dialects/v16.py": "from interlock.csms.dialects import v201\n",
        "csms/dialects/x.py": "from interlock.csms.node import Csms\n",
    }
)
def a_dialect_knows_the_domain_and_no_other_dialect(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "csms/dialects/", ("csms",), but=("csms.dialects", "csms.domain", "csms.ocppj"))
    yield from _known(tree, "csms/dialects/v16", ("csms.dialects.v2",))
    yield from _known(tree, "csms/dialects/v201", ("csms.dialects.v16",))


@rule({"simulator/station.py": "from interlock.simulator.v16 import Controller\n"})
def the_physical_station_knows_no_ocpp(tree: Tree) -> Iterator[str]:
    """But for `assembly.py`, which puts station and controller together."""
    for source in tree:
        if source.path.count("/") == 1 and source.path != "simulator/assembly.py":
            yield from _known((source,), "simulator/", ("simulator.v", "simulator.ocppj"), but=("simulator.vehicle",))


@rule({"simulator/v16/x.py": "from interlock.simulator.v201 import messages\n"})
def a_controller_knows_no_other_version(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "simulator/v16/", ("simulator.v201",))
    yield from _known(tree, "simulator/v201/", ("simulator.v16",))
    yield from _known(tree, "simulator/ocppj/", ("simulator.v16", "simulator.v201"))


@rule({"simulator/network/x.py": "from interlock.simulator.ocppj import link\n"})
def the_network_knows_no_station(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "simulator/network/", ("simulator",), but=("simulator.network", "simulator.timer"))


@rule({"scenarios/cases/v16/x.py": "from interlock.scenarios.cases.players import runner\n"})
def cases_are_values(tree: Tree) -> Iterator[str]:
    """Only their players, who perform them, know more than the language of cases and how it is judged."""
    values = tuple(source for source in tree if not source.path.startswith("scenarios/cases/players/"))
    ours = ("csms", "simulator", "scenarios")
    yield from _known(values, "scenarios/cases/", ours, but=("scenarios.cases", "scenarios.judge", "scenarios.record"))
    yield from _known(values, "scenarios/cases/", ("scenarios.cases.players",))


@rule({"scenarios/targets/x.py": "from interlock.scenarios.world.world import World\n"})
def a_target_knows_no_world(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "scenarios/targets/", ("scenarios.world", "scenarios.live"))


@rule({"scenarios/world/x.py": "from interlock.scenarios.live import fleet\n"})
def virtual_time_and_real_sockets_share_no_code_of_their_own(tree: Tree) -> Iterator[str]:
    yield from _known(tree, "scenarios/world/", ("scenarios.live",))
    yield from _known(tree, "scenarios/live/", ("scenarios.world",))


@rule({"csms/x.py": "import csms.node\n", "csms/y.py": "from scenarios import spec\n"})
def our_packages_have_one_name(tree: Tree) -> Iterator[str]:
    for source in tree:
        yield from (f"{source.path} imports {name}" for name in source.imports if name.split(".")[0] in PACKAGES)


@rule(
    {
        "csms/a.py": "from interlock.csms import b\n",
        "csms/b.py": "from interlock.csms.c import f\n",
        "csms/c.py": "def f():\n    from interlock.csms import a\n",
    }
)
def no_circle_of_imports(tree: Tree) -> Iterator[str]:
    modules = {source.module: source for source in tree}
    known = {name: _targets(source, modules) for name, source in modules.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Iterator[str]:
        if name in path:
            yield " -> ".join((*path[path.index(name) :], name))
        elif name not in done:
            for other in sorted(known[name]):
                yield from visit(other, (*path, name))
            done.add(name)

    for name in sorted(modules):
        yield from visit(name, ())


def _targets(source: Source, modules: dict[str, Source]) -> set[str]:
    names = {name if name in modules else name.rpartition(".")[0] for name in source.imports}
    return {name for name in names if name in modules} - {source.module}


# --- what may be called where ----------------------------------------------------------------------------------------


@rule({"csms/domain/x.py": "import asyncio\n"})
def asyncio_stays_in_its_rooms(tree: Tree) -> Iterator[str]:
    for source in tree:
        if any(name.split(".")[0] == "asyncio" for name in source.imports) and not source.path.startswith(ASYNCIO):
            yield source.path


@rule(
    {
        "simulator/x.py": "import time\n\nat = time.time()\n",
        "csms/y.py": "import random\n\nn = random.random()\n",
        "csms/z.py": "import threading\n",
    }
)
def clocks_and_randomness_are_arguments(tree: Tree) -> Iterator[str]:
    clocks = {"datetime.now", "datetime.utcnow", "time.time", "time.monotonic", "uuid.uuid4"}
    for source in tree:
        if source.path.startswith(SHELLS):
            continue
        if {name.split(".")[0] for name in source.imports} & {"threading", "uuid"}:
            yield f"{source.path} imports threading or uuid"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                if called in clocks or (called.startswith("random.") and called != "random.Random"):
                    yield f"{source.path} calls {called}"


@rule({"csms/node.py": 'NAME = "connectorId"\n'})
def words_of_a_version_stay_in_its_dialect(tree: Tree) -> Iterator[str]:
    for source in tree:
        if source.path.startswith("csms/") and not source.path.startswith(("csms/dialects/", *OTHER_FORMATS)):
            yield from (f"{source.path} says {word}" for word in WORDS_OF_A_VERSION if word in source.text)


@rule({"csms/node.py": "from interlock.csms.dialects import BY_SUBPROTOCOL, v201\n"})
def a_dialect_is_named_in_its_room_only(tree: Tree) -> Iterator[str]:
    for source in tree:
        if source.path.startswith("csms/") and not source.path.startswith("csms/dialects/"):
            yield from (f"{source.path} imports {name}" for name in source.ours() if name.startswith("csms.dialects.v"))


# --- files -----------------------------------------------------------------------------------------------------------


@rule({"csms/long.py": "x = 1\n" * 601})
def files_are_short(tree: Tree) -> Iterator[str]:
    for source in tree:
        if (lines := len(source.text.splitlines())) > LINES:
            yield f"{source.path} has {lines} lines"


@rule({"csms/helpers.py": ""})
def file_names_name_something(tree: Tree) -> Iterator[str]:
    for source in tree:
        if set(Path(source.path).stem.split("_")) & FORBIDDEN_NAMES:
            yield source.path


@rule({"csms/wrong/x.py": ""})
def every_package_states_its_idea(tree: Tree) -> Iterator[str]:
    files = {source.path: source for source in tree}
    for folder in sorted({path.rpartition("/")[0] for path in files}):
        init = files.get(f"{folder}/__init__.py")
        if init is None or not ast.get_docstring(init.tree):
            yield f"{folder} has no docstring in an __init__.py"


OURS = read(ROOT)


@pytest.mark.parametrize("check", [check for check, _ in RULES], ids=lambda check: check.__name__)
def test_the_repository_keeps_the_rule(check: Rule) -> None:
    assert list(check(OURS)) == []


@pytest.mark.parametrize(("check", "planted"), RULES, ids=[check.__name__ for check, _ in RULES])
def test_the_rule_bites(check: Rule, planted: dict[str, str], tmp_path: Path) -> None:
    for path, text in planted.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    breaches = list(check(read(tmp_path)))
    assert breaches
    assert all(any(path.split("/")[0] in breach for path in planted) for breach in breaches)


def test_a_scenario_and_a_specimen_have_the_name_of_their_file() -> None:
    from interlock.scenarios.library import scenarios
    from interlock.scenarios.specimens import specimens

    for folder, names in (("library", scenarios()), ("specimens", specimens())):
        files = {path.stem for path in (ROOT / "scenarios" / folder).glob("*.py") if not path.stem.startswith("_")}
        assert files == {name.replace("-", "_") for name in names}
