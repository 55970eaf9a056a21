"""Whether it was right: invariants, wire checks and verdicts. Pure functions that see records only."""
