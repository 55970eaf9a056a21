"""The same on real sockets and in wall time, against any CSMS. No CSMS node runs in here."""
