"""Performing cases: a scripted CSMS and a scripted station over sockets, the runner, and the hands at the peer.

Players follow the script only: they may send anything, and answer as the case demands.
"""
