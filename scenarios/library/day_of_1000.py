"""A day of 1,000 stations.

Heartbeats every quarter of an hour, drivers by the hour of the day, meter values, operators, a node lost at noon.
Single frames are left out of the history; the ledger, the log and the books are in it.
"""

from interlock.csms.domain.commands import Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, Storage, ask, step

SCENARIO = Scenario(
    name="day-of-1000",
    title="A day of 1,000 stations",
    covers="A day at fleet size: no outcome lost, every watt-hour billed once.",
    stations=1000,
    settings=Settings(heartbeat_interval_s=900.0, offline_after_s=2700.0),
    storage=Storage(latency_s=(0.0, 0.0)),
    latency_s=(0.02, 0.02),
    station=(("meter_interval_s", 900.0),),
    steps=(
        step("traffic", at=60.0, habit="day"),
        *(ask(Unlock(1), at=Between(3600.0, 82000.0), station=1 + 31 * number, attempts=2) for number in range(30)),
        step("crash", at=Between(40000.0, 46000.0), down_s=Between(5.0, 60.0)),
    ),
    faults_s=86400.0,
    quiet_s=3600.0,
    recorded="facts",
    heavy=True,
)
