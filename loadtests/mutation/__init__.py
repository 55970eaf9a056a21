"""Bugs put into the code by machine, one at a time, and whether suite, search and tests notice them.

The tree is never written to: a changed module exists only in the process that tries it (`planting`).
"""
