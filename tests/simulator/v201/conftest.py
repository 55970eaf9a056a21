"""Every frame that a 2.0.1 station sends in these tests is legal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.rig201 import PEERS


@pytest.fixture(autouse=True)
def every_frame_is_legal() -> Iterator[None]:
    PEERS.clear()
    yield
    assert [text for peer in PEERS for text in peer.illegal] == []
    PEERS.clear()
