"""A connector is reserved for one driver while an operator starts a session there for another.

Each is right alone. While the answer to the one is still to come nobody knows whether the station will take the other:
one holds the connector, the other is decided again and refused.
"""

from interlock.csms.domain.commands import RemoteStart, Reserve
from interlock.scenarios.spec import Around, Scenario, ask

UNTIL = "2026-01-02T00:00:00Z"

SCENARIO = Scenario(
    name="reservation-vs-start",
    title="A reservation and a remote start race for one connector",
    covers="Two intents of different kinds for one connector: one holds it, the other is decided again and refused.",
    moments=(("race", 30.0, 60.0),),
    steps=(
        ask(Reserve(1, "TAG-DRIVER", 7, {"expiryDate": UNTIL}), at=Around("race", 0.0, 0.05)),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=Around("race", 0.0, 0.05)),
    ),
)
