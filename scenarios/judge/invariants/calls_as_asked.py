"""What leaves is what was asked: the request, its intent, the CALL and the movement at the station are one command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.scenarios.judge.expected_answers import broken
from interlock.scenarios.judge.expected_calls import differences, expected_call
from interlock.scenarios.judge.expected_facts import Fact, told
from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import Command, History, Observation

USUAL = "ocpp1.6"


def socket_versions(history: History) -> dict[tuple[str, int], str]:
    """The subprotocol of each socket, by station and number."""
    opened = history.of("socket.opened")
    return {(seen["station"], seen["socket"]): seen.get("subprotocol") or USUAL for seen in opened}


def _heard(history: History) -> Iterator[tuple[int, str, dict[str, Any], str]]:
    """Yield the observation, action, payload and version of each CALL of a station that the CSMS received."""
    versions = history.derive(socket_versions)
    for seen in history.wire.asked:
        frame = seen.frame()
        if frame is not None and frame.strict and isinstance(frame.payload, dict):
            version = versions.get((seen.fields["station"], seen.fields["socket"]), USUAL)
            yield seen.i, frame.action, frame.payload, version


def rules_broken(history: History) -> dict[int, frozenset[str]]:
    """The rules of its schema that each CALL of a station breaks, by the observation at which it was received."""
    return {i: broken(action, payload, version) for i, action, payload, version in _heard(history)}


def facts_told(history: History) -> dict[int, list[Fact]]:
    """The facts that each CALL of a station tells, by the observation at which the CSMS received it.

    One that breaks its schema tells what can be read of it, if anything.
    """
    found: dict[int, list[Fact]] = {}
    for i, action, payload, version in _heard(history):
        try:
            found[i] = told(action, payload, version)
        except (AttributeError, TypeError, ValueError):
            if not history.derive(rules_broken)[i]:
                raise
            found[i] = []
    return found


def _asked(history: History) -> dict[str, Observation]:
    """What an operator asked for first under each request id, of a node that was there."""
    away = {
        (seen["request_id"], seen["attempt"])
        for seen in history.of("request.answered")
        if seen["answer"] == "unreachable"
    }
    found: dict[str, Observation] = {}
    for seen in history.of("request.asked"):
        if (seen["request_id"], seen["attempt"]) not in away:
            found.setdefault(seen["request_id"], seen)
    return found


def _calls(history: History) -> Looked:
    looked, versions, asked = Looked(), history.derive(socket_versions), history.derive(_asked)
    for command in history.commands.values():
        if (first := asked.get(command.request_id)) is not None:
            looked.checked += 1
            looked.violations += _not_as_asked(command, first)
    for (station, message_id), frames in history.call_frames.items():
        call = history.call(station, message_id)
        found = history.commands.get(call["command_id"]) if call else None
        if found is None:
            continue  # I03 and I04 speak of these
        command = found
        for seen in frames:
            frame = seen.frame()
            expected = expected_call(command.asked, versions.get((station, seen["socket"]), USUAL))
            if frame is None or expected is None:
                continue
            looked.checked += 1
            wrong = differences(expected, frame.action, frame.payload)
            if command.station != station:
                wrong.insert(0, ("station", command.station, station))
            if wrong:
                looked.violations.append(
                    _differs(f"the CALL of {command.kind} {command.command_id}", wrong, station, command, seen)
                )
    return looked


def _not_as_asked(command: Command, first: Observation) -> Iterator[Violation]:
    """Compare an intent with what the operator asked for. What they left open, the CSMS may have filled in."""
    wrong = [
        (name, repr(wanted), repr(command.asked.get(name)))
        for name, wanted in first["command"].items()
        if wanted is not None and name != "secret" and command.asked.get(name, _default(name)) != wanted
    ]
    if command.station != first["station"]:
        wrong.insert(0, ("station", first["station"], command.station))
    if wrong:
        what = f"the intent of {command.kind} {command.command_id}"
        yield _differs(what, wrong, command.station, command, first)


def _default(name: str) -> int | None:
    """Return what a command means that does not say it: a connector is the first, an EVSE the whole station."""
    return {"connector": 1, "evse": 0}.get(name)


def _differs(
    what: str, wrong: list[tuple[str, str, str]], station: str, command: Command, seen: Observation
) -> Violation:
    return Violation(
        f"{what} is not what was asked: {', '.join(name for name, _, _ in wrong)}",
        "; ".join(f"{name} {expected}" for name, expected, _ in wrong),
        "; ".join(f"{name} {found}" for name, _, found in wrong),
        station,
        story(command.intent, seen),
    )


@invariant(
    "I33",
    "the CALL is what was asked",
    records="log",
    needs=lambda history: history.derive(_calls).scope,
    absent="no command was asked for",
    frames=True,
    ref="OCPP 1.6 sections 5 and 6; OCPP 2.0.1 part 2 section 1",
)
def call_is_what_was_asked(history: History) -> Iterator[Violation]:
    """A request, its intent in the log and the CALL that leaves are the same command, member by member.

    Station, connector, token, transaction, charging profile, kind of reset: whatever the operator named is in the
    intent, and whatever the intent names is in the frame, in the words of the version the socket speaks, and nothing
    else is. The payload is worked out here anew, not by the dialect that wrote it. A password is not in the log and is
    not compared.
    """
    yield from history.derive(_calls).violations


# --- where it happened -----------------------------------------------------------------------------------------------


def _places(history: History) -> Looked:
    looked = Looked()
    for (station, message_id), effects in history.effects.items():
        call = history.call(station, message_id)
        command = history.commands.get(call["command_id"]) if call else None
        if command is None:
            continue
        for seen in effects:
            wrong = _misplaced(command, seen)
            if wrong is None:
                continue
            looked.checked += 1
            if wrong:
                looked.violations.append(
                    Violation(
                        f"{command.kind} {command.command_id} took effect elsewhere",
                        "; ".join(expected for expected, _ in wrong),
                        "; ".join(found for _, found in wrong),
                        station,
                        story(command.intent, call, seen),
                    )
                )
    return looked


def _misplaced(command: Command, seen: Observation) -> list[tuple[str, str]] | None:
    """Return (expected, found) of what is wrong about an effect; None where the command names no place for it."""
    asked = command.asked
    pairs: list[tuple[str, object, object]] = []
    if command.station != seen["station"]:
        pairs.append(("station", command.station, seen["station"]))
    if command.kind == "Unlock" and seen.kind == "ledger" and seen["part"] == "lock":
        pairs.append(("connector", asked["evse"], seen["connector"]))
        if seen.get("outlet") is not None:
            pairs.append(("outlet", asked.get("connector", 1), seen["outlet"]))
    elif command.kind == "RemoteStart" and seen.kind == "session.begun":
        pairs.append(("connector", asked["evse"], seen["connector"]))
        pairs.append(("token", str(asked["id_token"]).lower(), str(seen["id_token"]).lower()))
    elif command.kind in ("Unlock", "Probe", "ChangeAvailability"):
        if seen.kind == "session.begun":
            pairs.append(("effect", "no session", "a session"))
    elif command.kind != "RemoteStart" and not pairs:
        return None
    return [(f"{what} {wanted}", f"{what} {found}") for what, wanted, found in pairs if wanted != found]


@invariant(
    "I34",
    "it happened where it was asked",
    records="log",
    needs=lambda history: history.derive(_places).scope,
    absent="nothing was moved remotely",
    ref="OCPP 1.6 sections 5.11 and 5.18",
)
def happened_where_asked(history: History) -> Iterator[Violation]:
    """The lock that moved is the one the intent names; the session that began is on its EVSE and for its token.

    Judged on the hardware. A CSMS that sends every unlock to connector 1 has one frame, one intent and one movement for
    each request, and opens the wrong cable.
    """
    yield from history.derive(_places).violations
