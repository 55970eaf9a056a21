"""A scenario in virtual time: stations, network, nodes and store on one seeded clock, with everything recorded.

Two phases. In the first the steps are done and faults happen. Then every fault is ended, every node is up, and the
world runs on undisturbed for as long as any command may take to end. Finally the state at rest is recorded: the
physical truth, the log, and the CSMS's view.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import random
import traceback
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any

from interlock.csms import codec
from interlock.csms.dialects import NotAcceptable
from interlock.csms.domain import commands as do
from interlock.csms.domain.station import Rules, Station, evolve
from interlock.csms.handle import Handler, station_of, station_stream
from interlock.csms.node import Csms
from interlock.csms.store import NOT_DURABLE, MemoryStore, StoredEvent
from interlock.scenarios.record.history import History
from interlock.scenarios.spec import Drawn, Scenario, Step
from interlock.scenarios.steps.deeds import DEEDS
from interlock.scenarios.steps.faults import FAULTS
from interlock.scenarios.steps.stage import Stage, TurnedAway
from interlock.scenarios.world.blame import of_the_csms
from interlock.scenarios.world.host import Host
from interlock.scenarios.world.loop import INCARNATION, Clock, Livelock, SimLoop
from interlock.scenarios.world.on_disk import Noted
from interlock.scenarios.world.shell import asked_for
from interlock.scenarios.world.storage import as_json
from interlock.scenarios.world.summary import summary
from interlock.scenarios.world.words import in_words
from interlock.simulator.assembly import build_station
from interlock.simulator.driver import start_habit
from interlock.simulator.network.links import Network, Socket
from interlock.simulator.network.rules import Rule
from interlock.simulator.personas import PERSONAS
from interlock.simulator.spec import StationSpec
from interlock.simulator.station import Station as SimulatedStation

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""What the clocks of every world read at second 0."""
CALLBACKS, CALLBACKS_A_STATION = 200_000, 5_000
"""Callbacks of the loop after which a run is taken to go on for ever: the longest of the library needs a twentieth."""
_decoded: Callable[[str, bytes], Any] = lru_cache(maxsize=512)(codec.decode)
"""An event is folded as it comes, at rest, and by each judge of folds; it is a value, so one of it will do."""
OPERATOR_TOKEN = "TAG-OPERATOR"
DRIVER_TOKEN = "TAG-DRIVER"


class SimClock:
    """A node's clock: the world's."""

    def __init__(self, env: Clock, ahead_s: float = 0.0) -> None:
        self._env, self._ahead_s = env, ahead_s

    def now(self) -> float:
        """Return simulated seconds."""
        return self._env.now

    def at(self) -> datetime:
        """Return the simulated time of day."""
        return EPOCH + timedelta(seconds=self._env.now + self._ahead_s)

    def when(self, at: datetime) -> float:
        """Return the simulated second of a time."""
        return (at - EPOCH).total_seconds()


LOOK_EVERY = 8
"""At rest all that is shown is looked at under each eighth seed: it would double the cost of a short run."""


