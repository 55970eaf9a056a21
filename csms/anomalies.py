"""Anomalies and deviations of stations: each kind is in the log once per station, and counted from then on.

An anomaly is a malformed frame, a refused CALL, an answer to no CALL. A deviation is a CALL that was accepted although
it breaks its schema. A station that does one of these does it all day, so only the first of a kind is logged, under an
id made of the kind, which is recognised after a restart. The kinds of one station are bounded, as a station can produce
any number; those beyond the bound share one kind.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.csms.domain import events as ev
from interlock.csms.domain.reports import Deviation

KINDS = 64
"""Kinds that are distinguished for one station."""
DETAIL = 500
"""Characters kept of what was refused."""
OTHER = "other kinds"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is counted together: the `what` of an anomaly or deviation, and its subject."""

    what: str
    action: str
    member: str
    rule: str


DEVIATION = "deviation"
MALFORMED, REFUSED, UNPLACED = "malformed frame", "refused call", "answer to no known command"


class Noted:
    """The counts of one node, since it started.

    `at` reads the clock; `once` appends an event to a station's stream unless its id is in the log.
    """

    def __init__(
        self, at: Callable[[], datetime], once: Callable[[str, ev.StationEvent, str], Awaitable[bool]]
    ) -> None:
        self._at, self._once = at, once
        self._counts: dict[str, dict[Kind, int]] = {}

    async def deviations(self, station: str, found: Sequence[Deviation]) -> None:
        """Note how an accepted message deviates. Durable when it returns."""
        for one in found:
            kind = self._bounded(station, Kind(DEVIATION, one.action, one.member, one.rule))
            if not self._known(station, kind):
                event = ev.DeviationRecorded(self._at(), kind.action, kind.member, kind.rule, one.clause, one.example)
                await self._keep(station, kind, event)

    async def anomaly(self, station: str, what: str, why: str, detail: str, action: str = "") -> None:
        """Note something that was refused: `why` is its kind, without regard to numbers in it."""
        rule = re.sub(r"\d+", "N", why)[:120]
        kind = self._bounded(station, Kind(what, action[:40], "", rule))
        if not self._known(station, kind):
            event = ev.AnomalyRecorded(self._at(), what, detail[:DETAIL])
            await self._keep(station, kind, event)

    def of(self, station: str) -> dict[Kind, int]:
        """Return how often each kind occurred, in order of first occurrence."""
        return dict(self._counts.get(station, {}))

    def totals(self) -> Iterator[tuple[str, str, int]]:
        """Iterate over (what, rule or action, how often) of all stations, sorted; for metrics."""
        found: dict[tuple[str, str], int] = {}
        for counts in self._counts.values():
            for kind, count in counts.items():
                label = kind.what, kind.rule if kind.what == DEVIATION else ""
                found[label] = found.get(label, 0) + count
        for (what, rule), count in sorted(found.items()):
            yield what, rule, count

    def _bounded(self, station: str, kind: Kind) -> Kind:
        counts = self._counts.setdefault(station, {})
        return kind if kind in counts or len(counts) < KINDS else Kind(kind.what, OTHER, "", "")

    def _known(self, station: str, kind: Kind) -> bool:
        counts = self._counts[station]
        if kind not in counts:
            return False
        counts[kind] += 1
        return True

    async def _keep(self, station: str, kind: Kind, event: ev.StationEvent) -> None:
        said = "\n".join((kind.what, kind.action, kind.member, kind.rule))
        name = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        await self._once(station, event, f"{station}:noted:{name}")
        counts = self._counts[station]
        counts[kind] = counts.get(kind, 0) + 1
