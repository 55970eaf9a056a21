"""How many files, and so sockets, this process may have open; where a system sets no such limit, a fixed number."""

from __future__ import annotations

import contextlib

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

UNLIMITED = 8192
"""What counts as the limit where there is none to ask for."""


LEAST = 128
"""With fewer a node that started could let in nobody: it keeps some in reserve."""


def limit() -> int:
    """Return how many files may be open at once."""
    if resource is None:
        return UNLIMITED
    found = int(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return UNLIMITED if found == resource.RLIM_INFINITY else found


def raise_limit() -> None:
    """Allow as many as this process may allow itself; it goes on with what it has where that is refused."""
    if resource is not None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
