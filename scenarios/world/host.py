"""A machine on which one CSMS node runs, loses power and runs again."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from contextvars import Context, copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.csms import codec
from interlock.csms import labelled_points as points
from interlock.csms.clock import Ids
from interlock.csms.domain.commands import SetPassword
from interlock.csms.domain.station import Station as State
from interlock.csms.handle import STATION_STREAM
from interlock.csms.node import Csms, Decision
from interlock.csms.serve.credentials import Elsewhere
from interlock.csms.store import Snapshot
from interlock.scenarios.steps.stage import Registration
from interlock.scenarios.world.loop import INCARNATION
from interlock.scenarios.world.shell import Shell, settled
from interlock.scenarios.world.storage import NodeStore
from interlock.simulator.network.links import Socket

if TYPE_CHECKING:
    from interlock.scenarios.world.world import World

T = TypeVar("T")
RESTARTS_S = 1.0
"""How long a process whose start broke off is down."""


class BrokenOff(Exception):
    """The exception that a fault injects; judges do not count it as an error of the design."""


STOPS_WITHIN_S = 60.0
"""A clean stop that takes longer is no stop: the power is cut."""


class Host:
    """A machine on which one CSMS node runs, is cut off from power, and runs again."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number, self.name = world, number, f"node{number}"
        self.incarnation = 0
        self.csms: Csms | None = None
        self.stopping = False
        self._stop: asyncio.Task[None] | None = None
        self.storage = world.scenario.storage
        self.settings = world.scenario.settings
        self.store: NodeStore | None = None
        self.shell: Shell | None = None
        self.context: Context = copy_context()
        self.tasks: list[asyncio.Task[Any]] = []
        self.ports: dict[tuple[str, int], Socket] = {}
        self.trapped = asyncio.Event()
        self._trap: str | None = None
        self._ends = "crash"
        self._occurrence = 0

    @property
    def label(self) -> str:
        """Name this run of this node."""
        return f"{self.name}#{self.incarnation}"

    @property
    def taking(self) -> Csms | None:
        """The node, while it takes connections and requests."""
        return None if self.stopping else self.csms

    @property
    def running(self) -> bool:
        """Whether the node is up."""
        return self.csms is not None

    async def start(self) -> None:
        """Start a new incarnation, once one that is stopping has stopped; does nothing while one runs."""
        if self.stopping and self._stop is not None:
            await asyncio.wait({self._stop}, timeout=STOPS_WITHIN_S)
            if self.stopping and self.csms is not None:
                self.crash(None)
        if self.csms is not None:
            return
        world = self.world
        self.incarnation += 1
        self.stopping = False
        self.tasks = []
        self.context = copy_context()
        self.context.run(INCARNATION.set, self.label)
        rng = random.Random(f"{world.seed}:{self.label}")
        self.store = NodeStore(
            world.store, self.name, self.storage, rng, self.context, world.history.observe, world.wrote
        )
        self.csms = csms = world.csms_class(
            self.name,
            self.store,
            world.clock,
            Ids(f"{self.name}-{self.incarnation}", rng),
            self.settings,
            world.rules,
            reach=self.reach,
            observe=world.history.observe,
            spawn=self.spawn,
            alarm=lambda text: world.history.observe("alarm", node=self.name, text=text),
        )
        world.history.observe("node.started", node=self.name, incarnation=self.incarnation)
        starting = self.spawn(self._begin(csms, self.store))
        starting.add_done_callback(lambda task: self._started(task, csms), context=copy_context())

    async def _begin(self, csms: Csms, store: NodeStore) -> None:
        await csms.start()
        if self.world.served:
            shell = Shell(csms, random.Random(f"{self.world.seed}:{self.label}:keys"))
            with store.at_once():
                await shell.start()
            self.shell = shell

    async def change_key(self, station: str, command: SetPassword, request_id: str, **how: Any) -> Decision:
        """Send a station a new key from the node it is connected to, if that is up."""
        hosts = [one for one in self.world.hosts if one.taking is not None and one.shell is not None]
        found = [one for one in hosts if one.csms is not None and station in one.csms.connections]
        for host in found or [one for one in hosts if one is self]:
            with contextlib.suppress(Elsewhere):
                assert host.shell is not None
                return await host.shell.keys.change(station, command, request_id, **how)
        return Decision("unreachable", None, "the node the station is connected to is down")

    async def set_key(self, station: str, password: str | None) -> None:
        """Give a station a key through the node's API, or take its key away, and note the answer."""
        if self.shell is None or self.taking is None:
            return
        target, shell = f"/api/stations/{station}/key", self.shell
        asked = ("DELETE", target) if password is None else ("PUT", target, {"password": password})
        about = {"node": self.name, "station": station, "password": password}
        self.world.history.observe("key.asked", **about)
        answer = await self.call(shell.request(*asked), 60.0)
        self.world.history.observe("key.answered", **about, status=answer[1] if answer else None)

    def knock(self, station: str, password: str | None) -> None:
        """Ask the node to let somebody in in a station's name, and note the answer."""
        if self.shell is not None and self.taking is not None:
            status = self.shell.knock(station, password)
            self.world.history.observe("knock", node=self.name, station=station, password=password, status=status)

    async def look(self, *, rest: bool = False) -> None:
        """Let an operator ask this node's API for all it shows, and note the answers. No time passes meanwhile."""
        if self.shell is None or self.store is None or self.taking is None or not self.world.shown:
            return
        await settled()
        world = self.world
        stations = [world.station_id(number) for number in range(1, len(world.stations) + 1)]
        with self.store.at_once():
            for target, status, body in await self.shell.look(stations, rest=rest):
                world.history.observe("shown", node=self.name, target=target, status=status, body=body)

    def _started(self, task: asyncio.Task[None], csms: Csms) -> None:
        """A process whose start broke off ends; somebody starts it again."""
        broke = task.cancelled() or isinstance(task.exception(), BrokenOff)
        if broke and self.csms is csms and not self.world.over:
            self.crash(None)
            self.world.loop.call_later(RESTARTS_S, lambda: self.world.loop.create_task(self.start()))

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something as part of this incarnation. Kept, so that a power cut leaves it exactly where it was."""
        task = self.world.loop.create_task(coroutine, context=self.context)
        self.tasks.append(task)
        if len(self.tasks) > 256:
            self.tasks = [task for task in self.tasks if not task.done()]
        task.add_done_callback(self._ended, context=self.context)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or self.world.over:
            return
        if (error := task.exception()) is not None and not isinstance(error, BrokenOff):
            self.world.history.observe("task.failed", node=self.name, error=f"{type(error).__name__}: {error}"[:300])

    async def call(self, coroutine: Coroutine[Any, Any, T], patience_s: float) -> T | None:
        """Ask the running node something; None when it gave no answer in time (or died over it)."""
        task = self.spawn(coroutine)
        await asyncio.wait({task}, timeout=patience_s)
        if not task.done() or task.cancelled() or task.exception() is not None:
            return None  # an error of the node's own was noted when the task ended
        return task.result()

    # --- its end ---

    async def reach(self, point: points.Point, station: str | None, command_id: str | None) -> None:
        """Pass a labelled point, or lose power there, or break off."""
        world = self.world
        if world.scenario.recorded == "all":
            world.history.observe("point", node=self.name, point=point.label, station=station, command_id=command_id)
        if self._trap == point.label:
            self._occurrence -= 1
            if self._occurrence == 0 and self._ends == "crash":
                self.crash(point.label)
                await world.loop.create_future()  # never: this incarnation is dead
            elif self._occurrence == 0:
                await self._break_off(point.label)

    async def _break_off(self, point: str) -> None:
        self._trap = None
        self.trapped.set()
        self.world.history.observe("node.broke", node=self.name, point=point, how=self._ends)
        if self._ends == "cancellation" and (task := asyncio.current_task()) is not None:
            task.cancel()
            await asyncio.sleep(0)
        raise BrokenOff(point)

    def trap(self, point: str | None, occurrence: int = 1, ends: str = "crash") -> None:
        """Cut the power when `point` is passed for the `occurrence`th time; None disarms.

        `ends` says what else happens there: an `exception` or a `cancellation` of whatever passes it.
        """
        self._trap, self._occurrence, self._ends = point, occurrence, ends
        self.trapped.clear()

    def crash(self, point: str | None) -> None:
        """Cut the power. Sockets die, memory is gone, nothing of it runs on."""
        if self.csms is None:
            return
        world = self.world
        world.history.observe("node.crashed", node=self.name, incarnation=self.incarnation, point=point)
        world.graveyard.extend([self.csms, *self.tasks])
        world.loop.kill(self.label)
        if self.store is not None:
            self.store.cut()
        self.csms, self.shell, self._trap, self.stopping = None, None, None, False
        if self._stop is not None:
            self._stop.cancel()
        ports, self.ports = self.ports, {}
        for socket in ports.values():
            socket.on_up = socket.on_csms_closed = None
            socket.vanish("csms", "node crashed")
        self.trapped.set()

    async def stop(self) -> None:
        """Stop the node cleanly and wait for it. It takes no new connections and requests from now on."""
        if (csms := self.taking) is None:
            return
        self.stopping = True
        # Continues when the task that asked for it is cancelled.
        self._stop = self.world.loop.create_task(self._come_to_a_stop(csms))
        await asyncio.wait({self._stop})

    async def _come_to_a_stop(self, csms: Csms) -> None:
        self.world.history.observe("node.stopping", node=self.name, incarnation=self.incarnation)
        # Not awaited itself: if the power goes meanwhile it never ends, not even cancelled.
        await asyncio.wait({self.spawn(csms.stop())})
        while any(not task.done() for task in self.tasks):
            await asyncio.wait([task for task in self.tasks if not task.done()])
        if self.csms is csms:
            self.csms, self.shell, self.stopping = None, None, False
            self.world.history.observe("node.stopped", node=self.name, incarnation=self.incarnation)
            if self.store is not None:
                self.store.cut()

    # --- sockets and store ---

    def attach(self, socket: Socket) -> bool:
        """Take a station's new socket; False while the node is down."""
        csms = self.taking
        if csms is None:
            return False
        key = (socket.station_id, socket.number)
        connection = csms.connect(
            socket.station_id, socket.send_down, lambda why: self.hang_up(key, why), csms.dialects[socket.subprotocol]
        )
        connection.proven = socket.proven and self.world.scenario.authenticated
        connection.ping = lambda: socket.ping(lambda: connection.alive(csms.clock.now()))
        self.ports[key] = socket

        def closed(why: str) -> None:
            self.ports.pop(key, None)
            connection.hang_up(why)

        socket.node = self.name
        socket.on_up = connection.offer
        socket.on_csms_closed = closed
        self._connections[key] = connection
        csms.serve(connection, lambda why: self.hang_up(key, why))
        return True

    @property
    def _connections(self) -> dict[tuple[str, int], Any]:
        return self.world.connections

    def hang_up(self, key: tuple[str, int], why: str) -> None:
        """Close a socket from this side."""
        socket = self.ports.pop(key, None)
        if socket is not None:
            socket.close("csms", why)
            self._connections[key].hang_up(why)

    def set_storage(self, **changes: Any) -> None:
        """Change how this node reaches the store, now and after a restart."""
        self.storage = replace(self.storage, **changes)
        if self.store is not None:
            self.store.storage = self.storage

    def set_registration(self, status: Registration) -> None:
        """Answer boots with another status, now and after a restart."""
        self.settings = replace(self.settings, registration=status)
        if self.csms is not None:
            self.csms.settings = replace(self.csms.settings, registration=status)
        self.world.history.observe("registration.set", node=self.name, status=status)

    async def age_snapshots(self) -> None:
        """Let every snapshot in the store be of another fold, in which the same version is an empty station."""
        store, empty = self.world.store, codec.encode_state(State())
        for stream in await store.streams(STATION_STREAM):
            if (found := await store.load_snapshot(stream)) is not None:
                await store.save_snapshot(Snapshot(stream, found.version, "an older fold", empty))

    def set_full(self, full: bool) -> None:
        """Let the store refuse what this node appends, or no longer."""
        if self.store is not None:
            self.store.full = full

    @property
    def rests(self) -> bool:
        """Whether the node is up and does nothing but listen."""
        return self.csms is not None and sum(not task.done() for task in self.tasks) <= len(self.ports)

    def census(self) -> dict[str, int]:
        """Count what is alive, and what should be."""
        alive = sum(not task.done() for task in self.tasks)
        return {
            "tasks": alive,
            "expected_tasks": len(self.ports),
            "sockets": len(self.csms.connections) if self.csms else 0,
            "expected_sockets": len(self.ports),
            "open_calls": 0,
        }
