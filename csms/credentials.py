"""Stations' keys, kept in the log as digests and handed to the gate."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from . import codec
from .domain import events as ev
from .gate import Gate, Key
from .node import Csms
from .store import NewEvent, StoredEvent

STREAM = "credentials"


class Credentials:
    """What the log says about keys, and how to change it."""

    def __init__(self, node: Csms, gate: Gate) -> None:
        self.node, self.gate = node, gate

    async def start(self) -> None:
        """Read the keys, and hear of changes from now on, whichever node makes them."""
        self.node.store.subscribe(self._committed)
        self._apply(await self.node.store.read(STREAM))

    def _committed(self, stored: Sequence[StoredEvent]) -> None:
        if stored[0].stream == STREAM:
            self._apply(stored)

    def _apply(self, stored: Sequence[StoredEvent]) -> None:
        keys = self.gate.keys
        for one in stored:
            match codec.decode(one.type, one.data):
                case ev.KeySet(station=station, salt=salt, digest=digest):
                    keys[station] = (Key(bytes.fromhex(salt), bytes.fromhex(digest)),)
                    self.gate.forget(station)
                case ev.KeyRemoved(station=station):
                    keys.pop(station, None)
                    self.gate.forget(station)

    async def set(self, station: str, password: str) -> None:
        """Give a station a password. Costs tens of milliseconds."""
        key = Key.of(password.encode(), secrets.token_bytes(16))
        await self._append(ev.KeySet(self.node.clock.at(), station, key.salt.hex(), key.digest.hex()))

    async def remove(self, station: str) -> None:
        """Take a station's password away."""
        await self._append(ev.KeyRemoved(self.node.clock.at(), station))

    async def _append(self, event: ev.Event) -> None:
        node = self.node
        await node.handler.durable(STREAM, [NewEvent(node.ids.event_id(), *codec.encode(event))], None)
