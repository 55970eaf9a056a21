"""A 2.0.1 station shows one wrong card after another, and then a right one."""

from dataclasses import replace

from interlock.scenarios.library.guessing import SCENARIO as OTHERS
from interlock.scenarios.library.guessing import tried

SCENARIO = replace(
    OTHERS,
    name="guessing-2-0-1",
    title="One wrong card after another, and a right one, in 2.0.1",
    steps=tried(1),
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages are those of 2.0.1: guessing has the others"),),
)
