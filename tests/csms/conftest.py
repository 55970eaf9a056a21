"""The tests that open real sockets run on both event loops that `interlock serve` can take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

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
