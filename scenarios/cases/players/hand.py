"""The hand does what no message does: a person, a rig with an HTTP interface, a command, or a simulator.

At a station it plugs in and presents cards; at a CSMS it is the operator, who has it make a CALL. One interface for
both: `do(deed, names)` returns when it is done, and raises `CannotDo` where it is not possible.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from interlock.scenarios.refused import nearest
from interlock.scenarios.user_file import Unreadable, read_as

UNDO = {
    "plug": "unplug",
    "plug_all": "unplug_all",
    "jam_lock": "free_lock",
    "fault": "clear_fault",
    "list_failure": "mend_list",
}
"""The deed that undoes each deed."""
DEEDS = {
    "plug": "plug a vehicle in at connector {connector}",
    "unplug": "take the cable out at connector {connector} (at the vehicle first)",
    "plug_all": "plug vehicles in at every connector",
    "unplug_all": "take every cable out",
    "swipe": "show the card {tag!r} at connector {connector}",
    "power_cycle": "switch the station's power off and on again",
    "jam_lock": "keep the lock of connector {connector} from moving",
    "free_lock": "let the lock of connector {connector} move again",
    "fault": "bring connector {connector} into a fault (0: the station)",
    "clear_fault": "clear the fault of connector {connector}",
    "list_failure": "bring the station into a state in which it cannot keep a local list",
    "mend_list": "let the station keep local lists again",
}
"""What only a person can do at a station."""


class CannotDo(Exception):
    """It cannot be done; one sentence says why."""


class Hand(Protocol):
    """Does deeds at the peer."""

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Do it: `names` are connector, tag and the like, or action and payload. Raises `CannotDo`."""


class NoHand:
    """No hand: every deed is refused."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Refuse."""
        raise CannotDo(f"{self.why} to {said(deed, names)}")


def said(deed: str, names: Mapping[str, Any]) -> str:
    """Return a deed as a sentence for people."""
    if deed == "ask":
        return f"have the CSMS send {names['action']} {json.dumps(names['payload'])} to {names['station']}"
    return DEEDS.get(deed, deed).format_map({"connector": "?", "tag": "?", **names})


class Prompt:
    """A person at a terminal, which is the file descriptor `terminal`."""

    def __init__(self, patience_s: float = 300.0, terminal: int = 0) -> None:
        self._patience_s, self._terminal = patience_s, terminal

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Ask for it and wait for Enter; `s`: it cannot be done here. What was typed before is not an answer."""
        _forget_typed(self._terminal)
        print(
            f"\n  please {said(deed, names)}\n  [Enter] done   [s] skip, it cannot be done here: ", end="", flush=True
        )
        loop = asyncio.get_running_loop()
        typed: asyncio.Future[str] = loop.create_future()

        def read() -> None:
            if not typed.done():
                typed.set_result(os.read(self._terminal, 1024).decode("utf-8", "replace"))

        loop.add_reader(self._terminal, read)
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await typed
        except TimeoutError:
            raise CannotDo(f"nobody did it within {self._patience_s:g} s: {said(deed, names)}") from None
        finally:
            loop.remove_reader(self._terminal)
        if answer == "" or answer.strip().lower().startswith("s"):
            raise CannotDo(f"it cannot be done here: {said(deed, names)}")


def _forget_typed(terminal: int) -> None:
    """Drop what was typed before it was asked for, where the system can."""
    with contextlib.suppress(ImportError):
        import termios

        if os.isatty(terminal):
            termios.tcflush(terminal, termios.TCIFLUSH)


# --- a file ----------------------------------------------------------------------------------------------------------

_SLOT = re.compile(r"\$\{(\w+)\}|\{(\w+)\}")


PLACES = ("connector", "tag", "station")
"""What a deed at a station may be told in its places."""


class Way(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How one deed is done: an HTTP request or a command line."""

    url: str | None = None
    method: str = "POST"
    headers: dict[str, str] = {}
    body: Any = None
    run: str | None = None
    timeout_s: float = 60.0


class NoHandFile(Exception):
    """A file that describes no hand: one sentence says why."""


