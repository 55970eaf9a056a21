"""A fleet of stations that can behave and misbehave, as SimPy processes.

Each station has hardware with a truth of its own - cable locks, contactors, a meter, a supply - and an append-only
ledger of what physically happened. What it says about that in OCPP frames is another matter.
"""
