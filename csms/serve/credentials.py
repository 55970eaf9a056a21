"""Stations' keys, kept in the log as digests and passed to the gate; and how a command changes a key.

The command that carries a new key is in the log before its frame is sent, like any other, but with a reference in place
of the key, which is in this process's memory only until the frame is written. If the process ends in between, the
outcome is in doubt as usual, and both keys are accepted until the station uses one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, get_args

from interlock.csms import codec
from interlock.csms.domain import commands as do
from interlock.csms.domain import credentials as rules
from interlock.csms.domain import events as ev
from interlock.csms.domain.inflight import PHASES, Phase
from interlock.csms.handle import station_of, station_stream
from interlock.csms.node import Csms, Decision
from interlock.csms.serve.gate import Gate, Key
from interlock.csms.store import NewEvent, StoredEvent
from interlock.csms.supervise import described
from interlock.csms.withheld import reference_of

STREAM = "credentials"
_PHASES = {event.__name__: phase for event, phase in PHASES.items() if event is not ev.CommandRequested}


class Elsewhere(Exception):
    """The station is connected to another node, which cannot receive a key through the log."""


async def _in_a_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, work)


class Credentials:
    """What the log says about keys, and how to change it."""

    def __init__(
        self,
        node: Csms,
        gate: Gate,
        *,
        drawn: Callable[[int], bytes] = secrets.token_bytes,
        aside: Callable[[Callable[[], Any]], Awaitable[Any]] = _in_a_thread,
    ) -> None:
        """`drawn` returns so many random bytes; `aside` does work that is long without keeping the loop from others."""
        self.node, self.gate, self._drawn, self._aside = node, gate, drawn, aside
        self._states: dict[str, rules.Credentials] = {}
        self._carried: dict[str, tuple[str, str]] = {}  # the station and key of a command
        self._phases: dict[str, Phase] = {}  # where the command of a key stands
        self._version = 0  # up to where the stream of keys is folded
        self._stop: Callable[[], None] = lambda: None
        gate.on_passed(self._passed)

    async def start(self) -> None:
        """Read the keys, and follow changes from now on, of every node."""
        self._stop = self.node.store.subscribe(self._committed)
        await self._read()

    async def _read(self) -> None:
        self._states.clear()
        self._version = 0
        while stored := await self.node.store.read(STREAM, self._version):
            self._apply(stored)
        for station, state in list(self._states.items()):
            if len(state.keys) > 1:
                self._follow(station, await self.node.store.read(station_stream(station)))

    def stop(self) -> None:
        """Follow no more changes."""
        self._stop()

    # --- what the log says ---

    def _committed(self, stored: Sequence[StoredEvent]) -> None:
        try:
            self._heard(stored)
        except Exception as error:
            self.node.alarm(f"a change of keys in {stored[0].stream} was not taken in: {described(error)}")
            self.node.supervisor.until_done("the reading of keys", self._read)

    def _heard(self, stored: Sequence[StoredEvent]) -> None:
        if stored[0].stream == STREAM:
            self._apply(stored)
        elif (station := station_of(stored[0].stream)) is not None:
            self._follow(station, stored)

    def _apply(self, stored: Sequence[StoredEvent]) -> None:
        for one in stored:
            if one.version != self._version + 1:
                continue  # read already, or read next by `_read`
            self._version = one.version
            event = codec.decode(one.type, one.data)
            if not isinstance(event, get_args(ev.CredentialEvent)):
                continue
            station = event.station
            state = self._states.get(station, rules.Credentials())
            self._states[station] = rules.evolve(state, event)
            self._tell(station)

    def _follow(self, station: str, stored: Sequence[StoredEvent]) -> None:
        """Follow the commands that carry keys, and their outcomes."""
        for one in stored:
            if codec.kind(one.type) == "CommandRequested" and b'"' + rules.REFERENCE.encode() in one.data:
                intent = codec.decode(one.type, one.data)
                if isinstance(intent, ev.CommandRequested) and (key_id := reference_of(intent.command)):
                    self._carried[intent.command_id] = (station, key_id)
                    self._phases[key_id] = Phase.REQUESTED
            elif self._carried and one.type in _PHASES:
                command_id = getattr(codec.decode(one.type, one.data), "command_id", "")
                if command_id in self._carried:
                    key_id = self._carried[command_id][1]
                    self.node.withheld.drop(key_id)  # sent or not, no longer needed
                    self._phases[key_id] = _PHASES[one.type]
                    self._tell(station)

    def _tell(self, station: str) -> None:
        """Give the gate the keys that are possible now."""
        state, gate = self._states[station], self.gate
        keys = rules.possible(state, self._phases.get)
        fitting = tuple(Key(bytes.fromhex(key.salt), bytes.fromhex(key.digest), key.key_id, gate.work) for key in keys)
        before = gate.keys.get(station, ())
        if fitting != before:
            gate.forget(station)
        if fitting:
            gate.keys[station] = fitting
        else:
            gate.keys.pop(station, None)
        if state.profile:
            gate.profiles[station] = state.profile
        else:
            gate.profiles.pop(station, None)
        if before and not set(before) & set(fitting):
            self._end(station)

    def _end(self, station: str) -> None:
        """End what was let in by keys of which none fits any more: whoever knows them may not stay either.

        A key that the station was sent itself fits beside the old one first: that ends nothing.
        """
        if (counted := self.node.connections.get(station)) is not None:
            counted.revoke()
        self.gate.revoked(station)

    def _passed(self, station: str, profile: int, key_id: str | None) -> None:
        state, at = self._states.get(station, rules.Credentials()), self.node.clock.at()
        found: list[ev.CredentialEvent] = []
        if profile > state.profile:
            self.gate.profiles[station] = profile
            found.append(ev.ProfileReached(at, station, profile))
        if key_id is not None:
            found += rules.used(state, station, key_id, self._phases.get, at)
        if found:
            self.node.supervisor.must_live(f"{station}: the note of its key", self._note(found), lambda why: None)

    async def _note(self, events: Sequence[ev.CredentialEvent]) -> None:
        try:
            await self._append(*events)
        except Exception as error:  # the station is admitted; it is recorded at its next connection
            self.node.alarm(f"{events[0].station}: how it proved itself was not recorded: {error}")

    # --- what an operator changes ---

    async def set(self, station: str, password: str) -> None:
        """Give a station a password; one it has stays as it is. Costs tens of milliseconds of a thread."""
        alone = self._states.get(station, rules.Credentials()).keys
        for key in self.gate.keys.get(station, ()) if len(alone) == 1 else ():
            if await self._aside(partial(key.fits, password.encode())):
                return
        key = await self._digest(password)
        await self._append(ev.KeySet(self.node.clock.at(), station, key.salt.hex(), key.digest.hex()))

    async def remove(self, station: str) -> None:
        """Remove a station's password, and its lowest security profile with it."""
        await self._append(ev.KeyRemoved(self.node.clock.at(), station))

    async def change(self, station: str, command: do.SetPassword, request_id: str, *, force: bool = False) -> Decision:
        """Send a station a new key by `command`. Raises `Elsewhere` when only another node could."""
        node = self.node
        state = (await node.handler.load(station)).state
        if await node.handler.known(station, request_id) is not None:
            return await node.operate(station, command, request_id, force=force)  # known: nothing new is stored
        if station not in node.connections and state.online and state.node != node.name:
            raise Elsewhere(station)
        key, key_id = await self._digest(command.secret), self._drawn(8).hex()
        offer = rules.Digest(key_id, key.salt.hex(), key.digest.hex())
        known = self._states.get(station, rules.Credentials())
        events = rules.offered(known, station, offer, self._phases.get, node.clock.at())
        if events is None:
            return Decision("refused", None, "it is open which of several keys the station has: wait until it uses one")
        await self._append(*events)
        node.withheld.keep(key_id, command.secret)
        stored = replace(command, secret=f"{rules.REFERENCE}{key_id}")
        decided = await node.operate(station, stored, request_id, force=force)
        if decided.answer not in ("accepted", "failed"):  # a failed one may be in the log all the same, and be sent
            node.withheld.drop(key_id)
            await self._append(ev.KeyWithdrawn(node.clock.at(), station, key_id))
        return decided

    async def _digest(self, password: str) -> Key:
        key: Key = await self._aside(partial(Key.of, password.encode(), self._drawn(16), self.gate.work))
        return key

    async def _append(self, *events: ev.CredentialEvent) -> None:
        node = self.node
        batch = [NewEvent(node.ids.event_id(), *codec.encode(event)) for event in events]
        await node.handler.durable(STREAM, batch, None)
