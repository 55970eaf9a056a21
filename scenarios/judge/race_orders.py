"""Checks of commands: each CALL is as requested, to the right station, once and in time; records match the reports.

A CALL is compared with all requests for its station: which of several equal ones it belongs to is not guessed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from interlock.scenarios.judge.race_record import Exchange, Record, same_time
from interlock.scenarios.judge.race_transactions import Told
from interlock.scenarios.judge.race_transactions import told as told_201
from interlock.scenarios.judge.verdict import Level, Violation, as_text
from interlock.scenarios.judge.wire_checks.transactions import wording
from interlock.scenarios.record.domain_view import Observation
from interlock.scenarios.record.frames import Frame, added, carries

Found = tuple[int, list[Violation]]

UNASKED = ("UnlockConnector", "RemoteStartTransaction", "RequestStartTransaction", "Reset")
"""What moves something at a station: no CSMS does it without being asked."""
STOPS = ("RemoteStopTransaction", "RequestStopTransaction")
DONE = ("Accepted", "Unlocked", "Scheduled")
"""What is done. RebootRequired is neither: the value was taken and does not hold yet."""
REFUSED = (
    *("Rejected", "UnlockFailed", "NotSupported", "UnknownConnector", "OngoingAuthorizedTransaction"),
    *("Failed", "VersionMismatch", "Occupied", "NotImplemented"),
)
ENDED_BADLY = ("rejected", "refuted")
OPEN = ("requested", "in-doubt")
SILENT_WORDS = ("never sent", "not answered")
NO_WORD = "without a status"
WORDLESS = (
    "GetConfiguration",
    "GetDiagnostics",
    "GetLocalListVersion",
    "GetTransactionStatus",
    "GetVariables",
    "UpdateFirmware",
)
"""Whose answers have no status."""
RESULTS = {"SetVariables": ("setVariableResult", "attributeStatus")}
"""Answers with a word for each element. One that did some of them has done neither all nor nothing: `IN_PART`."""
SET, IN_PART = ("Accepted", "RebootRequired"), "in part"
ERROR = "an error"
NOT_DONE_201 = ("Faulted", "Unavailable")
"""What 2.0.1 refuses with beside `REFUSED`; that these are no yes is said of its CSMSs alone."""
NOTHING = (*REFUSED, *SILENT_WORDS, ERROR, NO_WORD)
"""What a command on record as accepted did not come to."""


def _asks(record: Record) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = defaultdict(list)
    for ask in record.noted["request.asked"]:
        if "action" in ask.fields:
            found[ask["station"]].append(ask)
    return found


def _same(one: Observation, other: Observation) -> bool:
    return bool(one["action"] == other["action"] and one["payload"] == other["payload"])


OWN_NUMBERS = {
    "ReserveNow": ("reservationId", "id"),
    "SendLocalList": ("listVersion", "versionNumber"),
    "GetLog": ("requestId",),
    "RequestStartTransaction": ("remoteStartId",),
}
"""Numbers that a CSMS may give by itself, whatever an operator names."""


def _carries(order: Exchange, ask: Observation) -> bool:
    asked = {name: one for name, one in ask["payload"].items() if name not in OWN_NUMBERS.get(order.action, ())}
    return order.action == ask["action"] and carries(order.call.payload, asked)


def _habits(record: Record, asks: Mapping[str, list[Observation]]) -> set[str]:
    """Return what the CSMS sends by itself: to stations for which nobody had asked for it. Nothing that moves anything.

    Which of its CALLs an operator is behind cannot be told then.
    """
    return {
        order.action
        for order in record.orders
        if order.action not in UNASKED
        and not any(ask["action"] == order.action and ask.i < order.i for ask in asks.get(order.station, ()))
    }


def _exactly(order: Exchange, ask: Observation) -> bool:
    """Whether a CALL carries a request and no member beside it; a CSMS may give numbers of its own."""
    return _carries(order, ask) and not any(
        name not in OWN_NUMBERS.get(order.action, ()) for name in added(order.call.payload, ask["payload"])
    )


def as_asked(record: Record, run: Mapping[str, Any]) -> Found:
    """What leaves for a station is what was asked for it, member by member; nothing moves that nobody asked for.

    Where an operator gives the whole payload, in 1.6, a member that was not given is as wrong as one that is missing:
    a start at any connector is another than one at connector 1.
    """
    asks, checked, found = _asks(record), 0, list[Violation]()
    habits = _habits(record, asks)
    whole = "payloads" in run.get("rules", {}).get("told", ())
    for order in record.orders:
        if order.action in habits:
            continue
        same = [ask for ask in asks[order.station] if ask["action"] == order.action and ask.i < order.i]
        checked += 1
        if not same:
            what = f"{order.action} was sent to a station for which nobody asked for it"
            found.append(Violation(what, "nothing", as_text(order.call.payload), order.station, (order.i,)))
        elif not any(_carries(order, ask) for ask in same):
            what = f"{order.action} is not what was asked for"
            expected = as_text(same[-1]["payload"])
            at = (same[-1].i, order.i)
            found.append(Violation(what, expected, as_text(order.call.payload), order.station, at))
        elif whole and not order.newer and not any(_exactly(order, ask) for ask in same):
            [*_, nearest] = [ask for ask in same if _carries(order, ask)]
            what = f"{order.action} has a member that nobody asked for"
            at = (nearest.i, order.i)
            found.append(Violation(what, as_text(nearest["payload"]), as_text(order.call.payload), order.station, at))
    return checked, found


def own_transaction(record: Record, run: Mapping[str, Any]) -> Found:
    """A RemoteStopTransaction, or a RequestStopTransaction, names a transaction that this station has.

    One that an operator named is theirs to answer for. In 1.6 a station whose start had no answer may have been given
    one that it does not know.
    """
    asks = _asks(record)
    lost = {one.station for one in record.of("StartTransaction") if one.answer is None}
    given = {
        (one.station, one.result.field("transactionId")): one
        for one in record.of("StartTransaction")
        if one.result is not None
    }
    checked, found = 0, list[Violation]()
    for order in record.orders:
        if order.action in STOPS and order.station not in lost:
            checked += 1
            number = order.call.field("transactionId")
            named = any(ask.i < order.i and _carries(order, ask) for ask in asks.get(order.station, ()))
            if (order.station, number) not in given and not named:
                what = f"a {order.action} names no transaction of this station"
                found.append(Violation(what, "one of its own", str(number), order.station, (order.i,)))
    return checked, found


def leaves(record: Record, run: Mapping[str, Any]) -> Found:
    """What was accepted for a station that is there leaves within seconds."""
    checked, found = 0, list[Violation]()
    for one in record.noted["left"]:
        if not one["up"]:
            continue
        checked += 1
        if not one["there"]:
            what = f"{one['action']} was accepted for a station that is there, and never left"
            found.append(Violation(what, "a CALL within 15 s", "none", one["station"], (one.i,)))
    return checked, found


def reached(record: Record, run: Mapping[str, Any]) -> Found:
    """A station that is connected and answered is not said to be out of reach, when it is asked for a second time."""
    checked = len(record.noted["left"]) + len(record.noted["reached"])
    found = [
        Violation(
            "a command for a station that is connected", "taken", one["why"] or "unreachable", one["station"], (one.i,)
        )
        for one in record.noted["reached"]
        if one["there"] and one["answer"] == "unreachable"
    ]
    return checked, found


def once(record: Record, run: Mapping[str, Any]) -> Found:
    """What was asked once is sent once, however often the request was made under its key, where it takes keys.

    What was refused, or could not be sent as the station was away, is not sent at all. So it is of each payload, where
    a CALL carries one that was asked for and no other.
    """
    refused = {
        (one["request_id"], one["attempt"])
        for one in record.noted["request.answered"]
        if one["answer"] in ("refused", "unreachable")
    }
    keyed = "requests" in run.get("rules", {}).get("told", ())
    wanted: dict[tuple[str, str, str], set[Any]] = defaultdict(set)
    every = _asks(record)
    habits = _habits(record, every)
    for station, asks in every.items():
        for ask in asks:
            if ask["action"] in habits:
                continue
            name = ask["request_id"] if keyed else (ask["request_id"], ask["attempt"])
            for payload in ("", str(ask["payload"])):
                wanted[station, ask["action"], payload] |= set()
                if (ask["request_id"], ask["attempt"]) not in refused:
                    wanted[station, ask["action"], payload].add(name)
    sent: dict[tuple[str, str, str], list[Exchange]] = defaultdict(list)
    for order in record.orders:
        mine = every.get(order.station, ())
        carried = {str(ask["payload"]) for ask in mine if ask.i < order.i and _carries(order, ask)}
        for payload in ("", *(carried if len(carried) == 1 else ())):
            if (order.station, order.action, payload) in wanted:
                sent[order.station, order.action, payload].append(order)
    found = []
    for key, orders in sent.items():
        if len(orders) > len(wanted[key]):
            what = f"{key[1]} was sent more often than it was asked for"
            at = tuple(order.i for order in orders[-3:])
            found.append(Violation(what, f"{len(wanted[key])} times", f"{len(orders)} times", key[0], at))
    return len(sent), found


def recorded(record: Record, run: Mapping[str, Any]) -> Found:
    """What became of a command, as the CSMS has it, is what its station answered; several alike are not judged."""
    asks = _asks(record)
    checked, found = 0, list[Violation]()
    for state in record.noted["command.state"]:
        station = state.fields.get("station")
        mine = [
            ask
            for ask in asks.get(station or "", [])
            if state.fields.get("request_id", ask["request_id"]) == ask["request_id"]
        ]
        if not mine or len({ask["request_id"] for ask in asks[station or ""] if _same(ask, mine[0])}) != 1:
            continue
        orders = [order for order in record.orders if order.station == station and _carries(order, mine[0])]
        if len(orders) > 1 or (orders and mine[0]["action"] in WORDLESS):
            continue
        checked += 1
        word = _word(orders[0], state) if orders else "never sent"
        done = word in DONE or (bool(orders) and _answered(orders[0]) in DONE)  # an answer may come later
        if (done and state["state"] in ENDED_BADLY) or (state["state"] == "accepted" and word in NOTHING):
            what = f"{mine[0]['action']} was {word if word in SILENT_WORDS else f'answered {word}'}"
            at = (*(orders[0].at if orders else (mine[0].i,)), state.i)
            found.append(Violation(what, "the same on record", state["state"], station, at))
    return checked, found


STEADY = {"UnlockConnector", "ClearCache", "GetTransactionStatus"}
"""What is asked for without any effect on a status."""
PROMPT_S = 5.0
"""How soon an answer is prompt, and how long a CSMS may then take until it has it on record."""


def kept(record: Record, run: Mapping[str, Any]) -> Found:
    """What a station answered at once is on record seconds later; a command that was answered stays open nowhere.

    Only where the answer has a word of its own, and one command is sure to be meant.
    """
    asks = _asks(record)
    last: dict[tuple[str, str], Observation] = {}
    for state in record.noted["command.state"]:
        if "request_id" in state.fields and "station" in state.fields:
            last[state["station"], state["request_id"]] = state
    checked, found = 0, list[Violation]()
    for (station, request), state in last.items():
        mine = [ask for ask in asks.get(station, []) if ask["request_id"] == request]
        if not mine or len({ask["request_id"] for ask in asks[station] if _same(ask, mine[0])}) != 1:
            continue
        orders = [order for order in record.orders if order.station == station and _carries(order, mine[0])]
        if len(orders) != 1 or _answered(orders[0]) not in (*DONE, *REFUSED, ERROR):
            continue
        [order] = orders
        if order.answer_t - order.t > PROMPT_S or state.t - order.answer_t < PROMPT_S:
            continue
        checked += 1
        # What an error means is not certain, and may stay in doubt; but the command is not without an answer.
        if state["state"] in (OPEN if _answered(order) != ERROR else OPEN[:1]):
            what = f"{order.action} was answered {_answered(order)} {state.t - order.answer_t:.0f} s ago"
            found.append(Violation(what, "its outcome on record", state["state"], station, (*order.at, state.i)))
    return checked, found


def _word(order: Exchange, state: Observation) -> str:
    """Return what a station had answered when the CSMS was asked."""
    return _answered(order) if order.answer_i <= state.i else "not answered"


def _answered(order: Exchange) -> str:
    if order.answer is None:
        return "not answered"
    if order.result is None:
        return ERROR
    if order.action in RESULTS:
        return _in_all(order.result, *RESULTS[order.action])
    if order.newer and order.answer.field("status") in NOT_DONE_201:
        return "Rejected"
    return str(order.answer.field("status") or ("answered" if order.action in WORDLESS else NO_WORD))


def _in_all(answer: Frame, results: str, status: str) -> str:
    every = answer.field(results)
    words = [one.get(status) for one in every if isinstance(one, dict)] if isinstance(every, list) else []
    if not words:
        return NO_WORD
    if set(words) == {"Accepted"}:
        return "Accepted"
    return IN_PART if any(word in SET for word in words) else "Rejected"


def believed(record: Record, run: Mapping[str, Any]) -> Found:
    """What the CSMS believes of a connector at rest is what its station said last."""
    last: dict[tuple[str, Any], Exchange] = {}
    steady = {station for station, asks in _asks(record).items() if {a["action"] for a in asks} <= STEADY}
    for one in record.of("StatusNotification"):
        if one.result is not None:
            last[one.station, one.call.field("connectorId")] = one
    checked, found = _followed(record)
    for belief in record.noted["belief"]:
        if belief.fields.get("online") is False:
            what = "a station that is connected is believed to be away"
            found.append(Violation(what, "online", "offline", belief["station"], (belief.i,)))
        told = last.get((belief["station"], belief["connector"]))
        if told is None or belief["station"] not in steady or belief["status"] is None:
            continue
        checked += 1
        if belief["status"] != told.call.field("status"):
            what = f"connector {belief['connector']} is believed to be something else"
            said = str(told.call.field("status"))
            found.append(Violation(what, said, str(belief["status"]), belief["station"], (*told.at, belief.i)))
    return checked, found


STATUSES = (
    *("Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Reserved", "Faulted"),
    "Occupied",
)
"""Statuses that only a station can tell; a CSMS may say Unavailable of one that was away."""


def _followed(record: Record) -> Found:
    """Compare what was read of a station that told one status after the other, came back, and left."""
    checked, found = 0, list[Violation]()
    for one in record.noted["believed"]:
        checked += 1
        if one.fields.get("online") is (one["how"] == "away"):
            found.append(_presence(one))
        told, status = one["told"], one["status"]
        if told is None or status in (told, None) or (one["how"] == "again" and status not in STATUSES):
            continue
        what = f"connector {one['connector']} is believed to be something else"
        what += ", behind a reconnect" if one["how"] == "again" else ""
        found.append(Violation(what, told, str(status), one["station"], (one.i,)))
    return checked, found


def _presence(one: Observation) -> Violation:
    if one["how"] == "away":
        what = "a station that it cannot reach for a command is believed to be connected"
        return Violation(what, "offline", "online", one["station"], (one.i,))
    return Violation(
        "a station that is connected is believed to be away", "online", "offline", one["station"], (one.i,)
    )


def billed(record: Record, run: Mapping[str, Any]) -> Found:
    """Each session that was told, start and stop, is on record with the meters, the card and the connector told."""
    asked = {one["station"] for one in record.noted["csms.sessions"]}
    rows = {(one["station"], one["transaction_id"]): one for one in record.noted["csms.session"]}
    checked, found = 0, list[Violation]()
    for one, most_wh in (*((one, 0.0) for one in _sessions(record)), *((one, READ_WH) for one in told_201(record))):
        if one.station not in asked:
            continue
        checked += 1
        row, wrong = rows.get((one.station, one.id)), "nothing"
        told = one.members(row)
        if row is not None:
            wrong = ", ".join(f"{name} {row[name]}" for name, v in told.items() if _differ(name, v, row[name], most_wh))
        if row is not None and not wrong and not same_time(row.fields.get("started_at"), one.started_at):
            told, wrong = {"started_at": one.started_at}, f"started_at {row['started_at']}"
        if wrong:
            what = f"transaction {one.id} is not on record as it was told"
            expected = ", ".join(f"{name} {value}" for name, value in told.items())
            found.append(Violation(what, expected, wrong, one.station, one.at))
    return checked, found


def _sessions(record: Record) -> Iterator[Told]:
    """Return the sessions of 1.6 that were told, start and stop."""
    stops: dict[tuple[str, Any], list[Exchange]] = defaultdict(list)
    for one in record.of("StopTransaction"):
        if one.result is not None and not one.newer:
            stops[one.station, one.call.field("transactionId")].append(one)
    for one in record.of("StartTransaction"):
        number = one.result.field("transactionId") if one.result is not None else None
        if one.status != "Accepted" or (one.station, number) not in stops:
            continue
        [stop, *_] = ends = stops[one.station, number]
        place, wh = one.call.field("connectorId"), (one.call.field("meterStart"), stop.call.field("meterStop"))
        at, began = (*one.at, *stop.at), one.call.field("timestamp")
        meters = tuple(one.call.field("meterStop") for one in ends)
        yield Told(one.station, str(number), place, one.call.field("idTag"), *wh, began, at, meters)


READ_WH = 1.0
"""How far a register may be off that 2.0.1 told in another unit than Wh: a number of kWh is no exact one."""


def _differ(name: str, told: Any, on_record: Any, most_wh: float) -> bool:
    """Whether what was told is something else on record; what was not told is not compared."""
    if told is None or told == on_record:
        return False
    if isinstance(told, str) and isinstance(on_record, str):  # a CiString20Type in 1.6; 2.0.1 C01.FR.25
        return told.casefold() != on_record.casefold()
    numbers = isinstance(told, int | float) and isinstance(on_record, int | float)
    return not (numbers and name.endswith("_wh")) or abs(told - on_record) > most_wh


def single(record: Record, run: Mapping[str, Any]) -> Found:
    """What a station did not tell is not on record: a session told twice is there once."""
    given: dict[str, set[str]] = defaultdict(set)
    for one in record.of("StartTransaction"):
        if one.answer is None and not one.newer:
            given[one.station].add("?")  # its number is not known
        elif one.result is not None:
            given[one.station].add(str(one.result.field("transactionId")))
    for one in record.of("StartTransaction", "MeterValues", "StopTransaction"):
        if one.newer and one.call.field("transactionId") is not None:
            given[one.station].add(str(one.call.field("transactionId")))  # named by whoever told of it, begun or not
    on_record = Counter(row["station"] for row in record.noted["csms.session"])
    checked, found = 0, list[Violation]()
    sessions: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for one in record.of("StartTransaction"):
        sessions[one.station].add(wording(one.call))
    newer = {one.station for one in record.told if one.newer}
    for station, count in on_record.items():
        most = len(given[station] if station in newer else sessions[station])
        if count > most:
            what = f"{count} sessions of {station} are on record"
            found.append(Violation(what, f"the {most} that it told", str(count), station))
    rows = Counter((row["station"], row["transaction_id"]) for row in record.noted["csms.session"])
    for (station, number), count in rows.items():
        if count > 1 and station in newer:
            what = f"transaction {number} of {station} is on record {count} times"
            found.append(Violation(what, "once", f"{count} times", station))
    for row in record.noted["csms.session"]:
        known = given.get(row["station"], set())
        if "?" in known:
            continue
        checked += 1
        if row["transaction_id"] not in known:
            what = f"transaction {row['transaction_id']} of {row['station']} was told by nobody"
            expected = f"{len(known)} transactions, and there are {on_record[row['station']]}"
            found.append(Violation(what, expected, as_text(row.fields), row["station"], (row.i,)))
    return checked, found


def own_start_ids(record: Record, run: Mapping[str, Any]) -> Found:
    """Requests for a start name remoteStartIds of their own at a station: a transaction is known by its id.

    What is sent again under the id of the same message is the same request.
    """
    first: dict[tuple[str, Any], Exchange] = {}
    checked, found = 0, list[Violation]()
    for order in record.orders:
        name = order.call.field("remoteStartId")
        if order.action != "RequestStartTransaction" or name is None:
            continue
        checked += 1
        before = first.setdefault((order.station, name), order)
        if before.call.id != order.call.id:
            what = f"two RequestStartTransactions have the remoteStartId {name}"
            found.append(Violation(what, "ids of their own", f"{name} twice", order.station, (before.i, order.i)))
    return checked, found


BEGUN, CAME_TO_NOTHING = ("accepted", "confirmed"), ("refuted", "lapsed")
"""What a start is on record as where it began a transaction, and where none came of it.

