"""What is done to stations and to a CSMS on purpose (deeds), and what breaks (faults). No sockets."""
