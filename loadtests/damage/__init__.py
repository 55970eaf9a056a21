"""Kills, storms, bad frames, failing disks and databases, on real processes. May import anything."""
