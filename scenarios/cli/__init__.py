"""The `interlock` command: one file for each subcommand, and what they share. Imported by nobody."""
