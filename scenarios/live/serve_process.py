"""`interlock serve` as a process of its own: started on free ports, its addresses known, ended for certain.

The one place that starts it: the command line, load tests, damage campaigns, benches and tests all come here.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType

from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.targets.target import TOKEN_VARIABLE

START_S = 60.0
"""How long it may take until both addresses are printed."""
STOP_S = 20.0
"""How long it may take to end when asked; then it is killed (a wrong design need not stop)."""
POLL_S = 0.02


class ServeProcess:
    """One process of `interlock serve`, listening on loopback.

    `flags` go behind `serve`, `environment` on top of this process's. What it prints goes to files called `name` in
    `folder`. `own_session` keeps a Ctrl-C of the terminal from it. `start` raises `Refused` (exit code 3) with the last
    line it printed when it does not come up.
    """

    def __init__(
        self,
        folder: Path | str,
        flags: Sequence[str] = (),
        *,
        name: str = "serve",
        port: int = 0,
        environment: Mapping[str, str] = MappingProxyType({}),
        token: str | None = None,
        own_session: bool = False,
    ) -> None:
        self.token = token if token is not None else secrets.token_urlsafe(24)
        self.stations_url = self.operators_url = ""
        self._command = [sys.executable, "-u", "-m", "interlock", "serve", "--ocpp-port", str(port), "--api-port", "0"]
        self._command += flags
        self._folder, self._environment, self._own_session = Path(folder), dict(environment), own_session
        self.out, self.err = self._folder / f"{name}.out", self._folder / f"{name}.err"
        self._process: subprocess.Popen[bytes] | None = None
        self._abandoned = False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process; it has been started."""
        assert self._process is not None
        return self._process

    @property
    def errors(self) -> str:
        """What it printed as errors, over all its lives."""
        return self.err.read_text("utf-8", "replace") if self.err.exists() else ""

    def launch(self) -> None:
        """Start it and do not wait."""
        if self._abandoned:
            raise Refused("interlock serve was not started: the run is over", UNTOLD)
        # Settings of ours that are meant for this process stay out of it.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        environment = {**kept, **self._environment, TOKEN_VARIABLE: self.token}
        with self.out.open("wb") as out, self.err.open("ab") as err:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=self._own_session,
            )

    def start(self) -> None:
        """Start it and wait until it has printed where stations and operators find it."""
        self.launch()
        until = time.monotonic() + START_S
        try:
            while not self._addressed():
                if self.process.poll() is not None or time.monotonic() > until:
                    lines = (self.out.read_text("utf-8", "replace") + self.errors).strip().splitlines()
                    why = lines[-1] if lines else "it printed nothing"
                    raise Refused(f"interlock serve did not start: {why}", UNTOLD)
                time.sleep(POLL_S)
        except BaseException:
            self.kill()
            raise

    def _addressed(self) -> bool:
        lines = self.out.read_text("utf-8", "replace").split("\n")[:-1]
        found = dict(line.split(": ", 1) for line in lines if ": " in line)
        self.stations_url = found.get("stations", "").strip().rstrip("/")
        self.operators_url = found.get("operators", "").strip()
        return bool(self.stations_url and self.operators_url)

    def stop(self, seconds: float = STOP_S) -> int:
        """Ask it to end, kill it after `seconds`; return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.wait()

    def kill(self) -> None:
        """Kill it, whatever it was doing."""
        self.process.kill()
        self.process.wait()

    def abandon(self) -> None:
        """Kill it if it was started, and do not start it any more, also where `start` waits in another thread."""
        self._abandoned = True
        if self._process is not None:
            self.kill()

    def __enter__(self) -> ServeProcess:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