Some say rejected of whatever had no answer, and claim nothing else by it.
"""


def joined(record: Record, run: Mapping[str, Any]) -> Found:
    """A transaction with the remoteStartId of a request whose answer was lost began by it; one without it did not."""
    checked, found = 0, list[Violation]()
    for one in record.noted["joined"]:
        checked += 1
        wrong = CAME_TO_NOTHING if one["how"] == "the requested one" else BEGUN
        if one["state"] in wrong:
            what = f"a start was requested, its answer was lost, and {one['how']} began"
            found.append(Violation(what, f"not {' or '.join(wrong)}", one["state"], one["station"], (one.i,)))
    return checked, found


ORDER_CHECKS: dict[str, tuple[str, Level, Callable[[Record, Mapping[str, Any]], Found]]] = {
    "R20": ("what leaves is what was asked", "MUST", as_asked),
    "R21": ("a station is stopped by its own transactions", "MUST", own_transaction),
    "R22": ("what was accepted leaves", "MUST", leaves),
    "R23": ("what was asked once is sent once", "MUST", once),
    "R24": ("outcomes on record are those told", "MUST", recorded),
    "R25": ("connectors are believed to be what they said", "MUST", believed),
    "R26": ("sessions on record are those told", "MUST", billed),
    "R27": ("nothing else is on record", "MUST", single),
    "R28": ("no outcome is lost", "MUST", kept),
    "R35": ("a station that is there is reached", "MUST", reached),
    "R29": ("requests for a start are told apart", "MUST", own_start_ids),
    "R30": ("a transaction is joined to its request", "MUST", joined),
}
"""Names, levels and checks by id."""
