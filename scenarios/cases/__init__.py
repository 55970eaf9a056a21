"""Conformance cases: frozen values in `v16`, a file for each section; `players` perform them, `judge.cases` judges."""
