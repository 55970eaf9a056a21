"""Two sockets in one station's name, and a stop that nobody knows.

A station opens a new connection at the other node while its old one still stands there, and a command comes just then.
Later somebody else opens a socket under its name and never says a word, and the station stops a transaction that it
never had from here. Only a connection that spoke counts, only its owner sends, and only the transaction that was named
may end.
"""

from interlock.csms.domain.commands import Unlock
from interlock.scenarios.spec import Around, Between, Scenario, ask, step

SCENARIO = Scenario(
    name="two-sockets",
    title="Two sockets in one station's name, and a stop that nobody knows",
    covers="A connection is proved by what it says, a sender by its epoch, a stop by its transaction.",
    nodes=2,
    balancing="rotate",
    persona="accepts-second",
    moments=(("swap", 120.0, 130.0),),
    steps=(
        step("plug", at=20.0, connector=1),
        step("swipe", at=25.0, connector=1),
        step("unknown_stop", at=Between(50.0, 100.0), transaction_id=4711),
        step("reconnect", at=Around("swap", 0.0, 0.0)),
        ask(Unlock(2), at=Around("swap", 0.5, 5.0), attempts=2),
        step("silent_socket", at=Between(180.0, 200.0), seconds=Between(5.0, 30.0)),
        step("unplug", at=250.0, connector=1),
    ),
    faults_s=270.0,
)
