"""Many runs: campaigns, search over schedules, shrinking, coverage, proofs that wrong designs are caught.

May import every room of `scenarios` but `cli`: what it finds is returned, and printed elsewhere.
"""
