"""Which station identities are allowed. The identity is known before the OCPP version, so dialects may narrow this.

OCPP-J 1.6 section 3.1.1 leaves the identity open (its own example is `RDAM 123`, written `RDAM%20123`), 2.0.1 part 4
section 3.1.1 makes it an identifierString of at most 48 characters. Excluded is what a terminal, a log, a path or
a database may read differently: control characters, slashes, lone surrogates.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

LIMIT = 48
"""Longest identity; OCPP 2.0.1 part 4 section 3.1.1, and no 1.6 station was seen with more."""
RULE = f"a station id has 1 to {LIMIT} printable characters, without slashes"


def fits(name: str) -> bool:
    """Whether `name` is an allowed identity in any version."""
    printable = name.isprintable() and "/" not in name and "\\" not in name
    return 0 < len(name) <= LIMIT and printable and name not in (".", "..")


def decoded(segment: str) -> str | None:
    """Return the identity in the last segment of a URL path, percent-decoded; None where it is not UTF-8."""
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return None
