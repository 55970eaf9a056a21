"""Selects scenarios of the library by name, glob or tag.

Tags follow from what a scenario holds: its deeds, faults and commands (`unlock`, `power-loss`, `crash`), `race` for
those named `X-vs-Y` or marked so, `outside` for those that can be tried on somebody else's CSMS, `heavy` for long ones.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from interlock.scenarios.spec import Scenario
from interlock.scenarios.targets.applicable import inapplicable


class NothingMatches(Exception):
    """A pattern or tag that no scenario has: one sentence says which."""


def tags(scenario: Scenario) -> frozenset[str]:
    """Return the tags of a scenario."""
    found = {_words(step.what) for step in scenario.steps} - {"ask"}
    for step in scenario.steps:
        if (command := dict(step.params).get("command")) is not None:
            found.add(_words(type(command).__name__))
    if "-vs-" in scenario.name or any(moment == "race" for moment, _, _ in scenario.moments):
        found.add("race")
    if inapplicable(scenario) is None:
        found.add("outside")
    if scenario.heavy:
        found.add("heavy")
    if scenario.nodes > 1:
        found.add("nodes")
    return frozenset(found)


def choose(
    library: Mapping[str, Scenario],
    names: Sequence[str],
    keywords: Sequence[str] = (),
    wanted: Sequence[str] = (),
    unwanted: Sequence[str] = (),
) -> list[str]:
    """Return the chosen names, each once, in the order they were given in.

    `names` are names, files that end in `.py`, or globs; an unknown name is handed on as it is. `keywords` are globs or
    parts of names and `wanted` tags: any of each is enough. `unwanted` are globs or tags. Raises `NothingMatches`.
    """
    found: list[str] = []
    for name in names:
        found += _globbed(library, name) if _is_glob(name) else [name]
    found = list(dict.fromkeys(found))
    known = frozenset[str]().union(*map(tags, library.values()))
    for tag in wanted:
        if tag not in known:
            raise NothingMatches(f"no scenario has the tag {tag!r}{_tag_like(tag, known)}")
    for keyword in keywords:
        if not keyword or not any(_like(name, keyword) for name in found):
            raise NothingMatches(f"-k {keyword!r} matches no scenario; `interlock list scenarios` shows their names")
    for pattern in unwanted:
        if pattern not in known and not any(fnmatchcase(name, pattern) for name in library):
            raise NothingMatches(f"--not {pattern!r} is neither a tag nor a scenario{_tag_like(pattern, known)}")
    chosen = [name for name in found if name not in library or _fits(library[name], keywords, wanted, unwanted)]
    if not chosen:
        raise NothingMatches("no scenario is left of those that were named: -k, --tag and --not leave nothing to run")
    return chosen


def _fits(scenario: Scenario, keywords: Sequence[str], wanted: Sequence[str], unwanted: Sequence[str]) -> bool:
    own = tags(scenario)
    if keywords and not any(_like(scenario.name, keyword) for keyword in keywords):
        return False
    if wanted and not own & set(wanted):
        return False
    return not any(pattern in own or fnmatchcase(scenario.name, pattern) for pattern in unwanted)


def _globbed(library: Mapping[str, Scenario], pattern: str) -> list[str]:
    found = [name for name in library if fnmatchcase(name, pattern)]
    if not found:
        raise NothingMatches(f"no scenario matches {pattern!r}; `interlock list scenarios` shows their names")
    return found


def _tag_like(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else "; `interlock run --suite --list` shows the tags"


def _is_glob(name: str) -> bool:
    return any(character in name for character in "*?[")


def _like(name: str, keyword: str) -> bool:
    return fnmatchcase(name, keyword) if _is_glob(keyword) else keyword in name


def _words(name: str) -> str:
    """Return `RemoteStart` or `power_loss` as a user types it: `remote-start`, `power-loss`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).replace("_", "-").lower()
