"""Judges: invariants of runs, checks of the wire, verdicts. Pure functions of finished records.

May import `scenarios.record` and the case language of `scenarios.cases`: no world, no clock, no dialect, no live
object.
"""
