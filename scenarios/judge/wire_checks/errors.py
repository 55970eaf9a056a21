"""CALLERRORs: their codes, and whether what they refuse was wrong. Before one is blamed, the request is looked at."""

from __future__ import annotations

from interlock.scenarios.judge.error_codes import CODES, DESCRIPTION_LENGTH, NEVER_FOR_VALID, fits
from interlock.scenarios.judge.payloads import rules_of_call
from interlock.scenarios.judge.wire_check import OTHER, Check, Heard, shown
from interlock.scenarios.record.frames import CALLERROR, CALLRESULT
from interlock.scenarios.record.versions import VERSIONS, names

CSMS_ANSWERS = names(
    "Authorize BootNotification Heartbeat MeterValues StartTransaction StatusNotification StopTransaction "
    "TransactionEvent NotifyReport"
)
"""Actions a CSMS has to answer, whatever it thinks of them."""
STATION_ANSWERS = names(
    "ChangeAvailability ChangeConfiguration ClearCache GetConfiguration RemoteStartTransaction "
    "RemoteStopTransaction Reset UnlockConnector GetVariables SetVariables GetBaseReport "
    "RequestStartTransaction RequestStopTransaction"
)
"""Actions a station has to answer: the core of each version."""
FACTS = ("StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent")
UNREGISTERED = ("SecurityError", "GenericError", "ProtocolError")
"""What a CSMS may say to a station whose boot it has not accepted."""


class _KnownErrors(Check):
    """Shared by W13 and S13."""

    dialect = VERSIONS

    def said(self, heard: Heard) -> None:
        frame, version = heard.frame, heard.peer.version
        if frame is None or frame.kind != CALLERROR or version is None:
            return
        self.checked += 1
        expected = f"a code of OCPP {version}, a text of up to {DESCRIPTION_LENGTH} characters and an object"
        found = None
        if frame.code not in CODES[version]:
            found = f"the code {shown(frame.code, 60)!r}"
        elif frame.parts != 5:
            found = f"{frame.parts} elements, not 5"
        elif not isinstance(frame.description, str) or len(frame.description) > DESCRIPTION_LENGTH:
            found = f"the description {shown(frame.description, 60)!r}"
        elif not isinstance(frame.details, dict):
            found = f"the details {shown(frame.details, 60)!r}"
        if found is not None:
            what = "a CALLERROR that is none of this version"
            self.violated(what, expected, found, heard.station, *(one.i for one in (heard.asked, heard) if one))


class CsmsKnownErrors(_KnownErrors):
    """A CALLERROR of the CSMS has a code of its version, spelt as that version spells it, a description and details.

    1.6 says FormationViolation and OccurenceConstraintViolation; 2.0.1 FormatViolation, OccurrenceConstraintViolation,
    RpcFrameworkError and MessageTypeNotSupported. A station that does not know a code sends its message again for ever.
    """

    id, name, about, absent = "W13", "error codes are of the version", "csms", "the CSMS sent no CALLERROR"
    clause = "OCPP-J 1.6 section 4.2.3; OCPP 2.0.1 part 4 section 4.3"


class StationsKnownErrors(_KnownErrors):
    """A CALLERROR of a station has a code of its version, spelt as that version does, a description and details."""

    id, name, about, absent = "S13", "error codes are of the version", "station", "no station sent a CALLERROR"
    clause = "OCPP-J 1.6 section 4.2.3; OCPP 2.0.1 part 4 section 4.3"


class _AnswersNotErrors(Check):
    """Shared by W14 and S14."""

    dialect = VERSIONS
    demanded = CSMS_ANSWERS

    def said(self, heard: Heard) -> None:
        frame, asked = heard.frame, heard.asked
        if frame is None or asked is None or frame.kind not in (CALLRESULT, CALLERROR):
            return
        if asked.action not in self.demanded and frame.code not in NEVER_FOR_VALID:
            return
        if frame.kind == CALLERROR and asked.wrong is not None:
            return  # that is what CALLERRORs are for
        if frame.kind == CALLERROR and (asked.excuse is not None or self._excused(heard, frame.code)):
            self.lack(f"errors that may be right: {asked.excuse or 'the station is not registered'}")
            return
        self.checked += 1
        if frame.kind == CALLERROR:
            what = f"{shown(asked.action, 40)} {shown(asked.id, 40)} is valid and was answered with an error"
            expected = f"a {shown(asked.action, 40)}.conf"
            self.violated(what, expected, heard.text[:120], heard.station, asked.i, heard.i)

    def _excused(self, heard: Heard, code: str) -> bool:
        return heard.peer.registration != "Accepted" and code in UNREGISTERED and code != "InternalError"


