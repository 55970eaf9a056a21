"""Cold boot: registration, statuses, heartbeats (1.6 section 4.2)."""

from __future__ import annotations

from interlock.scenarios.cases.language import PRESENT, Answered, Hand, Ref, Reply, Say, Series
from interlock.scenarios.cases.v16._words import BOOTS, after_boot, ask, csms, station, tell_status

_INTERVALS = {"currentTime": Ref("now"), "interval": Ref("boot_retry")}
_BOOTS = Series("BootNotification", "boot_retry", {"chargePointVendor": PRESENT}, count=2, within="boot")
_BEATS = Series("Heartbeat", "heartbeat", within="boot")
_ACCEPTED = Reply("BootNotification", {"status": "Accepted", "currentTime": Ref("now"), "interval": Ref("heartbeat")})

CASES = (
    station(
        "TC_001_CS", "Cold boot", "4.2",
        _ACCEPTED,
        Reply("BootNotification", {"status": "Rejected", **_INTERVALS}, times=1),
        Hand("power_cycle"), _BOOTS, after_boot("Available"), _BEATS,
    ),
    station(
        "TC_002_CS", "Cold boot, registration pending", "4.2",
        _ACCEPTED,
        Reply("BootNotification", {"status": "Pending", **_INTERVALS}, times=1),
        Hand("power_cycle"), _BOOTS, after_boot("Available"), _BEATS,
        *ask("GetConfiguration", {"key": ["HeartbeatInterval"]}, {"configurationKey": PRESENT}),
        *ask("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "{sample}"}),
        writable=("MeterValueSampleInterval",),
    ),
    csms(
        "TC_001_CSMS", "Cold boot", "4.2",
        *BOOTS, *tell_status("Available", connector=0), *tell_status("Available"),
        Say("Heartbeat"), Answered("Heartbeat", {"currentTime": PRESENT}),
    ),
)  # fmt: skip
