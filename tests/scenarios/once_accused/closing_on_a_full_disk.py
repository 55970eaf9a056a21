"""I20 accused, wrongly: an operator who closes a doubt while the store takes nothing hears that it was not kept."""

from interlock.csms.domain.connectors import ChangeAvailability
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="closing-on-a-full-disk",
    title="A doubt is closed by hand while the store takes nothing, and again when it does",
    covers="A person has the last word, and it is on record as theirs.",
    steps=(
        step("answer_instead", 19.0, code="GenericError"),
        step("ask", 20.0, command=ChangeAvailability(evse=2, operative=True), request="given-up"),
        step("full_disk", 40.0, node=1, seconds=5.0),
        step("close_doubt", 42.0, request="given-up"),
        step("close_doubt", 50.0, request="given-up"),
        step("look_up", 52.0, request="given-up"),
    ),
    quiet_s=900.0,
    settle_s=60.0,
    fiction=True,
)
