"""Each check of a load test bites, lets the innocent pass, and says so where it cannot tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.scenarios.judge.ledger_checks import LOAD_CHECKS, Answers, judge
from interlock.scenarios.judge.verdict import Finding, Verdict
from interlock.scenarios.record.domain_view import Observation

ASKED = Answers(known=True)


class Load:
    """What one station of a load test did; message ids of commands are the CSMS's command ids where `tied`."""

    def __init__(self, tied: bool = True) -> None:
        self.rows: list[Observation] = []
        self.tied = tied

    def see(self, kind: str, **fields: Any) -> Load:
        self.rows.append(Observation(len(self.rows), float(len(self.rows)), kind, {"station": "CP01", **fields}))
        return self

    def frame(self, edge: str, *message: Any) -> Load:
        return self.see("frame", edge=f"station.{edge}", socket=1, node="csms", text=json.dumps(message, indent=1))

    def command(self, id: str, status: str = "Unlocked", moved: int = 1, state: str | None = "accepted") -> Load:
        message_id = id if self.tied else f"m-{id}"
        self.see("request.answered", request_id=f"r-{id}", command_id=id, answer="accepted")
        self.frame("received", 2, message_id, "UnlockConnector", {"connectorId": 1})
        self.see("obeyed", message_id=message_id, action="UnlockConnector", status=status)
        for _ in range(moved):
            about = {"connector": 1, "part": "lock", "action": "unlocked", "by": "remote"}
            self.see("ledger", message_id=message_id, **about)
        self.frame("sent", 3, message_id, {"status": status})
        for _ in range(3):
            self.see("tick")
        if state is not None:
            self.see("command.state", command_id=id, state=state)
        if not self.tied:
            self.see("command.state", command_id=message_id, state="")
        return self

    def session(self, number: int = 7, start: int = 10, stop: int = 20, taken: bool = True, **billed: Any) -> Load:
        name = f"e{number}"
        self.see("session.ended", energy_wh=stop - start, meter_wh=stop)
        self.frame("sent", 2, name, "StopTransaction", {"transactionId": number, "meterStop": stop})
        if taken:
            self.frame("received", 3, name, {})
        bill = {"transaction_id": number, "start_wh": start, "stop_wh": stop, **billed}
        return self.see("csms.transaction", **bill) if bill["transaction_id"] else self

    def rest(self, pending: int = 0) -> Load:
        return self.see("outbox", pending=pending)

    def findings(self, answers: Answers = ASKED, missing: int = 0, *, cut: bool = False) -> dict[str, Finding]:
        return {one.id: one for one in judge(self.rows, answers, missing, cut=cut)}


def right() -> Load:
    return Load().command("c1").command("c2", "UnlockFailed", 0, "rejected").session().session(8, 20, 35).rest()


BREAKS: list[tuple[str, Load]] = [
    ("L01", Load().command("c1", moved=2)),
    ("L02", Load().command("c1").see("request.answered", request_id="r-c1", command_id="c9", answer="accepted")),
    ("L03", Load().command("c1", state="rejected")),
    ("L03", Load().command("c1", "UnlockFailed", 0, "accepted")),
    ("L03", Load().command("c1", state="in-doubt")),
    ("L03", Load().command("c1", state="")),
    ("L04", Load().session(taken=False).rest()),
    ("L04", Load().session(stop_wh=21).rest()),
    ("L04", Load().session(start_wh=11).rest()),
    ("L04", Load().session(stop_wh=None).rest()),
    ("L04", Load().session(transaction_id=99).rest()),
    ("L04", Load().session().session(8, 20, 35, start_wh=10, stop_wh=25).rest()),
]


@pytest.mark.parametrize(("id", "told"), [pytest.param(*one, id=f"{one[0]}-{n}") for n, one in enumerate(BREAKS)])
def test_it_bites(id: str, told: Load) -> None:
    found = told.findings()[id]
    assert found.verdict is Verdict.FAIL, found
    assert all(one.message and one.expected and one.found for one in found.violations)


def test_what_is_right_passes() -> None:
    found = right().findings()
    assert {one.id: one.verdict for one in found.values()} == dict.fromkeys(LOAD_CHECKS, Verdict.PASS)


def test_records_that_are_missing_and_stations_that_were_not_heard_are_errors() -> None:
    assert right().findings(missing=1)["L00"].verdict is Verdict.ERROR
    assert Load().session(taken=False).rest(pending=1).findings()["L05"].verdict is Verdict.ERROR
    assert right().rest(pending=3).findings()["L05"].verdict is Verdict.ERROR


def test_stations_of_an_interrupted_run_need_not_have_told_everything() -> None:
    assert right().rest(pending=3).findings(cut=True)["L05"].verdict is Verdict.INCONCLUSIVE
    assert Load().session(taken=False).rest(pending=1).findings(cut=True)["L05"].verdict is Verdict.ERROR


def test_a_csms_whose_message_ids_are_its_own_affair_is_not_accused() -> None:
    """Its CALLs cannot be tied to its commands, so it is not asked for them by their message ids."""
    found = Load(tied=False).command("c1").session().rest().findings()
    assert found["L03"].verdict is Verdict.INCONCLUSIVE
    assert "tied" in str(found["L03"].reason)
    assert found["L01"].verdict is Verdict.PASS


def test_without_a_control_interface_outcomes_are_not_applicable() -> None:
    assert right().findings(Answers())["L03"].verdict is Verdict.NOT_APPLICABLE


def test_a_control_interface_that_does_not_answer_is_an_error() -> None:
    assert right().findings(Answers(known=True, silent=2))["L03"].verdict is Verdict.ERROR
