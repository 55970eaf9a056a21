"""Every message of each dialect in a table: what it reports, how it is answered, what an operator's words become.

The payloads are made from the standard's schemas, the least and the most that each allows. The tables were approved:
see `stories`; `INTERLOCK_APPROVE=1` writes them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from interlock.csms.dialects import Dialect, NotAcceptable, v16, v201
from interlock.csms.domain import reports as rp

from .payloads import fullest, schema, smallest, statuses

AT = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = Path(__file__).parent / "approved_tables"
NAMES = {"v16": ("", "Response"), "v201": ("Request", "Response")}
DIALECTS: dict[str, Any] = {"v16": v16, "v201": v201}


def actions(version: str) -> list[str]:
    """Return the actions of a version, by the schemas of their answers."""
    import ocpp

    folder = Path(str(ocpp.__file__)).parent / version / "schemas"
    return sorted(path.stem.removesuffix("Response") for path in folder.glob("*Response.json"))


def made(what: Any) -> str:
    """Return what something makes, or why it makes nothing."""
    try:
        return repr(what())
    except NotAcceptable as error:
        return f"refused: {error.code}: {error.why}"


CLOSELY = frozenset(
    {
        *("Authorize", "BootNotification", "MeterValues", "NotifyEvent", "StartTransaction", "StatusNotification"),
        *("StopTransaction", "TransactionEvent", "ChangeAvailability", "RemoteStartTransaction", "Reset"),
        *("RequestStartTransaction", "SetVariables", "UnlockConnector", "GetLocalListVersion", "ChangeConfiguration"),
    }
)
"""What the dialects read member by member; of anything else the least is enough, as it is kept or sent as it is."""


def distinct(found: Any, name: str = "") -> Any:
    """Return a payload in which each text is the name of its member and each number as long as that."""
    if isinstance(found, dict):
        return {member: distinct(value, member) for member, value in found.items()}
    if isinstance(found, list):
        return [distinct(value, name) for value in found]
    if found == "x":
        return name[:20]
    return len(name) if found == 1 and not isinstance(found, bool) else found


def payloads(version: str, action: str) -> Iterator[dict[str, Any]]:
    """Yield the least that a request may say, the most, and the most without each of its members."""
    request = schema(version, action + NAMES[version][0])
    yield distinct(smallest(request))
    if action in CLOSELY:
        whole = distinct(fullest(request))
        yield whole
        for name in whole:
            yield {member: value for member, value in whole.items() if member != name}


def rows(version: str, dialect: Dialect) -> Iterator[str]:
    """Yield the table."""
    for action in actions(version):
        yield f"## {action}"
        for payload in payloads(version, action):
            yield json.dumps(payload, sort_keys=True)
            told = made(partial(dialect.report, action, payload))
            if not told.startswith("refused: NotSupported"):
                yield f"  reports  {told}"
                yield f"  answered {made(partial(answered, dialect, action, payload, 'Blocked'))}"
            asked = made(partial(dialect.command, action, payload))
            if not asked.startswith("refused: NotSupported: action"):
                yield f"  commands {asked}"
                yield f"  calls    {made(partial(called, dialect, action, payload))}"
        yield f"  too much {made(partial(dialect.accepted, action, {**payload, 'odd': None}))[:300]}"
        yield from answers(version, dialect, action)


def called(dialect: Dialect, action: str, payload: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the CALL that an operator's words become."""
    return dialect.call(dialect.command(action, payload))


def answered(dialect: Dialect, action: str, payload: dict[str, Any], word: str) -> dict[str, Any]:
    """Return how a CALL is answered."""
    return dialect.reply(dialect.report(action, payload), rp.Reply(word, "7"), lambda: AT, 60.5)


def answers(version: str, dialect: Dialect, action: str) -> Iterator[str]:
    """Yield what each answer to a command means."""
    try:
        command = dialect.command(action, distinct(fullest(schema(version, action + NAMES[version][0]))))
    except NotAcceptable:
        try:
            command = dialect.command(action, smallest(schema(version, action + NAMES[version][0])))
        except NotAcceptable:
            return
    response = schema(version, action + NAMES[version][1])
    found = [smallest(response), {}, {"status": "Odd"}, {**smallest(response), "odd": 1}]
    found += [{**smallest(response), "status": word} for word in statuses(version, action + NAMES[version][1])]
    for payload in found if action in CLOSELY else found[:1]:
        said = [made(partial(dialect.answer, command, payload, strict=strict)) for strict in (False, True)]
        yield f"  says {json.dumps(payload, sort_keys=True)} -> {said[0]}"
        if said[1] != said[0]:
            yield f"  strictly: {said[1]}"


@pytest.mark.parametrize("version", DIALECTS)
def test_a_dialect_reads_and_writes_as_it_was_approved(version: str) -> None:
    text = "\n".join(rows(version, DIALECTS[version])) + "\n"
    path = TABLES / f"{version}.txt"
    if os.environ.get("INTERLOCK_APPROVE"):
        path.write_text(text, "utf-8")
    assert text.splitlines() == path.read_text("utf-8").splitlines()
