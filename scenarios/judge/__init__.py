"""Whether it was right: invariants of runs, checks of the wire, verdicts. Pure functions of finished records.

May import `scenarios.record` and nothing else of ours: no world, no clock, no dialect, no live object.
"""
