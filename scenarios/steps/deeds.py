"""Deeds: what operators, drivers and stations do on purpose. A deed is one function, named in steps by its name.

To add one, write a function here or anywhere that is imported, with `@deed`. Its docstring is what `explain` prints.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from interlock.csms.domain import commands as do
from interlock.csms.node import Decision
from interlock.scenarios.spec import printable
from interlock.scenarios.steps.newer_words import in_2_0_1
from interlock.scenarios.steps.stage import Operated, Registration, Stage, TurnedAway

Deed = Callable[..., Awaitable[None]]
DEEDS: dict[str, Deed] = {}
"""Every deed by name."""


INSIDE: set[str] = set()
"""Deeds that only the virtual world can do."""


def deed(function: Deed) -> Deed:
    """Make a function available to steps under its name."""
    DEEDS[function.__name__] = function
    return function


def inside(function: Deed) -> Deed:
    """Say of a deed that only the virtual world can do it."""
    INSIDE.add(function.__name__)
    return function


OPEN = ("requested", "in-doubt")


def _spoken(stage: Stage, station: int, command: do.Command) -> do.Command:
    """Return a command in the words of the version that a station speaks: scenarios name them by their 1.6 names."""
    return in_2_0_1(command) if stage.station(station).spec.ocpp == "2.0.1" else command


@deed
async def ask(
    stage: Stage,
    command: do.Command,
    station: int = 1,
    node: int = 1,
    attempts: int = 1,
    patience_s: float = 10.0,
    outcome_s: float = 0.0,
    request: str | None = None,
    attempt: int = 1,
    force: bool = False,
) -> None:
    """Ask a node for a command, as an operator does; `attempt` numbers the first time this step asks.

    With `force` they insist on what a rule refuses; only the virtual world's nodes can be asked so.

    Without an answer within `patience_s`, or told it failed, the operator asks again under the same request id, up to
    `attempts` times. With `outcome_s` he also asks again when the command is still open after that long.
    """
    request_id, command = request or stage.new_request(), _spoken(stage, station, command)
    for number in range(attempt, attempt + attempts):
        decision = await _ask_once(stage, command, station, node, patience_s, request_id, number, force=force)
        if decision is None or decision.answer == "failed":
            continue
        if not outcome_s or decision.command_id is None:
            return
        phase = await stage.phase_after(station, node, decision.command_id, outcome_s)
        if phase not in (*OPEN, None):
            return


async def _ask_once(
    stage: Stage,
    command: do.Command,
    station: int,
    node: int,
    patience_s: float,
    request_id: str,
    attempt: int,
    *,
    force: bool = False,
) -> Decision | None:
    desk = stage.desk(node)
    station_id = stage.station_id(station)
    told = {"request_id": request_id, "attempt": attempt, "node": desk.name, "station": station_id}
    kind = {"kind": type(command).__name__}
    words = {key: value for key, value in printable(command).items() if key != "type"}
    insists: dict[str, Any] = {"force": True} if force else {}
    stage.history.observe("request.asked", **told, command=kind | words, **insists)
    csms = desk.taking
    if csms is None:
        stage.history.observe(
            "request.answered", **told, answer="unreachable", command_id=None, reason="the node is down"
        )
        return Decision("failed")

    async def asking(csms: Operated) -> Decision:
        operate: Any = csms.operate  # a node's takes more than everybody's
        if isinstance(command, do.SetPassword) and (change_key := getattr(desk, "change_key", None)) is not None:
            operate = change_key  # a key is never in the log, so whoever keeps keys sends it
        try:
            decided: Decision = await operate(station_id, stage.named(station, node, command), request_id, **insists)
            return decided
        except TurnedAway as error:
            insists.clear()  # it has no words: there is nothing to insist on
            return Decision("refused", None, str(error))
        except Exception as error:
            # An HTTP API answers 500 here: the operator learns that it failed, not why.
            return Decision("failed", None, f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:
            return Decision("failed", None, "the connection was closed")  # what its end of an HTTP request looks like

    decision = await desk.call(asking(csms), patience_s)
    if decision is not None:
        stage.history.observe(
            "request.answered",
            **told,
            answer=decision.answer,
            command_id=decision.command_id,
            reason=decision.reason,
            **insists,
        )
    return decision


@deed
async def ask_stop(stage: Stage, connector: int = 1, station: int = 1, node: int = 1, **how: Any) -> None:
    """Ask a node to end whatever transaction its log shows on a connector; nothing if there is none."""
    state = await stage.folded(station)
    running = state.open_transaction(connector)
    if running is not None:
        await ask(stage, do.RemoteStop(running.transaction_id), station=station, node=node, **how)


@deed
@inside
async def register(
    stage: Stage, token: str = "TAG-DRIVER", status: str = "Accepted", node: int = 1, parent: str | None = None
) -> None:
    """An operator says at a node how a card is answered from now on (Accepted, Blocked, ...), and its group."""
    await stage.register_token(token, status, node, parent)


@deed
@inside
async def set_registration(stage: Stage, status: Registration = "Accepted", node: int = 1) -> None:
    """An operator says at a node how boots are answered from now on (Accepted, Pending or Rejected)."""
    stage.machine(node).set_registration(status)


@deed
@inside
async def set_key(stage: Stage, password: str | None = None, station: int = 1, node: int = 1) -> None:
    """An operator gives a station a password at a node; None: takes it away."""
    await stage.machine(node).set_key(stage.station_id(station), password)


@deed
@inside
async def knock(
    stage: Stage, passwords: tuple[str | None, ...], station: int = 1, node: int = 1, every_s: float = 1.0
) -> None:
    """Somebody asks a node to be let in in a station's name, with one password after the other; None: with none."""
    for password in passwords:
        stage.machine(node).knock(stage.station_id(station), password)
        await asyncio.sleep(every_s)


