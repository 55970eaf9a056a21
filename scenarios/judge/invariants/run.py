"""The run itself: operators are answered, nothing breaks or leaks, and the same seed gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.scenarios.judge.invariants.declare import Looked, Scope, invariant, story
from interlock.scenarios.judge.invariants.model import Lives
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, Request


def _answers(history: History) -> Looked:
    looked, lives = Looked(), history.derive(Lives)
    end = history.observations[-1].t if history.observations else 0.0
    for request in history.requests.values():
        found = _answered(history, request, lives, end)
        if found is None:
            continue
        if found == CUT:
            looked.cut += 1
            continue
        looked.checked += 1
        if found:
            told = request.asked or request.answers[0]
            bound = f"one answer within {history.rules['answer_bound_s']:g} s"
            looked.violations.append(
                Violation(
                    f"request {request.request_id}, attempt {request.attempt}: {found}",
                    bound,
                    found,
                    told["station"],
                    story(request.asked, request.answers or history.observations[-1]),
                )
            )
    return looked


CUT = "cut short"
ANSWERS = frozenset({"accepted", "known", "refused", "unreachable", "failed"})
"""What an operator can be told."""


def _answered(history: History, request: Request, lives: Lives, end: float) -> str | None:
    """Return what is wrong with the answers to a request; empty: nothing; None: its node did not survive."""
    asked, answers = request.asked, request.answers
    if asked is None:
        return "answered without being asked"
    if len(answers) > 1:
        return f"{len(answers)} answers"
    if answers and answers[0]["answer"] not in ANSWERS:
        return f"the answer {answers[0]['answer']!r}, which is none"
    due = asked.t + history.rules["answer_bound_s"]
    if answers and answers[0].t <= due:
        return ""
    if not lives.up(asked["node"], asked.i) or lives.fell(asked["node"], asked.i, due):
        return None
    if answers:
        return f"the answer took {answers[0].t - asked.t:.3f} s"
    return "no answer" if end > due else CUT


@invariant(
    "I19",
    "answered",
    level="SHOULD",
    needs=lambda history: history.derive(_answers).scope,
    absent="no node that survived was asked for anything",
)
def answered(history: History) -> Iterator[Violation]:
    """Each attempt of an operator on a node that survives gets exactly one answer, in time.

    Accepted, known, refused, unreachable and failed are all answers. Silence is not: it leaves the operator to guess,
    and operators guess by asking again.
    """
    yield from history.derive(_answers).violations


@invariant(
    "I20",
    "no unhandled error, no leak",
    level="BOOKKEEPING",
    needs=lambda history: Scope(len(history.of("rest")), 0 if history.of("rest") else 1),
    absent="nobody counted what was left",
)
def nothing_breaks(history: History) -> Iterator[Violation]:
    """No task of a running node ends in an error nobody expected, and at rest nothing is left over.

    What is left over - a task, a socket - was forgotten by whoever should have ended it, and a fleet forgets it every
    minute.
    """
    for failed in history.of("task.failed"):
        yield Violation(
            f"a task of {failed['node']} failed: {failed['error']}", "no error", failed["error"], None, story(failed)
        )
    for rest in history.of("rest"):
        for what in ("tasks", "sockets"):
            expected, found = rest[f"expected_{what}"], rest[what]
            if found > expected:
                yield Violation(
                    f"{rest['node']} has {found} {what} at rest, {expected} are accounted for",
                    f"at most {expected}",
                    str(found),
                    None,
                    story(rest),
                )


def same_bytes(first: History, second: History) -> bool:
    """Return whether two histories are the same, byte for byte."""
    return first.sha256() == second.sha256()


def _digest(history: History) -> str:
    found: str = history.run.get("history_sha256") or history.sha256()
    return found


@invariant(
    "I25",
    "determinism",
    level="BOOKKEEPING",
    needs=lambda history: int(history.run.get("again_sha256") is not None),
    absent="it was run once",
    ref="FoundationDB, Testing Distributed Systems with Deterministic Simulation, 2014",
)
def deterministic(history: History) -> Iterator[Violation]:
    """The same scenario and seed give the same history, byte for byte, in another process as well.

    Otherwise a seed that failed cannot be shown to anybody. Needs a second run: its digest is `again_sha256`.
    """
    again = history.run.get("again_sha256")
    if again is not None and again != _digest(history):
        yield Violation("the same seed gave another history", _digest(history), str(again), None, ())
