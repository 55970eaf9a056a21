"""Many runs: campaigns, search, schedules, shrinking, coverage, proofs. Never the command line."""
