"""OCPP 2.0.1 from outside: an operator's words, a scripted station's words, and how both are read back."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from interlock.csms.domain import commands as do
from interlock.scenarios.cli.check_races import stages_in
from interlock.scenarios.cli.versions import Spoken
from interlock.scenarios.judge import payloads, race_words
from interlock.scenarios.library import scenarios
from interlock.scenarios.live import race_variety_201
from interlock.scenarios.live.line_201 import ANSWERS, LEAST, Book, Newer, of_variables
from interlock.scenarios.live.race_parts import start_of, stop_of
from interlock.scenarios.live.reach import Reach
from interlock.scenarios.live.target_run import plan, spoken
from interlock.scenarios.record.frames import Frame, carries, read
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import Job
from interlock.scenarios.targets.applicable import inapplicable
from interlock.scenarios.targets.control_file import NoTarget, load
from interlock.scenarios.targets.exchange import Exchange
from interlock.scenarios.targets.wording import required, worded
from interlock.simulator.network.address import parse
from tests.foreign.newer import Newer as Foreign
from tests.foreign.newer import library_201

FILE = """
url = "http://127.0.0.1:1"
{ocpp}
[ask]
accepted = [200]
[commands.Unlock]
path = "/unlock/{{station}}"
body = {unlock}
[commands.RemoteStart]
path = "/start/{{station}}"
body = {start}
[transactions]
path = "/sessions?station={{station}}"
each = "@"
id = "id"
connector = "evse"
id_token = "card"
meter_start_wh = "start"
started_at = "at"
meter_stop_wh = "stop"
"""
UNLOCK = '{ evse = "{evseId}", connector = "{connectorId}" }'
START = '{ evse = "{evseId}", card = "{idTag}", number = "{remoteStartId}" }'


def file(folder: Path, ocpp: str = 'ocpp = "2.0.1"', unlock: str = UNLOCK, start: str = START) -> Path:
    path = folder / "control.toml"
    path.write_text(FILE.format(ocpp=ocpp, unlock=unlock, start=start), "utf-8")
    return path


# --- an operator's words ---


@pytest.mark.parametrize(
    ("command", "action", "payload"),
    [
        (do.Unlock(2), "UnlockConnector", {"evseId": 2, "connectorId": 1}),
        (do.RemoteStop("7c"), "RequestStopTransaction", {"transactionId": "7c"}),
        (
            do.RemoteStart(2, "X"),
            "RequestStartTransaction",
            {"evseId": 2, "idToken": {"idToken": "X", "type": "ISO14443"}},
        ),
        (do.ChangeAvailability(0, False), "ChangeAvailability", {"operationalStatus": "Inoperative"}),
    ],
)
def test_a_command_has_evses_and_text_for_ids(command: do.Command, action: str, payload: dict[str, Any]) -> None:
    assert worded(command, "2.0.1") == (action, payload)
    assert worded(do.Unlock(2), "1.6") == ("UnlockConnector", {"connectorId": 2})


def test_what_an_operator_leaves_open_the_csms_may_fill_in() -> None:
    _, asked = required(worded(do.RemoteStart(2, "X"), "2.0.1"))
    sent = {"evseId": 2, "idToken": {"idToken": "X", "type": "Central"}, "remoteStartId": 8}
    assert carries(sent, asked)
    assert not carries({**sent, "evseId": 1}, asked)
    assert not carries({**sent, "idToken": {"idToken": "x", "type": "Central"}}, asked)
    assert not carries(None, asked)


def test_a_file_asks_in_the_words_of_2_0_1(tmp_path: Path) -> None:
    exchange = Exchange(load(file(tmp_path), {}), {}, "2.0.1")
    asked = exchange.asking("Unlock", *worded(do.Unlock(2), "2.0.1"), "CP01", "key")
    assert json.loads(asked.data or b"") == {"evse": 2, "connector": 1}  # type: ignore[arg-type]
    first, again, other = (
        json.loads(exchange.asking("RemoteStart", *worded(do.RemoteStart(1, "X"), "2.0.1"), "CP01", key).data or b"")  # type: ignore[arg-type]
        for key in ("a", "a", "b")
    )
    assert first == again
    assert {**first, "number": 0} == {"evse": 1, "card": "X", "number": 0}
    assert 0 < first["number"] != other["number"]


def test_a_whole_payload_carries_a_remote_start_id(tmp_path: Path) -> None:
    exchange = Exchange(load(file(tmp_path, start='"{payload}"'), {}), {}, "2.0.1")
    body = exchange.asking("RemoteStart", *worded(do.RemoteStart(1, "X"), "2.0.1"), "CP01", "a").data
    assert payloads.of_call("2.0.1", "RequestStartTransaction", json.loads(body or b""), "csms") is None  # type: ignore[arg-type]


def test_a_transaction_of_2_0_1_has_any_text_for_an_id(tmp_path: Path) -> None:
    row = {"id": "7c-9", "evse": 1, "card": "X", "start": 5, "at": "2026-01-01T00:00:00Z", "stop": None}
    found = Exchange(load(file(tmp_path), {}), {}, "2.0.1").transactions(200, [row])
    assert (found[0]["id"], found[0]["connector"], found[0]["meter_stop_wh"]) == ("7c-9", 1, None)


@pytest.mark.parametrize(
    ("how", "ocpp", "says"),
    [
        ({}, "1.6", "its commands are in the words of OCPP 2.0.1, and stations speak 1.6"),
        ({"ocpp": ""}, None, r"\[commands.RemoteStart\] \{evseId\} is nothing known for RemoteStart"),
        ({"unlock": '{ connector = "{connectorId}" }'}, None, r"says \{evseId\} nowhere, so every Unlock"),
        ({"start": '{ evse = "{evseId}" }'}, None, r"says \{idToken\} nowhere, so every RemoteStart"),
        ({"ocpp": 'ocpp = "2.1"'}, None, "ocpp"),
    ],
)
def test_a_mistake_about_the_version_is_a_sentence(tmp_path: Path, how: dict[str, str], ocpp: Any, says: str) -> None:
    with pytest.raises(NoTarget, match=says):
        load(file(tmp_path, **how), {}, ocpp)
    load(file(tmp_path), {}, "2.0.1")


def test_a_remote_start_id_need_not_be_named(tmp_path: Path) -> None:
    load(file(tmp_path, start='{ evse = "{evseId}", token = "{idToken}" }'), {})


# --- which version, and which scenarios ---


def test_most_of_what_exists_in_1_6_exists_in_2_0_1() -> None:
    older = {name for name, one in scenarios().items() if inapplicable(one) is None}
    newer = {name for name, one in scenarios().items() if inapplicable(one, ocpp="2.0.1") is None}
    assert len(newer) >= 15
    assert older == newer
    why = inapplicable(scenarios()["configuration-is-told"], ocpp="2.0.1")
    assert why is not None
    assert why.startswith("it does not exist in OCPP 2.0.1: ")


def test_the_file_decides_the_version_of_a_plan(tmp_path: Path) -> None:
    [(_, why)] = plan(str(file(tmp_path)), [Job("configuration-is-told", 0)])
    assert "OCPP 2.0.1" in str(why)
    [(_, why)] = plan(str(file(tmp_path)), [Job("two-unlocks-one-node", 0, ocpp="2.0.1")])
    assert why is None
    with pytest.raises(Refused, match=r"stations speak 1\.6"):
        plan(str(file(tmp_path)), [Job("two-unlocks-one-node", 0, ocpp="1.6")])


def test_where_nobody_chose_the_csms_decides() -> None:
    async def work() -> list[bool]:
        async with library_201(Foreign()) as url:
            reach = Reach(parse(url))
            return [await reach.admits("1.6"), await reach.admits("2.0.1"), await asyncio.to_thread(_spoken, reach)]

    assert asyncio.run(work()) == [False, True, True]


def _spoken(reach: Reach) -> bool:
    return spoken(reach, None) == "2.0.1" and stages_in(None, ("races", "cases"), False, reach, None, loud=False) == (
        "2.0.1",
        ("races",),
    )


def test_the_cases_are_of_1_6() -> None:
    reach = Reach(parse("ws://127.0.0.1:1/x"))
    for stages in (("cases",), ("races", "cases")):
        with pytest.raises(Refused, match=r"the cases are of OCPP 1\.6"):
            stages_in(Spoken.V201, stages, True, reach, None, loud=False)
    with pytest.raises(Refused, match="one version after the other"):
        stages_in(Spoken.BOTH, ("races",), True, reach, None, loud=False)


# --- a station's words ---

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class _Line:
    """Tells the time to `start_of`."""

    def now(self, ago_s: float = 0.0) -> datetime:
        return BEGAN - timedelta(seconds=ago_s)


def _newer(station: str = "CP01", book: Book | None = None) -> Newer:
    return Newer(station, book or Book(random.Random(0)), lambda: BEGAN)


def _told() -> list[tuple[str, dict[str, Any]]]:
    line: Any = _Line()
    sample = {"value": "1.5", "unit": "kWh", "measurand": "Energy.Active.Import.Register", "format": "Raw"}
    meter = [{"timestamp": "2026-01-01T00:00:01Z", "sampledValue": [sample, {"value": "20", "measurand": "RPM"}]}]
    late = {**start_of(line, "Z", 2, 100), "timestamp": "2025-12-31T23:00:00+02:00"}
    return [
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"}),
        ("Authorize", {"idTag": "X"}),
        ("StatusNotification", {"connectorId": 1, "status": "SuspendedEV", "errorCode": "NoError"}),
        ("StatusNotification", {"connectorId": 0, "status": "Available", "errorCode": "NoError"}),
        ("Heartbeat", {}),
        ("StartTransaction", start_of(line, "X", 1, 1000)),
        ("StartTransaction", late),
        ("MeterValues", {"connectorId": 1, "transactionId": 1, "meterValue": meter}),
        ("MeterValues", {"connectorId": 1, "meterValue": meter}),
        ("StopTransaction", {**stop_of(line, 1, 1700, "X"), "transactionData": meter}),
        ("StopTransaction", {**stop_of(line, 2, 1700), "reason": "HardReset"}),
        ("StopTransaction", stop_of(line, 77, 1700)),
        ("DataTransfer", {"vendorId": "v"}),
        ("DiagnosticsStatusNotification", {"status": "Idle"}),
        ("FirmwareStatusNotification", {"status": "Idle"}),
    ]


@pytest.mark.parametrize("station", ["CP01", "CP02", "CP03", "CP04", "CP05", "CP06"])
def test_what_a_station_says_holds_the_schema(station: str) -> None:
    newer = _newer(station)
    for action, payload in _told():
        name, sent = newer.call(action, payload)
        assert payloads.of_call("2.0.1", name, sent, "station") is None, (action, sent)
        assert payloads.in_words("2.0.1", name, sent, answer=False) is None, (action, sent)


@pytest.mark.parametrize("station", ["CP01", "CP02", "CP03", "CP04", "CP05", "CP06"])
def test_it_is_read_back_as_it_was_meant(station: str) -> None:
    newer = _newer(station)
    begun = Frame(2, "m", *newer.call(*_told()[5]))
    start = race_words.called(begun)
    wanted = _told()[5][1]
    assert start.action == "StartTransaction"
    assert {name: start.field(name) for name in wanted} == wanted
    stop = race_words.called(Frame(2, "m", *newer.call("StopTransaction", stop_of(_Line(), 1, 1700, "X"))))  # type: ignore[arg-type]
    assert (stop.action, stop.field("meterStop")) == ("StopTransaction", 1700)
    assert stop.field("transactionId") == start.field("transactionId")
    answer = Frame(3, "m", payload={"idTokenInfo": {"status": "Blocked"}})
    assert newer.answer(*_told()[5], answer).payload == {"idTagInfo": {"status": "Blocked"}, "transactionId": 1}
    read_back = race_words.answered(answer, start)
    assert read_back.field("transactionId") == start.field("transactionId")
    assert race_words.called(Frame(2, "m", "Heartbeat", {})).action == "Heartbeat"


def test_what_is_out_of_the_ordinary_holds_the_schema() -> None:
    at = "2026-01-01T00:00:00.000Z"
    told = [*race_variety_201.messages(at)]
    for what, events in race_variety_201.sessions(at):
        told += [(what, "TransactionEvent", race_variety_201.filled(one, n, "7c", "X")) for n, one in enumerate(events)]
    assert len(told) > 200
    for what, action, payload in told:
        assert payloads.of_call("2.0.1", action, payload, "station") is None, (what, payload)
        assert payloads.in_words("2.0.1", action, payload, answer=False) is None, (what, payload)


def test_what_is_told_again_is_the_same_event() -> None:
    book = Book(random.Random(0))
    one, other = _newer("CP01", book), _newer("CP02", book)
    start, meter, stop = _told()[5], _told()[7], _told()[9]
    events = [one.call(*told)[1] for told in (start, meter, stop, start, meter, stop)]
    assert [event["seqNo"] for event in events] == [0, 1, 2, 0, 1, 2]
    assert len({event["transactionInfo"]["transactionId"] for event in events}) == 1
    assert other.call(*start)[1]["transactionInfo"] != events[0]["transactionInfo"]
    assert "offline" not in events[0]
    assert one.call(*_told()[6])[1]["offline"] is True


def test_what_a_station_answers_holds_the_schema() -> None:
    for action, answer in [*ANSWERS.items(), *LEAST.items()]:
        assert payloads.of_answer("2.0.1", action, answer) is None, (action, answer)
    variable = {"component": {"name": "C"}, "variable": {"name": "V"}}
    for action, asked in (("GetVariables", "getVariableData"), ("SetVariables", "setVariableData")):
        frame = read(json.dumps([2, "m", action, {asked: [{**variable, "attributeValue": "1"}]}]))
        assert frame is not None
        assert payloads.of_answer("2.0.1", action, of_variables(frame)) is None
    assert of_variables(Frame(2, "m", "Reset", {})) is None
