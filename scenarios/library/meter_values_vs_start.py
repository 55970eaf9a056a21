"""Meter values against a remote start.

Connector 1 charges and sends meter values in quick succession; connector 2 is asked to start. Samples decide nothing,
so they are in streams of their own and can cost the start nothing at all.
"""

from interlock.csms.domain.commands import RemoteStart
from interlock.scenarios.spec import Around, Scenario, ask, step

SCENARIO = Scenario(
    name="meter-values-vs-start",
    title="Meter values and a remote start race",
    covers="What carries no decision does not share the stream that decisions race on.",
    moments=(("race", 60.0, 80.0),),
    steps=(
        step("plug", at=10.0, connector=1),
        step("swipe", at=15.0, connector=1),
        step("plug", at=20.0, connector=2),
        step("meter_values", at=Around("race", -1.0, 0.0), connector=1, count=10, every_s=0.2),
        ask(RemoteStart(2, "TAG-OPERATOR"), at=Around("race", 0.0, 1.0), attempts=2),
        step("ask_stop", at=110.0, connector=2),
        step("unplug", at=115.0, connector=2),
        step("swipe", at=116.0, connector=1),
        step("unplug", at=118.0, connector=1),
    ),
)