@deed
@inside
async def look(stage: Stage, node: int = 1, count: int = 1, every_s: float = 5.0) -> None:
    """An operator looks at all that a node shows, `count` times, every `every_s` seconds."""
    for number in range(count):
        if number:
            await asyncio.sleep(every_s)
        await stage.machine(node).look()


@deed
async def plug(stage: Stage, connector: int = 1, station: int = 1) -> None:
    """A driver puts the cable in."""
    stage.station(station).plug(connector)


@deed
async def unplug(stage: Stage, connector: int = 1, station: int = 1) -> None:
    """A driver takes the cable out, if the lock lets go of it."""
    stage.station(station).unplug(connector)


@deed
async def swipe(stage: Stage, connector: int = 1, token: str = "TAG-DRIVER", station: int = 1) -> None:
    """A driver shows a card."""
    stage.station(station).swipe(connector, token)


@deed
async def heartbeats(stage: Stage, station: int = 1, count: int = 1, every_s: float = 1.0) -> None:
    """A station sends heartbeats now, beside its usual ones."""
    for _ in range(count):
        stage.station(station).send_heartbeat_now()
        await asyncio.sleep(every_s)


@deed
async def statuses(stage: Stage, connector: int = 1, station: int = 1, count: int = 1, every_s: float = 1.0) -> None:
    """A station reports a connector's status now."""
    for _ in range(count):
        stage.station(station).send_status_now(connector)
        await asyncio.sleep(every_s)


@deed
async def meter_values(
    stage: Stage, connector: int = 1, station: int = 1, count: int = 1, every_s: float = 1.0
) -> None:
    """A station sends meter values now."""
    for _ in range(count):
        stage.station(station).send_meter_values_now(connector)
        await asyncio.sleep(every_s)


@deed
async def reconnect(stage: Stage, station: int = 1) -> None:
    """A station opens a new connection while its old one still stands."""
    stage.station(station).reconnect_now(keep_old=True)


@deed
@inside
async def silent_socket(stage: Stage, station: int = 1, seconds: float = 20.0) -> None:
    """Somebody opens a socket in a station's name, says nothing, and closes it after `seconds`."""
    await stage.silent_socket(stage.station_id(station), seconds)


@deed
async def unknown_stop(stage: Stage, transaction_id: int, station: int = 1, meter_wh: int = 1) -> None:
    """A station stops a transaction that it never had from this CSMS: a number left from another one."""
    stage.station(station).send_unknown_stop(transaction_id, meter_wh)


@deed
@inside
async def say(
    stage: Stage, messages: tuple[tuple[str, str], ...], station: int = 1, every_s: float = 1.0, number: str = "say"
) -> None:
    """A station sends messages of its own, one after the other: each an action and a payload as JSON text.

    In a payload `NOW` stands for the station's time, `"LAST-n"` for the number of the nth transaction from the end of
    those that the log has of it; `number` begins the message ids.
    """
    for action, payload in messages:
        told = stage.station(station)
        text = payload.replace("NOW", told.time())
        if "LAST-" in text:
            known = list((await stage.folded(station)).transactions)
            for back, id in enumerate(reversed(known), 1):
                text = text.replace(f'"LAST-{back}"', id if id.isdecimal() else f'"{id}"')
        told.send_raw(f'[2,"{number}-{stage.new_request()}","{action}",{text}]')
        await asyncio.sleep(every_s)


@deed
@inside
async def send(stage: Stage, frames: tuple[str, ...], station: int = 1, every_s: float = 1.0) -> None:
    """A station sends texts of any kind, one after the other; in each, `NOW` stands for the station's time."""
    for text in frames:
        told = stage.station(station)
        told.send_raw(text.replace("NOW", told.time()))
        await asyncio.sleep(every_s)


@deed
@inside
async def answer_instead(stage: Stage, payload: str = "", code: str = "", does: str = "", station: int = 1) -> None:
    """A station answers its next order with a payload (JSON text), or a CALLERROR code, and nothing moves.

    `does` is what it decides, Accepted or Rejected; nothing for no decision.
    """
    stage.station(station).answer_next(payload, code, does)


@deed
@inside
async def answer_again(
    stage: Stage, payload: str = "", code: str = "", does: str = "", back: int = 0, station: int = 1
) -> None:
    """A station answers the order it answered last, or one `back` from it, once more, in other words."""
    stage.station(station).answer_again(payload, code, does, back)


@deed
@inside
async def ask_stop_of_ended(stage: Stage, connector: int = 1, station: int = 1, node: int = 1, **how: Any) -> None:
    """Ask a node to end the transaction that ended last on a connector; nothing if there is none."""
    state: Any = await stage.folded(station)
    ended = [one for one in state.transactions.values() if one.evse == connector and not one.open]
    if ended:
        await ask(stage, do.RemoteStop(ended[-1].transaction_id), station=station, node=node, **how)


@deed
@inside
async def traffic(stage: Stage, habit: str = "morning", share: float = 1.0) -> None:
    """Drivers come and go at every station, by a habit of the simulator's."""
    stage.start_traffic(habit, share)
