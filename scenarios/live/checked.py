"""Checks inside a user's pytest: the objects that the fixtures `interlock_station` and `interlock_csms` return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interlock.scenarios.cases import catalogue
from interlock.scenarios.cases.language import Case, Role
from interlock.scenarios.cases.players.control import operator
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.hand import Hand, NoHand
from interlock.scenarios.live.check import Check, Plan
from interlock.simulator.network.address import parse

Made = Callable[[str], Hand]
"""Makes whoever plugs and swipes, once the URL is known; `start()` and `stop()` of it are called if it has them."""


class Verdicts(dict[str, str]):
    """The verdict of each case by id. `reasons` says why, `trouble` why there was nothing to check."""

    def __init__(self, check: Check) -> None:
        super().__init__((name, one.verdict) for name, one in check.results.items())
        self.reasons = {name: one.reason for name, one in check.results.items() if one.reason}
        self.trouble = check.trouble
        self.document = check.document()

    def passed(self) -> None:
        """Raise `AssertionError` unless cases passed and none did worse; what does not apply does not count."""
        bad = [f"{name} {word}: {self.reasons.get(name, '')}" for name, word in self.items() if word not in GOOD]
        if bad or "PASS" not in self.values():
            raise AssertionError("\n".join(bad) or f"no case passed: {dict(self)}")


GOOD = ("PASS", "PARTIAL", "NOT_APPLICABLE")


def check_station(
    out: Path, cases: Sequence[str | Case], hand: Made | None = None, listen: str = "127.0.0.1:0", **declared: Any
) -> Verdicts:
    """Wait for a station at `listen` and run cases on it; `hand` makes whoever plugs and swipes, or starts it.

    `declared` are `features`, `limits` and `values`, as in the file of `--declare`, `station` and `wait_s`.
    """
    host, _, port = listen.rpartition(":")
    return _checked("station", out, cases, hand, declared, host=host, port=int(port))


def check_csms(
    out: Path,
    url: str,
    cases: Sequence[str | Case],
    control: str | None = None,
    hand: Made | None = None,
    station: str = "INTERLOCK-01",
    **declared: Any,
) -> Verdicts:
    """Connect to a CSMS as a station and run cases on it; `control` is as with `interlock check csms`."""
    if control is not None:
        made = operator(control)

        def hand(_: str) -> Hand:
            return made

    return _checked("csms", out, cases, hand, {**declared, "station": station}, url=parse(url))


def _checked(
    role: Role,
    out: Path,
    cases: Sequence[str | Case],
    hand: Made | None,
    declared: Mapping[str, Any],
    **where: Any,
) -> Verdicts:
    named = [one for one in cases if isinstance(one, str)]
    own = [one for one in cases if isinstance(one, Case)]
    more = {name: value for name, value in declared.items() if name in ("station", "wait_s", "password")}
    told = {name: value for name, value in declared.items() if name not in more}
    plan = Plan(
        role,
        [*(catalogue.chosen(role, named) if named else []), *own],
        Declaration(**told),
        out,
        datetime.now(UTC),
        "pytest",
        hand or (lambda _: NoHand("the test gives no hand")),
        **where,
        **{"wait_s": 60.0, **more},
    )
    check = Check(plan, lambda *_: None)
    check.run()
    return Verdicts(check)
