"""A scenario against a CSMS by its URL: the same stations and deeds, on real sockets and in wall time.

Only deeds and faults at the stations and on their connections are possible with a foreign CSMS, and only what is seen
there, or in its records, is judged: the rest is NOT_APPLICABLE. The wait before the first deed is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from interlock.csms.dialects.dialect import NotAcceptable
from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Station as Folded
from interlock.csms.domain.station import Transaction
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.record import frames
from interlock.scenarios.record.domain_view import OUTCOMES
from interlock.scenarios.record.history import History
from interlock.scenarios.spec import Drawn, Scenario, Step
from interlock.scenarios.steps.deeds import DEEDS
from interlock.scenarios.steps.faults import FAULTS
from interlock.scenarios.steps.stage import Machine, NotHere, Stage
from interlock.scenarios.targets.target import Decision, Misfit, Target, TargetGone
from interlock.scenarios.targets.wording import required, worded
from interlock.simulator.assembly import build_station
from interlock.simulator.clock import EPOCH as STATION_EPOCH
from interlock.simulator.clock import ClockSpec
from interlock.simulator.network.dial import Network, Socket, record_frames
from interlock.simulator.network.rules import Rule
from interlock.simulator.network.wall_clock import WallClock
from interlock.simulator.network.websocket import Connected
from interlock.simulator.personas import PERSONAS
from interlock.simulator.spec import OcppVersion, StationSpec
from interlock.simulator.station import Station

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
OBEYED_S = 5.0
"""Seconds in which a station without an artificial delay carries out a CALL and answers it."""
LEAD_S = 2.0
CONNECT_S = 20.0
OPEN = ("requested", "in-doubt", None)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


class NotTried(Exception):
    """No request for a command was taken, and no station got one: nothing was tried; the message says why."""


class _Line(Network):
    """The network, of which the world may cut lines."""

    unreachable: dict[str, int]

    def connect(self, station_id: str, subprotocol: str, connected: Connected) -> None:
        """Open a socket, unless the line is down."""
        if self.unreachable.get(station_id):
            self.loop.call_later(0.05, connected, None)
            return
        super().connect(station_id, subprotocol, connected)


class _Operator:
    """Passes an operator's requests to the control interface; the virtual world has a node here."""

    name = "csms"

    misfit: Misfit | None = None
    """The first answer that did not fit the control file. A deed sees a failed request; the run ends with this."""

    def __init__(self, target: Target, online: Callable[[str], bool]) -> None:
        self._target, self._online = target, online
        self.taken = 0
        """Requests that were accepted, known or refused: the CSMS decided them."""
        self.untaken: list[str] = []
        """Why the others were not, of stations that were connected before and after."""

    @property
    def taking(self) -> _Operator:
        """The node, which is always there."""
        return self

    @property
    def csms(self) -> _Operator:
        """The same."""
        return self

    async def operate(self, station: str, command: Any, request_id: str) -> Any:
        """Ask for a command."""
        before = self._online(station)
        try:
            decision = await self._target.operate(station, command, request_id)
        except NotAcceptable as error:  # the version has no words for it, so nobody was asked
            return Decision("refused", None, str(error.args[-1]))
        except Misfit as error:
            self.misfit = error
            raise
        if decision.answer in ("accepted", "known", "refused"):
            self.taken += 1
        elif decision.answer == "failed" or (before and self._online(station)):
            self.untaken.append(f"{type(command).__name__} {decision.answer}: {decision.reason or 'no reason given'}")
        return decision

    async def phase(self, station: str, command_id: str) -> str | None:
        """Return where a command stands."""
        return await self._target.phase(command_id)

    async def call(self, coroutine: Coroutine[Any, Any, Any], patience_s: float) -> Any:
        """Ask; None when there was no answer in time."""
        task = asyncio.ensure_future(coroutine)
        await asyncio.wait({task}, timeout=patience_s)
        if task.done():
            return task.result()
        self.untaken.append(f"no answer within {patience_s:g} s")
        return None


