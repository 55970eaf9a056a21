"""Runs cases: performs each stimulus once the expectations before it are met, and leaves the verdict to the judge.

The judge's own `walk` returns, after each observation, what is awaited and until when. The runner waits for fixed times
only where a case is about time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from interlock.scenarios.cases import match
from interlock.scenarios.cases.exemplar import refs
from interlock.scenarios.cases.language import (
    Allow,
    Ask,
    Case,
    Cut,
    Expectation,
    Hand,
    Item,
    Raw,
    Ref,
    Reply,
    Rest,
    Say,
    Sent,
)
from interlock.scenarios.cases.players.hand import UNDO, CannotDo
from interlock.scenarios.cases.players.hand import Hand as Port
from interlock.scenarios.cases.players.tester import Tester
from interlock.scenarios.cases.replies import Replies
from interlock.scenarios.cases.states import STATES
from interlock.scenarios.judge import cases as judged
from interlock.scenarios.judge.cases import Facts, Outcome, Walk, Word

CUT_S = 0.3
"""After so many seconds the peer has learnt as well that its connection is gone, before somebody does something."""
PROBES = 3
"""So often a peer is asked whether it speaks, where each time the connection is lost before the answer."""


class Gone(Exception):
    """The peer is gone: one sentence says how."""


class Gate(Protocol):
    """What opens and closes the connection."""

    def cut(self) -> None:
        """Close it and accept no other."""

    def allow(self) -> Awaitable[None] | None:
        """Accept the peer again, or connect again."""

    def may_boot(self) -> None:
        """Take note that a station has a reason to boot."""


@dataclass(slots=True)
class Setting:
    """What is known of the peer: the vendor's declaration, and what it reported itself."""

    facts: Facts
    keys: dict[str, str] = field(default_factory=dict)
    readonly: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Unsure:
    """A CALL that may get lost with its connection; `left` says how often it is made again."""

    action: str
    payload: dict[str, Any]
    name: str
    socket: int
    left: int = 3


