"""A password that was proved once is remembered, so that the slow digest is worked out once; a change forgets nothing.

Whoever knows the old key goes on coming in with it, until the next restart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.csms.node import Csms
from interlock.csms.serve.credentials import Credentials
from interlock.csms.serve.gate import Gate
from interlock.scenarios.specimens import Specimen


class _Keys(Credentials):
    def __init__(self, node: Csms, gate: Gate, **how: Callable[..., Any]) -> None:
        super().__init__(node, gate, **how)
        setattr(gate, "forget", lambda station: None)  # noqa: B010


class RememberedKeys(Csms):
    """Lets in whoever came in before."""

    credentials_class = _Keys


SPECIMEN = Specimen(
    name="remembered-keys",
    title="lets a station in with the key it had before",
    csms=RememberedKeys,
    caught_by="I48",
    scenario="key-changes",
)
