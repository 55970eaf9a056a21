"""The device model: the variables that exist at a station, their rules, and what they read now.

Names are compared without regard to case (part 2, chapter B05, B06). Values travel as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from interlock.simulator.station import Station

Key = tuple[str, int, int, str, str]
Kind = Literal["boolean", "integer", "decimal", "string", "dateTime", "OptionList", "MemberList", "SequenceList"]


class Name(NamedTuple):
    """Where a variable stands: component, EVSE and connector (0: none), variable, instance ("": none)."""

    component: str
    evse: int
    connector: int
    variable: str
    instance: str = ""

    def key(self) -> Key:
        """Return what two spellings of the same name share."""
        return self.component.casefold(), self.evse, self.connector, self.variable.casefold(), self.instance.casefold()


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable, as all stations of a kind have it. `least` and `most` bound a number.

    `read` returns what it is at a station now; without it, it is `value` until it is set.
    """

    name: Name
    value: str = ""
    kind: Kind = "string"
    writable: bool = False
    least: int | None = None
    most: int | None = None
    read: Callable[[Station], str] | None = None
    reboot: bool = False
    """Whether a new value is only used after a reboot."""

    def accepts(self, value: str) -> bool:
        """Tell whether it may be set to `value` (B05.FR.07 to 09)."""
        if not self.writable:
            return False
        if self.kind == "boolean":
            return value in ("true", "false")
        if self.kind == "integer":
            if not (value.isascii() and value.isdigit() and len(value) <= 9):
                return False
            number = int(value)
            return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)
        return True


class Catalogue:
    """The variables of a kind of station, shared by all stations of that kind."""

    __slots__ = ("components", "variables")

    def __init__(self, variables: Iterable[Variable]) -> None:
        self.variables: Mapping[Key, Variable] = {one.name.key(): one for one in variables}
        self.components = frozenset(key[:3] for key in self.variables)


class DeviceModel:
    """The values of one station, kept through reboots. `changed(name)` is called after one was set."""

    __slots__ = ("_catalogue", "_changed", "_set", "_station")

    def __init__(self, catalogue: Catalogue, station: Station, changed: Callable[[Name], None]) -> None:
        self._catalogue, self._station, self._changed = catalogue, station, changed
        self._set: dict[Key, str] = {}

    def _now(self, variable: Variable) -> str:
        if variable.read is not None:
            return variable.read(self._station)
        return self._set.get(variable.name.key(), variable.value)

    def _at(self, component: str, variable: str, instance: str) -> str:
        return self._now(self._catalogue.variables[Name(component, 0, 0, variable, instance).key()])

    def truth(self, component: str, variable: str) -> bool:
        """Return a boolean of the station."""
        return self._at(component, variable, "") == "true"

    def number(self, component: str, variable: str, instance: str = "") -> int:
        """Return a whole number of the station."""
        return int(self._at(component, variable, instance))

    def write(self, component: str, variable: str, value: str) -> None:
        """Change a variable of the station from within, without regard to its rules."""
        self._set[Name(component, 0, 0, variable).key()] = value

    def _find(self, asked: dict[str, Any]) -> tuple[Variable | None, str]:
        """Return the variable asked for, or None and why there is none."""
        component, variable = asked["component"], asked["variable"]
        place = component.get("evse") or {}
        name = Name(
            component["name"],
            int(place.get("id", 0)),
            int(place.get("connectorId", 0)),
            variable["name"],
            variable.get("instance", ""),
        )
        key = name.key()
        if component.get("instance") or key[:3] not in self._catalogue.components:
            return None, "UnknownComponent"
        found = self._catalogue.variables.get(key)
        return found, "UnknownVariable" if found is None else ""

    # --- what an operator asks ---

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one element of GetVariables."""
        attribute = asked.get("attributeType", "Actual")
        result = {"attributeType": attribute, "component": asked["component"], "variable": asked["variable"]}
        variable, why = self._find(asked)
        if variable is None:
            return {"attributeStatus": why, **result}
        if attribute != "Actual":
            return {"attributeStatus": "NotSupportedAttributeType", **result}
        return {"attributeStatus": "Accepted", "attributeValue": self._now(variable)[:2500], **result}

    def set(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one element of SetVariables, and do it."""
        attribute = asked.get("attributeType", "Actual")
        result = {"attributeType": attribute, "component": asked["component"], "variable": asked["variable"]}
        variable, why = self._find(asked)
        if variable is None:
            return {"attributeStatus": why, **result}
        if attribute != "Actual":
            return {"attributeStatus": "NotSupportedAttributeType", **result}
        if not variable.accepts(asked["attributeValue"]):
            return {"attributeStatus": "Rejected", **result}
        self._set[variable.name.key()] = asked["attributeValue"]
        self._changed(variable.name)
        return {"attributeStatus": "RebootRequired" if variable.reboot else "Accepted", **result}

    def report(self, *, writable_only: bool) -> list[dict[str, Any]]:
        """Return the variables as NotifyReport lists them."""
        known = self._catalogue.variables.values()
        return [_reported(one, self._now(one)) for one in known if one.writable or not writable_only]


def _reported(variable: Variable, value: str) -> dict[str, Any]:
    name = variable.name
    component: dict[str, Any] = {"name": name.component}
    if name.evse:
        component["evse"] = {"id": name.evse} | ({"connectorId": name.connector} if name.connector else {})
    attribute = {"value": value[:2500], "mutability": "ReadWrite" if variable.writable else "ReadOnly"}
    traits: dict[str, Any] = {"dataType": variable.kind, "supportsMonitoring": False}
    if variable.least is not None:
        traits["minLimit"] = variable.least
    if variable.most is not None:
        traits["maxLimit"] = variable.most
    return {
        "component": component,
        "variable": {"name": name.variable} | ({"instance": name.instance} if name.instance else {}),
        "variableAttribute": [attribute],
        "variableCharacteristics": traits,
    }
