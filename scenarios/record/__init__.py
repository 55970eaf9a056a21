"""What happened: histories, traces and run directories. Standard library and msgspec only."""
