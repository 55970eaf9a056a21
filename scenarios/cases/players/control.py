"""A CSMS's operator, asked over the control interface that a file describes (`interlock explain target`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from interlock.csms.dialects import NotAcceptable, v16
from interlock.scenarios.cases.players.hand import CannotDo, said
from interlock.scenarios.cases.players.runner import Gone
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.scenarios.targets.answers import TargetGone, fetch
from interlock.scenarios.targets.control_file import Ask, Described, NoTarget, load
from interlock.scenarios.targets.exchange import Exchange
from interlock.scenarios.targets.http_target import HttpTarget
from interlock.scenarios.targets.target import token_for

OURS = Path(__file__).parents[2] / "targets" / "interlock.toml"
"""The interface of `interlock serve`."""


def operator(control: str) -> Control:
    """Return a CSMS's operator: by the API of `interlock serve` for a URL, else by a control file. Raises `Refused`."""
    try:
        if token_for(control, os.environ) is not None:
            described = msgspec.structs.replace(load(OURS, os.environ), url=control.rstrip("/"))
        else:
            described = load(Path(control), os.environ)
    except NoTarget as error:
        raise Refused(f"--control: {error}", UNTOLD if "is not set" in str(error) else 2) from None
    return Control(described)


class Control:
    """Has a CSMS make CALLs, over its control interface."""

    def __init__(self, described: Described) -> None:
        self._described = described
        self.cards = {card: status for status, cards in described.cards.items() for card in cards}
        self._exchange = Exchange(described, os.environ)
        self._count = 0

    async def check(self) -> None:
        """Raise `Gone` unless it is reachable and grants access."""
        try:
            await HttpTarget(self._described, os.environ).check()
        except TargetGone as error:
            raise Gone(f"--control: {error}") from None

    async def do(self, deed: str, names: Mapping[str, Any]) -> None:
        """Ask for a CALL: `names` are station, action and payload."""
        if deed != "ask":
            raise CannotDo(f"only a person can {said(deed, names)}")
        action, payload = names["action"], names["payload"]
        ask = self._request(action, payload)
        self._count += 1
        filled = {**payload, **names, "request": f"check-{os.getpid()}-{self._count}"}
        try:
            request = self._exchange.request(ask.method, ask.path, filled, ask.body, ask.headers)
            status, told = await fetch(request, self._described.timeout_s)
        except TargetGone as error:
            raise Gone(f"--control: {error}") from None
        except KeyError as error:
            raise CannotDo(f"the control file needs {{{error.args[0]}}}, which a {action} does not have") from None
        if status in (401, 403):
            raise Gone(f"--control: {self._described.url} answers {status}; is the secret right?")
        if status not in ask.accepted:
            reason = self._exchange.find("ask", ask.reason, told) if ask.reason and isinstance(told, dict) else None
            raise CannotDo(f"the control interface does not take this {action}: {status} {reason or ''}".rstrip())

    def _request(self, action: str, payload: dict[str, Any]) -> Ask:
        try:
            kind = type(v16.command(action, payload)).__name__
        except NotAcceptable:
            kind = ""
        if kind in self._described.askable:
            return self._described.request(kind)
        if self._described.askable and self._described.ask.path and "{payload}" in str(self._described.ask.body):
            return self._described.ask
        raise CannotDo(f"the control file says nothing of {action}")
