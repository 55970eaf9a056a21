"""Requests to a control interface and the meaning of its answers, as a control file describes them. Sans-I/O.

`HttpTarget` (scenarios) sends these in threads of asyncio, `loadtests.users.control` in greenlets.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from interlock.csms.node import Decision
from interlock.scenarios.targets.answers import ID_LONGEST, Misfit
from interlock.scenarios.targets.control_file import Described, fill
from interlock.scenarios.targets.wording import DRAWN, NAMES, flat
from interlock.simulator.spec import OcppVersion

ASTRAY = frozenset((401, 403, 404, 405, 501))
"""Status codes of a wrong path, method or secret, where the file does not give them a meaning."""


SAMPLE = ("value", "at", "measurand", "unit", "phase", "context")
"""What may be told of a meter value."""


class Exchange:
    """The interface that `described` describes, with secrets from `environment`."""

    def __init__(self, described: Described, environment: Mapping[str, str], ocpp: OcppVersion = "1.6") -> None:
        self.described, self._environment, self.ocpp = described, environment, ocpp
        self._words = {theirs: ours for ours, words in described.states.items() for theirs in words}
        self.ended: dict[str, str | None] = {}
        """Where commands stand whose answer said so at once, by their ids."""

    # --- requests ---

    def asking(self, kind: str, action: str, payload: dict[str, Any], station: str, key: str) -> urllib.request.Request:
        """Return the request that asks for a command: `kind` of `COMMANDS`, `action` and `payload` of its version."""
        ask = self.described.request(kind)
        more = {} if self.ocpp == "1.6" else flat(payload, key)
        if kind == "RemoteStart" and DRAWN in more:
            payload = {**payload, DRAWN: more[DRAWN]}
        about = {"station": station, "request": key, "action": action, "payload": payload}
        names = {**dict.fromkeys(NAMES[self.ocpp][kind]), **payload, **more, **about}
        return self.request(ask.method, ask.path, names, ask.body, ask.headers)

    def request(
        self,
        method: str,
        path: str,
        names: Mapping[str, Any],
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib.request.Request:
        """Return a request with values in their places."""
        environment, all_headers = self._environment, {**self.described.headers, **(headers or {})}
        url = self.described.url.rstrip("/") + fill(path, names, environment, url=True)
        sent = {name: str(fill(text, names, environment)) for name, text in all_headers.items()}
        data = None if body is None else json.dumps(fill(body, names, environment)).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        return urllib.request.Request(url, data, sent, method=method)

    # --- answers ---

    def asked(self, kind: str, key: str, status: int, told: Any) -> Decision:
        """Return what the answer to `asking` means. Raises `Misfit`."""
        ask = self.described.request(kind)
        if status in ASTRAY - {*ask.accepted, *ask.refused, *ask.unreachable}:
            raise Misfit(
                f"[ask] {ask.method} {ask.path} is answered {status}, which the file does not name; "
                "is the path right, and the secret?"
            )
        if status in ask.accepted and not (ask.refused_when and self.find("ask", ask.refused_when, told)):
            known = bool(ask.known and self.find("ask", ask.known, told))
            found = self.find("ask", ask.id, told) if ask.id else key
            if found is None:
                raise Misfit(f"[ask] id = {ask.id!r} finds nothing in an answer with status {status}")
            if not isinstance(found, str | int) or len(str(found)) > ID_LONGEST:
                raise Misfit(f"[ask] id = {ask.id!r} finds no id of at most {ID_LONGEST} characters")
            if ask.state:
                self.ended[str(found)] = self._state("ask", ask.state, told)
            return Decision("known" if known else "accepted", str(found))
        reason = self.find("ask", ask.reason, told) if ask.reason else None
        answer: Any = "refused" if status in (*ask.accepted, *ask.refused) else "failed"
        answer = "unreachable" if status in ask.unreachable else answer
        return Decision(answer, None, f"status {status}" if reason is None else str(reason)[:ID_LONGEST])

    def phase(self, status: int, told: Any) -> str | None:
        """Return where a command stands by the answer of [outcome]; None: it does not know, or not yet."""
        outcome = self.described.outcome
        assert outcome is not None
        if status == 404:
            return None  # a command that it does not know
        self.answered("outcome", status)
        if _lacks(told, outcome.state):
            raise Misfit(f"[outcome] state = {outcome.state!r} finds nothing in {_shown(told)}")
        return self._state("outcome", outcome.state, told)

    def transactions(self, status: int, told: Any) -> list[dict[str, Any]]:
        """Return the transactions in the answer of [transactions] by its names, whole numbers where they are due.

        In 2.0.1 a CSMS may say null for an EVSE or a meter that it was not told: an event needs to name neither.
        """
        shape = self.described.transactions
        assert shape is not None
        self.answered("transactions", status)
        found = []
        for one in self.list("transactions", shape.each, told):
            numbers: dict[str, Any] = {}
            for name in ("id", "connector", "meter_start_wh", "meter_stop_wh"):
                read = _text if name == "id" and self.ocpp != "1.6" else _whole
                numbers[name] = value = read(self.find("transactions", getattr(shape, name), one))
                untold = self.ocpp != "1.6" and name != "id" and _null(one, getattr(shape, name))
                if value is None and name != "meter_stop_wh" and not untold:
                    what = "text" if read is _text else "whole number"
                    raise Misfit(f"[transactions] {name} = {getattr(shape, name)!r} finds no {what}")
            texts = {name: self.find("transactions", getattr(shape, name), one) for name in ("id_token", "started_at")}
            found.append({**numbers, **texts})
        return found

    def samples(self, status: int, told: Any) -> list[dict[str, str | None]]:
        """Return the meter values in the answer of [samples] as texts by its names; None: it has nothing there."""
        shape = self.described.samples
        assert shape is not None
        self.answered("samples", status)
        names = [name for name in SAMPLE if getattr(shape, name) is not None]
        found = []
        for one in self.list("samples", shape.each, told):
            values = {name: self.find("samples", getattr(shape, name), one) for name in names}
            if not isinstance(values["value"], str | int | float):
                raise Misfit(f"[samples] value = {shape.value!r} finds no number")
            found.append({name: None if value is None else str(value) for name, value in values.items()})
        return found

    def answered(self, table: str, status: int) -> None:
        """Raise `Misfit` when a question about a station that is connected is not answered with 200."""
        if status != 200:
            raise Misfit(f"[{table}] path is answered {status}; is it right, and the secret?")

    def online(self, told: Any) -> bool:
        """Return whether a station is said to be connected; null: it is not. Raises `Misfit` for any other value."""
        expression = self.described.online.online if self.described.online is not None else ""
        found = self.find("online", expression, told)
        if not isinstance(found, bool | None) and found not in (0, 1):
            example = f"{expression} == {str(found)[:40]!r}"
            raise Misfit(
                f"[online] online = {expression!r} finds {found!r}, not true or false; write such as {example}"
            )
        return bool(found)

    def find(self, table: str, expression: str, told: Any) -> Any:
        """Return what an expression finds in an answer. Raises `Misfit` when it cannot be applied."""
        try:
            return jmespath.search(expression, told)
        except (JMESPathError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise Misfit(f"[{table}] {expression!r} cannot be applied: {why}") from None
        except RecursionError:
            raise Misfit(f"[{table}] {expression!r} cannot be applied: it is too deep") from None

    def list(self, table: str, expression: str, told: Any) -> list[Any]:
        """Return the list that an expression finds. Raises `Misfit` when it finds none."""
        found = self.find(table, expression, told)
        if not isinstance(found, list):
            raise Misfit(f"[{table}] each = {expression!r} finds no list in the answer")
        return found

    def _state(self, table: str, expression: str, told: Any) -> str | None:
        word = self.find(table, expression, told)
        if word is None:
            return None
        if str(word) not in self._words:
            raise Misfit(f"[{table}] state is {str(word)[:40]!r}, which [states] does not name")
        return self._words[str(word)]


_KEYS = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"


def _null(told: Any, expression: str) -> bool:
    """Return whether an expression that only names keys finds null, rather than nothing."""
    return (
        bool(re.fullmatch(_KEYS, expression))
        and not _lacks(told, expression)
        and jmespath.search(expression, told) is None
    )


def _lacks(told: Any, expression: str) -> bool:
    """Return whether an expression that only names keys names one that an answer has not; null is a value."""
    if not re.fullmatch(_KEYS, expression):
        return False
    for key in expression.split("."):
        if not isinstance(told, dict) or key not in told:
            return told is not None
        told = told[key]
    return False


def _shown(told: Any) -> str:
    return f"an answer with the keys {', '.join(sorted(map(str, told)))[:120]}" if isinstance(told, dict) else "it"


def _text(value: Any) -> str | None:
    """Return a transaction's id of 2.0.1, also where it looks like a number."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _whole(value: Any) -> int | None:
    """Return a number of Wh or an id, also where it is written as text."""
    if isinstance(value, bool):
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
