"""Figures beside a peer in one run: CPU per call, appends, simulated calls, judged schedules. May import anything."""
