"""Tokens: who may charge, in a stream of their own, and how a station is answered when one is presented."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interlock.csms.domain.replies import Given, Reply

if TYPE_CHECKING:  # these files sum this one up and so import it
    from interlock.csms.domain.events import Facts
    from interlock.csms.domain.station import Station

# --- reports ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authorize:
    """May `id_token` charge?"""

    id_token: str


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TokenRegistered:
    """`id_token` may (Accepted) or may not (Blocked, Expired, Invalid) charge."""

    at: datetime
    id_token: str
    status: str
    parent: str | None = None


Report = Authorize
Event = TokenRegistered

# --- state -----------------------------------------------------------------------------------------------------------


def same_token(one: str | None, other: str | None) -> bool:
    """Return whether two texts are one token: letters' case does not count (CiString in 1.6; C01.FR.25 in 2.0.1)."""
    return one is other if one is None or other is None else one.lower() == other.lower()


class Tokens(MutableMapping[str, str]):
    """The status of each token, looked up without regard to case; names are kept as last registered."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, str]] = {}
        self._parents: dict[str, str] = {}

    def __getitem__(self, token: str) -> str:
        return self._found[token.lower()][1]

    def word(self, token: str, unknown: str) -> str:
        """Return the status of a token, `unknown` for one that was never registered."""
        found = self._found.get(token.lower())
        return unknown if found is None else found[1]

    def __setitem__(self, token: str, word: str) -> None:
        self._found[token.lower()] = token, word

    def __delitem__(self, token: str) -> None:
        del self._found[token.lower()]
        self._parents.pop(token.lower(), None)

    def register(self, token: str, word: str, parent: str | None) -> None:
        """Set the status of a token and the group it belongs to, if any."""
        self[token] = word
        if parent:
            self._parents[token.lower()] = parent
        else:
            self._parents.pop(token.lower(), None)

    def parent(self, token: str) -> str | None:
        """Return a token's group, if any: cards of one group may end each other's transactions (1.6 section 3.5.3)."""
        return self._parents.get(token.lower())

    def __iter__(self) -> Iterator[str]:
        return (token for token, _ in self._found.values())

    def __len__(self) -> int:
        return len(self._found)


# --- facts -----------------------------------------------------------------------------------------------------------


def _authorize(state: Station, report: Authorize, at: datetime, given: Given) -> tuple[Facts, Reply]:
    return [], Reply(given.authorization)


REPORTED: dict[type, Callable[[Any, Any, datetime, Given], tuple[Facts, Reply]]] = {Authorize: _authorize}
