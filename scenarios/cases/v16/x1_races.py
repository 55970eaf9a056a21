"""Interlock's own: what happens when two things meet at a station. No list of the standard's has them."""

from __future__ import annotations

from dataclasses import replace

from interlock.scenarios.cases.language import (
    PRESENT,
    TAG,
    TX,
    Allow,
    Answered,
    C,
    Connects,
    Cut,
    Hand,
    Item,
    Never,
    Ref,
    Reply,
    Say,
    Sent,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED, START, status
from interlock.scenarios.cases.v16._words import BOOT, CHARGING, LOCAL, PREPARING, after_boot, ask, station, stop

_HERE = {"connectorId": C}
_START = {"connectorId": C, "idTag": TAG}
_OTHER = {"connectorId": C, "idTag": Ref("other_tag")}
_ANY_UNLOCK = {"status": one_of("Unlocked", "UnlockFailed")}
_DECIDED = {"status": one_of("Accepted", "Rejected")}
_STOP = {"transactionId": TX}
_GONE_ON = (*ask("RemoteStopTransaction", _STOP), stop("Remote"))
_QUIET_TX = Never("StopTransaction")
_TOLD = {"connectorId": C, "meterStart": Ref("meter"), "timestamp": Ref("begun")}
_RETRY = {"TransactionMessageAttempts": "3", "TransactionMessageRetryInterval": "1"}


def _both(first: Say, second: Say, *expected: Item) -> tuple[Item, ...]:
    """Two CALLs at once: each is answered, once."""
    return first, second, *expected


def _refused(word: str) -> tuple[Item, ...]:
    return (
        Hand("plug"), PREPARING, Hand("swipe"),
        Sent("Authorize", {"idTag": TAG}, given={"idTagInfo": {"status": word}}),
        Never("StartTransaction", after="Authorize"),
    )  # fmt: skip


def _numbered(number: int) -> tuple[Item, ...]:
    given = {"transactionId": number, "idTagInfo": ACCEPTED}
    return (
        *ask("RemoteStartTransaction", _START), replace(START, given=given), CHARGING,
        *ask("RemoteStopTransaction", {"transactionId": number}),
        Sent("StopTransaction", {"transactionId": number, "reason": "Remote"}),
    )  # fmt: skip


CASES = (
    station(
        "IL_101_CS", "Two unlocks at once", "5.18",
        *_both(
            Say("UnlockConnector", _HERE, "first"), Say("UnlockConnector", _HERE, "second"),
            Answered("UnlockConnector", _ANY_UNLOCK, to="first"), Answered("UnlockConnector", _ANY_UNLOCK, to="second"),
        ),
        features=("!fixed_cable",),
    ),
    station(
        "IL_102_CS", "Unlock while a remote start is under way", "5.11, 5.18",
        *ask("RemoteStartTransaction", _START),
        *ask("UnlockConnector", _HERE, _ANY_UNLOCK), status("Available", within="lapse"),
        features=("!fixed_cable",), config={"ConnectionTimeOut": "{connection_timeout}"},
    ),
    station(
        "IL_103_CS", "Remote stop of nothing while a start is under way", "5.12",
        *ask("RemoteStartTransaction", _START),
        *ask("RemoteStopTransaction", {"transactionId": Ref("unknown_transaction")}, {"status": "Rejected"}),
        Hand("plug"), START, CHARGING,
    ),
    station(
        "IL_104_CS", "Remote stop against unplugging", "4.10",
        Say("RemoteStopTransaction", _STOP), Hand("unplug"), stop(one_of("Remote", "EVDisconnected")),
        status("Available"),
        state="charging",
    ),
    station(
        "IL_105_CS", "Reset against remote start", "5.14",
        *_both(
            Say("RemoteStartTransaction", _START), Say("Reset", {"type": "Soft"}),
            Answered("RemoteStartTransaction", _DECIDED), Answered("Reset", ACCEPTED),
            BOOT, after_boot(one_of("Preparing", "Finishing", "Charging")),
        ),
        state="plugged", level="should",
    ),
    station(
        "IL_106_CS", "Two remote starts at once: one session", "5.11",
        *_both(
            Say("RemoteStartTransaction", _START, "first"), Say("RemoteStartTransaction", _OTHER, "second"),
            Answered("RemoteStartTransaction", _DECIDED, to="first"),
            Answered("RemoteStartTransaction", _DECIDED, to="second"),
            replace(START, fields={**START.fields, "idTag": one_of(TAG, Ref("other_tag"))}), CHARGING,
        ),
        state="plugged",
    ),
    station(
        "IL_107_CS", "Two remote stops at once: one end", "5.12",
        *_both(
            Say("RemoteStopTransaction", _STOP, "first"), Say("RemoteStopTransaction", _STOP, "second"),
            Answered("RemoteStopTransaction", _DECIDED, to="first"),
            Answered("RemoteStopTransaction", _DECIDED, to="second"), stop("Remote"),
        ),
        state="charging",
    ),
    station(
        "IL_108_CS", "A second remote stop is rejected", "5.12",
        *ask("RemoteStopTransaction", _STOP), stop("Remote"),
        *ask("RemoteStopTransaction", _STOP, {"status": "Rejected"}),
        state="charging",
    ),
    station(
        "IL_109_CS", "Made unavailable during a transaction: scheduled", "5.2",
        *ask("ChangeAvailability", {"connectorId": C, "type": "Inoperative"}, {"status": "Scheduled"}), _QUIET_TX,
        *_GONE_ON, Hand("unplug"), status("Unavailable"),
        state="charging",
    ),
    station(
        "IL_110_CS", "Remote start at an unavailable connector is rejected", "5.11",
        *ask("RemoteStartTransaction", _START, {"status": "Rejected"}), Never("StartTransaction"),
        state="unavailable", level="should",
    ),
    station(
        "IL_111_CS", "The cache is cleared during a transaction", "5.4",
        *ask("ClearCache", {}, _DECIDED), _QUIET_TX, *_GONE_ON,
        state="charging",
    ),
    station(
        "IL_112_CS", "A status is triggered during a transaction", "5.17",
        *ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": C}), CHARGING,
        state="charging", profile="RemoteTrigger", features=("remote_trigger",),
    ),
    station(
        "IL_113_CS", "Meter values are triggered during a transaction", "5.17",
        *ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": C}),
        Sent("MeterValues", {"connectorId": C, "transactionId": TX, "meterValue": PRESENT}),
        state="charging", profile="RemoteTrigger", features=("remote_trigger",),
    ),
    station(
        "IL_114_CS", "Configuration is read during a transaction", "5.8",
        *ask("GetConfiguration", {}, {"configurationKey": PRESENT}), _QUIET_TX, *_GONE_ON,
        state="charging",
    ),
    station(
        "IL_115_CS", "A start that is not answered is told again", "4.8, 9.1 TransactionMessageAttempts",
        Reply("StartTransaction", None, times=1),
        Say("RemoteStartTransaction", _START), Answered("RemoteStartTransaction", ACCEPTED),
        Sent("StartTransaction", _TOLD, name="told"),
        Sent("StartTransaction", _TOLD, within="reconnect", after="told", name="again"),
        state="plugged", config=_RETRY, level="should",
    ),
    station(
        "IL_116_CS", "A stop that is refused by a CALLERROR is told again", "4.10, 9.1 TransactionMessageAttempts",
        Reply("StopTransaction", None, code="InternalError", times=1),
        *ask("RemoteStopTransaction", _STOP),
        Sent("StopTransaction", {"transactionId": TX, "meterStop": Ref("meter")}, name="told"),
        Sent(
            "StopTransaction", {"transactionId": TX, "meterStop": Ref("meter")},
            within="reconnect", after="told", name="again",
        ),
        state="charging", config=_RETRY, level="should",
    ),
    *(
        station(
            f"IL_{117 + n}_CS", f"A tag that is {word}", "4.1", *_refused(word), config={"LocalPreAuthorize": "false"},
        )
        for n, word in enumerate(("Blocked", "Expired", "ConcurrentTx"))
    ),
    station(
        "IL_120_CS", "The start is refused by its answer: stopped", "9.1 StopTransactionOnInvalidId",
        *ask("RemoteStartTransaction", _START),
        replace(START, given={"transactionId": TX, "idTagInfo": {"status": "Invalid"}}), stop("DeAuthorized"),
        state="plugged", config={"StopTransactionOnInvalidId": "true"},
    ),
    station(
        "IL_121_CS", "Connection lost while idle", "OCPP-J 5.3",
        Cut(), Allow(), Connects(),
        *ask("GetConfiguration", {"key": ["HeartbeatInterval"]}, {"configurationKey": PRESENT}),
    ),
    station(
        "IL_122_CS", "Connection lost while charging: the session goes on", "OCPP-J 5.3",
        Cut(), Allow(), Connects(), _QUIET_TX, Never("StartTransaction"), *_GONE_ON,
        state="charging",
    ),
    station(
        "IL_123_CS", "Connection lost after a remote start was accepted", "4.8",
        *ask("RemoteStartTransaction", _START), Cut(), Hand("plug"), Allow(), Connects(),
        replace(START, within="reconnect"), replace(CHARGING, within="reconnect"),
    ),
    station(
        "IL_124_CS", "Connection lost before the stop is answered", "3.7, 4.10",
        Reply("StopTransaction", None, times=1),
        Hand("swipe"),
        Sent("StopTransaction", {"transactionId": TX, "meterStop": Ref("meter")}, name="told"),
        Cut(), Allow(), Connects(),
        Sent("StopTransaction", {"transactionId": TX, "meterStop": Ref("meter")}, within="reconnect"),
        state="charging", config=_RETRY,
    ),
    *(
        station(
            f"IL_{125 + n}_CS", f"A transaction numbered {number}", "4.8", *_numbered(number),
            state="plugged", level="must" if number > 0 else "should",
        )
        for n, number in enumerate((0, -5, 2147483647))
    ),
    station(
        "IL_128_CS", "Plugged out and in again after a session", "4.9",
        *_GONE_ON, Hand("unplug"), status("Available"), Hand("plug"), PREPARING, Never("StartTransaction"),
        state="charging",
    ),
    station(
        "IL_129_CS", "Stopped by card, then from afar", "5.12",
        Hand("swipe"), stop(LOCAL), *ask("RemoteStopTransaction", _STOP, {"status": "Rejected"}),
        state="charging",
    ),
)  # fmt: skip
