"""Help texts for users: an option's value by its meaning instead of its type, and no line for each variable."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from interlock.scenarios.refused import Refused

VALUES = {"path": "PATH", "file": "FILE", "directory": "DIR", "int": "N", "float": "N"}
"""What is shown of an option's value by the name of its type; of another, TEXT."""


class Command(TyperCommand):
    """A command whose help is plain."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _plainly(self.params)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words that were typed. Raises `Refused` for an empty path, which would mean the current folder."""
        if any(not word or word.endswith("=") for word in args):
            given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
            params: list[Any] = self.get_params(ctx)
            for one in params:
                if one.type_descriptor.is_path and given.get(one.name or "") == "":
                    shown = one.opts[0] if isinstance(one, TyperOption) else str(one.metavar or one.name)
                    raise Refused(f"{shown}: it is empty, perhaps a variable that is not set")
        return list(super().parse_args(ctx, args))

    def invoke(self, ctx: Any) -> Any:
        """Run it. Raises `Refused` for a number without an end, which the limits of an option let through."""
        for one in self.get_params(ctx):
            value = ctx.params.get(one.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise Refused(f"{one.opts[0]}: it is a number, not {value}")
        return super().invoke(ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options."""
        arguments = [one for one in self.get_params(ctx) if isinstance(one, TyperArgument)]
        options = [one.get_help_record(ctx) for one in self.get_params(ctx) if not isinstance(one, TyperArgument)]
        if arguments:
            with formatter.section("Arguments"):
                formatter.write_dl([(one.display_name_raw.upper(), one.help or "") for one in arguments])
        with formatter.section("Options"):
            formatter.write_dl([one for one in options if one is not None])

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the usage: brackets are around what may be left out."""
        words = [_usage(one) for one in self.get_params(ctx) if isinstance(one, TyperArgument)]
        formatter.write_usage(ctx.command_path, " ".join(["[OPTIONS]", *words]))


class Group(TyperGroup):
    """Commands whose own options are plain."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        _plainly(self.params)


def _usage(argument: TyperArgument) -> str:
    name = argument.display_name_raw.upper()
    name = name if argument.required else f"[{name}]"
    return f"{name}..." if argument.nargs != 1 else name


def _plainly(params: Iterable[Any]) -> None:
    """Name the values of options, and leave variables to `interlock config`, which shows them all."""
    for one in params:
        if not isinstance(one, TyperOption):
            continue
        one.show_envvar = False
        kind = one.type_descriptor
        if kind.is_choice and one.metavar is None:
            one.metavar = "|".join(str(getattr(choice, "value", choice)) for choice in kind.choices or ())
        elif one.metavar is None and not one.is_flag:
            name = kind.path_type if kind.is_path else str(kind.ranged_type_name if kind.is_ranged else one.bare_type())
            one.metavar = VALUES.get(name, "TEXT")
