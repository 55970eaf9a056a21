"""The OCPP 2.0.1 dialect: payloads to reports and commands to payloads. Its words stay in this package.

`words` and `core` have the tables, `reports` and `readings` what stations send, `commands` what is sent to them. May
import `domain`, `ocppj` and the shared files of `dialects`; no other dialect imports it.
"""

from __future__ import annotations

import re

from interlock.csms.dialects.dialect import NotAcceptable, Payload, unread
from interlock.csms.dialects.v201 import reports
from interlock.csms.dialects.v201.commands import answer, call, command, triggered
from interlock.csms.dialects.v201.core import CLAUSES, CORE
from interlock.csms.dialects.v201.reports import reply, without_secrets
from interlock.csms.dialects.v201.words import CODES, FROM_CSMS, FROM_STATION, NOT_DONE, REPORTS, SCHEMAS, SUBPROTOCOL
from interlock.csms.domain import reports as rp
from interlock.csms.domain.station import Station

__all__ = [
    "ACTIONS",
    "CLAUSES",
    "CODES",
    "CORE",
    "NOT_DONE",
    "SCHEMAS",
    "SUBPROTOCOL",
    "accepted",
    "answer",
    "barred",
    "call",
    "command",
    "document",
    "misnamed",
    "reply",
    "report",
    "without_secrets",
    "written_id",
]

ACTIONS = FROM_CSMS
"""What an operator may ask for by its OCPP 2.0.1 name."""


NAME = re.compile(r"[A-Za-z0-9*\-_=+|@.]+")
document = SCHEMAS.document


def misnamed(station: str) -> str | None:
    """Return how a station id breaks the rule: an identifierString, without a colon, which Basic auth forbids.

    OCPP 2.0.1 part 4 section 3.1.1.
    """
    if NAME.fullmatch(station):
        return None
    return "a station that speaks OCPP 2.0.1 has letters, digits and *-_=+|@. in its id"


def written_id(transaction_id: str) -> str | int:
    """Return a transaction's id as 2.0.1 writes it: text."""
    return transaction_id


def barred(action: str, state: Station) -> NotAcceptable | None:
    """Return why a station may not send `action` before it is accepted.

    B02.FR.09, B03.FR.07: it may boot; while Pending also send reports, and what a TriggerMessage asked for.
    """
    if action == "BootNotification":
        return None
    if state.registration == "Pending" and (action in REPORTS or action in triggered(state)):
        return None
    return NotAcceptable("SecurityError", f"registration is {state.registration}: send BootNotification first")


def report(action: str, payload: Payload) -> rp.Report:
    """Return the report in a station's CALL, by its whole schema. Raises `NotAcceptable`."""
    _known(action)
    SCHEMAS.request(action, payload)
    return reports.read(action, payload)


def accepted(action: str, payload: Payload) -> tuple[rp.Report, tuple[rp.Deviation, ...]]:
    """Return the report in a station's CALL, read by its core, and how the payload deviates.

    Raises `NotAcceptable` when the core cannot be read.
    """
    _known(action)
    found, deviations = SCHEMAS.readable(action, payload, CORE[action], CLAUSES[action])
    told = reports.read(action, found)
    return told, deviations + unread(told, action, "meterValue.sampledValue", CLAUSES[action])


def _known(action: str) -> None:
    if action in FROM_STATION:
        return
    if action in SCHEMAS.actions:
        raise NotAcceptable("NotSupported", f"{action} is not supported here")
    raise NotAcceptable("NotImplemented", "no such action in OCPP 2.0.1")
