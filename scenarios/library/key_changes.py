"""A station's key is set, changed by commands that are taken, refused and left in doubt, and taken away.

Before and after each somebody asks to be let in: with every key there ever was, a wrong one, and none.
"""

from __future__ import annotations

import json

from interlock.csms.domain.commands import SetPassword
from interlock.scenarios.spec import Scenario, Step, ask, step

FIRST, SECOND, THIRD, FOURTH = "a-first-password-", "a-second-password", "a-third-password-", "a-fourth-password"
EVERY = (None, "a-wrong-password-", FIRST, SECOND, THIRD, FOURTH)


def steps(action: str, taken: str, refused: str) -> tuple[Step, ...]:
    """Return the steps: `taken` and `refused` are what the station answers to the `action` that carries a key."""
    return (
        step("knock", at=8.0, passwords=EVERY[:3]),
        step("set_key", at=15.0, password=FIRST),
        step("knock", at=17.0, passwords=EVERY[:4]),
        step("knock", at=18.5, passwords=EVERY[:4], node=2),
        step("answer_instead", at=79.0, payload=taken),
        ask(SetPassword(SECOND), at=80.0),
        step("knock", at=84.0, passwords=(SECOND, FIRST, THIRD, None, SECOND)),
        step("knock", at=92.0, passwords=(FIRST, SECOND), node=2),
        step("answer_instead", at=119.0, payload=refused),
        ask(SetPassword(THIRD), at=120.0),
        step("knock", at=124.0, passwords=(SECOND, THIRD, FIRST)),
        step("lose_answer", at=150.0, action=action, seconds=30.0),
        ask(SetPassword(THIRD), at=152.0),
        step("knock", at=190.0, passwords=(None, FIRST, THIRD, SECOND)),
        step("crash", at=200.0, down_s=3.0),
        step("knock", at=206.0, passwords=(SECOND, FIRST, THIRD)),
        step("lose_answer", at=225.0, action=action, seconds=30.0),
        ask(SetPassword(FOURTH), at=227.0),
        step("crash", at=240.0, down_s=3.0),
        step("knock", at=254.0, passwords=(THIRD, FOURTH, SECOND)),
        step("set_key", at=280.0, password=FIRST, node=2),
        step("knock", at=284.0, passwords=(FIRST, FOURTH, THIRD, None)),
        step("look", at=290.0),
        step("cut", at=296.0, seconds=10.0),
        ask(SetPassword(THIRD), at=298.0),
        step("knock", at=308.0, passwords=(THIRD, FIRST)),
        step("set_key", at=320.0, password=None),
        step("knock", at=324.0, passwords=(None, FIRST)),
        step("set_key", at=330.0, password=SECOND),
        step("knock", at=334.0, passwords=(SECOND, None, FIRST)),
    )


SCENARIO = Scenario(
    name="key-changes",
    title="Keys are set, changed, refused, in doubt and taken away",
    covers="Who is let in follows from what is known of the key, after a restart too.",
    nodes=2,
    steps=steps("ChangeConfiguration", json.dumps({"status": "Accepted"}), json.dumps({"status": "Rejected"})),
    fiction=True,
    absent_in=(("2.0.1", "a key is set by SetVariables: see key-changes-2-0-1"),),
    faults_s=350.0,
    quiet_s=200.0,
)
