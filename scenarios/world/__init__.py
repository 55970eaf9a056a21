"""Virtual time: CSMS nodes and SimPy stations on one clock, with a store and a network that can be disturbed.

The only room that may import both CSMS nodes and the simulated network.
"""