class CsmsAnswersNotErrors(_AnswersNotErrors):
    """A valid request of a kind that a CSMS has to answer gets an answer and no error.

    To a boot, a heartbeat, a card, a session the standard knows no refusal but the one inside the answer. A code that
    says that the request was wrong, where it was not, is a fault whatever the action.
    """

    id, name, about, absent = "W14", "valid requests are answered", "csms", "no station asked what has to be answered"
    clause = "OCPP 1.6 sections 4.1 to 4.10; OCPP-J 1.6 section 4.2.3"

    def _excused(self, heard: Heard, code: str) -> bool:
        boot = heard.asked is not None and heard.asked.action == "BootNotification"
        return not boot and super()._excused(heard, code)


class StationsAnswerNotErrors(_AnswersNotErrors):
    """A valid request of the core that a CSMS may make gets an answer and no error.

    A station that will not do something says Rejected or NotSupported inside its answer.
    """

    id, name, about, absent = "S14", "valid requests are answered", "station", "the CSMS called nobody"
    clause = "OCPP 1.6 section 5; OCPP-J 1.6 section 4.2.3"
    demanded = STATION_ANSWERS


class _FittingErrors(Check):
    """Shared by W19 and S19."""

    level = "SHOULD"
    dialect = VERSIONS

    def said(self, heard: Heard) -> None:
        frame, asked, version = heard.frame, heard.asked, heard.peer.version
        if (
            frame is None
            or asked is None
            or frame.kind != CALLERROR
            or version is None
            or frame.code not in CODES[version]
        ):
            return
        if asked.wrong is None or asked.excuse is not None:
            return
        rules = rules_of_call(version, asked.action, asked.frame.payload, OTHER[self.about])
        self.checked += 1
        if rules and not any(fits(rule, frame.code) for rule in rules):
            what = f"a {shown(asked.action, 40)} was refused with a code that does not fit"
            found = f"{frame.code}: {frame.description}"
            self.violated(what, f"a code for {asked.wrong}"[:160], shown(found), heard.station, asked.i, heard.i)


class CsmsFittingErrors(_FittingErrors):
    """A CALLERROR of the CSMS says what is wrong with the request it refuses.

    What is missing is an occurrence violation, what has a wrong type a type violation, a value out of its range a
    property violation, an action that is not known NotImplemented; codes that name no rule fit always.
    """

    id, name, about, absent = "W19", "error codes fit", "csms", "no wrong request was refused"
    clause = "OCPP-J 1.6 section 4.2.3; OCPP 2.0.1 part 4 section 4.3"


class StationsFittingErrors(_FittingErrors):
    """A CALLERROR of a station says what is wrong with the request it refuses, as W19 has it for the CSMS."""

    id, name, about, absent = "S19", "error codes fit", "station", "no wrong request was refused"
    clause = "OCPP-J 1.6 section 4.2.3; OCPP 2.0.1 part 4 section 4.3"


class FactsTaken(Check):
    """What a station reports of its sessions, validly, is not answered with a CALLERROR.

    A session has happened, whatever the CSMS thinks of it. A station that is refused tells it again a few times and
    then gives it up, and with it the bill.
    """

    id, name, about, absent = "W09", "facts are not refused", "csms", "no session was reported"
    clause = "OCPP 1.6 sections 4.8 and 4.10 and the errata to 3.7"
    level = "SHOULD"
    dialect = VERSIONS

    def said(self, heard: Heard) -> None:
        """Look for refusals."""
        asked = heard.asked
        if asked is None or asked.action not in FACTS:
            return
        if heard.kind == CALLERROR and (asked.wrong is not None or asked.excuse is not None):
            self.lack("the station's request was wrong itself")
            return
        self.checked += 1
        if heard.kind == CALLERROR:
            what = f"{asked.action} {shown(asked.id, 40)} was refused"
            self.violated(what, "a CALLRESULT", heard.text[:120], heard.station, asked.i, heard.i)
