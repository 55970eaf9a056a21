"""A queue of transaction messages, filled offline and drained, with duplicates of both kinds.

Sessions begin and end while the line is down. Back online the station sends what it kept, in order, and sends again
what had no answer: with the same message id or with a new one. Each session is billed once.
"""

from interlock.scenarios.spec import Between, OneOf, Scenario, step

SCENARIO = Scenario(
    name="offline-queue",
    title="The offline queue is drained, duplicates included",
    covers="Retries are recognised by what they say, not by their message id.",
    nodes=2,
    balancing="rotate",
    persona=OneOf(("resends-same-id", "resends-new-id")),
    station=(("call_timeout_s", 5.0), ("retry_s", 3.0)),
    steps=(
        step("cut", at=30.0, seconds=Between(80.0, 140.0)),
        step("plug", at=40.0, connector=1),
        step("swipe", at=45.0, connector=1),
        step("plug", at=50.0, connector=2),
        step("swipe", at=55.0, connector=2),
        step("unplug", at=100.0, connector=1),
        step(
            "lose_reply", at=100.0, action=OneOf(("StartTransaction", "StopTransaction")), seconds=Between(60.0, 90.0)
        ),
        step("silence", at=Between(170.0, 200.0), seconds=Between(4.0, 12.0)),
        step("crash", at=Between(170.0, 230.0), down_s=Between(1.0, 10.0)),
        step("cut", at=Between(180.0, 260.0), seconds=Between(1.0, 10.0)),
        step("unplug", at=240.0, connector=2),
        step("plug", at=270.0, connector=1),
        step("swipe", at=275.0, connector=1),
        step("lose_reply", at=272.0, action="StartTransaction", then_cut=True, seconds=Between(8.0, 12.0)),
        step("cut", at=Between(285.0, 290.0), seconds=Between(1.0, 20.0)),
        step("unplug", at=330.0, connector=1),
    ),
    retold=("eastern", "kilowatt_hours"),
    faults_s=360.0,
)
