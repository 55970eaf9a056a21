"""Two sockets that prove nothing wait for another node at the same time: the second waits for the first as well."""

from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Scenario, Step

SCENARIO = Scenario(
    name="two-unproven-at-once",
    title="Two sockets that prove nothing come while the node of the older one is down",
    covers="An older connection is asked for a sign of life, whichever node it came to count on meanwhile.",
    steps=(
        Step("ask", 52.348, (("command", Unlock(1)), ("attempts", 2))),
        Step("crash_at", 1.0, (("node", 1), ("point", "outcome.durable"), ("occurrence", 1), ("down_s", 14.02))),
        Step("reconnect", 56.813),
    ),
    nodes=2,
    authenticated=False,
    faults_s=120.0,
)
