"""Two that must agree: the same reports in another wording, and the same asked of another store."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.scenarios.judge.invariants.declare import invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History


@invariant(
    "I43",
    "other words, same record",
    records="log",
    needs=lambda history: len(history.of("retold")),
    absent="the run was not told in other words",
    ref="Chen, Cheung and Yiu, Metamorphic Testing, 1998",
)
def same_record(history: History) -> Iterator[Violation]:
    """A run in which stations word every frame otherwise, and mean the same, ends in the same record and answers.

    White space, escapes, the order of members, the offset of times, Wh or kWh: each is a run of its own with the same
    seed, so that nothing else differs. What the log says and what was sent is compared; this needs no list of mistakes.
    """
    for seen in history.of("retold"):
        if seen["expected"] is not None:
            yield Violation(
                f"told in other words ({seen['relation']}) the run ends in another record",
                seen["expected"][:300],
                seen["found"][:300],
                None,
                story(seen),
            )


@invariant(
    "I49",
    "one log, in memory and on disk",
    records="log",
    needs=lambda history: sum(seen["asked"] for seen in history.of("store.compared")),
    absent="no log on disk was asked the same",
    ref="McKeeman, Differential Testing for Software, 1998",
)
def one_log(history: History) -> Iterator[Violation]:
    """A log on disk answers everything the nodes of a run asked of theirs as that did, and tells of the same commits.

    Versions, lost races, events that are there already, pages, streams, snapshots: question by question, appends that
    follow each other committed together, with the file closed and opened again in between.
    """
    for seen in history.of("store.compared"):
        if seen["what"] is not None:
            yield Violation(
                f"the log on disk answers otherwise: {seen['what']}",
                seen["expected"],
                seen["found"],
                None,
                story(seen),
            )
