"""`interlock serve` as processes, and a client of their API, for campaigns that start, load and kill them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from interlock.scenarios.live.serve_process import ServeProcess
from interlock.scenarios.refused import Refused

TOKEN = "campaign"
STOP_S = 60.0
ONE_ADDRESS = ("--address-messages", "1000000")
"""For a generator that is thousands of stations at one address."""


class Node:
    """A process of `interlock serve` that can be killed, paused and started again."""

    def __init__(
        self,
        number: int,
        store: str,
        folder: Path,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name, self.store, self.folder, self.flags = f"n{number}", store, folder, flags
        words = ("--store", store, "--node", self.name, "--quiet", "--tokens", "Accepted", *flags)
        self._serve = ServeProcess(folder, words, name=self.name, environment=environment, token=TOKEN)
        self.errors = self._serve.err
        """The file of what it prints as errors."""
        self.process: subprocess.Popen[bytes] | None = None
        self.ocpp = self.api = 0
        self.paused = False

    @property
    def up(self) -> bool:
        """Whether a station could be sent there."""
        return self.process is not None and self.process.poll() is None and self.ocpp > 0 and not self.paused

    async def start(self) -> None:
        """Start it and wait for its ports."""
        starting = asyncio.ensure_future(asyncio.to_thread(self._serve.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(AssertionError):
                self._serve.kill()  # the thread that waits for its addresses would wait for ever
            raise
        except Refused as error:
            raise SystemExit(f"{self.name}: {error.sentence}") from None
        self.process = self._serve.process
        self.ocpp, self.api = (int(url.rsplit(":", 1)[1].split("/")[0]) for url in self._urls())

    def _urls(self) -> tuple[str, str]:
        return self._serve.stations_url, self._serve.operators_url

    def launch(self) -> None:
        """Start it and do not wait: it is expected to leave by itself."""
        self._serve.launch()
        self.process = self._serve.process

    def said(self) -> str:
        """Return what it wrote as errors so far."""
        return self._serve.errors

    async def left(self, within_s: float) -> int | None:
        """Return the exit code of a process that leaves by itself; None if it does not within so many seconds."""
        assert self.process is not None
        try:
            return await asyncio.to_thread(self.process.wait, within_s)
        except subprocess.TimeoutExpired:
            return None

    async def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self.ocpp = self.api = 0
        if self.process is not None:
            await asyncio.to_thread(self._serve.stop, STOP_S)
            self.process = None

    def kill(self) -> None:
        """Kill it, whatever it was doing."""
        self.ocpp = self.api = 0
        if self.process is not None:
            self._serve.kill()
            self.process = None

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def pause(self, paused: bool) -> None:
        """Stop it in its tracks, or let it go on."""
        assert self.process is not None
        self.paused = paused
        self.process.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)


TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(process: int) -> float:
    """Return the CPU seconds a process used, its threads included; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_cpu_s() -> float:
    """Return the CPU seconds all cores together spent on something, and what was stolen from them."""
    user, nice, system, _idle, _waiting, irq, soft, stolen = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, irq, soft, stolen))) / TICKS


def family(process: int) -> list[int]:
    """Return a process and the children it has now, such as a database's backends."""
    found = [process]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent == process:
            found.append(int(stat.parent.name))
    return found


async def http(
    port: int, method: str, path: str, body: Any = None, decode: Callable[[bytes], Any] = json.loads, **headers: str
) -> tuple[int, Any]:
    """Ask one thing of a node's API."""
    data = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {TOKEN}", "Connection: close"]
    head += [f"Content-Length: {len(data)}", "Content-Type: application/json"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write("\r\n".join([*head, "", ""]).encode() + data)
        answer = await reader.read()
    finally:
        writer.close()
    top, _, rest = answer.partition(b"\r\n\r\n")
    if not top:
        raise ConnectionError("no answer")
    if b"chunked" in top.lower():
        rest = b"".join(rest.split(b"\r\n")[1::2])
    return int(top.split()[1]), decode(rest) if rest else None