def read_hand(path: Path) -> dict[str, Way]:
    """Read a file of deeds: `[plug] url = "http://..."` or `[plug] run = "./plug.sh {connector}"`."""
    try:
        ways = read_as(path, dict[str, Way])
    except Unreadable as error:
        raise NoHandFile(str(error)) from None
    for name, way in ways.items():
        if name not in DEEDS and name != "ask":
            raise NoHandFile(f"{path}: [{name}] is no deed; deeds are {', '.join((*DEEDS, 'ask'))}")
        if (way.url is None) == (way.run is None):
            raise NoHandFile(f"{path}: [{name}] needs a url or a command to run, and not both")
        if way.url is not None and not way.url.startswith(("http://", "https://")):
            raise NoHandFile(f"{path}: [{name}] url begins with http:// or https://, not {way.url[:60]!r}")
        unknown = (place for _, place in _SLOT.findall(f"{way.url or way.run}") if place and place not in PLACES)
        for place in unknown if name != "ask" else ():
            near = nearest(place, PLACES)
            if near or way.url is not None:  # braces in a command line may be the shell's own
                raise NoHandFile(f"{path}: [{name}] knows no {{{place}}}{near or '; there are ' + ', '.join(PLACES)}")
        for variable in (one for one, _ in _SLOT.findall(json.dumps(msgspec.to_builtins(way))) if one):
            if not os.environ.get(variable):
                raise NoHandFile(f"{path}: [{name}] the environment variable {variable} is not set")
    return ways


def _fill(template: Any, names: Mapping[str, Any], kind: str) -> Any:
    if isinstance(template, dict):
        return {name: _fill(one, names, kind) for name, one in template.items()}
    if isinstance(template, list):
        return [_fill(one, names, kind) for one in template]
    if not isinstance(template, str):
        return template
    if kind == "body" and (whole := re.fullmatch(r"\{(\w+)\}", template)) and whole[1] in names:
        return names[whole[1]]

    def put(found: re.Match[str]) -> str:
        value = os.environ.get(found[1], "") if found[1] else names.get(found[2], found[0])
        text = value if isinstance(value, str) else json.dumps(value)
        return quote(text, safe="") if kind == "url" and not found[1] else shlex.quote(text) if kind == "run" else text

    return _SLOT.sub(put, template)


class Described:
    """The deeds of a file, over HTTP or by commands."""

    def __init__(self, ways: Mapping[str, Way]) -> None:
        self._ways = ways

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Do it."""
        way = self._ways.get(deed)
        if way is None:
            raise CannotDo(f"the hand file has no [{deed}]: {said(deed, names)}")
        if way.run is not None:
            await self._run(way, _fill(way.run, names, "run"))
        else:
            await asyncio.to_thread(self._request, way, names)

    async def _run(self, way: Way, line: str) -> None:
        process = await asyncio.create_subprocess_shell(
            line, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), way.timeout_s)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise CannotDo(f"the command took more than {way.timeout_s:g} s: {line[:120]}") from None
        if process.returncode:
            told = out.decode("utf-8", "replace").strip()[-120:]
            raise CannotDo(f"the command ended with {process.returncode}: {line[:120]} {told}".rstrip())

    def _request(self, way: Way, names: Mapping[str, Any]) -> None:
        assert way.url is not None
        url = _fill(way.url, names, "url")
        body = None if way.body is None else json.dumps(_fill(way.body, names, "body")).encode()
        headers = {"Content-Type": "application/json", **_fill(way.headers, names, "header")}
        try:
            request = urllib.request.Request(url, body, headers, method=way.method)
            with urllib.request.urlopen(request, timeout=way.timeout_s) as answer:
                answer.read(65536)
        except urllib.error.HTTPError as error:
            with error:
                told = error.read(200).decode("utf-8", "replace")
            raise CannotDo(f"{way.method} {url[:120]} answers {error.code} {told}".rstrip()) from None
        except (OSError, ValueError) as error:
            raise CannotDo(f"{way.method} {url[:120]} does not answer: {getattr(error, 'reason', error)}") from None
