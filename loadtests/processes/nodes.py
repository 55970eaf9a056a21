"""`interlock serve` as processes, and a client of their API, for campaigns that start, load and kill them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parents[1]
TOKEN = "campaign"
START_S, STOP_S = 60.0, 60.0
ONE_ADDRESS = ("--address-messages", "1000000")
"""For a generator that is thousands of stations at one address."""


class Node:
    """A process of `interlock serve`."""

    def __init__(
        self,
        number: int,
        store: str,
        folder: Path,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name, self.store, self.folder = f"n{number}", store, folder
        self.flags, self.environment = flags, environment
        self.process: subprocess.Popen[str] | None = None
        self.ocpp = self.api = 0
        self.paused = False

    @property
    def up(self) -> bool:
        """Whether a station could be sent there."""
        return self.process is not None and self.ocpp > 0 and not self.paused

    async def start(self) -> None:
        """Start it and wait for its ports."""
        flags = ["--ocpp-port", "0", "--api-port", "0", "--store", self.store, "--node", self.name, "--quiet"]
        flags += ["--tokens", "Accepted", *self.flags]
        log = open(self.folder / f"{self.name}.log", "a")  # noqa: SIM115
        self.process = process = subprocess.Popen(
            [sys.executable, "-u", "-c", "from interlock.scenarios.cli.main import main; main()", "serve", *flags],
            cwd=self.folder,
            env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT), "INTERLOCK_API_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        log.close()
        assert process.stdout is not None
        for name in ("ocpp", "api"):
            try:
                line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_S)
            except TimeoutError:
                self.kill()
                raise SystemExit(f"{self.name} did not start within {START_S:.0f} s") from None
            except asyncio.CancelledError:
                self.kill()  # the thread that waits for its line would wait for ever
                raise
            if not line:
                raise SystemExit(f"{self.name} did not start: {(self.folder / f'{self.name}.log').read_text()[-500:]}")
            setattr(self, name, int(line.rstrip("/\n").replace("/ocpp", "").rsplit(":", 1)[1]))

    async def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self.ocpp = self.api = 0
        if self.process is not None:
            self.process.terminate()
            await asyncio.to_thread(self.process.wait, STOP_S)
            self.kill()

    def kill(self) -> None:
        """Kill it, whatever it was doing."""
        self.ocpp = self.api = 0
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
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
