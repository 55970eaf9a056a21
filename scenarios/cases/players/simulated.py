"""Our own simulated station under test, in the tester's process, operated directly.

The only player that imports the simulator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interlock.scenarios.cases.players.hand import CannotDo
from interlock.simulator.assembly import build_station
from interlock.simulator.clock import EPOCH, ClockSpec
from interlock.simulator.network.address import parse
from interlock.simulator.network.dial import Network
from interlock.simulator.network.wall_clock import WallClock
from interlock.simulator.randomness import SmallDraws
from interlock.simulator.spec import StationSpec
from interlock.simulator.station import Station

POWER_OFF_S = 0.5
FEATURES = {
    "fixed_cable": False,
    "backup_power": False,
    "cache": True,
    "offline_start": True,
    "list_failure": True,
    "security": True,
    "file_server": True,
}
"""Its declaration, beside what it reports itself."""


QUICK: dict[str, Any] = {
    "first_boot_s": (0.0, 0.1),
    "boot_s": (0.1, 0.3),
    "unlock_s": (0.05, 0.1),
    "act_s": (0.0, 0.02),
    "reconnect_s": (0.1, 0.3),
    "transfer_s": 0.5,
    "features": (*StationSpec("").features, "Security"),
}
"""Fields of `StationSpec` that make a check of it short."""


def skew_s(began: datetime) -> float:
    """Return how far ahead a station's clock has to be that was switched on at `began`."""
    return (began.replace(tzinfo=None) - EPOCH).total_seconds()


class SimulatedStation:
    """Built with `start`; `do` is its hand. `changes` are fields of `StationSpec`."""

    def __init__(self, url: str, station_id: str, seed: int, began: datetime, **changes: Any) -> None:
        loop = asyncio.get_running_loop()
        self._clock = WallClock(loop)
        self.network = Network(loop, parse(url), _ignore, _ignore)
        spec = StationSpec(station_id, **{**QUICK, "clock": ClockSpec(skew_s(began)), **changes})
        self.station = build_station(self._clock, spec, SmallDraws(f"{seed}:{station_id}"), self.network, _ignore)

    def start(self) -> None:
        """Switch it on."""
        self.station.start()

    async def stop(self) -> None:
        """Switch it off."""
        self._clock.stop()
        await self.network.close("the check is over")

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Do what a person does."""
        StationHand(self.station).deed(deed, names)


class StationHand:
    """The hand at a simulated station, in any world."""

    def __init__(self, station: Station) -> None:
        self.station = station

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Do what a person does."""
        self.deed(deed, names)

    def deed(self, deed: str, names: Mapping[str, Any]) -> None:
        """Do it, or raise `CannotDo`."""
        station, connector = self.station, int(names.get("connector") or 0)
        match deed:
            case "plug":
                done = station.plug(connector)
            case "unplug":
                done = station.unplug(connector)
            case "plug_all":
                done = all(station.plug(evse.number) for evse in station.evses)
            case "unplug_all":
                done = all(station.unplug(evse.number) for evse in station.evses)
            case "swipe":
                done = station.swipe(connector, str(names["tag"])) or True
            case "list_failure":
                station.fail(0, "LocalListConflict")
                done = True
            case "mend_list":
                station.clear(0)
                done = True
            case "power_cycle":
                station.power.power_cut(POWER_OFF_S)
                done = True
            case "jam_lock" | "fault":
                station.fail(connector, "ConnectorLockFailure" if deed == "jam_lock" else "InternalError")
                done = True
            case "free_lock" | "clear_fault":
                station.clear(connector)
                done = True
            case _:
                done = False
        if not done:
            raise CannotDo(f"the simulated station does not do this: {deed}")


def _ignore(*_: Any, **__: Any) -> None:
    pass
