"""Errors a user can correct, and the exit codes: 0 holds, 1 violated, 2 wrong usage, 3 could not be judged.

`interlock serve` exits with 4 when a part that it depends on ended: it is to be restarted.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

USAGE, UNTOLD, ENDED = 2, 3, 4


class Refused(Exception):
    """Something the user can put right, in one sentence, and the exit code that goes with it."""

    def __init__(self, sentence: str, code: int = USAGE) -> None:
        super().__init__(sentence, code)
        self.sentence, self.code = sentence, code


def cause(error: OSError | UnicodeError) -> str:
    """Return why a file could not be read or written, in words for whoever named it."""
    if isinstance(error, UnicodeError):
        return "it is not text in UTF-8"
    return error.strerror or str(error)


def on_one_line(text: str, most: int) -> str:
    """Return what may be shown of a text that others have part in: so many characters, none that control."""
    return "".join(one if one.isprintable() else "?" for one in text[:most])


def extra(name: str) -> str:
    """Return how an optional part of Interlock is installed, which is on no package index."""
    return f"install the extra `{name}`: pip install -e '.[{name}]' in a checkout, or the wheel's file with [{name}]"


def nearest(name: str, known: Iterable[str], listing: str = "") -> str:
    """Return `; did you mean ...?` with the known name most like `name`; when none is, the command that lists them."""
    lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    if found:
        return f"; did you mean {lower[found[0]]}?"
    return f"; see `{listing}`" if listing else ""
