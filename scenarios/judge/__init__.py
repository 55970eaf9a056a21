"""Judges: pure functions over a recorded history. They see records only: no world, no clock, no dialect."""
