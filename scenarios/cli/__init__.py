"""The `interlock` command: a file for each subcommand, and what they share.

May import anything but the load tests, whose command starts them as a process. Nobody imports this package.
"""
