"""The local authorization list (1.6 sections 3.5.2, 5.10, 5.15). It outlives a reboot."""

from __future__ import annotations

from typing import Any

from interlock.simulator.clock import StationClock
from interlock.simulator.ocppj.orders import Order

Info = dict[str, Any]
"""An idTagInfo."""
MOST = 100
"""Entries it can hold, and entries of one update."""


class LocalList:
    """Tags and what was said of them; `version` 0: empty."""

    __slots__ = ("_entries", "version")

    def __init__(self, accepted: tuple[str, ...] = ()) -> None:
        self._entries: dict[str, Info] = {tag.casefold(): {"status": "Accepted"} for tag in accepted}
        self.version = 1 if accepted else 0

    def info(self, id_tag: str) -> Info | None:
        """Return what it says of a tag."""
        return self._entries.get(id_tag.casefold())

    def accepts(self, id_tag: str, clock: StationClock, now: float) -> bool | None:
        """Tell whether a tag may charge; None for one that it does not have."""
        info = self.info(id_tag)
        if info is None:
            return None
        left_s = clock.until(info["expiryDate"], now) if "expiryDate" in info else None
        return info["status"] == "Accepted" and (left_s is None or left_s > 0.0)

    def update(self, order: Order) -> str:
        """Replace the list, or change it. Return the status word."""
        entries = order.payload.get("localAuthorizationList", [])
        version, full = order.whole("listVersion") or 0, order.payload["updateType"] == "Full"
        if len(entries) > MOST or version < 1:
            return "Failed"
        if full:
            if any("idTagInfo" not in one for one in entries):
                return "Failed"
            found: dict[str, Info] = {}
        elif version <= self.version:
            return "VersionMismatch"
        else:
            found = dict(self._entries)
        for one in entries:
            tag = one["idTag"].casefold()
            if "idTagInfo" in one:
                found[tag] = one["idTagInfo"]
            else:
                found.pop(tag, None)
        if len(found) > MOST:
            return "Failed"
        self._entries, self.version = found, version if found else 0
        return "Accepted"
