"""Which page a folder has: by the file in it that holds its results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from interlock.reports.check import render_check
from interlock.reports.html import render_run, render_suite
from interlock.reports.load import render_load
from interlock.reports.proof import FILE as PROOF
from interlock.reports.proof import render_proof

PAGES: dict[str, Callable[[Path], Path]] = {
    "suite.json": render_suite,
    PROOF: render_proof,
    "results.json": render_check,
    "calls.json": render_load,
}
"""What is left by `run`, `prove`, `check` and `load`; any other folder is that of one run."""


def render(directory: Path) -> Path:
    """Write the page of a folder and return its path. Raises `RunUnreadable`."""
    for name, made in PAGES.items():
        if (directory / name).exists():
            return made(directory)
    return render_run(directory)
