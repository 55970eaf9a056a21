"""All foreign CSMSs of OCPP 2.0.1 by name: right ones, and wrong ones with what is wrong."""

from __future__ import annotations

from collections.abc import Callable

from tests.foreign.depot import Depot, Orderly, Restarted
from tests.foreign.depot_restarted import WRONG_RESTARTED
from tests.foreign.depot_wrong import WRONG_DEPOT
from tests.foreign.newer import WRONG_NEWER, Newer

RIGHT_201: dict[str, Callable[[], Newer | Depot]] = {
    "library-201": Newer,
    "depot-201": Depot,
    "orderly-201": Orderly,
    "restarted-201": Restarted,
}
WRONG_201: dict[str, tuple[str, Callable[[], Newer | Depot]]] = {**WRONG_NEWER, **WRONG_DEPOT, **WRONG_RESTARTED}
