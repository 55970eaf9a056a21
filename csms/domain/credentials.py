"""How a station authenticates: the keys it may be using now, and the lowest security profile it may connect with.

While the outcome of sending a key to a station is in doubt, both that key and the one before are accepted, until the
station uses one of them. The outcome is that of a command, so it stands in the station's own stream; `phase_of` looks
it up. A key is stored as a salted hash only: no key is in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from interlock.csms.domain.bounds import bounds
from interlock.csms.domain.inflight import Phase

FIRST = ""
"""The id of the key an operator set; a key sent to the station has one of its own."""
REFERENCE = "key:"
"""What stands in a stored command in place of the key it carries, followed by the key's id."""

Outcome = Callable[[str], Phase | None]
"""Returns the phase of the command that carried a key, by the key's id; None for a command that is not known."""

# --- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetPassword:
    """Give the station a new key to authenticate with. In the log `secret` is `REFERENCE` and the key's id."""

    secret: str


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeySet:
    """From now on `station` authenticates with the password of this scrypt `salt` and `digest`, both in hex."""

    at: datetime
    station: str
    salt: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeyRemoved:
    """`station` has no password any more, and may use any security profile."""

    at: datetime
    station: str


@dataclass(frozen=True, slots=True)
class KeyOffered:
    """A new password is about to be sent to `station`; the outcome of that command says whether it was accepted."""

    at: datetime
    station: str
    key_id: str
    salt: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeyWithdrawn:
    """The password `key_id` was never sent to `station`."""

    at: datetime
    station: str
    key_id: str


@dataclass(frozen=True, slots=True)
class KeyUsed:
    """`station` authenticated with `key_id` (empty: the key an operator set) while others were possible too."""

    at: datetime
    station: str
    key_id: str


@dataclass(frozen=True, slots=True)
class ProfileReached:
    """`station` authenticated with security profile `profile`: a lower one is refused from now on."""

    at: datetime
    station: str
    profile: int


Command = SetPassword
Event = KeySet | KeyRemoved | KeyOffered | KeyWithdrawn | KeyUsed | ProfileReached

# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Digest:
    """What is kept of a key, in hex."""

    key_id: str
    salt: str
    digest: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """The fold of one station's credential events: keys from old to new, the one it used, the lowest profile."""

    keys: tuple[Digest, ...] = ()
    proven: str | None = None
    profile: int = 0


# --- evolve ----------------------------------------------------------------------------------------------------------


def evolve(state: Credentials, event: Event) -> Credentials:
    """Apply one event. Pure and total."""
    match event:
        case KeySet(salt=salt, digest=digest):
            return Credentials((Digest(FIRST, salt, digest),), None, state.profile)
        case KeyOffered(key_id=key_id, salt=salt, digest=digest):
            # The key last used becomes the only earlier candidate; other keys that were never proven are dropped.
            before = [key for key in state.keys if state.proven in (None, key.key_id)]
            # The oldest is the one it had before any was offered. `offered` withdraws keys that became impossible.
            return replace(state, keys=(*before, Digest(key_id, salt, digest)), proven=None)
        case KeyWithdrawn(key_id=key_id):
            return replace(state, keys=tuple(key for key in state.keys if key.key_id != key_id))
        case KeyUsed(key_id=key_id):
            return replace(state, proven=key_id)
        case ProfileReached(profile=profile):
            return replace(state, profile=max(profile, state.profile))
        case KeyRemoved():
            return Credentials()


# --- facts -----------------------------------------------------------------------------------------------------------


def possible(state: Credentials, phase_of: Outcome) -> tuple[Digest, ...]:
    """Return the keys the station may be using now, from old to new.

    An accepted key replaces those before it; one that was rejected or never sent is not possible. Once the station has
    used one of several in doubt, only that one is possible, whatever is answered late about the command that carried
    it, unless a late answer accepts a newer one.
    """
    found: list[Digest] = list(state.keys[:1])
    for key in state.keys[1:]:
        match Phase.CONFIRMED if key.key_id == state.proven else phase_of(key.key_id):
            case Phase.ACCEPTED | Phase.CONFIRMED:
                found = [key]
            case Phase.REJECTED | Phase.REFUTED:
                pass
            case _:
                found.append(key)
    return tuple([key for key in found if key.key_id == state.proven] or found)


def offered(state: Credentials, station: str, key: Digest, phase_of: Outcome, at: datetime) -> list[Event] | None:
    """Return the events of offering one more key; None while `bounds().keys` keys are possible already.

    Keys that became impossible are withdrawn first, so a possible one is never dropped to make room.
    """
    keys = possible(state, phase_of)
    if len(keys) >= bounds().keys:
        return None
    gone = [known for known in state.keys if known not in keys]
    withdrawn: list[Event] = [KeyWithdrawn(at, station, known.key_id) for known in gone]
    return [*withdrawn, KeyOffered(at, station, key.key_id, key.salt, key.digest)]


def used(state: Credentials, station: str, key_id: str, phase_of: Outcome, at: datetime) -> list[Event]:
    """Return the event that settles which key the station has, now that it used one; none if that was known.

    Using an old key settles nothing while a newer one may still be on its way to the station.
    """
    keys = [key.key_id for key in possible(state, phase_of)]
    if key_id not in keys or len(keys) == 1:
        return []
    if any(phase_of(newer) is Phase.REQUESTED for newer in keys[keys.index(key_id) + 1 :]):
        return []
    return [KeyUsed(at, station, key_id)]