class OutsideWorld:
    """One run. `ids` names its stations, from 1; no other run may use these."""

    def __init__(
        self, scenario: Scenario, drawn: Drawn, seed: int, reach: Reach, target: Target, ids: Callable[[int], str]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.scenario, self.drawn, self.seed, self.target = scenario, drawn, seed, target
        self.env = WallClock(loop)
        self.loop = loop
        self.began = datetime.now(UTC)
        self.history = History(lambda: self.env.now)
        self.network = cast("_Line", reach.network(loop, self._observe, self._frame, _Line))
        self.network.unreachable = {}
        self._note = record_frames(self.history.observe)
        self._ids, self._requests, self._operator = ids, 0, _Operator(target, self._is_online)
        persona = PERSONAS[drawn.persona]
        self._slow = persona.act_delay_s[1], persona.answer_delay_s[1]
        self._obeying: dict[tuple[str, str], float] = {}
        """When each CALL that has no answer will have had its effect, if it is to have one."""
        self._asking: set[tuple[str, str]] = set()
        """What stations asked and has no answer."""
        skew_s = (self.began.replace(tzinfo=None) - STATION_EPOCH).total_seconds()
        own: ClockSpec = drawn.station.get("clock", ClockSpec())
        there = {"clock": replace(own, skew_s=own.skew_s + skew_s), "first_boot_s": (0.0, 0.2), "ocpp": scenario.ocpp}
        spec = StationSpec("", evses=scenario.connectors, persona=persona, **{**drawn.station, **there})
        self.stations = [
            build_station(
                self.env,
                replace(spec, station_id=self.station_id(number)),
                random.Random(f"{seed}:{number}"),
                self.network,
                self._observe,
            )
            for number in range(1, scenario.stations + 1)
        ]

    # --- what deeds and faults reach for ---

    def station_id(self, number: int) -> str:
        """Name a station, from 1."""
        return self._ids(number)

    def station(self, number: int) -> Station:
        """Return a station."""
        return self.stations[number - 1]

    def desk(self, number: int) -> _Operator:
        """Return the operator of the CSMS: it has one, whatever node a scenario names."""
        return self._operator

    def machine(self, number: int) -> Machine:
        """Raise `NotHere`: the machine is somebody else's."""
        raise NotHere("the CSMS's machine is somebody else's")

    def rule(self, rule: Rule) -> AbstractContextManager[Any]:
        """Raise `NotHere`: frames on real sockets pass as they are."""
        raise NotHere("frames on real sockets pass as they are")

    async def silent_socket(self, station: str, seconds: float) -> None:
        """Raise `NotHere`."""
        raise NotHere("no second socket is opened over real sockets")

    async def register_token(self, token: str, status: str, node: int = 1, parent: str | None = None) -> None:
        """Raise `NotHere`."""
        raise NotHere("how a card is made known is not told from outside")

    def start_traffic(self, habit: str, share: float) -> None:
        """Raise `NotHere`."""
        raise NotHere("drivers do not come and go by habit over real sockets")

    def named(self, station: int, node: int, command: do.Command) -> do.Command:
        """Return the command as it is: the target writes it in its own words."""
        return command

    def new_request(self) -> str:
        """Name a request."""
        self._requests += 1
        return f"{self.station_id(1)}-r{self._requests}"

    @contextlib.contextmanager
    def unreachable(self, station: str) -> Iterator[None]:
        """Let no new socket of a station through."""
        lines = self.network.unreachable
        lines[station] = lines.get(station, 0) + 1
        try:
            yield
        finally:
            lines[station] -= 1

    def _sockets(self, station: str) -> list[Socket]:
        return [socket for socket in self.network.sockets if socket.station_id == station]

    def cut(self, station: str, why: str) -> None:
        """Break every socket of a station."""
        for socket in self._sockets(station):
            socket.abort()

    @contextlib.contextmanager
    def half_open(self, station: str, why: str) -> Iterator[None]:
        """Let every socket of a station be silently dead inside a `with` block, and reset behind it."""
        found = self._sockets(station)
        for socket in found:
            socket.half_open(why)
        try:
            yield
        finally:
            for socket in found:
                socket.abort()

    async def folded(self, station: int) -> Folded:
        """Return the open transactions that the CSMS believes in."""
        believed = await self.target.connectors(self.station_id(station)) or []
        running = {str(one["transaction"]): one["evse"] for one in believed if one.get("transaction") is not None}
        if not any("transaction" in one for one in believed):
            for event in await self.target.events(self.station_id(station)) or []:
                if event["type"] == "TransactionStarted":
                    running[str(event["data"]["transaction_id"])] = event["data"]["evse"]
                elif event["type"] == "TransactionStopped":
                    running.pop(str(event["data"]["transaction_id"]), None)
        return Folded(
            transactions={name: Transaction(name, evse, "", 0, None, "Accepted") for name, evse in running.items()}
        )

    async def phase_after(self, station: int, node: int, command_id: str, seconds: float) -> str | None:
        """Return where a command stands once it has an outcome, at the latest after `seconds`."""
        if "outcomes" not in self.target.tells:
            return None
        until = self.env.now + seconds
        while True:
            phase = await self.target.phase(command_id)
            if phase not in OPEN or self.env.now >= until:
                return phase
            await asyncio.sleep(0.5)

    # --- running ---

    async def run(self, patience_s: float) -> None:
        """Run it to its end, at most `patience_s` after the last deed. Raises `TargetGone`."""
        try:
            await self._play(patience_s)
        finally:
            await self.network.close("the run is over")
            self.env.stop()
        if self._operator.misfit is not None:
            raise self._operator.misfit
        if self._nothing_taken:
            raise NotTried(f"no command was taken, so nothing was tried: {self._operator.untaken[0]}")

    def _is_online(self, station: str) -> bool:
        return any(one.station_id == station and one.online for one in self.stations)

    @property
    def _nothing_taken(self) -> bool:
        operator = self._operator
        return bool(operator.untaken) and not operator.taken and not any(True for _ in self.history.noted("call"))

    async def _play(self, patience_s: float) -> None:
        self._observe("phase", name="faults")
        for station in self.stations:
            station.start()
        network = self.network

        def settled() -> bool:
            return all(one.online for one in self.stations) or not (network.opened or network.refusals.total() < 2)

        await self._until(settled, CONNECT_S)
        if not network.opened:
            return
        if not any(one.online for one in self.stations):
            raise NotTried(f"stations connect, but no BootNotification was accepted within {CONNECT_S:g} s")
        steps = self.drawn.steps
        lead = min((float(step.at) for step in steps), default=0.0) - LEAD_S
        began = self.env.now
        doing = [asyncio.ensure_future(self._do(step, began + max(0.0, float(step.at) - lead))) for step in steps]
        try:
            await asyncio.gather(*doing)
        finally:
            for task in doing:
                task.cancel()
        self._observe("phase", name="healed")
        if self._operator.misfit is not None or self._nothing_taken:
            return  # nothing to wait for: this is told instead of a verdict
        await self._until(
            lambda: all(due <= self.env.now for due in self._obeying.values()), OBEYED_S + sum(self._slow)
        )
        limit = self.env.now + patience_s
        await self._until(lambda: all(_rests(station) for station in self.stations), patience_s)
        while self.env.now < limit and [one for one in (await self._phases()).values() if one in OPEN]:
            await asyncio.sleep(0.5)
        # A barrier: one heartbeat of each station; its answer shows that the CSMS has handled all earlier frames.
        for station in self.stations:
            station.send_heartbeat_now()
        await self._until(lambda: not self._asking, OBEYED_S)
        self._observe("phase", name="rest")
        await self._last_look()

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        until = self.env.now + seconds
        while not condition() and self.env.now < until:
            await asyncio.sleep(0.05)

    async def _do(self, step: Step, at: float) -> None:
        """Do a step. What goes wrong with it is the world's own error: it says nothing about the CSMS."""
        await asyncio.sleep(max(0.0, at - self.env.now))
        try:
            await self._step(step)
            if self._operator.misfit is not None:
                raise self._operator.misfit
        except TargetGone:
            raise
        except Exception as error:
            self._observe("world.failed", error=f"{step.what}: {type(error).__name__}: {error}"[:300])

    async def _step(self, step: Step) -> None:
        stage: Stage = self
        params = dict(step.params)
        if step.what in DEEDS:
            await DEEDS[step.what](stage, **params)
            return
        about = {"fault": step.what, "id": f"{step.what}@{step.at:g}", **params}
        if "station" in about:
            about["station"] = self.station_id(about["station"])
        self._observe("fault.begun", **about)
        await FAULTS[step.what](stage, **params)
        self._observe("fault.ended", **about)

    async def _phases(self) -> dict[str, str | None]:
        """Return where each command stands that an operator was told of, if the CSMS tells."""
        if "outcomes" not in self.target.tells:
            return {}
        known = [seen["command_id"] for seen in self.history.noted("request.answered") if seen["command_id"]]
        return {command: await self.target.phase(command) for command in dict.fromkeys(known)}

    # --- recording ---

    def _observe(self, kind: str, **fields: Any) -> None:
        self.history.observe(kind, **fields)

    def _frame(self, edge: str, socket: Socket, text: str) -> None:
        self._note(edge, socket, text)
        frame, station = frames.loose(text), socket.station_id
        if frame is None:
            return  # a station may send what is no message, and so may a CSMS
        if edge == "station.sent" and frame.kind == frames.CALL:
            self._asking.add((station, frame.id))
        elif edge == "station.received" and frame.is_answer:
            self._asking.discard((station, frame.id))
        elif edge == "station.sent":
            self._obeying.pop((station, frame.id), None)
        elif edge == "station.received" and frame.kind == frames.CALL and frame.parts == 4:
            self._obeying[station, frame.id] = self.env.now + OBEYED_S + sum(self._slow)
            told = {"message_id": frame.id, "action": frame.action, "command_id": None, "request_id": None}
            self._observe("call", node="csms", station=station, **told, payload=frame.payload)

    async def _last_look(self) -> None:
        observe = self.history.observe
        requests: dict[str, str] = {}
        for number, station in enumerate(self.stations, 1):
            name = self.station_id(number)
            for event in await self.target.events(name) or []:
                data = self._shifted(event["data"])
                if event["type"] == "CommandRequested":
                    data["request_id"] = str(data["request_id"]).removeprefix("key:")
                    requests[str(data["command_id"])] = data["request_id"]
                observe(
                    "log",
                    stream=f"station-{name}",
                    version=event["version"],
                    id=event["id"],
                    type=event["type"],
                    data=data,
                )
            for truth in station.truth():
                observe("truth", **truth)
            observe("outbox", station=name, pending=station.outbox_pending)
            for one in await self.target.connectors(name) or []:
                if one.get("evse", 0) > 0:  # one that tells of presence alone has none
                    told = {"transaction_id": one["transaction"]} if "transaction" in one else {}
                    told |= {"held": one["held_by"] is not None} if "held_by" in one else {}
                    told |= {"online": one["online"]} if "online" in one else {}
                    place = {"node": "csms", "station": name, "connector": one["evse"]}
                    observe("belief", **place, status=one["status"], **told)
        if "log" not in self.target.tells:
            await self._told_outcomes()
        self._attribute(requests)

    async def _told_outcomes(self) -> None:
        """Note what the CSMS says became of its commands, in the words of a log that it does not have."""
        asked = {seen["request_id"]: seen for seen in self.history.noted("request.asked")}
        answered = list(self.history.noted("request.answered"))
        requests = {seen["command_id"]: seen["request_id"] for seen in answered}
        for version, (command_id, phase) in enumerate((await self._phases()).items(), 1):
            request = asked[requests[command_id]]
            events = [("CommandRequested", {"request_id": request["request_id"], "command": request["command"]})]
            events += [
                (type, {}) for type, word in (*OUTCOMES.items(), ("CommandInDoubt", "in-doubt")) if word == phase
            ]
            for number, (type, data) in enumerate(events):
                about = {"stream": f"station-{request['station']}", "version": 2 * version + number}
                data = {"command_id": command_id, "why": "", **data}
                self.history.observe("log", **about, id=f"told:{command_id}:{number}", type=type, data=data)

    def _attribute(self, requests: dict[str, str]) -> None:
        """Say for which command and request each CALL was, where that is known.

        Known from a log whose command ids are message ids (`named`); otherwise where only one request asked for such a
        CALL. Where several did, they are noted as candidates.
        """
        keyed = "requests" in self.target.tells
        named = any(call["message_id"] in requests for call in self.history.noted("call"))
        asking: list[dict[str, Any]] = []
        for seen in self.history.noted("request.asked"):
            try:
                seen["action"], seen["payload"] = _wire(seen["command"], self.scenario.ocpp)
            except NotAcceptable:
                continue  # the version has no words for it
            asking.append(seen)
        commands: dict[str, set[str]] = {}
        for seen in self.history.noted("request.answered"):
            if seen["command_id"] is not None:
                commands.setdefault(seen["request_id"], set()).add(seen["command_id"])
        for call in self.history.noted("call"):
            call.update(command_id=call["message_id"], request_id=requests.get(call["message_id"]))
            payload = call.pop("payload")
            wanted = {
                (seen["request_id"], 0 if keyed else seen["attempt"])
                for seen in asking
                if seen["station"] == call["station"] and self._is_for(call["action"], payload, seen)
            }
            if call["request_id"] is None and len(wanted) == 1:
                [(call["request_id"], _)] = wanted
                known = commands.get(str(call["request_id"]), set())
                if not named and len(known) == 1:
                    [call["command_id"]] = known
            elif call["request_id"] is None and wanted:
                call["candidates"] = sorted({name for name, _ in wanted})

    def _is_for(self, action: str, payload: Any, asked: Mapping[str, Any]) -> bool:
        """Tell whether a CALL looks like what was asked for; in 2.0.1 a CSMS adds what an operator left open."""
        if self.scenario.ocpp == "1.6":
            return bool(action == asked["action"] and payload == asked["payload"])
        return bool(action == asked["action"]) and frames.carries(payload, asked["payload"])

    def _shifted(self, value: Any) -> Any:
        """Put the CSMS's times of day where the history's seconds begin."""
        if isinstance(value, dict):
            return {name: self._shifted(one) for name, one in value.items()}
        if isinstance(value, str) and _TIME.match(value):
            try:
                at = datetime.fromisoformat(value)
            except ValueError:
                return value
            return (EPOCH + (at - self.began)).isoformat()
        return value


def _wire(command: dict[str, Any], ocpp: OcppVersion) -> tuple[str, Any]:
    """Return the action and the payload of a command."""
    fields = {name: value for name, value in command.items() if name != "kind"}
    return required(worded(getattr(do, command["kind"])(**fields), ocpp))


def _rests(station: Station) -> bool:
    return station.online and not station.outbox_pending and not station.statuses_pending
