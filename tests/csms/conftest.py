"""What test files share: both event loops for tests that open real sockets, and one PostgreSQL server."""

from __future__ import annotations

import asyncio
import gc
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvloop

if TYPE_CHECKING:
    from .postgres_server import Server

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


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for all test files: it takes a second to start."""
    from .postgres_server import Server

    server = Server(Path(tempfile.mkdtemp(prefix="pg")))
    yield server
    server.end()


class _Kept(logging.Handler):
    """Keeps what asyncio says of exceptions that nobody took, tasks that were lost and callbacks that raised."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record in one line."""
        self.said.append(f"{record.getMessage()} {record.exc_info[1]!r}" if record.exc_info else record.getMessage())


@pytest.fixture(scope="module", autouse=True)
def nothing_ends_unheard() -> Iterator[None]:
    """Fail a file whose tests left a future or a task whose end nobody heard of: asyncio tells its logger alone.

    A test in which something is to break gives its loop an exception handler of its own.
    """
    kept = _Kept()
    logger = logging.getLogger("asyncio")
    logger.addHandler(kept)
    yield
    gc.collect()  # a future complains when it goes, and tracebacks keep it in a circle
    logger.removeHandler(kept)
    assert kept.said == []
