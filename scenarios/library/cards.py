"""Cards that may charge, may not, are not known, and change their mind about it while the station runs.

What a station is told about a card is what is registered of it at that moment, at whichever node.
"""

from interlock.scenarios.spec import Between, Scenario, step

SCENARIO = Scenario(
    name="cards",
    title="Cards accepted, blocked, expired, unknown, and changed during the run",
    covers="What is answered is right at that moment, at every node.",
    nodes=2,
    balancing="rotate",
    steps=(
        step("register", at=10.0, token="TAG-BLOCKED", status="Blocked"),
        step("register", at=11.0, token="TAG-EXPIRED", status="Expired", node=2),
        step("plug", at=20.0, connector=1),
        step("swipe", at=22.0, connector=1, token="TAG-BLOCKED"),
        step("swipe", at=30.0, connector=1, token="TAG-EXPIRED"),
        step("swipe", at=38.0, connector=1, token="TAG-NOBODY-KNOWS"),
        step("swipe", at=46.0, connector=1, token="tag-driver"),
        step("swipe", at=80.0, connector=1, token="tag-driver"),
        step("unplug", at=90.0, connector=1),
        step("register", at=100.0, token="TAG-BLOCKED", status="Accepted", node=2),
        step("register", at=100.0, token="TAG-DRIVER", status="Blocked"),
        step("reconnect", at=Between(104.0, 110.0)),
        step("plug", at=120.0, connector=2),
        step("swipe", at=122.0, connector=2, token="TAG-DRIVER"),
        step("swipe", at=130.0, connector=2, token="TAG-BLOCKED"),
        step("register", at=150.0, token="TAG-BLOCKED", status="Blocked"),
        step("swipe", at=160.0, connector=2, token="TAG-BLOCKED"),
        step("unplug", at=170.0, connector=2),
        step("cut", at=180.0, seconds=60.0),
        step("plug", at=185.0, connector=1),
        step("swipe", at=187.0, connector=1, token="TAG-EXPIRED"),
        step("unplug", at=230.0, connector=1),
    ),
    retold=("told_twice", "other_ids", "data_transfers"),
    faults_s=260.0,
)
