"""What a vendor declares of a peer, as a TOML file: features, limits, and the values that cases call by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from interlock.scenarios.cases.exemplar import BOUND
from interlock.scenarios.cases.language import LIMITS
from interlock.scenarios.refused import nearest
from interlock.scenarios.user_file import Unreadable, read_as

FEATURES = {
    "fixed_cable": "the cable is fixed to the station, so there is no lock to unlock",
    "backup_power": "it can still say something when the power fails",
    "two_connectors": "it has a second connector, [values] other_connector",
    "cache": "it has an authorization cache",
    "offline_start": "it lets known cards charge while there is no connection",
    "local_list": "profile LocalAuthListManagement",
    "list_failure": "it can be brought into a state in which it cannot keep a local list",
    "firmware": "profile FirmwareManagement",
    "file_server": "[values] location and firmware are on a server that runs",
    "reservation": "profile Reservation",
    "reserve_zero": "it can reserve connector 0",
    "remote_trigger": "profile RemoteTrigger",
    "smart_charging": "profile SmartCharging",
    "security": "the security extension of OCPP 1.6",
    "basic_auth": "it connects with a password",
    "tls": "it connects with TLS",
    "mutual_tls": "it connects with a certificate of its own",
    "expired": "the CSMS knows [values] expired_tag as expired",
    "blocked": "the CSMS knows [values] blocked_tag as blocked",
    "group": "the CSMS knows [values] tag and group_tag as of the group parent_tag",
    "invalid": "the CSMS refuses cards that it does not know, and does not know [values] invalid_tag",
}
"""Every feature, and what having it means."""
OF_A_CSMS = ("expired", "blocked", "group", "invalid")
"""Those of its cards, which no station has."""
CHOSEN_BY_TESTER = ("quiet", "late", "heartbeat", "sample", "boot_retry", "connection_timeout", "offline")
"""Limits that are no deadlines of a peer: what the tester configures it with, and how long the tester waits."""
LEAST_S = 1.0
"""The shortest of them: a station counts in whole seconds."""
PROFILES = {
    "LocalAuthListManagement": "local_list",
    "FirmwareManagement": "firmware",
    "Reservation": "reservation",
    "RemoteTrigger": "remote_trigger",
    "SmartCharging": "smart_charging",
}
"""The features that a station states itself, in SupportedFeatureProfiles."""


class NoDeclaration(Exception):
    """A file that is not a declaration: one sentence says why."""


class Declaration(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A declaration. A feature that it leaves out is unknown, and what needs it is not applicable."""

    name: str = ""
    features: dict[str, bool] = {}
    limits: dict[str, float] = {}
    values: dict[str, Any] = {}

    def told(self, keys: Mapping[str, str], seen: Mapping[str, bool] | None = None) -> tuple[str, ...]:
        """Return the features, with what the station's own configuration tells and what was `seen` of the peer."""
        profiles = {one.strip() for one in keys.get("SupportedFeatureProfiles", "").split(",")}
        told = {feature: True for profile, feature in PROFILES.items() if profile in profiles}
        if keys.get("ReserveConnectorZeroSupported", "").lower() == "true":
            told["reserve_zero"] = True
        if keys.get("NumberOfConnectors", "").isdigit():
            told["two_connectors"] = int(keys["NumberOfConnectors"]) > 1
        found = {**told, **(seen or {}), **self.features}
        return tuple(name if there else f"!{name}" for name, there in sorted(found.items()))


def at_speed(declared: Declaration, speed: float) -> Declaration:
    """Return a declaration in which what the tester chooses takes so many times less long; deadlines stay.

    What was declared stays as well.
    """
    sooner = {name: max(LEAST_S, LIMITS[name] / speed) for name in CHOSEN_BY_TESTER}
    return msgspec.structs.replace(declared, limits={**sooner, **declared.limits})


def read(path: Path) -> Declaration:
    """Read a declaration, or raise `NoDeclaration`."""
    try:
        found = read_as(path, Declaration)
    except Unreadable as error:
        raise NoDeclaration(str(error)) from None
    for table, names, known in (
        ("features", found.features, FEATURES),
        ("limits", found.limits, LIMITS),
        ("values", found.values, BOUND),
    ):
        if unknown := sorted(set(names) - set(known)):
            near = nearest(unknown[0], known) or f"; there are {', '.join(sorted(known))}"
            raise NoDeclaration(f"{path}: [{table}] {unknown[0]} is nothing known{near}")
    if wrong := sorted(name for name, seconds in found.limits.items() if not 0 < seconds <= 86400):
        raise NoDeclaration(f"{path}: [limits] {wrong[0]} is more than 0 and at most 86400 seconds")
    return found


def write(path: Path, name: str, keys: Mapping[str, str]) -> None:
    """Write a commented declaration of a station for a person to correct."""
    known = Declaration().told(keys)
    lines = [
        "# What Interlock may expect of this peer. Correct it: what is not declared is not checked.",
        f"name = {_toml(name)}",
        "",
        "[features]",
    ]
    for feature, meaning in FEATURES.items():
        if feature in OF_A_CSMS:
            continue
        there = feature in known
        lines.append(f"{'' if there else '# '}{feature} = {'true' if there else 'false':<6}# {meaning}")
    lines += ["", "[limits]", "# Seconds within which something must be there."]
    lines += [f"# {limit} = {seconds:g}" for limit, seconds in LIMITS.items()]
    lines += ["", "[values]", "# What the cases call by name: cards, connectors, files."]
    lines += [f"# {value} = {_toml(content)}" for value, content in BOUND.items() if isinstance(content, str | int)]
    lines += ["", "# What it said of its configuration:"]
    lines += [f"#   {key} = {value}"[:118] for key, value in sorted(keys.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _toml(value: Any) -> str:
    return msgspec.json.encode(value).decode()
