"""`check station`: a right foreign station passes, wrong ones are caught, and who is none is told so."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from interlock.scenarios.cases.players import tester
from interlock.scenarios.cases.players.simulated import SimulatedStation
from interlock.scenarios.live.check import Check, exit_code
from interlock.scenarios.record.history import History

from .checking import BEGAN, HASTY, PATIENT, planned, verdicts
from .vendor_station import WRONG, Vendor, powered

pytestmark = pytest.mark.asyncio

RIGHT = [
    *("TC_003_CS", "TC_004_1_CS", "TC_004_2_CS", "TC_068_CS", "TC_005_1_CS", "TC_010_CS", "TC_011_1_CS", "TC_011_2_CS"),
    *("TC_012_CS", "TC_013_CS", "TC_014_CS", "TC_015_CS", "TC_016_CS", "TC_017_1_CS", "TC_018_1_CS", "TC_019_CS"),
    *("TC_021_CS", "TC_023_CS", "TC_026_CS", "TC_027_CS", "TC_028_CS", "TC_031_CS", "TC_040_1_CS", "TC_040_2_CS"),
    *("TC_054_CS", "TC_055_CS", "TC_062_CS", "IL_103_CS", "IL_108_CS", "IL_121_CS", "IL_231_CS"),
]
"""What the vendor's station can do. It has no lists, no reservations, no profiles, and nobody pulls its plug."""


class Foreign:
    """A hand that is a foreign station, which comes when it is told where."""

    def __init__(self, kind: Callable[[str], Vendor]) -> None:
        self.kind = kind
        self.stack = contextlib.AsyncExitStack()
        self.vendor: Vendor | None = None

    def at(self, url: str) -> Foreign:
        self.vendor = self.kind(url)
        return self

    def start(self) -> None:
        assert self.vendor is not None
        self.life = asyncio.get_running_loop().create_task(self.stack.enter_async_context(powered(self.vendor)))

    async def stop(self) -> None:
        await self.life
        await self.stack.aclose()

    async def do(self, deed: str, names: Any) -> None:
        assert self.vendor is not None
        await self.vendor.do(deed, names)


async def checked(kind: Callable[[str], Vendor], ids: list[str], out: Path, **changes: Any) -> Check:
    check = Check(planned("station", ids, out, **{"hand": Foreign(kind).at, **changes}), lambda *_: None)
    await check.work()
    return check


async def test_a_right_foreign_station_passes(tmp_path: Path) -> None:
    # Its clock is its own, and so is the one of `check station`: both have the time of day.
    ids = [*RIGHT, "TC_046_1_CS", "TC_024_CS", "TC_001_CS"]
    check = await checked(Vendor, ids, tmp_path, began=datetime.now(UTC))
    found = verdicts(check)
    wrong = {name: check.results[name].reason for name in RIGHT if found[name] != "PASS"}
    assert wrong == {}
    assert (found["TC_046_1_CS"], check.results["TC_046_1_CS"].reason) == (
        "NOT_APPLICABLE",
        "reservation is not declared",
    )
    assert found["TC_001_CS"] == "NOT_APPLICABLE"
    assert (check.peer["vendor"], check.peer["firmware"], check.peer["protocol"]) == ("Vendor", "7.7", "ocpp1.6")
    assert [one for one in check.findings if one["broken"]] == []
    assert exit_code(check.results.values(), None, False, []) == 0
    # What was written down can be read back, and each case judged again.
    history = History.read(tmp_path / "1")
    assert len(history.of("case.ended")) >= len(RIGHT)


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
async def test_a_wrong_station_is_caught(kind: type[Vendor], tmp_path: Path) -> None:
    case = WRONG[kind]
    check = await checked(kind, [case], tmp_path, limits={**PATIENT, **HASTY})
    assert verdicts(check) == {case: "FAIL"}, check.results[case].reason
    assert exit_code(check.results.values(), None, False, []) == 1
    assert exit_code(check.results.values(), None, False, [case]) == 0


async def test_the_simulated_station(tmp_path: Path) -> None:
    ids = [
        "TC_002_CS",
        "TC_003_CS",
        "TC_012_CS",
        "TC_032_2_CS",
        "TC_038_CS",
        "TC_070_CS",
        "IL_104_CS",
        "IL_122_CS",
    ]

    def made(url: str) -> SimulatedStation:
        return SimulatedStation(url, "SIM", 7, BEGAN)

    check = Check(planned("station", ids, tmp_path, hand=made, limits={**PATIENT, "offline": 5.0}), lambda *_: None)
    await check.work()
    assert {name: one.reason for name, one in check.results.items() if one.verdict != "PASS"} == {}
    assert len(check.results) == len(ids)


