"""I20 accused, rightly: two answers to no command while the store took nothing ended the handling of all frames."""

from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="note-behind-a-full-disk",
    title="Answers that nobody waits for, while the store takes nothing",
    covers="What can only be noted is lost with the note, and the connection goes on.",
    steps=(
        step("full_disk", 89.0, node=1, seconds=5.0),
        step(
            "send",
            90.0,
            frames=(
                '[3,"c000000000000000000000000000000",{"status":"Accepted"}]',
                '[4,"c000000000000000000000000000001","InternalError","",{}]',
            ),
        ),
        step("statuses", 110.0, connector=1),
    ),
    quiet_s=900.0,
    settle_s=60.0,
)
