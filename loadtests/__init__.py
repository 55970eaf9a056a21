"""Load, damage and measurements on real processes and sockets.

May import anything; no other package imports it, so that nothing else needs Locust or its patched sockets.
"""
