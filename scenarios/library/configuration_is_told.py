"""A 1.6 station tells its configuration, its key included, in every way it can be written: it is nowhere in the log."""

import json
from typing import Any

from interlock.csms.domain.commands import Relay
from interlock.scenarios.spec import Scenario, ask, step

KEY = "an-open-sesame-16"


def _told(*keys: Any, **more: Any) -> str:
    return json.dumps({"configurationKey": [{"key": "A", "readonly": True, "value": "60"}, *keys], **more})


_ANSWERS = (
    _told({"key": "AuthorizationKey", "readonly": False, "value": KEY}),
    _told({"key": "authorizationkey", "value": KEY}, unknownKey=["B"]),
    _told("odd", {"key": 7}, {"key": "AUTHORIZATIONKEY", "readonly": False, "value": KEY}),
)

SCENARIO = Scenario(
    name="configuration-is-told",
    title="A station tells its key with its configuration",
    covers="A key is nowhere in the log.",
    absent_in=(("2.0.1", "its messages are those of 1.6: keys-are-told has the others"),),
    steps=tuple(
        one
        for number, answer in enumerate(_ANSWERS)
        for one in (
            step("answer_instead", at=20.0 + 5 * number, payload=answer, does="Accepted"),
            ask(Relay("GetConfiguration", {}), at=21.0 + 5 * number),
        )
    ),
    fiction=True,
    faults_s=60.0,
    quiet_s=60.0,
)
