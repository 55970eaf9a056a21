"""Changed modules for this process alone: an import hook that compiles a changed tree in place of a file's own.

Imports nothing of ours but the operators, so that whatever is changed has not been imported before.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from interlock.loadtests.mutation.operators import FUNCTIONS, planted

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("csms", "scenarios/judge")
"""What bugs are put into."""
REACHED: set[str] = set()
"""The functions that were called, as `path:line`, since this was last cleared; filled under `watch` only."""

Tree = Callable[[str, str], ast.Module]


def files(rooms: tuple[str, ...] = ROOMS) -> Iterator[str]:
    """Yield the paths of the Python files of some rooms or files, from the root of the repository, sorted."""
    for room in rooms:
        place = ROOT / room
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            yield path.relative_to(ROOT).as_posix()


def plant(path: str, number: int) -> None:
    """Put change `number` into the file at `path` for this process, before it is imported."""
    _hook({module(path)}, lambda _, source: planted(source, number))
    importlib.import_module(module(path))  # pytest puts a hook of its own before this one


def watch() -> None:
    """Note in `REACHED` each function of the rooms that is called in this process."""
    builtins.__dict__["__reached__"] = REACHED.add
    names = sorted(module(path) for path in files())
    _hook(set(names), _watched)
    for name in names:
        importlib.import_module(name)


def module(path: str) -> str:
    """Return the name under which a file is imported."""
    return "interlock." + path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _watched(path: str, source: str) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            note = ast.parse(f"__reached__({f'{path}:{first}'!r})").body
            node.body[int(ast.get_docstring(node, clean=False) is not None) : 0] = note
    return ast.fix_missing_locations(tree)


def _hook(names: set[str], tree: Tree) -> None:
    early = names & set(sys.modules)
    if early:
        raise RuntimeError(f"imported before it could be changed: {sorted(early)[0]}")
    sys.meta_path.insert(0, _Finder(names, tree))


class _Finder:
    """Finds the modules that are changed."""

    def __init__(self, names: set[str], tree: Tree) -> None:
        self._names, self._tree = names, tree

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a changed module; None leaves a name to the others."""
        if name not in self._names:
            return None
        relative = name.replace(".", "/")
        package = (ROOT / relative).is_dir()
        file = ROOT / (f"{relative}/__init__.py" if package else f"{relative}.py")
        return importlib.util.spec_from_file_location(
            name,
            file,
            loader=_Loader(name, str(file), self._tree),
            submodule_search_locations=[str(file.parent)] if package else None,
        )


class _Loader(SourceFileLoader):
    """Compiles a changed tree; writes no cached bytecode and reads none."""

    def __init__(self, name: str, path: str, tree: Tree) -> None:
        super().__init__(name, path)
        self._tree = tree

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the changed module."""
        path = Path(self.path).resolve()
        tree = self._tree(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
        code: CodeType = compile(tree, self.path, "exec", dont_inherit=True)
        return code
