"""The pages of each list of the API, one after the other, are the whole list, however long a page may be."""

from __future__ import annotations

import random
from typing import Any

import pytest

from interlock.csms.domain import commands as do
from interlock.csms.serve import projections
from interlock.scenarios.world.shell import Shell

from .stories import Story, told

LISTS = {
    "/api/stations/CP2/events": ("events", "version"),
    "/api/stations": ("stations", "id"),
    "/api/fleet": ("stations", "id"),
}
STATIONS = ("CP1", "CP2", "CP3", "CP4")


async def _paged(shell: Shell, place: str, limit: int) -> list[list[Any]]:
    """Return the ids on each page of a list."""
    name, id = LISTS[place]
    found, after = list[list[Any]](), ""
    while len(found) < 50:
        _, status, body = await shell.get(f"{place}?limit={limit}{after}")
        assert status == 200
        found.append([one[id] for one in body[name]])
        if body["next"] is None:
            return found
        assert body["next"] == found[-1][-1]
        after = f"&after={body['next']}"
    raise AssertionError(f"no end of {place}")


@pytest.mark.parametrize("page_bytes", [1, 300, 1024 * 1024])
def test_pages_are_the_whole(page_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projections, "PAGE_BYTES", page_bytes)
    whole: dict[str, list[Any]] = {"/api/stations": [*STATIONS], "/api/fleet": [*STATIONS]}
    pages: dict[tuple[str, int], list[list[Any]]] = {}

    async def script(story: Story) -> None:
        shell = Shell(story.nodes["n"], random.Random(0))
        await shell.start()
        for station in reversed(STATIONS):
            line = await story.plug(station=station)
            await line.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        await story.ask(do.Unlock(1), "r", station="CP2")
        await story.ask(do.RemoteStart(2, "A"), "s", station="CP2")
        await story.wait(1000.0)
        logged = story.store.events("station-CP2")
        whole["/api/stations/CP2/events"] = [one.version for one in logged]
        for place in LISTS:
            for limit in (1, 2, 3, 4, len(logged), 500):
                pages[place, limit] = await _paged(shell, place, limit)

    told(script)
    assert len(whole["/api/stations/CP2/events"]) > 4
    for (place, limit), found in pages.items():
        assert [one for page in found for one in page] == whole[place], (place, limit)
        assert all(1 <= len(page) <= limit for page in found[:-1]), (place, limit)
        assert len(found[-1]) <= limit, (place, limit)  # behind a full page there may be an empty one
