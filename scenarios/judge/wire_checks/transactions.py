"""Transactions of OCPP 1.6: ids, starts told again, stops, one at a time on a connector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interlock.scenarios.judge.wire_check import Check, Heard, Recent
from interlock.scenarios.record.frames import CALL, CALLRESULT, Frame

START = ("connectorId", "idTag", "meterStart", "timestamp")
"""What identifies a StartTransaction, under whatever message id it is sent."""


def wording(frame: Frame) -> tuple[str, ...]:
    """Return what identifies a start."""
    return tuple(str(frame.field(name)) for name in START)


def accepted(heard: Heard) -> tuple[Frame, Any, str | None] | None:
    """Return the start that a frame answers, the transactionId and the status of the card; None for anything else."""
    asked, frame = heard.asked, heard.frame
    if asked is None or frame is None or asked.action != "StartTransaction" or frame.kind != CALLRESULT:
        return None
    info = frame.field("idTagInfo")
    return asked.frame, frame.field("transactionId"), info.get("status") if isinstance(info, dict) else None


class OwnTransactions(Check):
    """Two sessions of a station never get the same transactionId.

    Stops and meter values name nothing else, so the second session's energy goes onto the first one's bill. A start
    that is told again, with the same reading of the same meter, is the same session.
    """

    id, name, about, absent = "W07", "each session has its own transactionId", "csms", "no session was begun"
    clause = "OCPP 1.6 section 4.8"
    dialect = ("1.6",)

    def __init__(self) -> None:
        super().__init__()
        self._given: Recent[tuple[tuple[str, ...], int]] = Recent()

    def said(self, heard: Heard) -> None:
        """Compare it with those given before."""
        start = accepted(heard)
        if start is None or heard.asked is None or type(start[1]) is not int or start[2] != "Accepted":
            return  # what was not accepted may be called anything
        self.checked += 1
        key, session = (heard.station, start[1]), wording(start[0])
        before = self._given.get(key)
        if before is None:
            self._given.put(key, (session, heard.i))
        elif before[0] != session:
            what = f"two sessions of {heard.station} are transaction {start[1]}"
            self.violated(
                what, "a transactionId for each", str(session), heard.station, before[1], heard.asked.i, heard.i
            )


class OneAnswerToOneStart(Check):
    """A start that is told again, under the same message id or a new one, gets the transactionId it got before.

    It is the same session: of two transactions one is never stopped, and its card is in use for ever. A start in
    the same words behind a stop of the first is another session. I32 is the same rule where the log tells.
    """

    id, name, about, absent = "W15", "one start, one transactionId", "csms", "no start was told twice"
    clause = "OCPP 1.6 sections 3.7 and 4.8"
    dialect = ("1.6",)
    whole_answer = False
    """Whether the card's status is compared too, and the first answer may be a refusal."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: Recent[tuple[Any, int]] = Recent()
        self._words: Recent[tuple[str, ...]] = Recent()

    def met(self, heard: Heard) -> None:
        """Forget a start that was stopped."""
        frame = heard.frame
        if frame is not None and frame.kind == CALL and frame.action == "StopTransaction":
            words = self._words.pop((heard.station, frame.field("transactionId")))
            if words is not None:
                self._answers.pop(words)

    def said(self, heard: Heard) -> None:
        """Compare it with the answer before."""
        start = accepted(heard)
        if (
            start is None
            or heard.asked is None
            or type(start[1]) is not int
            or (start[0].field("timestamp") is None and not self.whole_answer)
        ):
            return
        key, said = (heard.station, *wording(start[0])), (start[1], start[2] if self.whole_answer else None)
        before = self._answers.get(key)
        if before is None and start[2] != "Accepted" and not self.whole_answer:
            return  # what was not accepted may be called anything
        if before is None:
            self._answers.put(key, (said, heard.i))
            self._words.put((heard.station, start[1]), key)
            return
        self.checked += 1
        if before[0] != said:
            what = f"a StartTransaction on connector {start[0].field('connectorId')} that was sent again"
            expected, found = (f"transaction {', '.join(map(str, filter(None, one)))}" for one in (before[0], said))
            at = (before[1], heard.asked.i, heard.i)
            self.violated(f"{what} got another answer", f"{expected}, as before", found, heard.station, *at)


@dataclass(slots=True)
class Running:
    """A transaction that a CSMS gave its id."""

    connector: Any
    meter_wh: Any
    words: tuple[str, ...]
    i: int
    stop: tuple[str, int] | None = None
    """How its stop reads, and where it is."""


class StopsPair(Check):
    """A station ends a transaction once, on the connector it began on, and never below the meter of its start.

    The same stop told again is no fault. A transaction whose start is not in the record is left out.
    """

    id, name, about, absent = "S07", "starts and stops pair", "station", "no transaction was named"
    clause = "OCPP 1.6 sections 4.8 to 4.10"
    dialect = ("1.6",)

    def __init__(self) -> None:
        super().__init__()
        self._running: Recent[Running] = Recent()
        self._on: Recent[tuple[Any, int]] = Recent()

    def met(self, heard: Heard) -> None:
        """Take note of a transaction's id."""
        start = accepted(heard)
        if start is None or type(start[1]) is not int or heard.asked is None:
            return
        frame = start[0]
        known = self._running.get((heard.station, start[1]))
        if known is None or known.words != wording(frame):
            one = Running(frame.field("connectorId"), frame.field("meterStart"), wording(frame), heard.asked.i)
            self._running.put((heard.station, start[1]), one)
            self._on.put((heard.station, one.connector), (start[1], heard.asked.i))

    def said(self, heard: Heard) -> None:
        """Look at what names a transaction."""
        frame = heard.frame
        if frame is None or frame.kind != CALL:
            return
        if frame.action == "StartTransaction":
            self._starts(heard, frame)
        number = frame.field("transactionId")
        if frame.action not in ("StopTransaction", "MeterValues") or number is None:
            return
        one = self._running.get((heard.station, number))
        if one is None:
            self.cut += 1
            return
        self.checked += 1
        if frame.action == "MeterValues":
            if frame.field("connectorId") != one.connector:
                what = f"MeterValues of transaction {number} on another connector"
                found = f"connector {frame.field('connectorId')}"
                self.violated(what, f"connector {one.connector}", found, heard.station, one.i, heard.i)
            return
        stop_wh = frame.field("meterStop")
        told = f"{stop_wh} {frame.field('timestamp')}"
        if one.stop is not None and one.stop[0] != told:
            what = f"transaction {number} is stopped twice"
            self.violated(what, "one stop", heard.text[:120], heard.station, one.stop[1], heard.i)
        elif type(stop_wh) is int and type(one.meter_wh) is int and stop_wh < one.meter_wh:
            what = f"transaction {number} ends below its start"
            self.violated(what, f"{one.meter_wh} Wh or more", f"{stop_wh} Wh", heard.station, one.i, heard.i)
        one.stop = one.stop or (told, heard.i)

    def _starts(self, heard: Heard, frame: Frame) -> None:
        on = self._on.get((heard.station, frame.field("connectorId")))
        one = self._running.get((heard.station, on[0])) if on is not None else None
        if one is None or on is None:
            return
        self.checked += 1
        if one.stop is None and one.words != wording(frame):
            what = f"a start on connector {one.connector} while transaction {on[0]} runs there"
            self.violated(what, "its stop before", heard.text[:120], heard.station, one.i, heard.i)
