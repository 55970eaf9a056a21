"""I48 accused, rightly: a key that was used, and denied by a late answer, did not fit once another key was offered."""

from interlock.csms.domain.credentials import SetPassword
from interlock.scenarios.spec import Scenario, step
from interlock.simulator.deviations import Deviations

SCENARIO = Scenario(
    name="key-used-then-denied-and-changed",
    title="A key is used, denied by a late answer, and changed",
    covers="Whoever showed a key has it.",
    steps=(
        step("knock", 8.0, passwords=(None, "a-wrong-password-", "a-first-password-")),
        step("set_key", 15.0, password="a-first-password-"),
        step("knock", 17.0, passwords=(None, "a-wrong-password-", "a-first-password-", "a-second-password")),
        step("knock", 18.5, passwords=(None, "a-wrong-password-", "a-first-password-", "a-second-password"), node=2),
        step("answer_instead", 79.0, payload='{"status": "Accepted"}'),
        step("ask", 80.0, command=SetPassword(secret="a-second-password")),
        step(
            "knock",
            84.0,
            passwords=("a-second-password", "a-first-password-", "a-third-password-", None, "a-second-password"),
        ),
        step("knock", 92.0, passwords=("a-first-password-", "a-second-password"), node=2),
        step("answer_instead", 119.0, payload='{"status": "Rejected"}'),
        step("ask", 120.0, command=SetPassword(secret="a-third-password-")),
        step("knock", 124.0, passwords=("a-second-password", "a-third-password-", "a-first-password-")),
        step("lose_answer", 150.0, action="ChangeConfiguration", seconds=30.0),
        step("ask", 152.0, command=SetPassword(secret="a-third-password-")),
        step("knock", 190.0, passwords=(None, "a-first-password-", "a-third-password-", "a-second-password")),
        step("crash", 200.0, down_s=3.0),
        step("knock", 206.0, passwords=("a-second-password", "a-first-password-", "a-third-password-")),
        step("lose_answer", 225.0, action="ChangeConfiguration", seconds=30.0),
        step("ask", 227.0, command=SetPassword(secret="a-fourth-password")),
        step("crash", 240.0, down_s=3.0),
        step("knock", 254.0, passwords=("a-third-password-", "a-fourth-password", "a-second-password")),
        step("set_key", 280.0, password="a-first-password-", node=2),
        step("knock", 284.0, passwords=("a-first-password-", "a-fourth-password", "a-third-password-", None)),
        step("look", 290.0),
        step("cut", 296.0, seconds=10.0),
        step("ask", 298.0, command=SetPassword(secret="a-third-password-")),
        step("knock", 308.0, passwords=("a-third-password-", "a-first-password-")),
        step("set_key", 320.0, password=None),
        step("knock", 324.0, passwords=(None, "a-first-password-")),
        step("set_key", 330.0, password="a-second-password"),
        step("knock", 334.0, passwords=("a-second-password", None, "a-first-password-")),
    ),
    nodes=2,
    station=(("deviations", Deviations(late=1.0, energy_unit="kWh", vendor_fields=True, statuses_shuffled=True)),),
    faults_s=350.0,
    quiet_s=900.0,
    settle_s=60.0,
    fiction=True,
    absent_in=(("2.0.1", "a key is set by SetVariables: see key-changes-2-0-1"),),
)
