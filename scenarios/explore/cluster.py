"""Search on several machines: batches are passed to a Dask scheduler. Needs the extra `cluster`.

The share of a lost worker is given to another one, and a schedule has the same result wherever it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from interlock.scenarios.explore.schedules import Schedule
from interlock.scenarios.explore.search import BATCH, Examined, Workers, examine_all
from interlock.scenarios.refused import UNTOLD, Refused, extra

PATIENCE_S = 10.0
"""How long to wait for a scheduler, and for its first worker."""
SHARE = BATCH // 8


class Cluster:
    """The workers of a Dask scheduler."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def examine(self, schedules: Sequence[Schedule], csms: str) -> list[Examined]:
        """Examine a batch, a small share for each task."""
        shares = [schedules[at : at + SHARE] for at in range(0, len(schedules), SHARE)]
        tasks = [self._client.submit(examine_all, share, csms, pure=False, retries=3) for share in shares]
        return [examined for share in self._client.gather(tasks) for examined in share]


@contextmanager
def joined(address: str) -> Iterator[Workers]:
    """Let the workers of the scheduler at `address` work inside a `with` block. Raises `Refused`."""
    try:
        from distributed import Client
    except ImportError:
        raise Refused(f"--cluster needs Dask; {extra('cluster')}") from None
    try:
        client: Any = Client(address, timeout=PATIENCE_S)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise Refused(f"no Dask scheduler answers at {address}: {error}", UNTOLD) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError:
            raise Refused(
                f"the Dask scheduler at {address} has no workers; start one: dask worker {address}", UNTOLD
            ) from None
        yield Cluster(client)
