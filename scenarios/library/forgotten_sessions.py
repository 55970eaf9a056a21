"""Sessions that cannot be so, to a CSMS that remembers two of everything: what it forgot it asks the log for."""

from dataclasses import replace

from interlock.scenarios.library.what_cannot_be import SCENARIO as REMEMBERED

SCENARIO = replace(
    REMEMBERED,
    name="forgotten-sessions",
    title="Sessions that cannot be so, with every bound at two",
    covers="A stop of a session that was forgotten is the stop of that session.",
    bounds=2,
    retold=("heartbeats",),
)
