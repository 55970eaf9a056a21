"""A node is stopped and started again as another version, to which the snapshots it finds mean something else.

They are not used: what a station is is folded from the log anew, and what was open goes on.
"""

from interlock.csms.domain.commands import Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, ask, step

SCENARIO = Scenario(
    name="comes-back-as-another-version",
    title="A node comes back as another version, with snapshots of the one before",
    covers="A snapshot by another fold is not used.",
    settings=Settings(snapshot_events=4),
    steps=(
        step("plug", at=20.0, connector=1),
        step("swipe", at=22.0, connector=1),
        ask(Unlock(2), at=40.0),
        step("upgrade", at=50.0, down_s=5.0),
        ask(Unlock(2), at=70.0),
        step("swipe", at=90.0, connector=1),
        step("unplug", at=100.0, connector=1),
        step("upgrade", at=120.0, down_s=5.0),
        ask(Unlock(1), at=140.0),
    ),
    faults_s=160.0,
)
