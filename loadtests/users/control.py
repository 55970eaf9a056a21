"""A CSMS's control interface for load tests, in greenlets, described by the file that `interlock run` takes too."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from interlock.csms.dialects import NotAcceptable, v16
from interlock.scenarios.targets.answers import TargetGone, fetch_now
from interlock.scenarios.targets.control_file import Described, NoTarget, load, of_interlock
from interlock.scenarios.targets.exchange import Exchange
from interlock.scenarios.targets.target import TOKEN_VARIABLE

PAGES = 1000
OPEN = ("requested", "in-doubt")
"""The states of a command that another may still follow."""


class NoControl(ValueError):
    """A control interface that cannot be used; the message says why."""


@dataclass(slots=True)
class Asked:
    """How a request was answered: accepted, known, refused, unreachable or failed, and the command's id if any."""

    answer: str
    command_id: str | None = None
    detail: str = ""


class Control(Protocol):
    """What is needed of a CSMS besides its WebSocket. What it cannot tell is None."""

    def stations(self) -> list[str] | None:
        """Name the stations it knows."""

    @property
    def keyed(self) -> bool:
        """Whether it knows a request that is made again by its key."""

    def takes(self, action: str, payload: dict[str, Any]) -> bool:
        """Return whether it can be asked for such a command."""

    def ask(self, station: str, action: str, payload: dict[str, Any], key: str) -> Asked:
        """Ask for a command; the same `key` again must do nothing."""

    def state(self, command_id: str) -> str | None:
        """Say where a command stands; "" for one it does not know, None when it does not answer."""

    def transactions(self, station: str) -> list[tuple[int, int, int | None]] | None:
        """Return (transaction id, meter at start, meter at stop), meters in Wh, of a station's transactions."""


class HttpControl:
    """The interface that a control file describes, with secrets from `environment`."""

    def __init__(self, described: Described, environment: Mapping[str, str]) -> None:
        self._described, self._exchange = described, Exchange(described, environment)

    def stations(self) -> list[str] | None:
        """Name the stations it knows; None without [stations]."""
        shape, found = self._described.stations, list[str]()
        for _ in range(PAGES if shape is not None else 0):
            assert shape is not None
            try:
                status, told = self._get(shape.path, {"after": found[-1] if found else ""})
                self._exchange.answered("stations", status)
                page = self._exchange.list("stations", shape.each, told)
                found += [str(self._exchange.find("stations", shape.id, one)) for one in page]
                if not page or shape.next is None or not self._exchange.find("stations", shape.next, told):
                    return found
            except TargetGone:
                return found or None
        return found or None

    @property
    def keyed(self) -> bool:
        """Whether every way of asking carries the key."""
        return "requests" in self._described.tells

    def takes(self, action: str, payload: dict[str, Any]) -> bool:
        """Return whether the file says how to ask for it."""
        return _kind(action, payload) in self._described.askable

    def ask(self, station: str, action: str, payload: dict[str, Any], key: str) -> Asked:
        """Ask for a command."""
        kind = _kind(action, payload)
        request = self._exchange.asking(kind, action, payload, station, key)
        try:
            decided = self._exchange.asked(kind, key, *fetch_now(request, self._described.timeout_s))
        except TargetGone as error:
            return Asked("failed", None, str(error))
        answer = "accepted" if decided.answer == "known" else decided.answer
        return Asked(answer, decided.command_id, decided.reason or "")

    def state(self, command_id: str) -> str | None:
        """Say where a command stands."""
        outcome = self._described.outcome
        if outcome is None:
            return self._exchange.ended.get(command_id)
        try:
            status, told = self._get(outcome.path, {"command": command_id, "station": ""})
            return "" if status == 404 else self._exchange.phase(status, told)
        except TargetGone:
            return None

    def transactions(self, station: str) -> list[tuple[int, int, int | None]] | None:
        """Return a station's transactions; None without [transactions]."""
        shape = self._described.transactions
        if shape is None:
            return None
        try:
            found = self._exchange.transactions(*self._get(shape.path, {"station": station}))
        except TargetGone:
            return None
        return [(one["id"], one["meter_start_wh"], one["meter_stop_wh"]) for one in found]

    def _get(self, path: str, names: Mapping[str, Any]) -> tuple[int, Any]:
        return fetch_now(self._exchange.request("GET", path, names), self._described.timeout_s)


def _kind(action: str, payload: dict[str, Any]) -> str:
    """Return what a control file calls a command of OCPP 1.6."""
    try:
        return type(v16.command(action, payload)).__name__
    except NotAcceptable:
        return ""


def control_of(text: str) -> HttpControl | None:
    """Return the control interface at a URL of `interlock serve` or in a file; None for "". Raises `NoControl`."""
    if not text:
        return None
    if text.startswith(("http://", "https://")):
        if not os.environ.get(TOKEN_VARIABLE):
            raise NoControl(f"--control needs the API's token in {TOKEN_VARIABLE}")
        return HttpControl(of_interlock(text), os.environ)
    try:
        return HttpControl(load(Path(text), os.environ), os.environ)
    except NoTarget as error:
        raise NoControl(f"--control: {error}") from None


def settled(control: Control, command_id: str, seconds: float) -> str | None:
    """Return where a command stands once that is no longer open, or after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        found = control.state(command_id)
        if found not in OPEN or time.monotonic() >= until:
            return found
        time.sleep(0.25)
