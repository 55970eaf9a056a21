"""`interlock new`: a scenario, invariant, fault, specimen or case that runs as it is, with its test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from interlock.scenarios.cli.places import check_folder, write
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import nearest

KINDS = ("scenario", "invariant", "fault", "specimen", "case")
SKELETONS = Path(__file__).with_name("skeletons")


def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of: {', '.join(KINDS)}.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called, such as door-left-open.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write the two files.")] = Path(),
) -> None:
    """Write a file to begin with, and its test. Both run as they are; nothing is registered elsewhere.

    How each kind is written: docs/extend.md.
    """
    if kind not in KINDS:
        near = nearest(kind, KINDS) or f"; there are {', '.join(KINDS)}"
        raise Refused(f"there is no skeleton of a {kind!r}{near}")
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name) or len(name) > 60:
        raise Refused(f"NAME is small letters, digits and hyphens, such as door-left-open, not {name!r}")
    made = files(kind, name, out)
    check_folder("--out", out)
    for path, text in made.items():
        write("--out", path, text)
        typer.echo(f"wrote {path}")
    source = out / f"{name.replace('-', '_')}.py"
    typer.echo(f"run it:  {_line(kind, source, out)}")
    typer.echo(f"test it: pytest {source.with_name(f'test_{source.name}')}")


def files(kind: str, name: str, out: Path) -> dict[Path, str]:
    """Return the texts by where they belong. Raises `Refused` where something is already."""
    snake = name.replace("-", "_")
    words = {
        "@NAME@": snake.replace("_", "-"),
        "@SNAKE@": snake,
        "@FILE@": f"{snake}.py",
        "@CLASS@": class_of(snake),
        "@TITLE@": snake.replace("_", " ").capitalize(),
    }
    found = {}
    for skeleton, file in ((kind, f"{snake}.py"), (f"{kind}_test", f"test_{snake}.py")):
        if (out / file).exists():
            raise Refused(f"{out / file} is there already: take another name, or another --out")
        text = (SKELETONS / f"{skeleton}.txt").read_text("utf-8")
        for mark, word in words.items():
            text = text.replace(mark, word)
        found[out / file] = text
    return found


def class_of(snake: str) -> str:
    """Return the name of a class of that name."""
    return "".join(part.capitalize() for part in snake.split("_"))


def _line(kind: str, source: Path, out: Path) -> str:
    if kind == "specimen":
        return f"interlock run answer-lost --csms {source}:{class_of(source.stem)} --seeds 20"
    if kind == "case":
        return f"interlock check csms URL --control FILE --cases {out}"
    return f"interlock run {source}"
