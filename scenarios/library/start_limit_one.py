"""Two remote starts on different connectors of a station that allows one transaction.

The two do not touch the same connector, and yet only one may go: a true conflict arises exactly because the station
has fewer slots than connectors. With as many slots as connectors both would be right.
"""

from interlock.csms.domain.commands import RemoteStart
from interlock.scenarios.spec import Around, Scenario, ask, step

SCENARIO = Scenario(
    name="start-limit-one",
    title="Two starts on two connectors, and room for one",
    covers="A true conflict arises only when different orders give a different result.",
    nodes=2,
    slots=1,
    moments=(("race", 40.0, 60.0),),
    steps=(
        step("plug", at=10.0, connector=1),
        step("plug", at=12.0, connector=2),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=Around("race", 0.0, 0.02), node=1),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Around("race", 0.0, 0.02), node=2),
        step("unplug", at=110.0, connector=1),
        step("unplug", at=112.0, connector=2),
    ),
)
