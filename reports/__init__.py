"""From a run directory alone to something a person can read: a page, a chart, a line, a JUnit file.

Imports nothing of Interlock's. What a report says is in the files of the run, and nowhere else.
"""

from __future__ import annotations

from .html import render_run, render_suite
from .junit import junit
from .load import load_table, render_load
from .markdown import markdown
from .run import RunUnreadable
from .text import text

__all__ = ["RunUnreadable", "junit", "load_table", "markdown", "render_load", "render_run", "render_suite", "text"]
