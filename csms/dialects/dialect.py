"""The interface of one OCPP version: payloads to reports and answers, commands to payloads.

A dialect is a module (or package) with the members of `Dialect`. It holds no state and reads no clock. Payloads of a
connection are interpreted by that connection's dialect only; no other part of the CSMS names a version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from interlock.csms.domain import commands as do
from interlock.csms.domain import reports as rp
from interlock.csms.domain.facts import Answer
from interlock.csms.domain.station import Station
from interlock.csms.ocppj import Codes

Payload = dict[str, Any]
EMPTY = "(empty)"
"""In place of a token whose text is empty: it is looked up, and refused, as an unknown token."""


class NotAcceptable(Exception):
    """A payload or command that a dialect cannot express: the CALLERROR `code` of that version, and why."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code, why)
        self.code, self.why = code, why


class Dialect(Protocol):
    """One OCPP version, from the CSMS's side."""

    @property
    def SUBPROTOCOL(self) -> str:
        """The WebSocket subprotocol's registered name, such as `ocpp1.6`."""

    @property
    def CODES(self) -> Codes:
        """The CALLERROR codes of the RPC layer in this version's spelling."""

    @property
    def NOT_DONE(self) -> Collection[str]:
        """CALLERROR codes after which a command was certainly not carried out."""

    @property
    def CORE(self) -> Mapping[str, Set[str]]:
        """For each action of a station, the members without which it cannot be understood (see `lenient`)."""

    @property
    def CLAUSES(self) -> Mapping[str, str]:
        """Where the standard defines those actions."""

    @property
    def ACTIONS(self) -> Collection[str]:
        """The actions an operator may ask for."""

    def misnamed(self, station: str) -> str | None:
        """Return how a station id breaks this version's rule, which may be stricter than the gate's, or None."""

    def document(self, action: str) -> Payload:
        """Return the JSON schema of a request."""

    def written_id(self, transaction_id: str) -> str | int:
        """Return a transaction's id as this version writes it in its frames."""

    # --- from the station ---

    def barred(self, action: str, state: Station) -> NotAcceptable | None:
        """Return why a station whose registration in `state` is not Accepted may not send `action` now, or None."""

    def report(self, action: str, payload: Payload) -> rp.Report:
        """Return the report in a station's CALL. Raises `NotAcceptable` if the payload breaks its schema."""

    def accepted(self, action: str, payload: Payload) -> tuple[rp.Report, tuple[rp.Deviation, ...]]:
        """Return the report in a station's CALL, read leniently, and how the payload deviates from its schema.

        Raises `NotAcceptable` when its core cannot be read.
        """

    def reply(self, asked: rp.Report, answer: rp.Reply, at: Callable[[], datetime], interval_s: float) -> Payload:
        """Return the payload that answers a report. `at` reads the clock; `interval_s` is that of heartbeats."""

    # --- to the station ---

    def call(self, command: do.Command) -> tuple[str, Payload]:
        """Return the action and payload that carry a command. Raises `NotAcceptable` for one it has no words for."""

    def answer(self, command: do.Command, payload: Payload, *, strict: bool = False) -> Answer:
        """Return a station's answer to a command. Raises `NotAcceptable` when it cannot be read.

        Unless `strict`, an answer that breaks its schema is read by its status alone, if that is valid.
        """

    # --- from an operator ---

    def command(self, action: str, payload: Payload) -> do.Command:
        """Return the command an operator names as the standard does; one with a secret is a `SetPassword`.

        Raises `NotAcceptable`.
        """


def moment(text: str | None) -> datetime | None:
    """Read a station's timestamp leniently: without a zone it is UTC; None for text that is no time."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _odd_moment(text)
    return at if at.tzinfo is UTC else _utc(at)


_LEAP = re.compile(r"(:\d\d):60")
_MIDNIGHT = re.compile(r"T24(:00(:00(\.0+)?)?)(?=Z|[+-]|$)")


def _odd_moment(text: str) -> datetime | None:
    """Read a time with blanks around it, a small z, a leap second (RFC 3339 section 5.6), or at 24:00 (ISO 8601).

    None for anything else.
    """
    plain, leaps = _LEAP.subn(r"\1:59", text.strip().upper())
    plain, midnights = _MIDNIGHT.subn(r"T00\1", plain)
    try:
        found = _utc(datetime.fromisoformat(plain))
        return found and found + timedelta(days=midnights, seconds=leaps)
    except (ValueError, OverflowError):
        return None


def _utc(at: datetime) -> datetime | None:
    try:
        if at.tzinfo is UTC:
            return at
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        return None


def unread(report: rp.Report, action: str, member: str, clause: str) -> tuple[rp.Deviation, ...]:
    """Return the deviations of readings that fit the schema but cannot be read, one for each rule."""
    found = [one.unread for one in getattr(report, "samples", ()) if one.unread]
    if not found:
        return ()
    rules = {rule: said for some in found for rule, said in some}
    return tuple([rp.Deviation(action, f"{member}.{UNREAD[rule]}", rule, clause, said) for rule, said in rules.items()])


UNREAD = {"number": "value", "unit": "unit"}
"""The member of a reading that breaks a rule of `readings.summary`."""


def wire_time(at: datetime) -> str:
    """Write a time in the form of OCPP: UTC, Z, milliseconds."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