class World:
    """One run of one scenario under one seed against one CSMS."""

    def __init__(
        self, scenario: Scenario, drawn: Drawn, seed: int, csms_class: type[Csms], *, shown: bool = True
    ) -> None:
        """With `shown` an operator looks at what the nodes show."""
        self.scenario, self.drawn, self.seed, self.csms_class = scenario, drawn, seed, csms_class
        self.env = Clock()
        self.loop = SimLoop(self.env)
        self.loop.limit = CALLBACKS + CALLBACKS_A_STATION * scenario.stations
        self.loop.set_exception_handler(self._callback_failed)
        self.clock = SimClock(self.env)
        self.history = History(partial(attrgetter("now"), self.env))
        # A wrong design may bring a wrong store.
        self.store: MemoryStore = getattr(csms_class, "store_class", Noted if scenario.on_disk else MemoryStore)()
        self.graveyard: list[Any] = []
        self.connections: dict[tuple[str, int], Any] = {}
        self.over = False
        self._writer = ""
        self._folded: dict[str, tuple[int, Station]] = {}
        self._requests = 0
        self._unreachable: dict[str, int] = {}
        self._dials: dict[str, int] = {}
        self._running: list[tuple[Step, asyncio.Task[None]]] = []
        everything = scenario.recorded == "all"
        self.shown = shown and everything
        self.looks = self.shown and seed % LOOK_EVERY == 0
        self.served = everything
        """Whether its nodes have what a server puts around them."""
        self.network = Network(
            self.env,
            random.Random(f"{seed}:network"),
            self.history.observe,
            self._dial,
            record_frames=everything,
        )
        self.network.latency_s = scenario.latency_s
        slots = scenario.slots if scenario.slots is not None else scenario.connectors
        self._rules = Rules(scenario.connectors, slots)
        spec = partial(
            StationSpec,
            ocpp=scenario.ocpp,
            evses=scenario.connectors,
            persona=PERSONAS[drawn.persona],
            **drawn.station,
        )
        self.stations = [
            build_station(
                self.env,
                spec(station_id=self.station_id(number)),
                random.Random(f"{seed}:{self.station_id(number)}"),
                self.network,
                self.history.observe,
            )
            for number in range(1, scenario.stations + 1)
        ]
        if everything:
            self.store.subscribe(self._stored)

    # --- who is here ---

    def station_id(self, number: int) -> str:
        """Name the `number`th station, from 1."""
        return f"CP{number:04d}" if self.scenario.stations > 99 else f"CP{number:02d}"

    def station(self, number: int) -> SimulatedStation:
        """Return the `number`th station."""
        return self.stations[number - 1]

    def host(self, number: int) -> Host:
        """Return the machine of the `number`th node."""
        return self.hosts[number - 1]

    def desk(self, number: int) -> Host:
        """Return where an operator of node `number` sits: at its machine."""
        return self.host(number)

    def machine(self, number: int) -> Host:
        """Return the machine of node `number`."""
        return self.host(number)

    def rule(self, rule: Rule) -> AbstractContextManager[Rule]:
        """Apply a rule to frames for as long as the context lasts."""
        return self.network.rule(rule)

    async def silent_socket(self, station: str, seconds: float) -> None:
        """Hold one more socket in a station's name without a word."""
        subprotocol = self.station(self.stations_index(station) + 1).controller.subprotocol
        socket = self.network.open(station, subprotocol, proven=False)
        if socket is not None:
            await asyncio.sleep(seconds)
            socket.close("station", "said nothing")

    def rules(self, station: str) -> Rules:
        """Return what is fixed for a station."""
        return self._rules

    def named(self, station: int, node: int, command: do.Command) -> do.Command:
        """Return what a node makes of a command that an operator names in the words of the station's version."""
        csms, subprotocol = self.hosts[node - 1].csms, self.station(station).controller.subprotocol
        words = in_words(command, subprotocol)
        if words is None or csms is None:
            return command
        try:
            return csms.dialects[subprotocol].command(*words)
        except NotAcceptable as error:
            raise TurnedAway(str(error.why)) from None

    def new_request(self) -> str:
        """Name an operator's request."""
        self._requests += 1
        return f"r{self._requests}"

    @property
    def lossy(self) -> bool:
        """Whether its stations lose transaction messages by nature."""
        return not PERSONAS[self.drawn.persona].keeps_queue

    # --- running ---

    def run(self) -> None:
        """Run the scenario to its end."""
        self.served = self.served and (self.looks or asked_for(self.drawn.steps))
        try:
            self.begin()
            for planned in self.drawn.steps:
                self.do(planned)
            self.pass_time(max(0.0, self.scenario.faults_s - self.env.now))
            self.end()
        finally:
            self.close()

    def begin(self) -> None:
        """Begin the first phase: nodes and stations start."""
        asyncio.set_event_loop(None)
        self._until_done(self._begin())

    def do(self, planned: Step) -> None:
        """Let a step happen at its time, or now if that is past."""
        self._running.append((planned, self.loop.create_task(self._do(planned))))

    def pass_time(self, seconds: float) -> None:
        """Let simulated time pass."""
        self._until_done(asyncio.sleep(seconds))

    def end(self) -> None:
        """Heal everything, leave the world alone until it rests, and take the last look."""
        self._until_done(self._end())

    def close(self) -> None:
        """Stop the world where it is, whatever was still waiting."""
        self.over = True
        for task in self.loop.unfinished():
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine = task.get_coro()
            if inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
                coroutine.close()
        self.loop.close()

    def _until_done(self, coroutine: Coroutine[Any, Any, None]) -> None:
        with self._watched("the run"):
            self.loop.run_until_complete(coroutine)

    async def _begin(self) -> None:
        scenario = self.scenario
        self.history.observe("phase", name="faults")
        self.hosts = [Host(self, number) for number in range(1, scenario.nodes + 1)]
        for host in self.hosts:
            await host.start()
        for token in (OPERATOR_TOKEN, DRIVER_TOKEN):
            await self.register_token(token, "Accepted")
        for station in self.stations:
            station.start()

    async def register_token(self, token: str, status: str, node: int = 1, parent: str | None = None) -> None:
        """Say at a node how a token is answered from now on; the others are told of it as of any commit."""
        csms = self.host(node).taking

        async def registering(csms: Csms) -> None:
            with contextlib.suppress(*NOT_DURABLE):  # the operator hears that it was not kept
                await csms.register_token(token, status, parent)

        if csms is not None:
            await self.host(node).call(registering(csms), 60.0)

    async def _end(self) -> None:
        await self._heal()
        self.history.observe("phase", name="healed")
        await self._come_to_rest()
        self.history.observe("phase", name="rest")
        if self.looks:
            for host in self.hosts:
                with self._watched("a look at what is shown"):
                    await host.look(rest=True)
        await self._last_look()

    async def _come_to_rest(self) -> None:
        """Wait for the length of the second phase, or until nothing was left to happen for `settle_s`."""
        end, settle_s = self.env.now + self.scenario.quiet_s, self.scenario.settle_s
        settled_since: float | None = None
        while self.env.now < end:
            left = end - self.env.now
            await asyncio.sleep(left if settle_s is None else min(left, max(1.0, settle_s / 4)))
            if settle_s is None or not self._is_settled():
                settled_since = None
            elif settled_since is None:
                settled_since = self.env.now
            elif self.env.now - settled_since >= settle_s:
                return

    def _is_settled(self) -> bool:
        """Tell whether everybody is up and connected, has said all, and no command waits for anything."""
        if any(not task.done() for _, task in self._running) or any(not host.rests for host in self.hosts):
            return False
        if any(one.outbox_pending or one.statuses_pending or not one.online for one in self.stations):
            return False
        states = (self._state(station_stream(self.station_id(number))) for number in range(1, len(self.stations) + 1))
        return all(state.online and all(pending.finished for pending in state.commands.values()) for state in states)

    def _state(self, stream: str) -> Station:
        """Fold a stream, from where it was folded to the last time."""
        log = self.store.events(stream)
        known, state = self._folded.get(stream, (0, Station()))
        state = fold(log[known:], state)
        self._folded[stream] = len(log), state
        return state

    async def _do(self, planned: Step) -> None:
        await asyncio.sleep(max(0.0, planned.at - self.env.now))
        stage: Stage = self
        params = dict(planned.params)
        if planned.what in DEEDS:
            with self._watched(planned.what):
                await DEEDS[planned.what](stage, **params)
            return
        shown = {name: value for name, value in params.items() if name != "station"}
        station = params.get("station")
        where = {"station": self.station_id(station)} if station is not None else {}
        about = {"fault": planned.what, "id": f"{planned.what}@{planned.at:g}", **where, **shown}
        self.history.observe("fault.begun", **about)
        try:
            with self._watched(planned.what):
                await FAULTS[planned.what](stage, **params)
        finally:
            if not self.over:
                self.history.observe("fault.ended", **about)

    @contextlib.contextmanager
    def _watched(self, what: str) -> Iterator[None]:
        """Note an error. One of the world's own says nothing about the CSMS, so the run has no verdict: ERROR.

        One that the CSMS raised while the world set it up, asked it or looked at it is the CSMS's own.
        """
        try:
            yield
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{what}: {type(error).__name__}: {error} ({Path(where.filename).name} line {where.lineno})"
            if isinstance(error, Livelock) or of_the_csms(where.filename):
                self.history.observe("task.failed", node=getattr(error, "node", "csms"), error=text[:300])
            else:
                self.history.observe("world.failed", error=text[:300])

    def _callback_failed(self, loop: Any, context: dict[str, Any]) -> None:
        """Note an error in a callback: whose it is tells whether the CSMS is wrong or the world."""
        error, handle = context.get("exception"), context.get("handle")
        incarnation = handle.context.get(INCARNATION) if handle is not None else None
        text = f"{type(error).__name__}: {error}" if error is not None else context["message"]
        if incarnation is not None:
            self.history.observe("task.failed", node=incarnation.split("#")[0], error=text[:300])
        elif not self.over:
            self.history.observe("world.failed", error=text[:300])

    async def _heal(self) -> None:
        """End every fault that still stands; what operators and drivers are doing goes on."""
        ending = [task for planned, task in self._running if planned.what in FAULTS and not task.done()]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        for host in self.hosts:
            host.trap(None)
            await host.start()

    # --- what deeds and faults reach for ---

    def _dial(self, socket: Socket) -> bool:
        station = socket.station_id
        if self._unreachable.get(station):
            return False
        number = self.stations_index(station)
        turn = self._dials.get(station, 0)
        self._dials[station] = turn + 1
        shift = turn if self.scenario.balancing == "rotate" else 0
        for offset in range(len(self.hosts)):
            host = self.hosts[(number + shift + offset) % len(self.hosts)]
            if host.attach(socket):
                return True
        return False

    def stations_index(self, station: str) -> int:
        """Return the number of a station, from 0."""
        return int(station[2:]) - 1

    @contextlib.contextmanager
    def unreachable(self, station: str) -> Iterator[None]:
        """Let no new socket of a station through."""
        self._unreachable[station] = self._unreachable.get(station, 0) + 1
        try:
            yield
        finally:
            self._unreachable[station] -= 1

    def sockets(self, station: str) -> list[Socket]:
        """Return the sockets of a station that the nodes hold."""
        return [socket for host in self.hosts for (who, _), socket in host.ports.items() if who == station]

    def cut(self, station: str, why: str) -> None:
        """Break every socket of a station."""
        for socket in self.sockets(station):
            socket.cut(why)

    @contextlib.contextmanager
    def half_open(self, station: str, why: str) -> Iterator[None]:
        """Let every socket of a station be silently dead inside a `with` block, and reset behind it."""
        found = self.sockets(station)
        for socket in found:
            socket.half_open(why)
        try:
            yield
        finally:
            for socket in found:
                socket.cut("reset after silence")

    def start_traffic(self, habit: str, share: float) -> None:
        """Let drivers come to the stations."""
        for number, station in enumerate(self.stations, 1):
            rng = random.Random(f"{self.seed}:traffic:{number}")
            if rng.random() < share:
                start_habit(self.env, station, rng, habit, id_token=DRIVER_TOKEN)

    async def phase_after(self, station: int, node: int, command_id: str, seconds: float) -> str | None:
        """Return where a command stands once it has an outcome, at the latest after `seconds`."""
        until = self.env.now + seconds
        phase: str | None = None
        while self.env.now < until:
            csms = self.host(node).csms
            if csms is not None:
                phase = await self.host(node).call(csms.phase(self.station_id(station), command_id), 5.0)
                if phase not in ("requested", "in-doubt", None):
                    return phase
            await asyncio.sleep(min(1.0, max(0.01, until - self.env.now)))
        return phase

    async def folded(self, station: int) -> Station:
        """Fold what the log says about a station."""
        return fold(await self.store.read(station_stream(self.station_id(station))))

    # --- recording ---

    def wrote(self, node: str) -> None:
        """Note which node's append is being committed."""
        self._writer = node

    def _stored(self, stored: Any) -> None:
        for event, shown in zip(stored, as_json(stored), strict=True):
            self.history.observe(
                "stored",
                position=event.position,
                stream=event.stream,
                version=event.version,
                **shown,
                node=self._writer,
            )

    async def _last_look(self) -> None:
        self.over = True
        observe = self.history.observe
        log = await self.store.read_all()
        for event, shown in zip(log, as_json(log), strict=True):
            observe("log", stream=event.stream, version=event.version, **shown)
        states = self._look_at_folds(log)
        for number, station in enumerate(self.stations, 1):
            for truth in station.truth():
                observe("truth", **truth)
            observe("outbox", station=self.station_id(number), pending=station.outbox_pending)
            state = states.get(self.station_id(number)) or Station()
            for connector in range(1, self.scenario.connectors + 1):
                running = state.open_transaction(connector)
                shown_status = state.connectors.get((connector, 1))
                observe(
                    "belief",
                    node=state.node,
                    station=self.station_id(number),
                    connector=connector,
                    status=shown_status.status if shown_status else None,
                    error_code=shown_status.error_code if shown_status else None,
                    transaction_id=running.transaction_id if running else None,
                    held=state.held(connector) is not None,
                    online=state.online,
                )
        for host in self.hosts:
            observe("rest", node=host.name, **host.census())

    def _look_at_folds(self, log: Sequence[StoredEvent]) -> dict[str, Station]:
        """Note the folds that nodes decided on, and return each station as the log has it."""
        wanted: dict[str, set[int]] = {}
        for fields in self.history.noted("loaded"):
            wanted.setdefault(fields["station"], set()).add(fields["version"])
        heads = {station: event.version for event in log if (station := station_of(event.stream)) is not None}
        own, again = self._folds_of_the_design()
        states: dict[str, tuple[Station, Station, Station]] = {}
        nothing = Station()
        for event in log:
            station = station_of(event.stream)
            if station is None:
                continue
            before = states.get(station, (nothing, nothing, nothing))
            decoded = _decoded(event.type, event.data)
            ours = evolve(before[0], decoded)
            states[station] = ours, ours if own is None else own(before[1], decoded), again(before[2], decoded)
            if event.version in wanted.get(station, ()) or event.version == heads.get(station):
                first, second, third = states[station]
                digest = codec.digest(first)
                digests = {
                    "digest": digest,
                    "own": digest if second is first else codec.digest(second),
                    "again": codec.digest(third),
                }
                seen = {"state": summary(second)} if self.scenario.recorded == "all" else {}
                self.history.observe("fold", station=station, version=event.version, **digests, **seen)
        return {station: ours for station, (ours, _, _) in states.items()}

    def _folds_of_the_design(self) -> tuple[Callable[..., Station] | None, Callable[..., Station]]:
        """Return the fold of a design that has one of its own, and that fold an hour later."""
        handler = next((host.csms.handler for host in self.hosts if host.csms is not None), None)
        if handler is None or type(handler).evolve is Handler.evolve:
            return None, evolve
        later = copy.copy(handler)
        later.clock = SimClock(self.env, ahead_s=3600.0)
        return handler.evolve, later.evolve


def fold(log: Any, state: Station | None = None) -> Station:
    """Fold a station's stored events with the reference's own fold, from the beginning or from `state`."""
    state = state if state is not None else Station()
    event: StoredEvent
    for event in log:
        state = evolve(state, _decoded(event.type, event.data))
    return state
