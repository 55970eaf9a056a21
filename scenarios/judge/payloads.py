"""The faults of a payload: by the JSON schemas of each version, formats included, and by the text of the standard.

The schemas are those of the `ocpp` package. They do not demand that a start's connector is above 0, that integers have
32 bits, or that a raw value is a number; `WORDS` does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import jsonschema_rs

from interlock.scenarios.record.actions import FOLDERS, FROM_STATION, actions, schema_folder
from interlock.scenarios.record.versions import Version

INT32 = 2**31
NO_RULES = frozenset[str]()
Validator = jsonschema_rs.Draft4Validator | jsonschema_rs.Draft6Validator


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: the rule (a JSON-schema keyword, `format`, `action`, `direction` or `words`), where, and what."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@cache
def _validator(version: Version, name: str) -> Validator:
    text = (schema_folder(version) / f"{name}.json").read_text("utf-8-sig")
    kind = jsonschema_rs.Draft4Validator if version == "1.6" else jsonschema_rs.Draft6Validator
    return kind(text, validate_formats=True)


def of_call(version: Version, action: str, payload: Any, sender: str) -> Problem | None:
    """Return what is wrong with a CALL of `sender` (station or csms) by its schema, None where nothing is."""
    if action not in actions(version):
        return Problem("action", "action", f"{action[:60]!r} is no action of OCPP {version}")
    if action != "DataTransfer" and version in FROM_STATION:
        theirs = action in FROM_STATION[version]
        if theirs != (sender == "station"):
            return Problem("direction", "action", f"{action} is never requested by a {sender}")
    return _by_schema(_validator(version, action + FOLDERS[version][1]), payload)


def rules_of_call(version: Version, action: str, payload: Any, sender: str) -> frozenset[str]:
    """Return every rule that a CALL breaks: one that refuses it may name any of them."""
    found = schema_rules(version, action, payload, sender)
    return found if in_words(version, action, payload, answer=False) is None else found | {"words"}


def schema_rules(version: Version, action: str, payload: Any, sender: str) -> frozenset[str]:
    """Return every rule of its schema that a CALL breaks, by their names."""
    first = of_call(version, action, payload, sender)
    if first is None:
        return NO_RULES
    found = {first.rule}
    if not found & {"action", "direction"}:
        try:
            errors = _validator(version, action + FOLDERS[version][1]).iter_errors(payload)
            found |= {error.kind.name for error in errors}
        except ValueError:
            found.add("format")
    return frozenset(found)


def of_answer(version: Version, action: str, payload: Any) -> Problem | None:
    """Return what is wrong with an answer to `action` by its schema; None too for an action that is not known."""
    if action not in actions(version):
        return None
    return _by_schema(_validator(version, f"{action}Response"), payload)


def _by_schema(schema: Validator, payload: Any) -> Problem | None:
    try:
        if schema.is_valid(payload):
            return None
        error = next(schema.iter_errors(payload))
    except ValueError as broken:  # not even representable: a number of thousands of digits, say
        return Problem("format", "payload", str(broken)[:120])
    where = "/".join(str(part) for part in error.instance_path) or "payload"
    return Problem(error.kind.name, where, error.message[:160])


# --- in words --------------------------------------------------------------------------------------------------------

Rule = Callable[[str, dict[str, Any]], Iterator[Problem]]


def in_words(version: Version, action: str, payload: Any, *, answer: bool) -> Problem | None:
    """Return what breaks a rule the standard states in words only. Members of a wrong type are the schema's affair."""
    if not isinstance(payload, dict):
        return None
    what = f"{version} {action}{'.conf' if answer else ''}"
    for rule in _rules_for(what):
        for problem in rule(what, payload):
            return problem
    return None


@lru_cache(maxsize=512)
def _rules_for(what: str) -> tuple[Rule, ...]:
    """Return the rules that can speak of a message."""
    return tuple(rule for rule in WORDS if what in OF.get(rule, (what,)))


