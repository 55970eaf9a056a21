"""A hand on simulated stations: a page on this machine's own address, from which somebody plays them.

May import the operators' door of `csms.serve` (bounded HTTP, the page's policy and its files) and the physical
simulator. Knows no CSMS node: the CSMS at the other end of the stations is anybody's.
"""
