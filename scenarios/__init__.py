"""Runs: what was asked, what happened, whether it was right.

A scenario is a frozen value; with a seed a `world` turns it into a history on disk; invariants turn the history into a
verdict. Knows everyone, is known by no one.
"""
