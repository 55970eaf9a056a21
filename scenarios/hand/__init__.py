"""A local page on which a person plays the stations of a fleet by hand.

May import the operators' door of `csms.serve` (bounded HTTP, the page's policy and its files) and the physical
simulator. Imports no CSMS node: the CSMS may be any.
"""
