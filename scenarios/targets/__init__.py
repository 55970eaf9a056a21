"""A CSMS that somebody else runs, as its operator sees it. Load tests use it too."""
