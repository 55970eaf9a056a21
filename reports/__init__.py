"""From a run directory alone to something a person can read: a page, a chart, a line, a JUnit file.

Imports nothing of Interlock's. What a report says is in the files of the run, and nowhere else.
"""

from __future__ import annotations

from interlock.reports.check import check_junit, check_markdown, render_check
from interlock.reports.html import render_run, render_suite
from interlock.reports.junit import junit
from interlock.reports.load import load_table, render_load
from interlock.reports.markdown import markdown
from interlock.reports.pages import render
from interlock.reports.proof import render_proof
from interlock.reports.run import RunUnreadable
from interlock.reports.text import text

__all__ = [
    "RunUnreadable",
    "check_junit",
    "check_markdown",
    "junit",
    "load_table",
    "markdown",
    "render",
    "render_check",
    "render_load",
    "render_proof",
    "render_run",
    "render_suite",
    "text",
]
