"""Load, damage and measurements on real processes and sockets. Known by no other package."""
