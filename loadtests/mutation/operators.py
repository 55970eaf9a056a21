"""What plain bugs look like, as changes of a syntax tree: a guard dropped, a wrong key, an answer before its time.

`mutants` lists every change that a source offers, in a fixed order; `planted` makes the one of a number.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

WORD = re.compile(r"[A-Za-z]\w*")
SILENT = frozenset({"alarm", "debug", "observe", "warning"})
"""Calls that only say something to a person or to the judge: to leave one out, or to change its words, is no bug."""
FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
}
ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: its `number` in its file, where it is, what was done, and the code `before` and `after`."""

    number: int
    line: int
    function: str
    """The name of the function it is in; empty for one at the level of the module or a class."""
    first_line: int
    """The first line of that function, as its code object has it; 0 outside of one."""
    operator: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class _Change:
    """`parent.field` becomes `value`; `old` and `new` are the nodes that show it."""

    operator: str
    parent: ast.AST
    field: str
    value: Any
    old: ast.AST
    new: ast.AST


def mutants(source: str) -> list[Mutant]:
    """List the changes that a source offers."""
    found = []
    for number, (scope, change) in enumerate(_changes(ast.parse(source))):
        name = scope.name if scope is not None else ""
        first = min([scope.lineno, *(one.lineno for one in scope.decorator_list)]) if scope is not None else 0
        line = getattr(change.old, "lineno", 0)
        found.append(Mutant(number, line, name, first, change.operator, _shown(change.old), _shown(change.new)))
    return found


def planted(source: str, number: int) -> ast.Module:
    """Return the tree of a source with change `number` made; lines are those of the source."""
    tree = ast.parse(source)
    for at, (_, change) in enumerate(_changes(tree)):
        if at == number:
            setattr(change.parent, change.field, change.value)
            return ast.fix_missing_locations(tree)
    raise IndexError(f"there is no change {number}")


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).split())[:110]


def _changes(tree: ast.Module) -> Iterator[tuple[Function | None, _Change]]:
    words = sorted({str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant) and _is_word(node)})
    yield from _inside(tree, None, words)


def _inside(node: ast.AST, scope: Function | None, words: list[str]) -> Iterator[tuple[Function | None, _Change]]:
    if isinstance(node, FUNCTIONS):
        scope = node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params", "format_spec") or _only_words(node):
            continue
        children = value if isinstance(value, list) else [value]
        for at, child in enumerate(children):
            if not isinstance(child, ast.AST) or _left_alone(child):
                continue
            for operator, new in _instead(child, scope, words):
                changed = [*value[:at], new, *value[at + 1 :]] if isinstance(value, list) else new
                yield scope, _Change(operator, node, field, changed, child, new)
            yield from _inside(child, scope, words)
        if isinstance(value, list) and scope is not None:
            for change in _in_list(node, field, value):
                yield scope, change


