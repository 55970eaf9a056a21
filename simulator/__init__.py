"""A fleet of charging stations that can behave and misbehave, as SimPy processes. OCPP text frames are all they share.

At the root is what is physical or human and knows no OCPP: hardware that keeps an append-only ledger of what physically
happened, drivers, vehicles, clocks. `ports.Controller` is the seam: controllers (`v16`, `v201`) turn what happens into
messages and orders into physical requests; `ocppj` is what all versions have in common; `network` carries text frames.
`assembly` alone knows which controllers there are. One clock and one seed drive everything: the same seed gives the
same observations. Imports nothing of the CSMS, the scenarios or the reports.
"""
