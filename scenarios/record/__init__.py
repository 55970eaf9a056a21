"""What happened: histories, run directories, traces, and OCPP frames as records hold them.

May import the standard library, msgspec and itself, so that a record can be read without anything that made it.
"""
