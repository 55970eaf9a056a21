"""The OCPP versions the CSMS speaks, one module or package each. No code outside depends on a version.

`Dialect` is the interface of a version, `BY_SUBPROTOCOL` holds them in the server's order of preference, `negotiate`
chooses one. A dialect may import `domain`, `ocppj` and this package. The rest of the CSMS imports nothing from a single
dialect: it gets the table, and each connection carries the dialect it negotiated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from interlock.csms.dialects import v16, v201
from interlock.csms.dialects.dialect import Dialect, NotAcceptable, Payload

__all__ = [
    "BY_SUBPROTOCOL",
    "Dialect",
    "NotAcceptable",
    "Payload",
    "chosen",
    "meant",
    "negotiate",
    "recorded",
    "without_secrets",
]

_SPOKEN: tuple[Dialect, ...] = (v201, v16)
BY_SUBPROTOCOL: Mapping[str, Dialect] = {one.SUBPROTOCOL: one for one in _SPOKEN}
"""Every dialect by its subprotocol, the one that is preferred first."""


def recorded(protocol: str) -> Dialect:
    """Return the dialect of a protocol as recorded in a log. The oldest logs record none, which is 1.6."""
    return BY_SUBPROTOCOL.get(protocol, v16)


def without_secrets(payload: Payload) -> Payload:
    """Return a payload without secrets, in whichever version's words: for one that its own version does not know."""
    for dialect in _SPOKEN:
        payload = dialect.without_secrets(payload)
    return payload


def chosen(names: Iterable[str]) -> dict[str, Dialect]:
    """Return the named dialects in that order; a name may leave out `ocpp`, as in `1.6`. Raises `ValueError`."""
    found: dict[str, Dialect] = {}
    for name in names:
        subprotocol = name if name.startswith("ocpp") else f"ocpp{name}"
        if subprotocol not in BY_SUBPROTOCOL:
            raise ValueError(f"{name!r} is not spoken here; protocols are {', '.join(BY_SUBPROTOCOL)}")
        found[subprotocol] = BY_SUBPROTOCOL[subprotocol]
    if not found:
        raise ValueError(f"no protocol is named; protocols are {', '.join(BY_SUBPROTOCOL)}")
    return found


_SPELLING = re.compile(r"ocpp[-_.]?([12])[._]?(\d(?:[._]?\d)?)(?:[-_.]?j(?:son)?)?", re.IGNORECASE)


def meant(offered: str) -> str:
    """Return the registered subprotocol for a station's spelling, such as `OCPP1.6J`, `ocpp1.6-json` or `ocpp16`.

    The registered names are in OCPP-J 1.6 section 3.1.2 and 2.0.1 part 4 section 3.1.2.
    """
    found = _SPELLING.fullmatch(offered.strip()[:40])
    if found is None:
        return offered
    return f"ocpp{found[1]}.{'.'.join(re.sub(r'[._]', '', found[2]))}"


def negotiate(offered: Iterable[str], spoken: Iterable[str]) -> str | None:
    """Match a station's list against ours in our order (OCPP-J 1.6 section 3.1.2, 2.0.1 part 4 section 3.2).

    Returns the offered spelling, which the handshake has to repeat (RFC 6455 section 4.2.2) and `meant` reads; None
    when there is nothing in common.
    """
    by_meaning: dict[str, str] = {}
    for name in offered:
        by_meaning.setdefault(meant(name), name)
    return next((by_meaning[one] for one in spoken if one in by_meaning), None)