class Runner:
    """Runs cases against the peer that `tester` speaks with."""

    def __init__(self, tester: Tester, gate: Gate, hand: Port, setting: Setting) -> None:
        self.tester, self.gate, self.hand, self.setting = tester, gate, hand, setting
        self.book = tester.book
        self._done: list[tuple[str, Any]] = []
        self._changed: dict[str, str] = {}
        self._script: tuple[Item, ...] = ()
        self._at = 0
        """Where the last stimulus stands: what comes after it is expected now, or later."""
        self._bound: dict[str, Any] = {}
        self._start: dict[str, Any] = {}
        """What was bound when the present script began."""
        self._given: dict[int, dict[str, Any]] = {}
        self._unsure: _Unsure | None = None
        tester.expected = self._expected

    @property
    def facts(self) -> Facts:
        """What is known of the peer, with its present configuration."""
        return replace(self.setting.facts, keys=self.setting.keys)

    # --- one case ---

    async def run(self, case: Case) -> Outcome:
        """Run a case, judge it, and put things back as they were."""
        self.book.turn()
        tester, facts = self.tester, self.facts
        tester.replies = Replies()
        self._bound = dict(tester.bound)
        fields = {"limits": dict(facts.limits), "keys": dict(facts.keys), "features": list(facts.features)}
        begun = self.book.observe("case.begun", case=case.id, **fields)
        try:
            await self._go(case, begun)
        except CannotDo as error:
            self._stop(case, Word.NOT_APPLICABLE, str(error))
        except Gone as error:
            self._stop(case, Word.ERROR, str(error))
        outcome = judged.judge(self.book.rows, case)
        try:
            await self._restore(case)
        except Gone as error:
            tester.trouble = tester.trouble or str(error)
        return outcome

    def _stop(self, case: Case, word: Word, why: str) -> None:
        self.book.observe("case.stopped", case=case.id, word=word.name, why=why)

    async def _go(self, case: Case, begun: int) -> None:
        if why := missing(case, self.facts):
            raise CannotDo(why)
        await self._connected()
        await self._configure(case)
        reached = await self._play(STATES[case.needs.state].path, begun)
        if reached.failed() or reached.open():
            first = (reached.failed() or reached.open())[0]
            why = f"{case.needs.state!r} was not reached: {first.words}: {first.why}"
            self._stop(case, Word.INCONCLUSIVE, why)
            return
        self._bound = dict(reached.bound)
        self.tester.replies = Replies()
        ready = self.book.observe("case.ready", case=case.id, bound=dict(self._bound))
        walk = await self._play(case.script, ready)
        self.book.observe("case.ended", case=case.id)
        if walk.failed():
            await self._connected()
            await self._speaks()

    async def _connected(self) -> None:
        limit = self.facts.limit("reconnect")
        if self.tester.trouble is not None:
            raise Gone(self.tester.trouble)
        if not await self.book.until(lambda: self.tester.line is not None or self.tester.trouble, limit):
            raise Gone(f"the peer is not connected and did not come back within {limit:g} s")
        if self.tester.trouble is not None:
            raise Gone(self.tester.trouble)

    async def _speaks(self) -> None:
        """Raise `Gone` if the peer no longer answers at all: then a missing frame is no fault by the case."""
        probe: tuple[str, dict[str, Any]] = ("GetConfiguration", {"key": ["HeartbeatInterval"]})
        if self.book.under_test == "csms":
            probe = ("Heartbeat", {})
        for _ in range(PROBES):
            line = self.tester.line
            if await self.ask(*probe, any_answer=True) is not None:
                return
            if self.tester.line is line:
                break
            await self._connected()
        raise Gone(f"the peer is connected and silent: it does not even answer a {probe[0]}")

    # --- a script ---

    async def _play(self, script: tuple[Item, ...], begin: int) -> Walk:
        self._script, self._at, self._given, self._unsure = script, 0, {}, None
        self._start = dict(self._bound)
        for number, item in enumerate(script):
            if isinstance(item, Expectation):
                continue
            walk = await self._settle(script[:number], begin)
            if walk.failed():
                return walk
            self._bound.update(walk.bound)
            self._at = number
            await self._perform(number, item)
        return await self._settle(script, begin)

    async def _settle(self, script: Sequence[Item], begin: int) -> Walk:
        """Wait until everything expected so far has arrived, or can no longer."""
        end: float | None = None
        while True:
            now = self.book.now
            walk = judged.walk(self.book.exchange, script, self.facts, self._start, now, begin)
            waiting = walk.open()
            self._say_again()
            if walk.failed() or not waiting or self.tester.trouble is not None:
                return walk
            if all(one.level == "should" for one in waiting):
                end = now + self.facts.limit("quiet") if end is None else end
                if now >= end:
                    return walk
            await self.book.wait(min([end or 1e12, *(one.deadline + 0.01 for one in waiting)]))

    async def _perform(self, number: int, item: Item) -> None:
        book, tester = self.book, self.tester
        if isinstance(item, Say | Hand):
            self.gate.may_boot()
        if isinstance(item, Say):
            await self._connected()
            payload = self._fill(item.payload)
            socket = tester.line.number if tester.line is not None else 0
            name = tester.call(item.action, payload)
            self._unsure = _Unsure(item.action, payload, name, socket) if item.again else None
            return
        book.observe("case.did", number=number, what=type(item).__name__)
        match item:
            case Raw(text):
                await self._connected()
                tester.send(text.replace("{id}", f"raw-{book.next}"))
            case Hand():
                if number and isinstance(self._script[number - 1], Cut):
                    await asyncio.sleep(CUT_S)
                names = self._names(item)
                self._done.append((item.deed, names["connector"]))
                await self.hand.do(item.deed, names)
                book.observe("case.done", number=number, deed=item.deed)
            case Ask(action, payload):
                await self._connected()
                names = {"station": book.station, "action": action, "payload": self._fill(payload)}
                await self.hand.do("ask", {**names, **names["payload"]})
            case Reply():
                filled = None if item.payload is None else self._some(item.payload)
                tester.replies.put(replace(item, payload=filled))
            case Cut():
                self.gate.cut()
                await book.until(lambda: tester.line is None, 10.0)
            case Allow():
                if (coming := self.gate.allow()) is not None:
                    await coming
            case Rest(seconds):
                length = self.facts.limit(seconds) if isinstance(seconds, str) else seconds
                await asyncio.sleep(length)

    def _say_again(self) -> None:
        """Make a CALL again that was lost with its connection, once there is a new one."""
        one, line = self._unsure, self.tester.line
        if one is None or line is None or line.number == one.socket or not one.left:
            return
        if any(frame.ours and frame.id == one.name and frame.answers for frame in self.book.exchange.frames):
            self._unsure = None
            return
        one.socket, one.left = line.number, one.left - 1
        one.name = self.tester.call(one.action, one.payload)

    def _names(self, item: Hand) -> dict[str, Any]:
        tag = self._bound["tag"] if item.tag is None else self._fill(item.tag)
        connector = self._bound["connector"] if item.connector is None else self._fill(item.connector)
        return {"tag": tag, "connector": connector, "station": self.book.station}

    def _fill(self, pattern: Any) -> Any:
        try:
            return match.fill(pattern, self._bound, self.tester.now)
        except KeyError as error:
            raise CannotDo(f"the value of {error.args[0]!r} is not declared") from None

    def _some(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Fill what is known; the time is filled when it is answered."""
        bound = {**self._bound, "now": Ref("now")}
        return {name: match.fill(one, bound, self.tester.now) for name, one in payload.items()}

    # --- answers a case wants given ---

    def _expected(self, action: str, payload: Any) -> dict[str, Any] | None:
        for number in range(self._at, len(self._script)):
            item = self._script[number]
            if not isinstance(item, Sent) or item.action != action or not item.given or number in self._given:
                continue
            if match.mismatch(item.fields, payload, dict(self._bound)) is not None:
                continue
            for name in refs(item.given):
                if name not in self._bound:
                    self._bound[name] = self.tester.new_transaction()
            match.mismatch(item.fields, payload, self._bound)
            self._given[number] = self._fill(item.given)
            return self._given[number]
        return None

    # --- before and after ---

    async def ask(self, action: str, payload: Mapping[str, Any], *, any_answer: bool = False) -> Any:
        """Make a CALL outside a case; return the payload of its CALLRESULT (or of any answer), or None.

        It is lost, and nothing is waited for, once its connection is gone or the peer is given up.
        """
        line = self.tester.line
        name = self.tester.call(action, payload)
        found: list[Any] = []

        def answered() -> bool:
            for frame in reversed(self.book.exchange.frames):
                if frame.ours and frame.id == name:
                    if frame.answer is not None:
                        found.append(frame.answer)
                    return bool(found)
            return False

        def over() -> bool:
            return answered() or self.tester.line is not line or self.tester.trouble is not None

        await self.book.until(over, self.facts.limit("answer"))
        if not found:
            return None
        return found[0].payload if found[0].kind == 3 or any_answer else None

    async def _configure(self, case: Case) -> None:
        for key in case.needs.writable:
            if key in self.setting.keys:
                self._changed.setdefault(key, self.setting.keys[key])
        for key, template in case.needs.config.items():
            name, optional = key.removeprefix("?"), key.startswith("?")
            value = str(self._fill(template))
            known = self.setting.keys.get(name)
            if (optional and known is None) or (known is not None and known.lower() == value.lower()):
                continue
            if (why := await self.change(name, value)) is None:
                continue
            if not optional:
                raise CannotDo(f"{name} cannot be set to {value}: {why}")

    async def change(self, key: str, value: str) -> str | None:
        """Change a configuration key; return why it could not be, or None."""
        answer = await self.ask("ChangeConfiguration", {"key": key, "value": value})
        word = answer.get("status") if isinstance(answer, dict) else "no answer"
        if word not in ("Accepted", "RebootRequired"):
            return str(word)
        self._changed.setdefault(key, self.setting.keys.get(key, value))
        self.setting.keys[key] = value
        return None if word == "Accepted" else "it takes a reboot (RebootRequired)"

    async def _restore(self, case: Case) -> None:
        """Put things back as they were, as far as that is possible."""
        tester = self.tester
        tester.replies = Replies()
        self._script, self._at = (), 0
        if tester.trouble is not None:
            return
        coming = self.gate.allow()
        if coming is not None:
            await coming
        if not await self.book.until(lambda: tester.line is not None or tester.trouble, self.facts.limit("reconnect")):
            return
        if case.role == "station":
            await self._end_sessions()
            await self._undo()
            await self._withdraw(case)
        else:
            await self._leave()
        for key, value in list(self._changed.items()):
            if self.setting.keys.get(key) != value or key in case.needs.writable:
                await self.ask("ChangeConfiguration", {"key": key, "value": value})
                self.setting.keys[key] = value
        self._changed.clear()

    def running(self) -> list[tuple[Any, Any]]:
        """Return transaction and connector of a transaction of this case that is still open."""
        found: dict[Any, Any] = {}
        for frame in self.book.exchange.frames:
            if frame.kind == 2 and frame.answer is not None and frame.answer.kind == 3:
                if frame.action == "StartTransaction":
                    found[frame.answer.payload.get("transactionId")] = frame.payload.get("connectorId")
                elif frame.action == "StopTransaction":
                    found.pop(frame.payload.get("transactionId"), None)
        return list(found.items())

    async def _end_sessions(self) -> None:
        for transaction, _ in self.running():
            if isinstance(await self.ask("RemoteStopTransaction", {"transactionId": transaction}), dict):
                await self.book.until(
                    lambda transaction=transaction: transaction not in dict(self.running()),  # type: ignore[misc]
                    min(self.facts.limit("effect"), 10.0),
                )

    async def _undo(self) -> None:
        done, self._done = self._done, []
        wanted: list[tuple[str, Any]] = []
        for deed, connector in done:
            if deed in UNDO:
                wanted.append((UNDO[deed], connector))
            wanted = [one for one in wanted if one != (deed, connector)]
        for deed, connector in reversed(wanted):
            try:
                await self.hand.do(
                    deed, {"connector": connector, "tag": self.tester.bound["tag"], "station": self.book.station}
                )
            except CannotDo as error:
                self.book.observe("restore.failed", why=str(error))

    async def _withdraw(self, case: Case) -> None:
        said = {item.action: item for item in (*STATES[case.needs.state].path, *case.script) if isinstance(item, Say)}
        if "ChangeAvailability" in said:
            await self.ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
            await self.ask("ChangeAvailability", {"connectorId": self.tester.bound["connector"], "type": "Operative"})
        if "ReserveNow" in said:
            await self.ask("CancelReservation", {"reservationId": self.tester.bound["reservation"]})
        if "SetChargingProfile" in said:
            await self.ask("ClearChargingProfile", {})
        if any(isinstance(item, Sent) and _refuses(item) for item in case.script):
            await self.ask("ClearCache", {})  # a tag that was refused may be remembered as such
        if "SendLocalList" in said:
            await self.ask("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": []})
        await self._idle()

    async def _idle(self) -> None:
        """Wait until the connector under test, if it told a status in this case, is available again."""
        connector = self.tester.bound["connector"]

        def idle() -> bool:
            last = None
            for frame in self.book.exchange.frames:
                told = frame.kind == 2 and frame.action == "StatusNotification" and not frame.ours
                if told and frame.payload.get("connectorId") == connector:
                    last = frame.payload.get("status")
            return last in (None, "Available")

        if not await self.book.until(idle, self.facts.limit("lapse")):
            self.book.observe("restore.failed", why=f"connector {connector} did not become available again")

    async def _leave(self) -> None:
        """As a station: end what was begun, and be available."""
        now = self.tester.time()
        for transaction, _ in self.running_of_ours():
            await self.ask("StopTransaction", {"transactionId": transaction, "meterStop": 1300, "timestamp": now})
        connector = self.tester.bound["connector"]
        status = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
        await self.ask("StatusNotification", status)

    def running_of_ours(self) -> list[tuple[Any, Any]]:
        """Return the transactions the tester, as a station, has begun in this case and not ended."""
        return [one for one in self.running() if isinstance(one[0], int)]


def _refuses(item: Sent) -> bool:
    info = item.given.get("idTagInfo")
    return isinstance(info, Mapping) and info.get("status") not in (None, "Accepted")


TOLD = ("fixed_cable", "backup_power")
"""Features that only a declaration can tell, present or not."""


def missing(case: Case, facts: Facts) -> str | None:
    """Return why a case does not apply to this peer, or None."""
    for name in case.needs.features:
        if name.removeprefix("!") in TOLD and not {name.removeprefix("!"), f"!{name.removeprefix('!')}"} & {
            *facts.features
        }:
            return f"whether there is {name.removeprefix('!')} is not declared"
        wanted = not name.startswith("!")
        if (name.removeprefix("!") in facts.features) != wanted:
            return f"{name.removeprefix('!')} is {'not declared' if wanted else 'declared'}"
    return None
