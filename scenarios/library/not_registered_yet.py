"""A CSMS that answers boots with Pending or Rejected, an interval of its own, and unknown cards with Accepted.

Settings an operator may choose; stations have to be told exactly them.
"""

from interlock.csms.domain.commands import Relay
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, ask, step

SCENARIO = Scenario(
    name="not-registered-yet",
    title="Boots are answered Pending, with an interval of their own",
    covers="Registration and interval are told as they are set.",
    settings=Settings(registration="Pending", heartbeat_interval_s=37.0, unknown_tokens="Accepted"),
    steps=(
        ask(Relay("GetConfiguration", {}), at=20.0),
        step("plug", at=30.0, connector=1),
        step("swipe", at=32.0, connector=1, token="TAG-NOBODY-KNOWS"),
        step("unplug", at=80.0, connector=1),
    ),
    faults_s=100.0,
)
