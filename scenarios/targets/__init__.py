"""A CSMS that somebody else runs, as its operator sees it: commands in, records out, described in a control file.

May import the words of commands (`csms.domain`, `csms.dialects`); no world, no stations. Load tests use it too.
"""
