"""Walks: what a station, its operators and the line do is drawn from small pools, and all that is seen is written down.

The pools are small so that the same place, card, meter and time come again: told twice, told otherwise, told late. What
is drawn depends on the walk's name alone, never on what the node does, so a change of behaviour changes the steps it
shows in and leaves the others as they were. Times pass in virtual time.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from interlock.csms.dialects import v16, v201
from interlock.csms.domain.station import Rules
from interlock.csms.settings import Settings
from interlock.scenarios.world.shell import Shell

from .payloads import statuses
from .stories import Line, Story, told

STATION, OTHER = "CP1", "CP2"
TOKENS = ("ALPHA", "alpha", "BRAVO", "CHARLIE", "NOBODY")
TIMES = ("2026-01-01T00:00:10Z", "2026-01-01T00:05:00Z", "2025-12-31T23:00:00Z", "1970-01-01T00:00:00Z")
PARENTS = (None, "A-Group", "A-Group-Of-20-Letter", "A-Group-Of-21-Letters")
METERS = (0, 100, 101, 5000)
WAITS = (0.2, 0.2, 2.0, 31.0, 61.0, 125.0, 400.0)
ERRORS = ("NotSupported", "NotImplemented", "InternalError", "FormationViolation", "GenericError", "SecurityError")
Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Way:
    """How a walk is set up, and how long it is."""

    dialect: Any
    settings: Settings = field(default_factory=Settings)
    rules: Rules = field(default_factory=lambda: Rules(2, 2))
    steps: int = 120


WAYS: dict[str, Way] = {
    **{f"1.6 {n}": Way(v16) for n in range(1, 5)},
    **{f"2.0.1 {n}": Way(v201, rules=Rules(2, 2, 2)) for n in range(1, 5)},
    "1.6 one slot": Way(v16, rules=Rules(2, 1)),
    "2.0.1 one slot": Way(v201, rules=Rules(2, 1)),
    "1.6 strict": Way(v16, Settings(acceptance="strict", heartbeats="every", unknown_tokens="Accepted")),
    "2.0.1 strict": Way(v201, Settings(acceptance="strict", offline_timer="polled", snapshot_events=7)),
    "1.6 loaded each time": Way(v16, Settings(residency="per-request", snapshot_events=5)),
    "2.0.1 pending": Way(v201, Settings(registration="Pending"), steps=60),
    "1.6 rejected": Way(v16, Settings(registration="Rejected"), steps=60),
}
"""Every walk by name."""


class Walk:
    """One walk."""

    def __init__(self, story: Story, way: Way, name: str) -> None:
        self.story, self.way = story, way
        self.rng = random.Random(name)
        self.line: Line
        self.older: list[Line] = []
        self.shell: Shell
        self.last: dict[str, dict[str, Any]] = {}
        self.asked = 0
        self.seen = 0
        self.rows: list[tuple[str, str]] = []
        self._steps = self._choices()

    def _choices(self) -> list[Step]:
        often = [self.say] * (10 if self.way.dialect is v16 else 14)
        return [
            *often,
            *[self.ask] * 6,
            *[self.answer] * 7,
            *[self.look] * 4,
            *[self.wait] * 3,
            self.move,
            self.register,
        ]

    def one(self, *among: Any) -> Any:
        """Draw one."""
        return self.rng.choice(among[0] if len(among) == 1 else among)

    def some(self, **members: Any) -> dict[str, Any]:
        """Draw which members are there: one that is a tuple is drawn from; of `name_`, half of them are left out."""
        drawn = {name: self.one(value) if isinstance(value, tuple) else value for name, value in members.items()}
        kept = {name: self.rng.random() < 0.5 for name in drawn}
        return {name.rstrip("_"): value for name, value in drawn.items() if not name.endswith("_") or kept[name]}

    async def whole(self) -> None:
        """Walk to the end, and look at all there is."""
        story = self.story
        await self._shelled()
        self.line = await story.plug(dialect=self.way.dialect)
        await self.line.say("BootNotification", self._boot())
        for token, word in (("ALPHA", "Accepted"), ("BRAVO", "Accepted"), ("CHARLIE", "Blocked")):
            await story.nodes["n"].register_token(token, word, "A-Group" if token == "BRAVO" else None)
        self._row("begins")
        for _ in range(self.way.steps):
            step = self.one(self._steps)
            await step()
            await story.wait(0.05)
            self._row(step.__name__)
        await story.wait(1500.0)
        self._row("rests")
        for target, status, body in await self.shell.look([STATION, OTHER], rest=True):
            self._shown(target, status, body)
        self._row("looks")

    def _row(self, what: str) -> None:
        text = "\n".join(self.story.text[self.seen :])
        self.seen = len(self.story.text)
        self.rows.append((f"{len(self.rows):3d} {what:8} {hashlib.sha256(text.encode()).hexdigest()[:10]}", text))

    async def _shelled(self) -> None:
        self.shell = Shell(self.story.nodes["n"], random.Random(0))
        await self.shell.start()

    # --- the station ---

    def _boot(self) -> dict[str, Any]:
        if self.way.dialect is v16:
            return self.some(chargePointVendor="V", chargePointModel="M", firmwareVersion_=("1", "2"))
        of = self.some(vendorName="V", model="M", serialNumber_=("s", "t"))
        return {"reason": self.one("PowerUp", "RemoteReset", "ScheduledReset"), "chargingStation": of}

    async def say(self) -> None:
        line = self.one(*([self.line] * 12), *self.older[-1:])
        action, payload = (_said_16 if self.way.dialect is v16 else _said_201)(self)
        name, apart = self.one(sorted(payload) or [""]), self.rng.random() < 0.4
        if apart and name and action in self.last:  # what was told last, but for one member
            payload = {**self.last[action], name: payload[name]}
        self.last[action] = payload
        if self.rng.random() < 0.05:
            payload = {**payload, "vendorAddition": 1}
        await line.say(action, payload, f"m{self.one(range(6))}" if self.rng.random() < 0.1 else None)

    async def answer(self) -> None:
        which, code, fails = -self.one(1, 1, 1, 2, 3), self.one(ERRORS), self.rng.random() < 0.15
        word, odd = self.rng.random(), self.rng.random() < 0.05
        more = self.some(transactionId_=("tx-1", "tx-2"), messagesInQueue_=(True, False))
        lines = [self.one(*([self.line] * 6), *self.older[-1:])]
        asked = {id: action for line in (*self.older, *lines) for id, action in line.actions.items()}
        if len(asked) < -which:
            return
        id = list(asked)[which]
        words = list(statuses(*_response(self.way.dialect, asked[id]))) or [""]
        said = {"status": "Odd"} if odd else {"status": words[int(word * len(words))]} if words[0] else more
        await lines[0].raw(json.dumps([4, id, code, "", {}] if fails else [3, id, said]))

    async def move(self) -> None:
        how, takes = self.one("drop", "second", "silent", "crash"), self.rng.random() < 0.5
        self.older.append(self.line)
        if how == "drop":
            await self.line.drop()
        elif how == "silent":
            self.line.pongs = False
        elif how == "crash":
            await self.story.crash()
            await self.story.start()
            await self._shelled()
            self.older.clear()
        self.line = await self.story.plug(dialect=self.way.dialect, proven=takes)
        await self.story.wait(6.0)

    async def wait(self) -> None:
        await self.story.wait(self.one(WAITS))

    # --- operators ---

    async def register(self) -> None:
        token, word, parent = self.one(TOKENS), self.one("Accepted", "Blocked", "Expired"), self.one(PARENTS)
        body = {"status": word, "parent": parent} if parent else {"status": word}
        self._shown(*await self.shell.request("PUT", f"/api/tokens/{token}", body))

    async def ask(self) -> None:
        self.asked += self.rng.random() < 0.9
        action, payload = (_asked_16 if self.way.dialect is v16 else _asked_201)(self)
        body: dict[str, Any] = {"action": action, "payload": payload}
        if self.rng.random() < 0.1:
            body["force"] = True
        target = f"/api/stations/{STATION}/commands"
        self._shown(*await self.shell.request("POST", target, body, f"k{self.asked}"))

    async def look(self) -> None:
        place, number = f"/api/stations/{STATION}", self.one(range(0, 60, 3))
        command = self.one("c", *(f"c{n}" for n in range(1, 12)))
        known = {short: long for long, short in self.story._names.items()}.get(command, command)
        target = self.one(
            (f"{place}", f"{place}/connectors", f"{place}/transactions", f"{place}/commands", f"{place}/deviations"),
            (f"{place}/events?after={number}&limit=3", f"{place}/events?last=4", f"{place}/events?limit=1000"),
            (
                "/api/stations?limit=1",
                f"/api/stations?after={STATION}",
                "/api/fleet?limit=1",
                f"/api/fleet?id={STATION}",
            ),
            (f"/api/commands/{known}", f"/api/commands/{known}?wait=1s", "/api/commands/none"),
            ("/api/tokens", f"/api/tokens/{self.one(TOKENS)}", "/api/stations/nobody", f"{place}/events?limit=0"),
        )
        if self.rng.random() < 0.15:
            self._shown(*await self.shell.request("POST", f"/api/commands/{known}/close", {"statement": "seen"}))
        self._shown(*await self.shell.get(self.one(target)))

    def _shown(self, target: str, status: int, body: Any) -> None:
        self.story.note(self.story.plain(f"? {target}: {status} {json.dumps(body, sort_keys=True)}"))


# --- OCPP 1.6 --------------------------------------------------------------------------------------------------------


def _number(walk: Walk) -> int:
    """Return the number of a transaction, of the newest ones in the log, or of none."""
    back = walk.one(1, 1, 1, 2, 3, 9)
    began = [json.loads(one.data) for one in walk.story.store.events(f"station-{STATION}")]
    known = [
        int(one["transaction_id"]) for one in began if "meter_start_wh" in one and one["transaction_id"].isdecimal()
    ]
    return known[-back] if len(known) >= back else 4711


def _sampled_16(walk: Walk) -> list[dict[str, Any]]:
    def reading() -> dict[str, Any]:
        phases = ("L1", "L1", "L2", "L1-N", "L2-N", "L1-L2", "N")
        what = ("Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "Voltage", "Current.Import")
        how = walk.some(measurand_=what, phase_=phases, unit_=("Wh", "kWh", "W", "kW", "V"))
        contexts = ("Transaction.Begin", "Transaction.End", "Sample.Periodic")
        return {
            "value": walk.one("0", "7", "1.5", "230"),
            **how,
            **walk.some(context_=contexts, location_=("Outlet", "Inlet")),
        }

    return [
        {"timestamp": walk.one(TIMES), "sampledValue": [reading() for _ in range(walk.one(1, 2, 4))]}
        for _ in range(walk.one(1, 1, 2))
    ]


def _said_16(walk: Walk) -> tuple[str, dict[str, Any]]:
    action = walk.one(
        *["StatusNotification"] * 4, *["StartTransaction"] * 4, *["StopTransaction"] * 4, *["MeterValues"] * 3,
        "Authorize", "BootNotification", "Heartbeat", "DataTransfer", "FirmwareStatusNotification",
    )  # fmt: skip
    words, codes = ("Available", "Preparing", "Charging", "Faulted"), ("NoError", "OtherError")
    at, token, meter, place = walk.one(TIMES), walk.one(TOKENS), walk.one(METERS), walk.one(1, 1, 2)
    match action:
        case "StatusNotification":
            told = {"connectorId": walk.one(0, 1, 1, 2), "status": walk.one(words), "errorCode": walk.one(codes)}
            return action, {**told, **walk.some(info_=("hot", "cold"), timestamp_=TIMES)}
        case "StartTransaction":
            return action, {"connectorId": place, "idTag": token, "meterStart": meter, "timestamp": at}
        case "StopTransaction":
            told = {"transactionId": _number(walk), "meterStop": meter, "timestamp": at}
            more = walk.some(idTag_=TOKENS, reason_=("Remote", "Local", "EVDisconnected"))
            return action, {**told, **more, **({"transactionData": _sampled_16(walk)} if walk.one(0, 0, 1) else {})}
        case "MeterValues":
            within = {"transactionId": _number(walk)} if walk.one(0, 1) else {}
            return action, {"connectorId": walk.one(0, 1, 2), "meterValue": _sampled_16(walk), **within}
        case "Authorize":
            return action, {"idTag": token}
        case "BootNotification":
            return action, walk._boot()
        case "DataTransfer":
            return action, {"vendorId": "v"}
        case "FirmwareStatusNotification":
            return action, {"status": walk.one("Idle", "Downloading")}
    return action, {}


def _asked_16(walk: Walk) -> tuple[str, dict[str, Any]]:
    place, token = walk.one(1, 1, 2, 3), walk.one(TOKENS)
    return walk.one(
        ("RemoteStartTransaction", {"connectorId": place, "idTag": token}),
        ("RemoteStartTransaction", {"connectorId": place, "idTag": token}),
        ("RemoteStopTransaction", {"transactionId": _number(walk)}),
        ("UnlockConnector", {"connectorId": place}),
        ("Reset", {"type": walk.one("Hard", "Soft")}),
        ("ChangeAvailability", {"connectorId": walk.one(0, 1, 2), "type": walk.one("Operative", "Inoperative")}),
        ("ReserveNow", {"connectorId": place, "idTag": token, "reservationId": 7, "expiryDate": TIMES[1]}),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
        ("GetLocalListVersion", {}),
        ("ClearCache", {"odd": 1}),
    )


# --- OCPP 2.0.1 ------------------------------------------------------------------------------------------------------

TRANSACTIONS = ("tx-1", "tx-1", "tx-2", "tx-3")


def _card(walk: Walk) -> dict[str, Any]:
    return {"idToken": walk.one(TOKENS), "type": walk.one("ISO14443", "ISO14443", "Central", "NoAuthorization")}


def _values_201(walk: Walk) -> list[dict[str, Any]]:
    def reading() -> dict[str, Any]:
        what = ("Energy.Active.Import.Register", "Power.Active.Import", "Voltage")
        unit = {"unit": walk.one("Wh", "kWh", "W", "V"), **walk.some(multiplier_=(0, 3))}
        how = walk.some(measurand_=what, phase_=("L1", "L2", "L1-N"), unitOfMeasure_=(unit,))
        return {
            "value": walk.one(0, 7, 1.5, 230),
            **how,
            **walk.some(context_=("Transaction.Begin", "Transaction.End")),
        }

    return [
        {"timestamp": walk.one(TIMES), "sampledValue": [reading() for _ in range(walk.one(1, 2))]}
        for _ in range(walk.one(1, 1, 2, 3))
    ]


def _transaction(walk: Walk) -> dict[str, Any]:
    states = ("EVConnected", "Charging", "SuspendedEV")
    triggers = ("Authorized", "ChargingStateChanged", "RemoteStop", "UnlockCommand", "RemoteStart")
    info = {
        "transactionId": walk.one(TRANSACTIONS),
        **walk.some(chargingState_=states, stoppedReason_=("Remote", "Local")),
    }
    if walk.rng.random() < 0.3:
        info["remoteStartId"] = walk.one(11, 12)
    told = {"eventType": walk.one("Started", "Started", "Updated", "Updated", "Ended"), "timestamp": walk.one(TIMES)}
    place = {"id": walk.one(1, 1, 2), **walk.some(connectorId_=(1, 2))}
    more = walk.some(offline_=(True, False), evse_=(place,), idToken_=(_card(walk),))
    values = {"meterValue": _values_201(walk)} if walk.rng.random() < 0.4 else {}
    return {
        **told,
        "triggerReason": walk.one(triggers),
        "seqNo": walk.one(range(5)),
        "transactionInfo": info,
        **more,
        **values,
    }


def _said_201(walk: Walk) -> tuple[str, dict[str, Any]]:
    action = walk.one(
        *["TransactionEvent"] * 9, *["StatusNotification"] * 3, *["MeterValues"] * 2,
        "Authorize", "BootNotification", "Heartbeat", "DataTransfer", "NotifyReport", "SecurityEventNotification",
    )  # fmt: skip
    place, words = {"evseId": walk.one(0, 1, 1, 2), "connectorId": walk.one(0, 1, 1, 2)}, ("Available", "Occupied")
    match action:
        case "TransactionEvent":
            return action, _transaction(walk)
        case "StatusNotification":
            return action, {"timestamp": walk.one(TIMES), "connectorStatus": walk.one(words), **place}
        case "MeterValues":
            return action, {"evseId": walk.one(0, 1, 2), "meterValue": _values_201(walk)}
        case "Authorize":
            return action, {"idToken": _card(walk)}
        case "BootNotification":
            return action, walk._boot()
        case "DataTransfer":
            return action, {"vendorId": "v"}
        case "NotifyReport":
            return action, {"requestId": 1, "generatedAt": TIMES[0], "seqNo": walk.one(0, 1)}
        case "SecurityEventNotification":
            return action, {"type": "Tamper", "timestamp": walk.one(TIMES)}
    return action, {}


def _asked_201(walk: Walk) -> tuple[str, dict[str, Any]]:
    evse, token = walk.one(1, 1, 2, 3), {"idToken": walk.one(TOKENS), "type": walk.one("ISO14443", "Central")}
    start = {"evseId": evse, "idToken": token, **walk.some(remoteStartId_=(11, 12))}
    return walk.one(
        ("RequestStartTransaction", start),
        ("RequestStartTransaction", start),
        ("RequestStopTransaction", {"transactionId": walk.one(TRANSACTIONS)}),
        ("UnlockConnector", {"evseId": evse, "connectorId": walk.one(1, 2)}),
        ("Reset", {"type": walk.one("Immediate", "OnIdle"), **walk.some(evseId_=(1, 2))}),
        ("ChangeAvailability", {"operationalStatus": "Operative", **walk.some(evse_=({"id": evse},))}),
        ("ReserveNow", {"id": 7, "expiryDateTime": TIMES[1], "idToken": token, **walk.some(evseId_=(1, 2))}),
        ("TriggerMessage", {"requestedMessage": walk.one("Heartbeat", "SignChargingStationCertificate")}),
        ("GetLocalListVersion", {}),
        ("ClearCache", {"odd": 1}),
    )


def _response(dialect: Any, action: str) -> tuple[str, str]:
    return ("v16" if dialect is v16 else "v201"), f"{action}Response"


def walked(name: str) -> list[tuple[str, str]]:
    """Walk; return a line for each step with the digest of what was seen in it, and the whole of that."""
    way, found = WAYS[name], list[tuple[str, str]]()

    async def script(story: Story) -> None:
        walk = Walk(story, way, name)
        await walk.whole()
        found.extend(walk.rows)

    told(script, way.settings, way.rules)
    return found
