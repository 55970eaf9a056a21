"""The pure core: `decide(command, state)` and `evolve(state, event) -> state`. Standard library only.

One file for each concern, always in the same order: commands, reports, events, state, evolve, decide, facts. Each ends
in tables by type (`EVOLVE`, `DECIDE`, `REPORTED`); `station`, `facts`, `commands`, `events`, `reports` only sum them.

    generic         what decides and folds nothing: relayed commands, notices, anomalies
    inflight        a command from its intent to its outcome, through doubt
    presence        online on one connection at a time
    provisioning    boot and reset
    connectors      status, lock, availability
    tokens          who may charge
    readings        what a meter reported
    remote_control  remote start and stop, and the evidence that one took effect
    transactions    start, update, stop
    reservations    an EVSE kept for a token
    credentials     how a station proves itself

A file imports only those above it, and `station` for its types alone. A new concern is a file and a line in each sum.
"""
