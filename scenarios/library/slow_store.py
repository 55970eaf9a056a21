"""A slow store under a burst of reports.

Every append takes a fifth of a second and there is always another one first. A lost race means decide again, however
often; it never means refuse.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.scenarios.spec import Around, Scenario, Storage, ask, step

SCENARIO = Scenario(
    name="slow-store",
    title="A slow store and a burst of reports",
    covers="A conflict means decide again, never refuse.",
    nodes=2,
    persona="accepts-second",
    storage=Storage(latency_s=(0.03, 0.2)),
    moments=(("race", 40.0, 60.0),),
    steps=(
        step("plug", at=20.0, connector=2),
        step("statuses", at=Around("race", -1.0, 0.0), connector=1, count=20, every_s=0.15),
        ask(Unlock(1), at=Around("race", 0.0, 1.5), node=1, attempts=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Around("race", 0.0, 1.5), node=2, attempts=2),
        step("unplug", at=110.0, connector=2),
    ),
)
