"""Commands of a CSMS that does not say which CALL was for which: those with the same CALL are judged together.

From outside a CALL is tied to a request by its words. Where several requests asked for the same, nobody can tell which
of them a CALL was for; counts can be compared all the same: of three equal commands, two of which were done, no three
may be recorded as done, and no two as not done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from interlock.scenarios.judge.invariants.declare import story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import Command, History, LogEvent, Observation

DONE = ("accepted", "confirmed")
NOT_DONE = ("rejected", "refuted")


@dataclass(slots=True)
class Alike:
    """Equal commands, and the CALLs that may have been for any of them."""

    commands: list[Command] = field(default_factory=list)
    calls: list[Observation] = field(default_factory=list)


def groups(history: History) -> list[Alike]:
    """Return the commands that are tied to no CALL of their own, by what they have in common."""
    if history.rules.get("told") is None:
        return []  # seen from inside, each CALL names its command
    loose = [
        call for calls in history.calls.values() for call in calls if call.get("command_id") not in history.commands
    ]
    found: dict[tuple[str, ...], Alike] = {}
    for command in history.commands.values():
        if history.calls.get(command.command_id):
            continue
        mine = [call for call in loose if command.request_id in call.get("candidates", ())]
        rest = [call for call in loose if call["station"] == command.station and "candidates" not in call.fields]
        if not mine and not rest:
            continue  # nothing left that could have been for it
        names = tuple(sorted({name for call in mine for name in call["candidates"]})) or ("", command.station)
        group = found.setdefault(names, Alike())
        group.commands.append(command)
        group.calls = mine
    return list(found.values())


def untied(history: History) -> set[str]:
    """Return the ids of the commands that are judged in groups, or not at all."""
    return {command.command_id for group in history.derive(groups) for command in group.commands}


def _claims(command: Command) -> tuple[str, LogEvent] | None:
    return next(((phase, event) for phase, event in reversed(command.outcomes())), None)


def judge(
    history: History,
    done: Callable[[History, Command, Observation], bool],
    plainly: Callable[[History, Observation], bool],
) -> Iterator[Violation]:
    """Compare how many of each group are recorded as done with how many CALLs were; `done` looks at one CALL.

    What was done and not `plainly` answered, but with an error or what cannot be read, may be taken for not done.
    """
    for group in history.derive(groups):
        if not group.calls:
            continue
        first = group.commands[0]
        happened = sum(done(history, first, call) for call in group.calls)
        claims = [claim for command in group.commands if (claim := _claims(command)) is not None]
        said = [event for phase, event in claims if phase in DONE]
        denied = [event for phase, event in claims if phase in NOT_DONE]
        unsaid = sum(done(history, first, call) and not plainly(history, call) for call in group.calls)
        may_deny = len(group.commands) - happened + unsaid
        wrong = len(said) > happened or len(denied) > may_deny
        if wrong:
            yield Violation(
                f"{len(group.commands)} equal {first.kind} commands of {first.station} are recorded wrongly",
                f"at most {happened} done, at most {may_deny} not done",
                f"{len(said)} done, {len(denied)} not done",
                first.station,
                story(group.calls, said or denied),
            )
