"""Frozen values that are made as fast as open ones.

The `__init__` of a frozen dataclass sets each field through `object.__setattr__`, as the class itself refuses: for the
seven fields of an event that is three times the cost of plain assignments, and every frame makes several values. Here
the object is of an open class with the same slots while its fields are set, and of its own class from then on.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

_NOT_GIVEN = object()
_set_class = object.__dict__["__class__"].__set__


def fast_init(value: type) -> None:
    """Give a frozen dataclass with slots an `__init__` with the same parameters and defaults that costs a third.

    Raises `TypeError` for a class with a base, an `__post_init__` or a field that is not a plain parameter: it could
    not be built so.
    """
    all_fields = fields(value)
    plain = all(field.init and not field.kw_only for field in all_fields)
    if value.__bases__ != (object,) or hasattr(value, "__post_init__") or not plain:
        raise TypeError(f"{value.__name__} cannot be built by plain assignments")
    being_made = type(f"_{value.__name__}", (), {"__slots__": value.__dict__["__slots__"]})
    scope: dict[str, Any] = {"_set_class": _set_class, "_made": value, "_being_made": being_made, "_none": _NOT_GIVEN}
    parameters, lines = ["self"], ["_set_class(self, _being_made)"]
    for field in all_fields:
        name, default = field.name, f"_default_{field.name}"
        parameter, found = name, name
        if field.default is not MISSING:
            parameter, scope[default] = f"{name}={default}", field.default
        elif field.default_factory is not MISSING:
            parameter, scope[default] = f"{name}=_none", field.default_factory
            found = f"{default}() if {name} is _none else {name}"
        parameters.append(parameter)
        lines.append(f"self.{name} = {found}")
    lines.append("self.__class__ = _made")
    exec(f"def __init__({', '.join(parameters)}):\n  " + "\n  ".join(lines), scope)
    initialise = scope["__init__"]
    initialise.__qualname__ = f"{value.__qualname__}.__init__"
    setattr(value, "__init__", initialise)  # noqa: B010 - mypy: a method is not assigned to
