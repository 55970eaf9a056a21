"""What all tests share.

Hypothesis draws the same examples each time, and none of its health checks measures time. Where SIGINT is ignored (a
shell's background jobs), processes that tests start would ignore it as well, and what Ctrl-C does could not be seen.
"""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

NO_BROWSER = "needs a browser: apt-get install chromium"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that the tests in a browser were left out, where there is none: a skip alone is easily overlooked."""
    skipped = [one for one in terminalreporter.stats.get("skipped", ()) if NO_BROWSER in str(one.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests in a browser were skipped: {NO_BROWSER}", yellow=True)
