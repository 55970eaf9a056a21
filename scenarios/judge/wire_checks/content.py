"""What is in messages: schemas with their formats, and what the standard says in words."""

from __future__ import annotations

from interlock.scenarios.judge.wire_check import Asked, Check, Connection, Heard, Side, shown
from interlock.scenarios.record.frames import CALL, CALLERROR, CALLRESULT
from interlock.scenarios.record.versions import VERSIONS


class _ValidAnswers(Check):
    """Shared by W03 and S03."""

    dialect = VERSIONS

    def said(self, heard: Heard) -> None:
        asked, frame = heard.asked, heard.frame
        if asked is None or frame is None or frame.kind != CALLRESULT:
            return
        self.checked += 1
        if heard.wrong is not None:
            what = f"the answer to {shown(asked.action, 40)} is not valid"
            self.violated(what, f"a {shown(asked.action, 40)}.conf", str(heard.wrong), heard.station, asked.i, heard.i)


class CsmsValidAnswers(_ValidAnswers):
    """The payload of each CALLRESULT of the CSMS is what its version of OCPP says an answer to that action is.

    Formats count: a time has a zone, and a date is one that there is.
    """

    id, name, about, absent = "W03", "answers are valid", "csms", "the CSMS answered nothing"
    clause = "the JSON schemas of the version"


class StationsValidAnswers(_ValidAnswers):
    """The payload of each CALLRESULT of a station is what its version of OCPP says an answer to that action is."""

    id, name, about, absent = "S03", "answers are valid", "station", "no station answered anything"
    clause = "the JSON schemas of the version"


class CsmsValidCalls(Check):
    """Each CALL of the CSMS has an action that is a CSMS's in this version, and the payload that belongs to it."""

    id, name, about, absent = "W04", "CALLs are valid", "csms", "the CSMS called nobody"
    clause = "the JSON schemas of the version"
    dialect = VERSIONS

    def said(self, heard: Heard) -> None:
        """Check the payload."""
        frame = heard.frame
        if frame is None or frame.kind != CALL:
            return
        self.checked += 1
        if heard.wrong is not None:
            action = shown(frame.action, 40)
            self.violated(f"a {action} that is not valid", f"a {action}.req", str(heard.wrong), heard.station, heard.i)


class _WhenAnswered(Check):
    """A check of a station's CALLs that judges what is wrong with one once it is known how it was answered.

    One that the CSMS refused with a CALLERROR has been dealt with: it is FAIL where the station alone is asked about,
    and INCONCLUSIVE beside the CSMS that refused it.
    """

    about = "station"
    dialect = VERSIONS
    words = False

    def met(self, heard: Heard) -> None:
        """Judge what was answered."""
        if heard.asked is not None:
            self._judge(heard.station, heard.asked, refused=heard.kind == CALLERROR)

    def gone(self, station: str, connection: Connection, caller: Side, asked: Asked, t: float) -> None:
        """Judge what was not answered."""
        if caller == self.about:
            self._judge(station, asked, refused=False)

    def _judge(self, station: str, asked: Asked, *, refused: bool) -> None:
        if asked.wrong is not None and (asked.wrong.rule == "words") == self.words:
            self.refused += refused
            action = shown(asked.action, 40)
            what = f"a {action} that {'breaks a rule' if self.words else 'is not valid'}"
            self.violated(what, f"a {action}.req", str(asked.wrong), station, asked.i)


class StationsValidCalls(_WhenAnswered):
    """Each CALL of a station has an action that stations request in this version, and the payload that belongs to it.

    One that was refused with a CALLERROR is FAIL with `--about station` only: the CSMS has dealt with it.
    """

    id, name, absent = "S04", "CALLs are valid", "no station called"
    clause = "the JSON schemas of the version"

    def said(self, heard: Heard) -> None:
        """Count it."""
        self.checked += heard.kind == CALL


class CsmsWords(Check):
    """What the CSMS sends keeps the rules that schemas do not hold.

    Connectors of starts, unlocks and triggers are above 0, integers have 32 bits, charging profiles are where their
    purpose belongs. In 2.0.1 an event with a token that begins or goes on with a transaction is answered with what the
    token is.
    """

    id, name, about, absent = "W12", "rules in words are kept", "csms", "the CSMS said nothing"
    clause = "OCPP 1.6 sections 3.13.1, 5.16.2, 6.33, 6.51, 6.53, 7.14; OCPP 2.0.1 part 2 chapter 2, section 1.60.2"
    dialect = VERSIONS

    def said(self, heard: Heard) -> None:
        """Look for what is wrong."""
        if heard.kind == CALL or (heard.kind == CALLRESULT and heard.asked is not None):
            self.checked += 1
            _words(self, heard)
        if heard.kind == CALLRESULT and heard.asked is not None and _wants_token(heard.asked):
            found = heard.frame.field("idTokenInfo") if heard.frame is not None else None
            if found is None:
                what = "an event with an idToken is answered without what the token is"
                self.violated(what, "idTokenInfo", "none", heard.station, heard.asked.i, heard.i)


def _wants_token(asked: Asked) -> bool:
    """Whether the answer to an event has to say what its token is; at a transaction's end nothing hangs on it."""
    frame = asked.frame
    if asked.wrong is not None:
        return False
    return (
        frame.action == "TransactionEvent"
        and frame.field("eventType") != "Ended"
        and frame.field("idToken") is not None
    )


class StationsWords(_WhenAnswered):
    """What a station sends keeps the rules that schemas do not hold.

    A start is on a connector above 0, connector 0 does not charge, integers have 32 bits, raw values are numbers. One
    that was refused with a CALLERROR is FAIL with `--about station` only.
    """

    id, name, absent = "S12", "rules in words are kept", "no station said anything"
    clause = "OCPP 1.6 sections 4.9, 6.45, 7.43; OCPP 2.0.1 part 2 chapter 2"
    words = True

    def said(self, heard: Heard) -> None:
        """Look for what is wrong with an answer; a CALL is judged with its own."""
        self.checked += heard.kind == CALL
        if heard.kind == CALLRESULT and heard.asked is not None:
            self.checked += 1
            _words(self, heard)


def _words(check: Check, heard: Heard) -> None:
    if heard.words is not None and heard.frame is not None:
        what = heard.frame.action or f"the answer to {heard.asked.action if heard.asked else '?'}"
        rule = "what the standard says in words"
        check.violated(f"{shown(what, 60)} breaks a rule", rule, str(heard.words), heard.station, heard.i)
