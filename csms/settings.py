"""Every choice the CSMS leaves to its operator, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interlock.csms.domain.facts import Patience


@dataclass(frozen=True, slots=True)
class Settings:
    """How a node behaves. Times are seconds."""

    heartbeat_interval_s: float = 300.0
    """The heartbeat interval answered to a boot."""
    heartbeats: Literal["presence", "every"] = "presence"
    """`presence`: a heartbeat is no event, only CameOnline and WentOffline are. `every`: each is stored."""
    offline_after_s: float = 900.0
    """Silence after which a station counts as offline."""
    takeover_s: float = 3.0
    """How long an older connection may take to answer a ping when a newer one opens in its station's name."""
    offline_timer: Literal["restartable", "polled"] = "restartable"
    """One deadline per station that each frame restarts, or a sweep every half `offline_after_s`."""
    residency: Literal["resident", "per-request"] = "resident"
    """Keep folded stations in memory as a cache, or fold from the store for each request."""
    snapshot_events: int | None = 500
    """Snapshot a station after this many events; None: never by count."""
    snapshot_every_s: float | None = None
    """Snapshot changed stations this often; None: never by time."""
    snapshot_on_stop: bool = True
    """Snapshot changed stations on a clean shutdown."""
    registration: Literal["Accepted", "Pending", "Rejected"] = "Accepted"
    """How a BootNotification is answered, unless a station is listed otherwise."""
    call_timeout_s: float = 30.0
    """How long a station may take to answer a command before the command is in doubt."""
    lateness_s: float = 120.0
    """How long after that an answer or effect may still come. Stations were seen to answer after 60 s."""
    start_window_s: float = 90.0
    """How long an accepted remote start may take to show a transaction before the station is asked."""
    settle_s: float = 60.0
    """How long a station that reconnected may deliver its queue before a missing message counts as evidence."""
    probe_every_s: float = 60.0
    """Pause between probes about a start in doubt."""
    probes: int = 3
    """Probes about a start in doubt before it becomes Unknown."""
    unknown_tokens: Literal["Accepted", "Invalid"] = "Invalid"
    """How a token that is not registered is answered."""

    acceptance: Literal["lenient", "strict"] = "lenient"
    """`lenient`: a message whose core can be read is accepted. `strict`: one that breaks its schema is refused."""
    controls: Literal["alive", "ignored"] = "alive"
    """Whether WebSocket pings and pongs are signs of life (OCPP-J 1.6 section 5.3)."""

    @property
    def patience(self) -> Patience:
        """The waiting times the domain needs."""
        return Patience(self.lateness_s, self.start_window_s, self.settle_s, self.probe_every_s, self.probes)
