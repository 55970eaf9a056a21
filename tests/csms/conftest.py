"""The tests that open real sockets run on both event loops that `interlock serve` can take."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop

ON_SOCKETS = (
    "test_api.py",
    "test_attacks.py",
    "test_credentials.py",
    "test_doors.py",
    "test_interop.py",
    "test_server.py",
)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Name the event loops a test runs on."""
    if item.path.name in ON_SOCKETS:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


class _Kept(logging.Handler):
    """Keeps what asyncio says of exceptions that nobody took, and of tasks that were lost."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record in one line."""
        said = record.getMessage()
        if "never retrieved" in said or "was destroyed" in said:
            self.said.append(f"{said} {record.exc_info[1]!r}" if record.exc_info else said)


@pytest.fixture(scope="module", autouse=True)
def nothing_ends_unheard() -> Iterator[None]:
    """Fail a file whose tests left a future or a task whose end nobody heard of: asyncio tells its logger alone."""
    kept = _Kept()
    logger = logging.getLogger("asyncio")
    logger.addHandler(kept)
    yield
    gc.collect()  # a future complains when it goes, and tracebacks keep it in a circle
    logger.removeHandler(kept)
    assert kept.said == []
