"""The rooms of the simulator: who may know an OCPP version, a message, a socket. Read from the source, by `ast`.

Each rule is a function from a tree of files to its violations, so that it can be shown to find those of a bad tree.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "simulator"
CONTROLLERS = ("v16", "v201", "v21")

MESSAGES = (
    "Authorize",
    "BootNotification",
    "ChangeAvailability",
    "ChangeConfiguration",
    "GetConfiguration",
    "GetVariables",
    "MeterValues",
    "NotifyEvent",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "RequestStartTransaction",
    "RequestStopTransaction",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
    "TransactionEvent",
    "TriggerMessage",
)
WORDS_1_6 = (
    "idTag",
    "id_tag",
    "connectorId",
    "chargePoint",
    "charge_point",
    "transactionId",
    "meterStart",
    "meterStop",
    "errorCode",
    "NoError",
    "Preparing",
    "SuspendedEV",
    "Finishing",
    "ConnectionTimeOut",
)
WORDS_2_0_1 = ("idToken", "evseId", "remoteStartId", "seqNo", "chargingState", "triggerReason", "EVConnected")
IN_COMMON = ("Authorize", "BootNotification")
"""Messages that the part of all versions sends itself."""

Rule = Callable[[Path], list[str]]


def files(tree: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(tree.rglob("*.py")):
        yield path.relative_to(tree).as_posix(), path


def room(name: str) -> str:
    return name.split("/")[0] if "/" in name else ""


def imports(tree: Path, path: Path, *, types: bool = True) -> Iterator[str]:
    """Every module of the tree that a file imports, as `ocppj.link`; without `types`, only what it needs to run."""
    package = path.relative_to(tree).parent.parts
    module = ast.parse(path.read_text("utf-8"))
    skipped = (
        set() if types else {id(inner) for node in module.body if _is_type_checking(node) for inner in ast.walk(node)}
    )
    for node in ast.walk(module):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            where = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            start = f"{where}.{node.module or ''}".strip(".") if node.level else str(node.module)
            start = start.removeprefix("interlock.").removeprefix("simulator.")
            yield start
            yield from (f"{start}.{alias.name}".strip(".") for alias in node.names)


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


# --- the rules -------------------------------------------------------------------------------------------------------


def only_controllers_know_a_version(tree: Path) -> list[str]:
    """No word of a version outside its room, no message outside the rooms that send messages."""
    found = []
    for name, path in files(tree):
        here = room(name)
        if here in CONTROLLERS:
            continue
        allowed = IN_COMMON if here == "ocppj" else ()
        text = path.read_text("utf-8")
        words = (*WORDS_1_6, *WORDS_2_0_1, *MESSAGES)
        found += [f"{name}: {word}" for word in words if word in text and word not in allowed]
    return found


def versions_stand_apart(tree: Path) -> list[str]:
    """A controller is known where stations are put together; it knows no other one."""
    found = []
    for name, path in files(tree):
        for module in imports(tree, path):
            other = module.split(".")[0]
            if other in CONTROLLERS and name != "assembly.py" and room(name) != other:
                found.append(f"{name}: {module}")
    return found


def physics_knows_no_messages(tree: Path) -> list[str]:
    """What is physical or human imports neither framing nor `ocpp`."""
    found = []
    for name, path in files(tree):
        if room(name) == "" and name != "assembly.py":
            known = {module.split(".")[0] for module in imports(tree, path)}
            found += [f"{name}: {module}" for module in sorted(known & {"ocppj", "ocpp", "asyncio", "websockets"})]
    return found


def the_network_knows_links_only(tree: Path) -> list[str]:
    """The network imports nothing of the simulator but its timer."""
    parts = {name.split("/")[0].removesuffix(".py") for name, _ in files(tree)} - {"network", "timer", "__init__"}
    found = []
    for name, path in files(tree):
        if room(name) == "network":
            known = {module.split(".")[0] for module in imports(tree, path)}
            found += [f"{name}: {module}" for module in sorted(known & parts)]
    return found


def no_import_goes_in_a_circle(tree: Path) -> list[str]:
    """No file needs itself to be imported. What is imported for types alone does not count."""
    names = {name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for name, path in files(tree)}
    needs = {name: {one for one in imports(tree, path, types=False) if one in names} for name, path in names.items()}
    found, done = [], set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            found.append(" > ".join((*way[way.index(name) :], name)))
        elif name not in done:
            for other in sorted(needs[name]):
                # A package's __init__ is imported before its parts, and imports them: that is no circle.
                if not name.startswith(f"{other}."):
                    visit(other, (*way, name))
            done.add(name)

    for name in sorted(names):
        visit(name, ())
    return found


RULES: dict[Rule, tuple[dict[str, str], dict[str, str]]] = {
    only_controllers_know_a_version: (
        {"evse.py": "body = {'idTag': 1}\n", "ocppj/link.py": "# as in StartTransaction\n"},
        {"evse.py": "tag = 1\n", "ocppj/link.py": "'BootNotification'\n", "v16/messages.py": "'idTag'\n"},
    ),
    versions_stand_apart: (
        {"station.py": "from . import v16\n", "v201/orders.py": "from ..v16.status import word\n"},
        {"assembly.py": "from . import v16, v201\n", "v201/orders.py": "from .messages import boot\n"},
    ),
    physics_knows_no_messages: (
        {"evse.py": "from .ocppj.link import Link\n", "driver.py": "import ocpp\n"},
        {"evse.py": "from .timer import Timer\n", "v16/controller.py": "from ..ocppj.link import Link\n"},
    ),
    the_network_knows_links_only: (
        {
            "network/dial.py": "from ..station import Station\n",
            "station.py": "",
            "network/links.py": "from .. import station",
        },
        {"network/dial.py": "from ..timer import Timer\nfrom .address import parse\n", "timer.py": ""},
    ),
    no_import_goes_in_a_circle: (
        {"evse.py": "from .station import Station\n", "station.py": "from .evse import Evse\n"},
        {
            "evse.py": "if TYPE_CHECKING:\n    from .station import Station\n",
            "station.py": "from .evse import Evse\n",
        },
    ),
}
"""Each rule, with a tree it must find violations in, one in each file that has something in it, and an innocent one."""


@pytest.mark.parametrize("rule", RULES)
def test_the_simulator_keeps(rule: Rule) -> None:
    assert rule(ROOT) == []


def planted(tree: Path, contents: dict[str, str]) -> Path:
    for name, text in contents.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tree


@pytest.mark.parametrize("rule", RULES)
def test_a_bad_tree_is_found(rule: Rule, tmp_path: Path) -> None:
    bad, innocent = RULES[rule]
    found = rule(planted(tmp_path / "bad", bad))
    guilty = [name for name, text in bad.items() if text]
    if rule is no_import_goes_in_a_circle:
        assert found == ["evse > station > evse"]
    else:
        assert {line.split(":")[0] for line in found} == set(guilty)
    assert rule(planted(tmp_path / "innocent", innocent)) == []
