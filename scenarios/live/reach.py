"""How stations reach a CSMS that somebody else runs: its address, secrets, TLS, more headers, the ids it knows."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.targets.target import Target, TargetGone
from interlock.simulator.network.address import Address
from interlock.simulator.network.dial import Frames, Network
from interlock.simulator.network.ports import StationSocket
from interlock.simulator.network.refusal import explain
from interlock.simulator.spec import OcppVersion
from interlock.simulator.timer import Observe

TRY_S = 0.5
"""Between two attempts while it is waited for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How to reach it. `ids` are the stations it knows, none where any id will do; `wait_s` how long it may start."""

    address: Address
    password: str | None = None
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    wait_s: float = 0.0

    def network(
        self,
        loop: asyncio.AbstractEventLoop,
        observe: Observe,
        frames: Frames,
        kind: Callable[..., Network] = Network,
    ) -> Network:
        """Return the stations' network."""
        return kind(
            loop, self.address, observe, frames, password=self.password, tls=self.tls, headers=dict(self.headers)
        )

    async def there(self, target: Target | None = None) -> None:
        """Wait until it listens and its control interface lets us in. Raises `Refused` where it does not in time.

        Without `wait_s` only the control interface is tried, once: the first station tells the rest.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self.wait_s
        while True:
            try:
                if self.wait_s:
                    await self._listens()
                if target is not None:
                    await target.check()
                return
            except (OSError, TimeoutError, TargetGone) as error:
                if loop.time() + TRY_S > until:
                    why = error if isinstance(error, TargetGone) else explain(error, self.address, TRY_S, "")
                    where = "--control: " if isinstance(error, TargetGone) else ""
                    raise Refused(f"{where}{why}", UNTOLD) from None
            await asyncio.sleep(TRY_S)

    async def admits(self, ocpp: OcppVersion) -> bool:
        """Tell whether a station that speaks this version is let in; it hangs up without a word."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[StationSocket | None] = loop.create_future()

        def nothing(*_: object, **__: object) -> None:
            """Record nothing."""

        network = self.network(loop, nothing, nothing)
        station = self.ids[0] if self.ids else f"IL{secrets.token_hex(4)}-00"
        network.connect(station, f"ocpp{ocpp}", came.set_result)
        try:
            return await came is not None
        finally:
            await network.close("only asked")

    async def _listens(self) -> None:
        async with asyncio.timeout(max(1.0, TRY_S)):
            _, writer = await asyncio.open_connection(self.address.host, self.address.port)
        writer.close()
