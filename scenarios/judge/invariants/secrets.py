"""No key of a station is in the log, whoever told it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.frames import text_of
from interlock.scenarios.record.history import History, Observation, station_of

NAMES = frozenset({"authorizationkey", "basicauthpassword", "password", "apnpassword"})
"""In small letters: the configuration key of 1.6 and the variable of 2.0.1 that are a station's key, and the members
of connection profiles that are a key of somebody else's network."""
REFERENCE = "key:"
"""What stands for a key that is stored elsewhere."""
SHORTEST = 8
"""Characters of a text below which it may be there by chance."""


def _secrets(value: Any) -> Iterator[str]:
    """Yield the keys in what was said: by a member of that name, or beside a member that has that name."""
    if isinstance(value, list):
        for one in value:
            yield from _secrets(one)
    if not isinstance(value, Mapping):
        return
    for name, said in value.items():
        if name.lower() in NAMES:
            yield from _texts(said)
    variable = value.get("variable")
    named = variable.get("name") if isinstance(variable, Mapping) else value.get("key")
    if isinstance(named, str) and named.lower() in NAMES:
        for name in ("value", "attributeValue", "actualValue"):
            yield from _texts(value.get(name))
        for one in value.get("variableAttribute", ()) if isinstance(value.get("variableAttribute"), list) else ():
            yield from _texts(one.get("value") if isinstance(one, Mapping) else None)
    for said in value.values():
        yield from _secrets(said)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= SHORTEST and not value.startswith(REFERENCE):
        yield value


def _may_name(text: str) -> bool:
    """Tell whether a frame may name a secret, and so is worth reading: a name may be written in escapes."""
    for name in NAMES:
        if name in text:
            return True
    return "\\u" in text


def _kept(history: History) -> Looked:
    looked = Looked()
    told: dict[tuple[str, str], Observation] = {}
    for seen, frame, _ in history.csms_frames:
        if not _may_name(seen.fields["text"].lower()):
            continue
        for secret in _secrets(frame.payload if frame is not None else None):
            told.setdefault((seen.fields["station"], secret), seen)
    for command in history.commands.values():
        if command.kind == "SetPassword":  # kept apart by the process around a node, which is not in every run
            told.pop((command.station, str(command.asked.get("secret"))), None)
    looked.checked = len(told)
    if not told:
        return looked
    for event in history.log:
        station = station_of(event.stream)
        text = text_of(event.data)
        for (whose, secret), seen in told.items():
            if whose == station and secret in text:
                looked.violations.append(
                    Violation(
                        f"a key of {station} is in the log, in {event.type}",
                        "its value left out",
                        f"{secret[:3]}... in version {event.version}",
                        station,
                        story(seen, event),
                    )
                )
    return looked


@invariant(
    "I46",
    "no key is in the log",
    records="log",
    needs=lambda history: history.derive(_kept).scope,
    absent="no key was said",
    frames=True,
    ref="OCPP 2.0.1 part 2, A01.FR.12; Improved security for OCPP 1.6-J section 2.3",
)
def no_key_in_the_log(history: History) -> Iterator[Violation]:
    """What was said as a station's key is nowhere in the log, which is kept for good and read by many.

    AuthorizationKey in the configuration of 1.6, BasicAuthPassword among the variables and in the connection profiles
    of 2.0.1: in a command, in what answers it, in a report or an event that tells it though it may not.
    """
    yield from history.derive(_kept).violations
