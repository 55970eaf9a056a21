"""The language of conformance cases: frozen values, no behaviour.

A case states its preconditions (`needs`) and then, in one `script`, *stimuli* (what the tester does) and
*expectations* (what the peer under test must be observed to do). The two are different types: players perform stimuli,
the judge looks for expectations in what was recorded, and neither needs the other. An expectation belongs to the last
stimulus before it; expectations are in no order among each other unless `after` gives one.

Fields are patterns (see `match`): a plain value must be equal, a `Ref` is bound where it is first seen and must be
equal afterwards. So a case can be judged on a recording whose tags and transaction ids were not known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["station", "csms"]
"""Who is under test; the tester plays the other one."""
Level = Literal["must", "should"]

# --- patterns --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that is bound where it is first seen."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some values."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """Anything but a value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Present:
    """Present, with any value."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Absent."""


@dataclass(frozen=True, slots=True)
class In:
    """A time, `seconds` after now where the tester writes it; any time where it is read."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Each:
    """A list, not empty, of which each item fits."""

    item: Any


@dataclass(frozen=True, slots=True)
class Some:
    """A list of which an item fits."""

    item: Any


@dataclass(frozen=True, slots=True)
class Where:
    """A value that a function accepts. `good` and `bad` are examples, both legal, of one accepted and one not."""

    words: str
    accepts: Callable[[Any], bool]
    good: Any
    bad: Any


Fields = Mapping[str, Any]

# --- stimuli ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """The tester makes a CALL. `name` distinguishes it from another of the same action."""

    action: str
    payload: Fields = field(default_factory=dict)
    name: str | None = None
    again: bool = False
    """Whether it is repeated on a new connection if the old one closed before the answer, which the peer may do."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The tester sends any text, valid or not. `{id}` in it becomes a fresh message id."""

    text: str


@dataclass(frozen=True, slots=True)
class Hand:
    """A person at the station does something: `plug`, `unplug`, `swipe` and so on, at `connector`."""

    deed: str
    tag: Any = None
    connector: Any = None


@dataclass(frozen=True, slots=True)
class Ask:
    """The operator of the CSMS under test has it make a CALL."""

    action: str
    payload: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """From here on the tester answers CALLs of `action` with this; `None`: no answer; `code`: a CALLERROR."""

    action: str
    payload: Fields | None = None
    code: str | None = None
    times: int = 0
    """How many of them; 0: all."""
    late: str | None = None
    """The limit after which, and `LATE_S` more, it is answered."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The tester closes the connection; until `Allow` it accepts none, or as a station opens none."""


@dataclass(frozen=True, slots=True)
class Allow:
    """The tester accepts connections again; as a station, it connects again."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The tester waits, in cases about time: a number of seconds, or the name of a limit."""

    seconds: float | str


Stimulus = Say | Raw | Hand | Ask | Reply | Cut | Allow | Rest

# --- expectations ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """The peer makes a CALL. `given` is what the tester answers, and binds Refs too."""

    action: str
    fields: Fields = field(default_factory=dict)
    given: Fields = field(default_factory=dict)
    within: str = "effect"
    """The limit counted from the stimulus, by name (`LIMITS`)."""
    after: str | None = None
    """The name of an expectation before it; this one must come later."""
    name: str | None = None
    when: str | None = None
    """A fact of the peer (a configuration key that is true, a feature) without which it is optional."""
    level: Level = "must"


@dataclass(frozen=True, slots=True)
class Answered:
    """The peer answers the tester's last CALL of `action`; `errors` are CALLERROR codes that are accepted as well."""

    action: str
    fields: Fields = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    within: str = "answer"
    after: str | None = None
    name: str | None = None
    when: str | None = None
    level: Level = "must"
    only_errors: bool = False
    """Whether a CALLRESULT is not accepted."""
    to: str | None = None
    """The name of the CALL, where it has one; `raw` for a `Raw`."""

    @property
    def key(self) -> str:
        """The name that identifies its CALL."""
        return self.to or self.action


@dataclass(frozen=True, slots=True)
class Never:
    """The peer makes no such CALL for the duration of the limit `for_`."""

    action: str
    fields: Fields = field(default_factory=dict)
    for_: str = "quiet"
    after: str | None = None
    level: Level = "must"


@dataclass(frozen=True, slots=True)
class Series:
    """The peer makes such a CALL `count` times, `every` so many seconds, by `stamp` (a path) or by arrival."""

    action: str
    every: str
    fields: Fields = field(default_factory=dict)
    count: int = 3
    tolerance: float = 0.5
    """Allowed deviation of each, as a share of the interval, plus one second."""
    stamp: str | None = None
    within: str = "effect"
    """The limit, beyond the intervals themselves, by which the series must be complete."""
    name: str | None = None
    level: Level = "must"


@dataclass(frozen=True, slots=True)
class Connects:
    """The peer connects anew. `headers` are patterns for the headers of its handshake."""

    within: str = "reconnect"
    headers: Fields = field(default_factory=dict)
    level: Level = "must"


Expectation = Sent | Answered | Never | Series | Connects
Item = Stimulus | Expectation

LATE_S = 0.5
"""By how much more than a limit a late reply is late."""
LIMITS: dict[str, float] = {
    "answer": 30.0,
    "effect": 30.0,
    "lapse": 60.0,
    "reconnect": 120.0,
    "boot": 180.0,
    "transfer": 300.0,
    "quiet": 3.0,
    "late": 2.0,
    "heartbeat": 4.0,
    "sample": 4.0,
    "boot_retry": 4.0,
    "connection_timeout": 10.0,
    "offline": 13.0,
}
"""Seconds, by name, unless the vendor declares others. `lapse` is counted on top of `connection_timeout`."""

# --- a case ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Needs:
    """The preconditions of a case, without which it is not applicable."""

    state: str = "idle"
    """Reached by the path of that name in `states`."""
    features: tuple[str, ...] = ()
    """Features the vendor declares; `!name`: it must be absent."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Configuration keys and values; `{limit}` in a value becomes that limit in whole seconds."""
    writable: tuple[str, ...] = ()
    """Configuration keys that the case changes itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """One conformance case."""

    id: str
    title: str
    clause: str
    script: tuple[Item, ...]
    role: Role = "station"
    profile: str = "Core"
    level: Level = "must"
    version: str = "1.6"
    needs: Needs = field(default_factory=Needs)

    @property
    def stimuli(self) -> tuple[Stimulus, ...]:
        """What the tester does."""
        return tuple(item for item in self.script if not isinstance(item, Expectation))

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """What must be observed."""
        return tuple(item for item in self.script if isinstance(item, Expectation))

    @property
    def deeds(self) -> tuple[Hand, ...]:
        """The deeds for a person, without those of its state."""
        return tuple(item for item in self.script if isinstance(item, Hand))


C, TAG, TX = Ref("connector"), Ref("tag"), Ref("transaction")
PRESENT, ABSENT = Present(), Absent()


def one_of(*values: Any) -> OneOf:
    """Return a pattern for one of some values."""
    return OneOf(values)
