"""Simulated stations with drivers beside the scripted ones: meters, locks and queues that follow physics.

Each deviates in its own way within the standard, loses its connection or its power during a session, and delivers its
queued messages afterwards; the ledger's checks compare the energy delivered with the energy acknowledged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

from interlock.scenarios.live.race_session import Session
from interlock.simulator.assembly import build_station
from interlock.simulator.clock import EPOCH, ClockSpec
from interlock.simulator.deviations import USUAL, Deviations
from interlock.simulator.driver import Driver
from interlock.simulator.network.wall_clock import WallClock
from interlock.simulator.personas import PERSONAS
from interlock.simulator.randomness import SmallDraws
from interlock.simulator.spec import StationSpec
from interlock.simulator.station import Station

LEAVING_S = 35.0
VISIT_S = 6.0
LOOK_S = 0.25

KINDS: tuple[tuple[str, Deviations, str, str], ...] = (
    ("plain", USUAL, "counter", "stays"),
    ("plain", Deviations(energy_unit="kWh", vendor_fields=True), "uuid", "drops"),
    ("resends-same-id", Deviations(statuses_shuffled=True), "per connection", "drops"),
    ("resends-new-id", Deviations(twice=0.5, statuses_shuffled=True), "random", "power"),
    ("rejects-second", Deviations(crossed=0.3), "uuid", "power"),
)
"""Persona, deviations, message ids, and what becomes of the line while somebody charges."""


async def drivers(session: Session, clock: WallClock) -> None:
    """Let a driver charge at each EVSE of each station, with a fault in the middle, and wait until all is told."""
    if not (session.cards.fresh or session.cards.accepted):
        return
    kinds = KINDS if session.cards.plenty else KINDS[:1]
    async with AsyncExitStack() as alone:
        stations = []
        for number, kind in enumerate(kinds):
            stations.append(_station(session, clock, number, kind))
            for evse in (1, 2) if session.cards.plenty else (1,):
                card, lock = session.cards.one(number)
                await alone.enter_async_context(lock)
                rng = SmallDraws(f"{session.seed}:driver:{number}:{evse}")
                Driver(clock, stations[-1], rng, evse, card, VISIT_S, arrive_s=1.0, dawdle_s=(0.3, 1.0), swipes=True)
            _trouble(stations[-1], kind[3])
            stations[-1].start()
        await _over(session, stations)


def _station(session: Session, clock: WallClock, number: int, kind: tuple[str, Deviations, str, str]) -> Station:
    persona, deviations, ids, _ = kind
    skew_s = (session.began.replace(tzinfo=None) - EPOCH).total_seconds()
    name = session.station_id(f"D{number}")
    how: dict[str, Any] = {"deviations": deviations, "message_ids": ids, "ocpp": session.ocpp}
    spec = StationSpec(
        name,
        persona=PERSONAS[persona],
        clock=ClockSpec(skew_s, 0.0),
        meter_interval_s=2.0,
        first_boot_s=(0.0, 0.2),
        boot_s=(0.5, 1.0),
        reconnect_s=(0.2, 0.6),
        retry_s=2.0,
        **how,
    )
    return build_station(clock, spec, SmallDraws(f"{session.seed}:{name}"), session.network, session.observe)


def _trouble(station: Station, kind: str) -> None:
    if kind == "drops":
        station.after(3.5, station.drop_connection)
        station.after(5.0, lambda: station.reconnect_now(keep_old=True))
    elif kind == "power":
        station.after(4.5, lambda: station.reboot("power"), survives_reboot=True)


async def _over(session: Session, stations: list[Station]) -> None:
    until = min(session.clock() + VISIT_S + LEAVING_S, session.until - 1.0)
    leaves_at = session.clock() + VISIT_S + 3.0
    while session.clock() < until:
        await asyncio.sleep(LOOK_S)
        busy = list(_plugged(stations))
        if session.clock() > leaves_at:
            for station, number in busy:
                station.unplug(number)
        if session.clock() > leaves_at and not any(station.has_unsent for station in stations) and not busy:
            break
    for station in stations:
        session.observe("outbox", station=station.station_id, pending=station.outbox_pending)
        if not station.outbox_pending:
            session.deed("drivers", "all was told", station.station_id)
        station.drop_connection("the drivers have left")


def _plugged(stations: list[Station]) -> Iterator[tuple[Station, int]]:
    for station in stations:
        for evse in station.evses:
            if evse.vehicle is not None:
                yield station, evse.number
