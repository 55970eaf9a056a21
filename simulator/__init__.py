"""A fleet of charging stations that can behave and misbehave, as SimPy processes. OCPP text frames are all they share.

Each station has hardware that keeps an append-only ledger of what physically happened, so a run knows the truth beside
what was said on the wire. One clock and one seed drive everything: the same seed gives the same observations.
"""
