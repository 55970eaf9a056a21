"""The stations' port: what all its sockets share, the sweep for silent ones, and how the process stops.

A single WebSocket is `station_socket.Socket`. The gate decides which station may connect; the limits and message
budgets kept here bound what all peers together can make this process hold.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter

from interlock.csms.budgets import Budgets
from interlock.csms.node import Csms
from interlock.csms.serve import open_files
from interlock.csms.serve.admission import Admission, Crowd
from interlock.csms.serve.gate import Gate
from interlock.csms.serve.limits import Limits
from interlock.csms.serve.listener import Listener
from interlock.csms.serve.names import Names
from interlock.csms.serve.proofs import Proofs
from interlock.csms.serve.station_socket import Socket
from interlock.csms.serve.watched import Watched
from interlock.csms.supervise import expect_nobody, reason


class Server:
    """Stations' sockets on one port. `open` holds those that were let in."""

    def __init__(self, node: Csms, gate: Gate, limits: Limits | None = None, crowd: Crowd | None = None) -> None:
        self.node, self.gate, self.limits = node, gate, (limits := limits or Limits())
        self.open: set[Socket] = set()
        self.stopping = False
        self.attached: set[Socket] = set()
        """Every socket whose transport is there, let in or not."""
        self.refused = self.held_back = 0
        self.watched = Watched(node.clock.at)
        self.messages = Budgets(limits.messages_per_s, limits.messages_burst)
        self.address_messages = Budgets(limits.address_messages_per_s, limits.address_messages_burst)
        self.controls = Budgets(limits.controls_per_s, limits.controls_burst)
        self.names = Names(limits)
        gate.on_revoked(self.names.revoked)
        self.unfinished: Counter[str] = Counter()
        """Bytes of messages that are not whole yet, by address."""
        files = open_files.limit()
        self.admission = Admission(crowd or Crowd.of_files(files))
        self.proofs = Proofs(limits)
        self._listening: Listener | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, and return the port. Raises `OSError`."""
        listening = Listener(
            self.admission,
            lambda slot: Socket(self, slot),
            self.node.alarm,
            tls=tls,
            now=self.node.clock.now,
            handshake_s=self.limits.handshake_s,
        )
        found = await listening.listen(host, port)
        self._listening = listening
        self._sweep()
        return found

    def proven(self, station: str) -> bool:
        """Tell whether a station that was let in proved who it is."""
        return self.gate.profile > 0 or station in self.gate.keys

    def _sweep(self) -> None:
        now = self.node.clock.now()
        dead = self.node.settings.offline_after_s + self.limits.silence_s
        when = asyncio.get_running_loop().time() + max(1.0, min(30.0, self.limits.first_frame_s / 4, dead / 4))
        self._sweeper = self.node.supervisor.at(when, "the sweep for silent sockets", self._sweep)
        for socket in list(self.open):
            if now - socket.heard > (dead if socket.spoke else self.limits.first_frame_s):
                socket.end("silent for too long")
            else:
                socket.sweep(now)

    def stop_listening(self) -> None:
        """Take no new sockets."""
        self.stopping = True
        self.watched.end()
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._listening is not None:
            self._listening.close()

    async def stop(self) -> bool:
        """Take no new sockets, finish what is under way, say goodbye. The node stops with it.

        False when something was still under way after `stopping_s`: the next start takes it up, as after a crash.
        """
        self.stop_listening()
        for socket in [one for one in self.open if one.undecided()]:
            socket.end("the CSMS stops")  # nothing of it is under way, and the node would wait until it is decided on
        stopping = asyncio.ensure_future(self.node.stop())
        done, _ = await asyncio.wait({stopping}, timeout=self.limits.stopping_s)
        if not done:
            stopping.add_done_callback(expect_nobody)
            stopping.cancel()
        for socket in list(self.open):
            socket.end("the CSMS stops")
        limit = self.node.clock.now() + self.limits.closing_s
        while self.open and self.node.clock.now() < limit:
            await asyncio.sleep(0.02)
        for socket in list(self.attached):
            socket.abort()
        while self.attached and self.node.clock.now() < limit + self.limits.closing_s:
            await asyncio.sleep(0)
        self.proofs.close()
        if done and (why := reason(stopping)) is not None:
            self.node.alarm(f"the node did not stop as it should: {why}")
            return False
        return bool(done)
