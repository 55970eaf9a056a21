"""What test files share: both event loops for tests that open real sockets, and one PostgreSQL server."""

from __future__ import annotations

import asyncio
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
