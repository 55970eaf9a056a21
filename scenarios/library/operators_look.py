"""An operator looks at all there is while sessions run, commands are under way, in doubt and held, at both nodes."""

from interlock.csms.domain.commands import ChangeAvailability, Relay, RemoteStart, Reserve, Unlock
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Between, Scenario, ask, step

SCENARIO = Scenario(
    name="operators-look",
    title="An operator looks while much is under way",
    covers="What operators are shown is what the log says.",
    nodes=2,
    settings=Settings(snapshot_events=20),
    steps=(
        step("look", at=Between(3.0, 5.0)),
        step("look", at=Between(9.0, 20.0), count=30, every_s=7.3),
        step("look", at=Between(9.0, 20.0), node=2, count=20, every_s=11.7),
        step("register", at=10.0, token="TAG-FAMILY", status="Accepted", parent="FAMILY"),
        step("register", at=12.0, token="TAG-LOST", status="Blocked", node=2),
        step("plug", at=14.0, connector=1),
        step("swipe", at=16.0, connector=1, token="tag-family"),
        step("unknown_stop", at=20.0, transaction_id=99999),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=26.0),
        step("plug", at=40.0, connector=2),
        step("lose_answer", at=50.0, action="UnlockConnector", seconds=60.0),
        ask(Unlock(2), at=52.0, node=2),
        ask(Reserve(1, "TAG-FAMILY", 7, {"expiryDate": "2026-01-01T02:00:00Z"}), at=134.0),
        ask(ChangeAvailability(1, False), at=105.0),
        step("broken", at=110.0, error_code="GroundFailure", connector=1, seconds=15.0),
        ask(Relay("GetLocalListVersion", {}), at=118.0, node=2),
        step("register", at=120.0, token="tag-lost", status="Accepted"),
        step("swipe", at=124.0, connector=1, token="TAG-FAMILY"),
        step("unplug", at=130.0, connector=1),
        step("cut", at=140.0, seconds=15.0),
        ask(Unlock(1), at=143.0),
        step("crash", at=170.0, node=2, down_s=5.0),
        step("ask_stop", at=185.0, connector=2),
        step("unplug", at=200.0, connector=2),
    ),
    on_disk=True,
    faults_s=240.0,
)
