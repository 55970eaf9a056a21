"""No verdict flips by timing: a slice of the cases over sockets again and again, all rounds alike.

`python -m tests.scenarios.steady --rounds 50` (some minutes; part of `make nightly`). Exit code 1 where two differ.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.simulated import FEATURES, SimulatedStation
from interlock.scenarios.live.check import Check

from .checking import BEGAN, PATIENT, planned, verdicts
from .vendor_csms import Central, VendorCsms

STATION = ["TC_003_CS", "TC_004_1_CS", "TC_010_CS", "TC_012_CS", "TC_017_1_CS", "TC_038_CS", "IL_10*", "IL_2*"]
CSMS = ["TC_00*", "TC_01*", "TC_06*", "IL_2*"]


async def once(out: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the verdicts of the simulated station and of a foreign CSMS."""
    declared = Declaration(features=FEATURES, limits=PATIENT)
    made = planned(
        "station",
        STATION,
        out / "station",
        hand=lambda url: SimulatedStation(url, "SIM", 7, BEGAN),
        declaration=declared,
    )
    station = Check(made, lambda *_: None)
    await station.work()
    async with VendorCsms(Central).running() as csms:
        from interlock.simulator.network.address import parse

        url = parse(f"ws://127.0.0.1:{csms.port}")
        check = Check(planned("csms", CSMS, out / "csms", hand=lambda _: csms, url=url), lambda *_: None)
        await check.work()
    return verdicts(station), verdicts(check)


def main() -> int:
    """Do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what the foreign CSMS says of broken frames
    first: tuple[dict[str, str], dict[str, str]] | None = None
    for number in range(wanted.rounds):
        with tempfile.TemporaryDirectory() as out:
            found = asyncio.run(once(Path(out)))
        first = first or found
        for before, now in zip(first, found, strict=True):
            for case in before:
                if before[case] != now[case]:
                    print(f"round {number}: {case} was {before[case]}, is {now[case]}")
                    return 1
    assert first is not None
    print(f"{wanted.rounds} rounds of {sum(map(len, first))} cases: all alike")
    return 0


if __name__ == "__main__":
    sys.exit(main())
