"""A CSMS's control interface, described in a TOML file: what to send, and where the values are in its answers.

`interlock explain target` prints a commented file; this module says what may stand in one and what is wrong with it.
In a URL, a header or a body, `{name}` stands for something of the run and `${NAME}` for an environment variable, which
is where secrets come from: their values are never printed. Places in answers are JMESPath expressions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from interlock.csms.domain.inflight import Phase
from interlock.scenarios.targets.wording import DRAWN, NAMES, OTHERWISE
from interlock.scenarios.user_file import Unreadable, read_as
from interlock.simulator.spec import OcppVersion

SLOT = re.compile(r"\$\{(\w+)\}|\{(\w+)\}")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CARDS = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")
"""How a card can be answered."""
STATES = tuple(phase.value for phase in Phase)
"""Where a command can stand. The first two are no ends."""
COMMANDS = tuple(NAMES["1.6"])
"""What an operator asks for, in every version."""


class NoTarget(Exception):
    """A file that describes no control interface: one sentence says why."""


class Check(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Asked once, to see whether it is there and lets us in."""

    path: str
    ok: tuple[int, ...] = (200,)


class Request(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How one command differs from the others."""

    path: str | None = None
    method: str | None = None
    body: dict[str, Any] | str | None = None


class Ask(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How an operator asks for a command, and what the answers mean: a status code named nowhere is `failed`."""

    accepted: tuple[int, ...]
    path: str = ""
    method: str = "POST"
    headers: dict[str, str] = {}
    body: dict[str, Any] | str | None = None
    refused: tuple[int, ...] = ()
    unreachable: tuple[int, ...] = ()
    refused_when: str | None = None
    id: str | None = None
    known: str | None = None
    reason: str | None = None
    state: str | None = None


NOTHING = Ask(accepted=())
"""The table of a file that has none."""


class Outcome(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Where to ask what became of a command."""

    path: str
    state: str


class Events(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A log in Interlock's own words, whose command ids are the message ids of the CALLs."""

    path: str
    each: str
    version: str
    id: str
    type: str
    data: str
    next: str | None = None


class Connectors(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What it believes of each connector. What is left out is not compared."""

    path: str
    each: str
    connector: str
    status: str
    evse: str | None = None
    """Where its EVSE is (2.0.1); without it, each connector is an EVSE of its own, as in 1.6."""
    transaction: str | None = None
    held: str | None = None


class Online(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Whether it believes the station to be connected."""

    path: str
    online: str


class Transactions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The transactions of a station. One without `meter_stop_wh` is open."""

    path: str
    each: str
    id: str
    connector: str
    id_token: str
    meter_start_wh: str
    started_at: str
    meter_stop_wh: str


class Samples(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The meter values that it keeps of a transaction. What is left out is not compared."""

    path: str
    each: str
    value: str
    at: str | None = None
    """Where the time of the reading is."""
    measurand: str | None = None
    unit: str | None = None
    phase: str | None = None
    context: str | None = None


class Stations(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The stations it knows. Load tests send commands to those; without it, to the stations of their own process."""

    path: str
    each: str
    id: str
    next: str | None = None
    """Where the answer says that there are more; `{after}` in the path is then the last station's id."""


class Restart(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How it is killed and started again: a command line, run in the file's folder, or a request.

    It is best killed without a warning: what it had answered by then has to be there afterwards. That [check] is
    answered says that it is up.
    """

    command: tuple[str, ...] = ()
    path: str = ""
    method: str = "POST"
    within_s: float = 60.0
    """How long it may take until it is up again."""


class Described(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A whole file."""

    url: str = ""
    ocpp: OcppVersion | None = None
    """The version in whose words its commands are; None: any, as where they are passed on as a {payload}."""
    ask: Ask = NOTHING
    websocket_only: bool = False
    """Whether there is no control interface: what needs a command or a record is not applicable."""
    timeout_s: float = 30.0
    headers: dict[str, str] = {}
    check: Check | None = None
    stations: Stations | None = None
    commands: dict[str, Request] = {}
    states: dict[str, tuple[str, ...]] = {}
    cards: dict[str, tuple[str, ...]] = {}
    outcome: Outcome | None = None
    events: Events | None = None
    connectors: Connectors | None = None
    online: Online | None = None
    transactions: Transactions | None = None
    samples: Samples | None = None
    restart: Restart | None = None

    def request(self, command: str) -> Ask:
        """Return how a command is asked for."""
        own = self.commands.get(command, Request())
        given = {name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not None}
        return msgspec.structs.replace(self.ask, **given)

    @property
    def askable(self) -> frozenset[str]:
        """The commands it can be asked for: those with a table, or all when one body carries every payload."""
        every = "{payload}" in _texts(self.ask.body) and self.ask.path
        return frozenset(COMMANDS if every else self.commands)

    @property
    def tells(self) -> frozenset[str]:
        """What its records can answer, in the words of `target.TELLS`."""
        if not self.askable:
            return frozenset()
        asked = [self.request(command) for command in self.askable]
        keyed = all(_says(one, "request") for one in asked)
        found = {
            "requests": keyed,
            "payloads": all("{payload}" in _texts(one.body) for one in asked),
            "log": self.events is not None,
            "outcomes": self.ask.state is not None or self.outcome is not None or self.events is not None,
            "transactions": self.transactions is not None or self.events is not None,
            "connectors": self.connectors is not None,
            "online": self.online is not None,
        }
        return frozenset(name for name, told in found.items() if told)


def load(path: Path, environment: Mapping[str, str], ocpp: OcppVersion | None = None) -> Described:
    """Read a file, for stations that speak `ocpp`; None: what the file says, 1.6 where it does not.

    Raises `NoTarget` with one sentence about the first mistake in it.
    """
    try:
        found = read_as(path, Described)
        if ocpp is not None and found.ocpp not in (None, ocpp):
            raise NoTarget(f"its commands are in the words of OCPP {found.ocpp}, and stations speak {ocpp}")
        for wrong in _mistakes(found, environment, ocpp or found.ocpp or "1.6"):
            raise NoTarget(wrong)
    except Unreadable as error:
        raise NoTarget(f"{error}{_nearest(str(error.error))}") from None
    except NoTarget as error:
        raise NoTarget(f"{path}: {error}") from None
    return found


def of_interlock(url: str) -> Described:
    """Return the interface of `interlock serve` at `url`, which takes its token from the environment."""
    return msgspec.structs.replace(read_as(Path(__file__).parent / "interlock.toml", Described), url=url)


def fill(template: Any, names: Mapping[str, Any], environment: Mapping[str, str], *, url: bool = False) -> Any:
    """Put values in their places. A text that is one place and nothing else becomes the value, with its type."""
    if isinstance(template, dict):
        return {name: fill(one, names, environment) for name, one in template.items()}
    if isinstance(template, list):
        return [fill(one, names, environment) for one in template]
    if not isinstance(template, str):
        return template
    whole = SLOT.fullmatch(template)
    if whole is not None and whole[2] is not None and not url:
        return names[whole[2]]

    def put(found: re.Match[str]) -> str:
        value = environment[found[1]] if found[1] is not None else names[found[2]]
        value = "" if value is None else str(value)
        return quote(value, safe="") if url else value

    return SLOT.sub(put, template)


# --- what can be wrong -----------------------------------------------------------------------------------------------


def _mistakes(found: Described, environment: Mapping[str, str], ocpp: OcppVersion) -> Iterator[str]:
    if found.websocket_only:
        if found != Described(websocket_only=True):
            yield "websocket_only = true stands alone: it says that there is no control interface"
        return
    for key, value in (("url", found.url), ("ask", found.ask.accepted)):
        if not value:
            yield f"missing key {key}" if key == "url" or found.ask is NOTHING else "[ask] accepted is empty"
    yield from _address(found.url)
    if not 0 < found.timeout_s <= 600:
        yield f"timeout_s is more than 0 and at most 600 seconds, not {found.timeout_s:g}"
    yield from _expressions(found)
    for name in found.commands:
        if name not in COMMANDS:
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f"; did you mean [commands.{near[0]}]?" if near else ""
            yield f"[commands.{name}] is no command{meant}; commands are {', '.join(COMMANDS)}"
    if not found.askable:
        yield "no command can be asked for: give [commands.Unlock], or [ask] a path and a body with {payload}"
    if twice := {*found.ask.accepted} & {*found.ask.refused, *found.ask.unreachable}:
        yield f"[ask] status {min(twice)} cannot mean two things"
    for command in sorted(found.askable):
        where = f"[commands.{command}]" if command in found.commands else "[ask]"
        yield from _request(where, found.request(command), command, ocpp)
    yield from _paths(found)
    if found.samples is not None and found.transactions is None:
        yield "[samples] needs [transactions], which says whose they are"
    yield from _states(found)
    if (again := found.restart) is not None:
        if bool(again.command) == bool(again.path):
            yield "[restart] has either a command line or a path"
        if again.path and not again.path.startswith("/"):
            yield f"[restart] path begins with /, not as {again.path!r}"
        if again.method not in METHODS:
            yield f"[restart] method is one of {', '.join(METHODS)}, not {again.method!r}"
        if not 0 < again.within_s <= 600:
            yield f"[restart] within_s is more than 0 and at most 600 seconds, not {again.within_s:g}"
        if found.check is None:
            yield "[restart] needs a [check], which says when it is up again"
    for status in found.cards:
        if status not in CARDS:
            yield f"[cards] {status!r} is no status of a card; there are {', '.join(CARDS)}"
    yield from _variables(found, environment)


def _address(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - which it refuses to tell when it is none
    except ValueError:
        yield "url is no address; it looks like http://HOST:PORT"
        return
    if "@" in parts.netloc:
        yield "url holds a user or password; put them into a header, from an environment variable"
    elif parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        yield f"url looks like http://HOST:PORT or https://HOST/PATH, not {url!r}"


def _expressions(found: Described) -> Iterator[str]:
    tables = {
        name: getattr(found, name)
        for name in ("ask", "stations", "outcome", "events", "connectors", "online", "transactions", "samples")
    }
    for table, content in tables.items():
        for name in content.__struct_fields__ if content is not None else ():
            value = getattr(content, name)
            if not isinstance(value, str) or name in ("path", "method", "body"):
                continue
            try:
                jmespath.compile(value)
            except JMESPathError as error:
                why = str(error).splitlines()[0].rstrip(":")
                yield f"[{table}] {name} = {value!r} is no JMESPath expression: {why}"


def _request(where: str, ask: Ask, command: str, ocpp: OcppVersion) -> Iterator[str]:
    if ask.method not in METHODS:
        yield f"{where} method is one of {', '.join(METHODS)}, not {ask.method!r}"
    if not ask.path.startswith("/"):
        yield f"{where} needs a path that begins with /"
    if isinstance(ask.body, str) and ask.body != "{payload}":
        yield f'{where} body is a table, or "{{payload}}"'
    wanted = NAMES[ocpp][command]
    also = [one for name in wanted if ocpp != "1.6" for one in OTHERWISE.get(name, ())]
    known = {"station", "request", "action", "payload", *wanted, *also}
    used = (
        set(_slots(ask.path)) | set(_slots(ask.body)) | {one for text in ask.headers.values() for one in _slots(text)}
    )
    for name in sorted(used - known):
        yield f"{where} {{{name}}} is nothing known for {command}; there are {_listed(known)}"
    if "station" not in used:
        yield f"{where} says {{station}} nowhere, so {command} would not name its station"
    for name in wanted:
        said = {name, "payload", *OTHERWISE.get(name, ())} & used
        if not said and name != DRAWN:
            yield f"{where} says {{{name}}} nowhere, so every {command} would be the same"


def _paths(found: Described) -> Iterator[str]:
    for table, known, needed in (
        ("check", set[str](), set[str]()),
        ("stations", {"after"}, set[str]()),
        ("outcome", {"command", "station"}, {"command"}),
        ("events", {"station", "after"}, {"station"}),
        ("connectors", {"station"}, {"station"}),
        ("online", {"station"}, {"station"}),
        ("transactions", {"station"}, {"station"}),
        ("samples", {"station", "transaction"}, {"transaction"}),
    ):
        content = getattr(found, table)
        if content is None:
            continue
        used = set(_slots(content.path))
        if not content.path.startswith("/"):
            yield f"[{table}] path begins with /, not as {content.path!r}"
        if unknown := sorted(used - known):
            yield f"[{table}] path: {{{unknown[0]}}} is nothing known here; there is {_listed(known) or 'nothing'}"
        if missing := sorted(needed - used):
            yield f"[{table}] path says {{{missing[0]}}} nowhere"
    if found.events is not None and (found.events.next is None) != ("after" not in _slots(found.events.path)):
        yield "[events] next and {after} in its path go together: where the next page begins, and the question for it"
    for name, text in [*found.headers.items(), *found.ask.headers.items()]:
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            yield f"{name!r} is no name of a header"
        if not text.isprintable() or not text.isascii():
            yield f"the header {name} has characters that no header carries"
    for name, text in found.headers.items():
        if _slots(text):
            yield f"[headers] {name} goes with every request, so it can hold ${{NAME}} of the environment only"


def _states(found: Described) -> Iterator[str]:
    for state in found.states:
        if state not in STATES:
            yield f"[states] {state!r} is no state; states are {', '.join(STATES)}"
    theirs = [word for words in found.states.values() for word in words]
    for word in theirs:
        if theirs.count(word) > 1:
            yield f"[states] {word!r} stands for two states"
    tell = found.ask.state is not None or found.outcome is not None
    if tell and not theirs:
        yield "[states] is missing: which of its words mean accepted, rejected and the like"
    if theirs and not tell:
        yield "[states] is for [ask] state or [outcome], and neither is there"
    if found.ask.state is not None and found.outcome is not None:
        yield "[ask] state and [outcome] both say what became of a command; give one"
    if found.outcome is not None and found.ask.id is None:
        yield "[outcome] asks for a {command}, so [ask] needs id: where in its answer that is"


def _variables(found: Described, environment: Mapping[str, str]) -> Iterator[str]:
    named = {name: None for text in _every(msgspec.to_builtins(found)) for name, _ in SLOT.findall(text) if name}
    for name in named:
        value = environment.get(name)
        if not value:
            yield f"the environment variable {name} is not set"
        elif not value.isprintable() or not value.isascii():
            yield f"the environment variable {name} has characters that no header carries"


def _every(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _every(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _every(one)


def _texts(value: Any) -> str:
    return "\n".join(_every(value))


def _slots(value: Any) -> list[str]:
    return [name for _, name in SLOT.findall(_texts(value)) if name]


def _says(ask: Ask, name: str) -> bool:
    return name in _slots([ask.path, ask.body, list(ask.headers.values())])


def _listed(names: set[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))


_TABLES: dict[str, type[msgspec.Struct]] = {
    "": Described,
    "ask": Ask,
    "check": Check,
    "stations": Stations,
    "commands": Request,
    "outcome": Outcome,
    "events": Events,
    "connectors": Connectors,
    "online": Online,
    "transactions": Transactions,
    "samples": Samples,
    "restart": Restart,
}


def _nearest(message: str) -> str:
    """Return `; did you mean ...?` for a key that no table has, where one of that table is like it."""
    found = re.search(r"unknown field `(\w+)`(?: - at `\$\.?(\w*))?", message)
    if found is None:
        return ""
    near = difflib.get_close_matches(found[1], _TABLES.get(found[2] or "", Described).__struct_fields__, n=1)
    return f"; did you mean {near[0]}?" if near else ""