# --- who is no station, or no right one ------------------------------------------------------------------------------


async def test_nobody_comes(tmp_path: Path) -> None:
    check = Check(planned("station", ["TC_027_CS"], tmp_path, wait_s=0.2), lambda *_: None)
    await check.work()
    assert verdicts(check) == {"TC_027_CS": "ERROR"}
    assert "no station came" in check.results["TC_027_CS"].reason
    assert exit_code(check.results.values(), check.trouble, False, []) == 3


Visit = Callable[[str], Any]


class Visitor:
    """A hand that lets somebody come who is no right station."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit

    def at(self, url: str) -> Visitor:
        self.url = url
        return self

    def start(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self.visit(self.url))

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def do(self, deed: str, names: Any) -> None:
        raise AssertionError(deed)


async def _only_201(url: str) -> None:
    with contextlib.suppress(InvalidStatus):
        await connect(f"{url}/X", subprotocols=["ocpp2.0.1"], proxy=None)  # type: ignore[list-item]


async def _no_subprotocol(url: str) -> None:
    with contextlib.suppress(InvalidStatus):
        await connect(f"{url}/X", proxy=None)


async def _plain_tcp(url: str) -> None:
    port = int(url.rsplit(":", 1)[1])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"\x16\x03\x01hello\r\n\r\n")
        await asyncio.sleep(5)
    finally:
        writer.close()


async def _other_id(url: str) -> None:
    with contextlib.suppress(InvalidStatus):
        await connect(f"{url}/OTHER", subprotocols=["ocpp1.6"], proxy=None)  # type: ignore[list-item]


async def _silent(url: str) -> None:
    async with connect(f"{url}/MINE", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
        boot = [2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]
        await socket.send(json.dumps(boot))
        async for _ in socket:
            pass


async def _another(url: str) -> None:
    for model in ("One", "Two"):
        async with connect(f"{url}/MINE", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
            await socket.send(
                json.dumps([2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": model}])
            )
            await socket.recv()
            if model == "One":
                await asyncio.sleep(0.3)


async def _leaves(url: str) -> None:
    async with connect(f"{url}/MINE", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
        await socket.send('[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]')
        await socket.recv()
        await socket.recv()


async def _floods(url: str) -> None:
    with contextlib.suppress(Exception):
        async with connect(f"{url}/MINE", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
            while True:
                await socket.send('[2,"1","Heartbeat",{}]')


async def _boots_for_ever(url: str) -> None:
    while True:
        async with connect(f"{url}/MINE", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
            await socket.send('[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]')
            await socket.recv()


async def _twins(url: str) -> None:
    async def one() -> None:
        while True:
            with contextlib.suppress(Exception):
                async with connect(f"{url}/MINE", subprotocols=["ocpp1.6"], proxy=None) as socket:  # type: ignore[list-item]
                    async for _ in socket:
                        pass

    await asyncio.gather(one(), one())


@pytest.mark.parametrize(
    ("visit", "sentence"),
    [
        (_only_201, "speaks ocpp2.0.1"),
        (_no_subprotocol, "offers no subprotocol"),
        (_plain_tcp, "does not speak WebSocket"),
        (_other_id, "a station called 'OTHER' came, not 'MINE'"),
        (_silent, "connected and silent"),
        (_another, "came back as another"),
        (_leaves, "did not come back"),
        (_floods, "more than"),
        (_boots_for_ever, "boots again and again"),
        (_twins, "two stations use the id"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
async def test_a_peer_that_is_no_right_station_never_passes(
    visit: Visit, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tester, "FLOOD", 100)  # a busy machine is slow to send, too
    named = None if visit in (_only_201, _no_subprotocol) else "MINE"
    limits = {**PATIENT, **HASTY, "answer": 1.0, "reconnect": 1.0}
    plan = planned(
        "station", ["TC_040_1_CS"], tmp_path, hand=Visitor(visit).at, station=named, limits=limits, wait_s=2.0
    )
    check = Check(plan, lambda *_: None)
    await check.work()
    (result,) = check.results.values()
    assert result.verdict == "ERROR"
    assert sentence in result.reason
    assert exit_code(check.results.values(), check.trouble, False, []) != 0
