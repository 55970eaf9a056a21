"""Scenarios: what is tried, what happened, and whether it was right.

A scenario (`spec`) is a frozen value; with a seed, `runner` plays it in a `world` or on real sockets (`live`) and turns
it into a history on disk, which `judge` turns into a verdict. May import `csms`, `simulator` and `reports`; none of
them, and no load test's subject, imports this package.
"""
