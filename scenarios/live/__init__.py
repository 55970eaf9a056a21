"""Stations on real sockets in wall time, against any CSMS: a scenario on a target, a fleet, a server process to try.

May import `simulator` and the other rooms but `world` and `cli`. No CSMS node runs in here.
"""
