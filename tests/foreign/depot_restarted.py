"""Wrong CSMSs of OCPP 2.0.1 that can be killed: each has one thing otherwise when it is up again."""

from __future__ import annotations

from collections.abc import Callable

from tests.foreign.depot import Depot, Restarted


class _OpenOnesInMemory(Restarted):
    """Transactions that run are on disk when they have ended: behind a restart they are gone."""

    def fall(self) -> None:
        super().fall()
        for one in self.stations.values():
            for name, events in list(one["sessions"].items()):
                if not any(event["eventType"] == "Ended" for event in events.values()):
                    del one["sessions"][name]


class _BootsAnew(Restarted):
    """Behind a restart a station that does not boot is refused."""

    def fall(self) -> None:
        super().fall()
        for one in self.stations.values():
            one["booted"] = False


class _AsksAnew(Restarted):
    """Behind a restart a request that is made again is sent again."""

    def fall(self) -> None:
        super().fall()
        self.by_request.clear()


class _OpenIsDone(Restarted):
    """Behind a restart commands that were open are accepted on record."""

    def fall(self) -> None:
        open_ones = [one for one in self.tickets.values() if one["state"] in ("requested", "in-doubt")]
        super().fall()
        for one in open_ones:
            one["state"] = "accepted"


WRONG_RESTARTED: dict[str, tuple[str, Callable[[], Depot]]] = {}
"""Wrong ones by name: what is wrong, and what makes one."""
for _kind in (_OpenOnesInMemory, _BootsAnew, _AsksAnew, _OpenIsDone):
    _name = "".join(f"-{one.lower()}" if one.isupper() else one for one in _kind.__name__[1:]).lstrip("-")
    _sentence = (_kind.__doc__ or "").split(".")[0]
    WRONG_RESTARTED[f"{_name}-201"] = _sentence[0].lower() + _sentence[1:], _kind
