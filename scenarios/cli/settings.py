"""Where options come from besides the command line, and `interlock config`, which shows each with its source.

What is typed wins, then the environment, then `interlock.toml`, or [tool.interlock] of `pyproject.toml` where there is
no such file, then the default.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from interlock.scenarios.refused import Refused, nearest
from interlock.scenarios.user_file import Unreadable, read_toml

CONFIG = "interlock.toml"
PYPROJECT = "pyproject.toml [tool.interlock]"
PREFIX = "INTERLOCK"
OTHERS = ("INTERLOCK_API_TOKEN", "INTERLOCK_APPROVE", "INTERLOCK_VERSION", "INTERLOCK_DEBUG")
"""Variables that are no option of a command."""
SECRET = ("password", "header")
"""Options that are shown as set, but not as what."""


def where() -> tuple[str, dict[str, Any]]:
    """Return which file sets options, and what it says, unchecked; {} where none does."""
    found = _toml(Path(CONFIG))
    if found is not None:
        return CONFIG, found
    table = (_toml(Path("pyproject.toml")) or {}).get("tool", {})
    found = table.get("interlock", {}) if isinstance(table, dict) else {}
    if not isinstance(found, dict):
        raise Refused(f"{PYPROJECT} is a table such as [tool.interlock.run], not {found!r}")
    return PYPROJECT, found


def defaults(group: Any) -> dict[str, Any]:
    """Return the options that a file sets, by the names of the code. Raises `Refused` for unknown ones."""
    file, found = where()
    _spell(file, found, group, "")
    return found


def _spell(file: str, found: dict[str, Any], group: Any, above: str) -> None:
    """Put options by the names of the code, which may differ from those typed. Raises `Refused` for unknown ones."""
    for section, values in found.items():
        command = group.commands.get(section)
        if command is None or not isinstance(values, dict):
            near, known = nearest(section, group.commands), ", ".join(sorted(group.commands))
            raise Refused(f"{file}: [{above}{section}] is not a command{near}; commands are {known}")
        if hasattr(command, "commands"):
            _spell(file, values, command, f"{above}{section}.")
            continue
        names = {str(one.name) for one in command.params}
        spelt = {option.lstrip("-"): one.name for one in command.params for option in one.opts}
        for key in list(values):
            if key not in names and (right := spelt.get(key.replace("_", "-"))) is not None:
                values[right] = values.pop(key)
            elif key not in names:
                near = nearest(key.replace("_", "-"), spelt)
                shown = f"{above}{section}"
                raise Refused(
                    f"{file}: [{shown}] has no option {key!r}{near}; see `interlock {shown.replace('.', ' ')} --help`"
                )


def _toml(path: Path) -> dict[str, Any] | None:
    """Return what a TOML file holds, None where there is no such file."""
    try:
        return read_toml(path)
    except Unreadable as error:
        if isinstance(error.error, FileNotFoundError):
            return None
        raise Refused(str(error)) from None


# --- interlock config ------------------------------------------------------------------------------------------------


def config(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="Of this command only; options behind it count as typed."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print every option with its value and where that comes from.

    `interlock config run --seeds 5` shows what `interlock run --seeds 5` would go by. Secrets are shown as ***.
    """
    root = context.find_root()
    words = list(command or [])
    chosen = _chosen(root.command, words)
    file, found = where()
    rows = [row for name, one, typed in chosen for row in _rows(name, one, typed, file, found)]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    width = max(len(row["key"]) for row in rows)
    for row in rows:
        value = "-" if row["value"] is None else json.dumps(row["value"], ensure_ascii=False)
        typer.echo(f"{row['key']:<{width}}  {value}  {'' if row['from'] == 'default' else row['from']}".rstrip())
    for name, near in _strangers(root.command):
        typer.echo(f"{name} is set, and no option is called that{near}", err=True)


def _commands(group: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        path = (*above, name)
        yield from _commands(command, path) if hasattr(command, "commands") else [(path, command)]


def _chosen(group: Any, words: list[str]) -> list[tuple[tuple[str, ...], Any, list[str]]]:
    """Return (words, command, what is typed behind them) of every command, or of the one that `words` begin with."""
    every = dict(_commands(group))
    every.pop(("config",), None)
    if not words:
        return [(path, command, []) for path, command in every.items()]
    for path, command in every.items():
        if tuple(words[: len(path)]) == path:
            return [(path, command, words[len(path) :])]
    below: list[tuple[tuple[str, ...], Any, list[str]]] = [
        (path, command, []) for path, command in every.items() if path[0] == words[0]
    ]
    if below and len(words) == 1:
        return below
    near = nearest(" ".join(words[:2]), [" ".join(path) for path in every]) or nearest(words[0], group.commands)
    raise Refused(f"there is no command {words[0]!r}{near}; `interlock --help` lists them")


def _rows(
    path: tuple[str, ...], command: Any, typed: list[str], file: str, found: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    variables = "_".join((PREFIX, *path)).upper()
    settings: Any = found
    for name in path:
        settings = settings.get(name, {}) if isinstance(settings, dict) else {}
    spelt = {option.lstrip("-"): one.name for one in command.params for option in one.opts}
    known = {spelt.get(key.replace("_", "-"), key): value for key, value in settings.items()}
    made = _parsed(command, path[-1], list(typed), auto_envvar_prefix=variables, default_map=known)
    sources = {"COMMANDLINE": "flag", "ENVIRONMENT": "environment", "DEFAULT_MAP": file}
    for one in command.params:
        if one.param_type_name != "option" or one.name == "help":
            continue
        source = made.get_parameter_source(one.name)
        told = sources.get(getattr(source, "name", ""), "default")
        value = made.params.get(one.name)
        if one.name in SECRET and value:
            value = "***"
        yield {
            "key": ".".join((*path, str(one.opts[0]).lstrip("-"))),
            "value": _plain(value),
            "from": f"environment {variables}_{one.name.upper()}" if told == "environment" else told,
        }


def _parsed(command: Any, name: str, typed: list[str], **named: Any) -> Any:
    """Return a command's context; what has to be named, such as a URL, is made up where it is not."""
    for _ in command.params:
        try:
            return command.make_context(name, list(typed), **named)
        except TyperException as error:
            if type(error).__name__ != "MissingParameter":
                raise
            typed = [*typed, "-"]
    return command.make_context(name, typed, **named)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | float | str | None) else str(getattr(value, "value", value))


def _strangers(group: Any) -> Iterator[tuple[str, str]]:
    """Yield variables that look like options and are none, with the nearest that is one."""
    names = {
        "_".join((PREFIX, *path, str(one.name))).upper() for path, command in _commands(group) for one in command.params
    }
    starts = tuple({"_".join((PREFIX, path[0])).upper() + "_" for path, _ in _commands(group)})
    for name in sorted(os.environ):
        if name.startswith(starts) and name not in names and name not in OTHERS:
            near = difflib.get_close_matches(name, names, n=1)
            yield name, f"; did you mean {near[0]}?" if near else ""
