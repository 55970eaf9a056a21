"""The store's acknowledgements get lost.

An append times out and may or may not be in the log. Appending the same event ids again finds out; a new id for each
attempt would write the fact twice.
"""

from interlock.csms.domain.commands import RemoteStart, Unlock
from interlock.scenarios.spec import Between, Scenario, Storage, ask, step

SCENARIO = Scenario(
    name="lost-acknowledgements",
    title="The store's acknowledgements get lost",
    covers="An append without an answer is neither done nor failed: it is repeated under the same ids.",
    nodes=2,
    persona="accepts-second",
    storage=Storage(lost_ack=0.25, lost_request=0.1),
    steps=(
        ask(Unlock(1), at=Between(20.0, 40.0), attempts=3),
        step("plug", at=50.0, connector=2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Between(55.0, 60.0), node=2, attempts=3),
        step("statuses", at=Between(55.0, 60.0), connector=1, count=5, every_s=0.3),
        step("unplug", at=110.0, connector=2),
    ),
)