def _left_alone(node: ast.AST) -> bool:
    """Tell what is no behaviour: imports, texts for people, what only type checkers read, frames of dataclasses."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.JoinedStr):
        return True
    if isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or _name(node.value) in SILENT):
        return True
    if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases):
        return True
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _only_words(node: ast.AST) -> bool:
    """Tell whether a node is a call that only says something."""
    return isinstance(node, ast.Call) and _name(node) in SILENT


def _name(node: ast.AST) -> str:
    """Return the last name of what is called, awaited or not."""
    if isinstance(node, ast.Await):
        node = node.value
    called = node.func if isinstance(node, ast.Call) else None
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _is_word(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(WORD.fullmatch(node.value))


# --- one node in another's place -------------------------------------------------------------------------------------


def _instead(node: ast.AST, scope: Function | None, words: list[str]) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.stmt) and scope is not None:
        yield from _statement(node)
    if isinstance(node, ast.expr):
        yield from _expression(node, scope, words)


def _statement(node: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.If(test=test, body=body, orelse=[]) if isinstance(body[-1], ENDS):
            yield "drop the guard", ast.Pass()
            yield "negate the condition", _with(node, test=_not(test))
        case ast.If(test=test) | ast.While(test=test):
            yield "negate the condition", _with(node, test=_not(test))
        case ast.Return(value=ast.Constant(value=bool() as said)):
            yield "other answer", ast.Return(ast.Constant(not said))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant | ast.List | ast.Tuple):
            yield "return nothing", ast.Return(ast.Constant(None))
        case ast.Return(value=ast.List(elts=[_, *_])):
            yield "return nothing", ast.Return(ast.List([], ast.Load()))
        case ast.Raise():
            yield "swallow", ast.Pass()
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield "leave out the call", ast.Pass()
        case ast.AugAssign():
            yield "leave out the addition", ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Delete():
            yield "leave out the change", ast.Pass()
        case ast.Try(handlers=[_, *_] as handlers):
            for at, handler in enumerate(handlers):
                if not isinstance(handler.body[0], ast.Pass) and len(handler.body) <= 3:
                    changed = [*handlers[:at], _with(handler, body=[ast.Pass()]), *handlers[at + 1 :]]
                    yield "swallow", _with(node, handlers=changed)


def _expression(node: ast.expr, scope: Function | None, words: list[str]) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(ops=[op], comparators=[against]) if type(op) in FLIPPED:
            yield "other comparison", _with(node, ops=[FLIPPED[type(op)]()])
            if isinstance(against, ast.Tuple):
                for at in range(len(against.elts)):
                    left = _with(against, elts=[*against.elts[:at], *against.elts[at + 1 :]])
                    yield "drop an element", _with(node, comparators=[left])
        case ast.BoolOp(op=op, values=values):
            yield "and for or", _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for at in range(len(values)):
                left = [*values[:at], *values[at + 1 :]]
                yield "drop a condition", left[0] if len(left) == 1 else _with(node, values=left)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "drop the not", operand
        case ast.BinOp(op=op) if type(op) in OTHER:
            yield "wrong arithmetic", _with(node, op=OTHER[type(op)]())
        case ast.IfExp(body=body, orelse=orelse):
            yield "other branch", _with(node, body=orelse, orelse=body)
        case ast.List(elts=[_, *_] as elts) if scope is not None:
            for at in range(len(elts)):
                yield "drop an element", _with(node, elts=[*elts[:at], *elts[at + 1 :]])
        case ast.Constant(value=bool() as said):
            yield "wrong constant", ast.Constant(not said)
        case ast.Constant(value=int() | float() as number):
            yield "wrong constant", ast.Constant(number + 1 if number in (0, 1) else number * 2)
        case ast.Constant(value=str() as word) if WORD.fullmatch(word) and len(words) > 1:
            yield "wrong word", ast.Constant(words[(words.index(word) + 1) % len(words)])
        case ast.Attribute(value=ast.Name(id=name), attr=attr, ctx=ast.Load()) if scope is not None:
            others = sorted(_fields(scope, name) - {attr})
            if others:
                yield "wrong field", _with(node, attr=others[len(attr) % len(others)])
        case ast.Call():
            yield from _call(node)


def _call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    if _only_words(node):
        return
    if _name(node) in ("reversed", "sorted", "min", "max") and node.args:
        other = {"min": "max", "max": "min"}.get(_name(node))
        yield "other order", _with(node, func=ast.Name(other, ast.Load())) if other else node.args[0]
    for at in range(len(node.args) - 1):
        one, two = node.args[at : at + 2]
        if ast.dump(one) != ast.dump(two) and not any(isinstance(arg, ast.Starred | ast.Lambda) for arg in (one, two)):
            yield "swap arguments", _with(node, args=[*node.args[:at], two, one, *node.args[at + 2 :]])
    for at, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            yield "drop a keyword", _with(node, keywords=[*node.keywords[:at], *node.keywords[at + 1 :]])


def _fields(scope: Function, name: str) -> set[str]:
    """Return the fields that a function reads of a name and does not call."""
    called = {id(node.func) for node in ast.walk(scope) if isinstance(node, ast.Call)}
    return {
        node.attr
        for node in ast.walk(scope)
        if isinstance(node, ast.Attribute)
        and id(node) not in called
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.value, ast.Name)
        and node.value.id == name != "self"
    }


# --- statements in another order -------------------------------------------------------------------------------------


def _in_list(node: ast.AST, field: str, value: list[Any]) -> Iterator[_Change]:
    for at in range(len(value) - 1):
        one, two = value[at : at + 2]
        if _acts(one) and _acts(two):
            swapped = [*value[:at], two, one, *value[at + 2 :]]
            yield _Change("other order", node, field, swapped, _block(one, two), _block(two, one))


def _acts(node: Any) -> bool:
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await) and _name(node.value) not in SILENT
    )


def _block(*statements: ast.stmt) -> ast.AST:
    block = ast.Module(list(statements), [])
    block.lineno = statements[0].lineno  # type: ignore[attr-defined]
    return block


def _with(node: Any, **changes: Any) -> Any:
    """Return a node as it is, but for some of its fields."""
    made = type(node)(**{**dict(ast.iter_fields(node)), **changes})
    return ast.copy_location(made, node)


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)
