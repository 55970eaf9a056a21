"""Password checks in threads, with limits on how many run at once, in all and for one address."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from interlock.csms.serve.gate import Key
from interlock.csms.serve.limits import Limits
from interlock.csms.serve.wall_clock import spare_threads
from interlock.csms.supervise import expect_nobody


class Proofs:
    """The password checks of one port. `proving` counts those under way by address, awaited or not."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.proving: Counter[str] = Counter()
        self.prover = spare_threads("proofs")

    def full(self, address: str) -> bool:
        """Whether a limit is reached."""
        limits = self._limits
        return self.proving.total() >= limits.proofs or self.proving[address] >= limits.proofs_of_address

    def begin(self, address: str, said: Callable[[], Key | None]) -> asyncio.Future[Key | None]:
        """Start one in a thread. Raises `RuntimeError` if no thread can be started; it is not counted then."""

        def worked_out(found: asyncio.Future[Key | None]) -> None:
            self.proving -= Counter([address])
            expect_nobody(found)

        found = asyncio.get_running_loop().run_in_executor(self.prover, said)
        self.proving[address] += 1
        found.add_done_callback(worked_out)
        return found

    def close(self) -> None:
        """Start no more."""
        self.prover.shutdown(wait=False, cancel_futures=True)