_FREE = ("customData", "data")
"""Members that hold what no rule speaks of."""


def _whole_numbers(_: str, payload: dict[str, Any]) -> Iterator[Problem]:
    """Integers have 32 bits (1.6 section 7 and 2.0.1 part 2 chapter 2, primitive datatypes)."""
    stack: list[tuple[str, Any]] = [("", payload)]
    while stack:
        where, value = stack.pop()
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for name, one in inside:
            if type(one) is int:
                if not -INT32 <= one < INT32 and name not in _FREE:
                    yield Problem("words", f"{where}/{name}"[1:], f"{one} does not fit 32 bits")
            elif isinstance(one, dict | list) and name not in _FREE:
                stack.append((f"{where}/{name}", one))


ABOVE_0 = frozenset(
    f"1.6 {name}"
    for name in (
        ["StartTransaction", "RemoteStartTransaction", "UnlockConnector", "TriggerMessage", "ExtendedTriggerMessage"]
    )
)
"""Requests whose connectorId is above 0: 1.6 sections 6.45, 6.33, 6.53, 6.51."""
NOT_BELOW_0 = frozenset(
    ("connectorId", "interval", "duration", "retries", "retryInterval", "evseId", "seqNo", "stackLevel")
)


def _connectors(what: str, payload: dict[str, Any]) -> Iterator[Problem]:
    connector = payload.get("connectorId")
    if type(connector) is int and connector == 0 and what in ABOVE_0:
        yield Problem("words", "connectorId", "it is 0, and has to be above 0")
    for name, value in payload.items():
        if type(value) is int and value < 0 and name in NOT_BELOW_0:
            yield Problem("words", name, f"{value} is below 0")
    evse = payload.get("evse")
    if what.startswith("2") and isinstance(evse, dict) and type(evse.get("id")) is int and evse["id"] < 1:
        yield Problem("words", "evse/id", f"{evse['id']} is not above 0")
    if what.endswith("RequestStartTransaction") and payload.get("evseId") == 0:
        yield Problem("words", "evseId", "it is 0, and has to be above 0")


def _whole_station(what: str, payload: dict[str, Any]) -> Iterator[Problem]:
    """Connector 0 stands for the station, which does not charge (1.6 section 4.9)."""
    if what == "1.6 StatusNotification" and payload.get("connectorId") == 0:
        status = payload.get("status")
        if status not in ("Available", "Unavailable", "Faulted", None):
            yield Problem("words", "status", f"connector 0 is {status}; it can be Available, Unavailable or Faulted")


def _samples(what: str, payload: dict[str, Any]) -> Iterator[Problem]:
    """A raw value is a decimal number (1.6 section 7.43)."""
    if what not in ("1.6 MeterValues", "1.6 StopTransaction"):
        return
    for name in ("meterValue", "transactionData"):
        for at, reading in enumerate(_objects(payload.get(name))):
            for number, sample in enumerate(_objects(reading.get("sampledValue"))):
                value = sample.get("value")
                if sample.get("format", "Raw") == "Raw" and isinstance(value, str) and not _is_number(value):
                    where = f"{name}/{at}/sampledValue/{number}/value"
                    yield Problem("words", where, f"{value[:40]!r} is no number, and its format is Raw")


