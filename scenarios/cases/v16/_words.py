"""What cases of OCPP 1.6 say again and again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.scenarios.cases.language import (
    ABSENT,
    PRESENT,
    TAG,
    TX,
    Allow,
    Answered,
    Ask,
    C,
    Case,
    Connects,
    Cut,
    In,
    Item,
    Needs,
    Ref,
    Say,
    Sent,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED, START, TAG_ACCEPTED, status

LOCAL = one_of("Local", ABSENT)
"""The reason of a stop at the station: `Local` is what is meant where none is given (1.6 section 6.49)."""
OVER = one_of("Finishing", "Available")
CHARGING = status("Charging")
PREPARING = status("Preparing")
AUTHORIZE = Sent("Authorize", {"idTag": TAG}, given=TAG_ACCEPTED)
REMOTE_AUTHORIZE = replace(AUTHORIZE, when="AuthorizeRemoteTxRequests")
UNSUPPORTED = ("NotSupported", "NotImplemented")
BOOT = Sent("BootNotification", {"chargePointVendor": PRESENT, "chargePointModel": PRESENT}, within="boot")
RESERVATION = Ref("reservation")


def ask(action: str, payload: dict[str, Any] | None = None, fields: Any = None, **more: Any) -> tuple[Item, ...]:
    """The tester makes a CALL, and the peer answers it so."""
    return Say(action, payload or {}), Answered(action, fields if fields is not None else ACCEPTED, **more)


def stop(reason: Any, **more: Any) -> Sent:
    """Expect the transaction's end."""
    fields = {"transactionId": TX, "meterStop": PRESENT, "timestamp": PRESENT, "reason": reason}
    return Sent("StopTransaction", {**fields, **more.pop("fields", {})}, **more)


def after_boot(word: Any) -> Sent:
    """Expect a connector's status after a boot."""
    return status(word, within="boot", after="BootNotification")


def in_order(action: str, *words: str, within: str = "transfer", optional: tuple[str, ...] = ()) -> tuple[Item, ...]:
    """Expect an action with one status after the other."""
    found: list[Item] = []
    before = None
    for word in words:
        when = "optional" if word in optional else None
        found.append(Sent(action, {"status": word}, within=within, name=word, after=before, when=when))
        before = word if when is None else before
    return tuple(found)


def offline(*deeds: Item) -> tuple[Item, ...]:
    """Let something happen while there is no connection."""
    return Cut(), *deeds, Allow(), Connects()


START_RESERVED = replace(START, fields={**START.fields, "reservationId": RESERVATION})
RESERVE = {"connectorId": C, "idTag": TAG, "reservationId": RESERVATION, "expiryDate": In(3600)}
RESERVED = (*ask("ReserveNow", RESERVE), status("Reserved"))


# --- the tester is the station ---------------------------------------------------------------------------------------


def tell(action: str, payload: dict[str, Any] | None = None, fields: Any = None, **more: Any) -> tuple[Item, ...]:
    """The station makes a CALL, and the CSMS answers it so."""
    return Say(action, payload or {}), Answered(action, fields if fields is not None else {}, **more)


def tell_status(word: str, error: str = "NoError", connector: Any = C) -> tuple[Item, ...]:
    """The station tells a status."""
    return tell("StatusNotification", {"connectorId": connector, "errorCode": error, "status": word})


def order(
    action: str, payload: dict[str, Any] | None = None, given: Any = None, fields: Any = None
) -> tuple[Item, ...]:
    """The operator has the CSMS make a CALL; the station answers `given`."""
    payload = payload or {}
    return Ask(action, payload), Sent(
        action, payload if fields is None else fields, given=ACCEPTED if given is None else given
    )


def tell_start(given: Any = None, tag: Any = TAG, **more: Any) -> tuple[Item, ...]:
    """The station tells a transaction's beginning."""
    payload = {"connectorId": C, "idTag": tag, "meterStart": 0, "timestamp": In(0), **more}
    return tell("StartTransaction", payload, given or {"transactionId": TX, "idTagInfo": ACCEPTED})


def tell_stop(reason: str, **more: Any) -> tuple[Item, ...]:
    """The station tells a transaction's end."""
    payload = {"transactionId": TX, "meterStop": 1200, "timestamp": In(0), "reason": reason, **more}
    return tell("StopTransaction", payload)


BOOTS = tell(
    "BootNotification",
    {"chargePointVendor": "Interlock", "chargePointModel": "Tester"},
    {**ACCEPTED, "currentTime": PRESENT, "interval": PRESENT},
)
AUTHORIZED = tell("Authorize", {"idTag": TAG}, TAG_ACCEPTED)


def station(id: str, title: str, clause: str, *script: Item, **more: Any) -> Case:
    """Return a case of a station; what it needs are further names."""
    return _case("station", id, title, clause, script, more)


def csms(id: str, title: str, clause: str, *script: Item, **more: Any) -> Case:
    """Return a case of a CSMS."""
    return _case("csms", id, title, clause, script, more)


def _case(role: Any, id: str, title: str, clause: str, script: tuple[Item, ...], more: dict[str, Any]) -> Case:
    of_needs = {name: more.pop(name) for name in ("state", "features", "config", "writable") if name in more}
    return Case(id, title, f"1.6 {clause}", script, role=role, needs=Needs(**of_needs), **more)
