"""Deeds (what operators, drivers and stations do on purpose), faults (what breaks), and the `Stage` they act on.

A step knows a stage by its protocol only: it may import neither `world` nor `live`, and opens no socket.
"""

from interlock.scenarios.steps import by_hand as by_hand  # its deeds are found by their names