def _is_number(text: str) -> bool:
    try:
        return float(text) not in (float("inf"), float("-inf")) and float(text) == float(text)
    except ValueError:
        return False


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _profiles(what: str, payload: dict[str, Any]) -> Iterator[Problem]:
    """Charging profiles (1.6 sections 3.13.1, 5.16.2 and 7.14)."""
    profile = payload.get("csChargingProfiles") if what == "1.6 SetChargingProfile" else None
    profile = payload.get("chargingProfile") if what == "1.6 RemoteStartTransaction" else profile
    if not isinstance(profile, dict):
        return
    purpose, connector = profile.get("chargingProfilePurpose"), payload.get("connectorId")
    if what == "1.6 RemoteStartTransaction" and purpose != "TxProfile":
        yield Problem("words", "chargingProfile", f"its purpose is {purpose}; with a remote start it is TxProfile")
    elif purpose == "ChargePointMaxProfile" and connector != 0:
        yield Problem("words", "connectorId", f"ChargePointMaxProfile is set at connector 0, not {connector}")
    elif purpose == "TxProfile" and connector == 0:
        yield Problem("words", "connectorId", "TxProfile is of one transaction, so its connector is above 0")
    schedule = profile.get("chargingSchedule")
    periods = _objects(schedule.get("chargingSchedulePeriod")) if isinstance(schedule, dict) else []
    if periods and periods[0].get("startPeriod") not in (0, None):
        yield Problem("words", "chargingSchedulePeriod/0", "the first startPeriod has to be 0")
    starts = [one.get("startPeriod") for one in periods]
    for number, (one, two) in enumerate(itertools.pairwise(starts), 1):
        if type(one) is int and type(two) is int and two <= one:
            yield Problem("words", f"chargingSchedulePeriod/{number}", f"it begins at {two}, behind one at {one}")
    if what == "1.6 RemoteStartTransaction" and "transactionId" in profile:
        yield Problem("words", "chargingProfile/transactionId", "the session has no number yet")


def _lists(what: str, payload: dict[str, Any]) -> Iterator[Problem]:
    """A full local list says how each card is registered (1.6 section 7.2)."""
    if what != "1.6 SendLocalList" or payload.get("updateType") != "Full":
        return
    for number, one in enumerate(_objects(payload.get("localAuthorizationList"))):
        if "idTagInfo" not in one:
            where = f"localAuthorizationList/{number}"
            yield Problem("words", where, "an entry of a full list has an idTagInfo")


WHOLE_KEYS = frozenset(
    (
        *("BlinkRepeat", "ClockAlignedDataInterval", "ConnectionTimeOut", "HeartbeatInterval", "LightIntensity"),
        *("MaxEnergyOnInvalidId", "MeterValueSampleInterval", "MinimumStatusDuration", "ResetRetries"),
        *("TransactionMessageAttempts", "TransactionMessageRetryInterval", "WebSocketPingInterval"),
    )
)
"""Configuration keys whose value is a whole number: 1.6 section 9.1."""
TRUTH_KEYS = frozenset(
    (
        *("AllowOfflineTxForUnknownId", "AuthorizationCacheEnabled", "AuthorizeRemoteTxRequests"),
        *("LocalAuthListEnabled", "LocalAuthorizeOffline", "LocalPreAuthorize", "StopTransactionOnEVSideDisconnect"),
        *("StopTransactionOnInvalidId", "UnlockConnectorOnEVSideDisconnect"),
    )
)
"""Configuration keys whose value is true or false: 1.6 section 9.1."""


def _settings(what: str, payload: dict[str, Any]) -> Iterator[Problem]:
    key, value = payload.get("key"), payload.get("value")
    if what != "1.6 ChangeConfiguration" or not isinstance(key, str) or not isinstance(value, str):
        return
    if key in WHOLE_KEYS and not value.strip().removeprefix("-").isdecimal():
        yield Problem("words", "value", f"{key} is a whole number, not {value[:40]!r}")
    if key in TRUTH_KEYS and value.strip().lower() not in ("true", "false"):
        yield Problem("words", "value", f"{key} is true or false, not {value[:40]!r}")


WORDS: tuple[Rule, ...] = (_whole_numbers, _connectors, _whole_station, _samples, _profiles, _lists, _settings)
OF: Mapping[Rule, tuple[str, ...]] = {
    _whole_station: ("1.6 StatusNotification",),
    _samples: ("1.6 MeterValues", "1.6 StopTransaction"),
    _profiles: ("1.6 SetChargingProfile", "1.6 RemoteStartTransaction"),
    _lists: ("1.6 SendLocalList",),
    _settings: ("1.6 ChangeConfiguration",),
}
"""The messages that a rule speaks of, where that is not each of them."""
