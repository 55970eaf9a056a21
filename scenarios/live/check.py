"""One check of one peer: wait for it, find out its features, run the cases, write the results.

A check directory holds `results.json` (what is known of every case so far, written after each) and one run directory
for each time it was worked on (`1/`, `2/`, ...), with all frames. So Ctrl-C loses nothing, and `--resume`
continues there.
"""

from __future__ import annotations

import asyncio
import fnmatch
import signal
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from interlock.scenarios.cases.exemplar import bound_of
from interlock.scenarios.cases.language import LIMITS, Case, Role
from interlock.scenarios.cases.players.csms import STRANGER, ScriptedCsms
from interlock.scenarios.cases.players.declaration import Declaration
from interlock.scenarios.cases.players.hand import CannotDo, Hand
from interlock.scenarios.cases.players.meeting import meet_csms
from interlock.scenarios.cases.players.notebook import Notebook
from interlock.scenarios.cases.players.runner import Gone, Runner, Setting
from interlock.scenarios.cases.players.station import ScriptedStation, Unreachable
from interlock.scenarios.cases.players.tester import AsCsms, AsStation, Tester
from interlock.scenarios.judge import station_frames, wire
from interlock.scenarios.judge.cases import Facts, Outcome, Word
from interlock.scenarios.record.recorder import observations
from interlock.scenarios.record.run_file import RunFile, versions, write_run
from interlock.scenarios.refused import UNTOLD, Refused
from interlock.simulator.network.address import Address

RESULTS = "results.json"
SCHEMA = 1
LEARN_TRIES = 8
"""So often a station is asked for its configuration, where each time the connection is lost before the answer."""
BOOT_S = 30.0
"""How long a station that has connected may take to boot."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to check. `hand` is made once it is known where the peer connects."""

    role: Role
    cases: Sequence[Case]
    declaration: Declaration
    out: Path
    began: datetime
    reproduce: str
    hand: Callable[[str], Hand]
    station: str | None = None
    host: str = "127.0.0.1"
    port: int = 9000
    url: Address | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers of the handshake, where Interlock is the station."""
    cards: Mapping[str, str] = field(default_factory=dict)
    """Cards that a CSMS knows, and their statuses."""
    wait_s: float = 600.0
    """How long to wait for a station."""
    within_s: float | None = None
    """How long it may take; the cases that are left then are INCONCLUSIVE. None: as long as it takes."""
    resume: bool = False
    only_failed: bool = False
    init: Path | None = None
    """Ask the peer what it is and write a declaration here, and do nothing else."""


@dataclass(slots=True)
class Result:
    """What is known of one case."""

    id: str
    title: str
    profile: str
    level: str
    clause: str
    verdict: str
    reason: str = ""
    seconds: float = 0.0
    run: int = 0
    began: int = 0
    ended: int = 0
    looked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def word(self) -> Word:
        """The verdict."""
        return Word[self.verdict]


Show = Callable[["Check", str, Any], None]
"""Is told how it goes: `show(check, what, about)`."""


class Check:
    """One check. `show` is told: listening, came, begun, done."""

    def __init__(self, plan: Plan, show: Show) -> None:
        self.plan, self.show = plan, show
        self.results: dict[str, Result] = {}
        self.findings: list[dict[str, Any]] = []
        self.peer: dict[str, Any] = {}
        self.refused: dict[str, int] = {}
        self.interrupted = False
        self.trouble: str | None = None
        self.run_number = 1
        self.address = ""
        self._earlier()

    # --- what was known before ---

    def _earlier(self) -> None:
        plan = self.plan
        runs = [int(path.name) for path in plan.out.glob("[0-9]*") if path.is_dir() and path.name.isdigit()]
        if not (plan.resume or plan.only_failed):
            return
        known = read_results(plan.out)
        if known["role"] != plan.role:
            raise Refused(f"{plan.out} holds a check of a {known['role']}, not of a {plan.role}")
        self.run_number = max(runs, default=0) + 1
        self.results = {one["id"]: Result(**one) for one in known["cases"]}
        self.findings = list(known["findings"])

    @property
    def broken(self) -> list[str]:
        """The rules that the standard demands and the station broke: where it was tried again, as it was then."""
        if self.plan.role != "station":
            return []
        last: dict[str, dict[str, Any]] = {}
        for one in sorted(self.findings, key=lambda one: one.get("run", 1)):
            known = last.get(one["id"])
            if known is None or self.plan.only_failed or not known["broken"]:
                last[one["id"]] = one
        return [id for id, one in last.items() if one["broken"] and one["level"] == "MUST"]

    def _broke_in(self, case: Result) -> bool:
        """Whether a rule that the standard demands was broken while a case was run."""
        broken = [one for one in self.findings if one["id"] in self.broken and one.get("run", 1) == case.run]
        return any(case.began <= i <= case.ended for one in broken for i in one["at"])

    def todo(self) -> list[Case]:
        """Return the cases that are still to be run."""
        plan = self.plan
        known = self.results
        if plan.only_failed:
            again = {one.id for one in known.values() if one.word >= Word.PARTIAL or self._broke_in(one)}
            return [one for one in plan.cases if one.id in again]
        if plan.resume:
            unsure = ("ERROR", "INCONCLUSIVE")
            return [one for one in plan.cases if one.id not in known or known[one.id].verdict in unsure]
        return list(plan.cases)

    # --- running ---

    def run(self) -> None:
        """Run it to its end, or until it is interrupted. Raises `Refused` where it could not begin."""
        asyncio.run(self.work())

    async def work(self) -> None:
        """The same, inside a loop that runs already."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        directory = self.plan.out / str(self.run_number)
        book = Notebook(self.plan.role, lambda: loop.time() - began, directory)
        task = asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            self.interrupted = True
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)
        with book.recorder:
            try:
                async with asyncio.timeout(self.plan.within_s) as whole:
                    await (self._of_station(book) if self.plan.role == "station" else self._of_csms(book))
            except TimeoutError:
                if not whole.expired():
                    raise
                self._out_of_time()
            except asyncio.CancelledError:
                if not self.interrupted:
                    raise
            finally:
                for number in (signal.SIGINT, signal.SIGTERM):
                    loop.remove_signal_handler(number)
                digest = book.recorder.end()
        self.finish(book, digest)

    def _out_of_time(self) -> None:
        """Note the cases that are left, and the one that was under way."""
        why = f"the time was used up before it was over: {self.plan.within_s:.0f} s; more of it: --minutes"
        for case in self.todo():
            if case.id not in self.results or self.results[case.id].run != self.run_number:
                self.note(case, Outcome(case.id, Word.INCONCLUSIVE, why), 0.0)
                self.show(self, "done", self.results[case.id])

    async def _of_station(self, book: Notebook) -> None:
        plan = self.plan
        tester = AsCsms(book, self._bound(), plan.began)
        csms = ScriptedCsms(tester, plan.station, plan.tls)
        try:
            port = await csms.listen(plan.host, plan.port)
        except OSError as error:
            raise Refused(f"cannot listen at {plan.host}:{plan.port}: {error.strerror}", UNTOLD) from None
        scheme = "wss" if plan.tls is not None else "ws"
        self.address = f"{scheme}://{plan.host}:{port}/"
        hand = plan.hand(f"{self.address.rstrip('/')}")
        self.show(self, "listening", csms)
        try:
            if (start := getattr(hand, "start", None)) is not None:
                start()
            if not await self._came(book, tester, csms):
                return
            await self._cases(book, tester, _Gate(csms), hand)
        finally:
            self.refused = dict(csms.refused)
            if (stop := getattr(hand, "stop", None)) is not None:
                await stop()
            await csms.close()

    async def _came(self, book: Notebook, tester: Tester, csms: ScriptedCsms) -> bool:
        plan = self.plan
        there = await book.until(lambda: tester.line is not None or tester.trouble, plan.wait_s)
        if tester.trouble or not there:
            if csms.strangers:
                csms.refuse(STRANGER)
            refused = csms.refused.most_common(1)
            why = f"no station came to {self.address} within {plan.wait_s:g} s"
            self.trouble = tester.trouble or (f"{why}: {refused[0][0]}" if refused else why)
            return False
        self.show(self, "connected", tester.peer)
        patience_s = min(BOOT_S, self._limit("boot"))
        if not await book.until(lambda: tester.peer.boots or tester.trouble, patience_s):
            tester.call("TriggerMessage", {"requestedMessage": "BootNotification"})
            await book.until(lambda: tester.peer.boots or tester.trouble, min(5.0, patience_s))
        self.trouble = tester.trouble
        return self.trouble is None

    async def _of_csms(self, book: Notebook) -> None:
        plan = self.plan
        assert plan.url is not None
        station = plan.station or "INTERLOCK-01"
        self.address = plan.url.url(station)
        tester = AsStation(book, self._bound(), plan.began)
        player = ScriptedStation(tester, plan.url, station, plan.password, plan.tls, plan.headers)
        self.show(self, "dialling", player)
        hand = plan.hand(self.address)
        try:
            if (check := getattr(hand, "check", None)) is not None:
                await check()
            await player.dial()
        except (Unreachable, Gone) as error:
            self.trouble = str(error)
            return
        try:
            await self._cases(book, tester, _Away(player), hand)
        finally:
            await player.close()

    # --- the cases ---

    def _limit(self, name: str) -> float:
        return float(self.plan.declaration.limits.get(name, LIMITS[name]))

    def _bound(self) -> dict[str, Any]:
        declared = self.plan.declaration
        return {**bound_of({**LIMITS, **declared.limits}), **declared.values}

    async def _cases(self, book: Notebook, tester: Tester, gate: Any, hand: Hand) -> None:
        plan = self.plan
        setting = Setting(Facts({**LIMITS, **plan.declaration.limits}))
        runner = Runner(tester, gate, hand, setting)
        seen: dict[str, bool] = {}
        if plan.role == "station":
            await self._learn(runner, setting)
        else:
            assert plan.url is not None
            seen, self.trouble = await meet_csms(runner, plan.url.place, plan.cards)
        setting.facts = Facts(setting.facts.limits, {}, plan.declaration.told(setting.keys, seen))
        self.peer = {**asdict(tester.peer), "station": book.station or "", "features": list(setting.facts.features)}
        self.show(self, "came", setting.keys)
        if self.trouble is not None:
            return
        if plan.init is not None:
            from interlock.scenarios.cases.players.declaration import write

            write(plan.init, f"{tester.peer.vendor} {tester.peer.model}".strip(), setting.keys)
            return
        for case in self.todo():
            self.show(self, "begun", case)
            before = book.now
            outcome = await runner.run(case)
            self.note(case, outcome, book.now - before)
            self.show(self, "done", self.results[case.id])
            if tester.trouble is not None:
                self.trouble = tester.trouble
                return

    async def _learn(self, runner: Runner, setting: Setting) -> None:
        answer = None
        for _ in range(LEARN_TRIES):
            line = runner.tester.line
            answer = await runner.ask("GetConfiguration", {})
            if answer is not None or runner.tester.line is line or runner.tester.trouble is not None:
                break
            await runner.book.until(lambda: runner.tester.line or runner.tester.trouble, self._limit("reconnect"))
        self.trouble = runner.tester.trouble
        for one in answer.get("configurationKey", ()) if isinstance(answer, dict) else ():
            if isinstance(one, dict) and isinstance(one.get("key"), str):
                setting.keys[one["key"]] = str(one.get("value", ""))

    def note(self, case: Case, outcome: Outcome, seconds: float) -> None:
        """Keep what came of a case, and write it down."""
        looked = [
            {
                "words": one.words,
                "state": one.state,
                "level": one.level,
                "why": one.why,
                "frames": [{"i": frame.i, "t": round(frame.t, 3), "text": frame.text[:2000]} for frame in one.frames],
            }
            for one in outcome.looked
        ]
        self.results[case.id] = Result(
            case.id, case.title, case.profile, case.level, case.clause,
            outcome.word.name, outcome.reason, round(seconds, 3), self.run_number, outcome.began, outcome.ended, looked,
        )  # fmt: skip
        self.write()

    # --- what is left of it ---

    def finish(self, book: Notebook, digest: str) -> None:
        """Judge every frame, and write down what is left."""
        plan = self.plan
        why = self.trouble or ("interrupted" if self.interrupted else None)
        if why is not None and plan.init is None:
            for case in plan.cases:
                if case.id not in self.results and not self.interrupted:
                    self.note(case, Outcome(case.id, Word.ERROR, why), 0.0)
        found: list[dict[str, Any]] = []
        rows = list(observations(book.recorder.path))
        if plan.role == "station":
            found = [asdict(one) for one in station_frames.judge(rows, book.station)]
        else:
            found = [_finding(one) for one in wire.judge(rows, began=plan.began)]
        self.findings = [*(one for one in self.findings if one.get("run") != self.run_number), *found]
        for one in found:
            one["run"] = self.run_number
        about = RunFile(
            scenario=f"check-{plan.role}",
            title=f"Conformance of a {plan.role}",
            csms="Interlock" if plan.role == "station" else self.address,
            seed=0,
            spec={"began": plan.began.isoformat(), "cases": [case.id for case in plan.cases]},
            rules={"recorded": "all", "seen_from": "station"},
            reproduce=plan.reproduce,
        )
        write_run(book.recorder.path.parent, about.as_json(), digest, book.recorder.count)
        self.write()

    def write(self) -> None:
        """Write what is known so far."""
        self.plan.out.mkdir(parents=True, exist_ok=True)
        path = self.plan.out / RESULTS
        path.with_suffix(".new").write_bytes(_pretty(self.document()))
        path.with_suffix(".new").replace(path)

    def document(self) -> dict[str, Any]:
        """Return what `results.json` holds."""
        plan = self.plan
        word = verdict(self.results.values(), self.trouble, broken=self.broken)
        return {
            "schema": SCHEMA,
            "role": plan.role,
            "version": "1.6",
            "began": plan.began.isoformat(timespec="seconds"),
            "address": self.address,
            "peer": {**self.peer, "declared": plan.declaration.name},
            "verdict": (max(word, Word.INCONCLUSIVE) if self.interrupted else word).name,
            "trouble": self.trouble,
            "interrupted": self.interrupted,
            "cases": [asdict(one) for one in self.results.values()],
            "findings": self.findings,
            "broken": self.broken,
            "refused": self.refused,
            "versions": versions(),
            "reproduce": plan.reproduce,
        }


class _Gate:
    def __init__(self, csms: ScriptedCsms) -> None:
        self._csms = csms

    def cut(self) -> None:
        self._csms.cut()

    def allow(self) -> None:
        self._csms.allow()

    def may_boot(self) -> None:
        self._csms.may_boot()


class _Away:
    def __init__(self, station: ScriptedStation) -> None:
        self._station = station

    def cut(self) -> None:
        self._station.cut()

    def may_boot(self) -> None:
        pass

    async def allow(self) -> None:
        try:
            await self._station.allow()
        except Unreachable as error:
            raise Gone(str(error)) from None


def _finding(one: Any) -> dict[str, Any]:
    broken = len(one.violations)
    first = one.violations[0] if broken else None
    return {
        "id": one.id,
        "name": one.name,
        "clause": "",
        "level": one.level,
        "checked": one.checked,
        "broken": broken,
        "why": first.message if first else "",
        "example": first.found if first else "",
        "at": list(first.at) if first else [],
    }


def _pretty(value: Mapping[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1)


def read_results(out: Path) -> dict[str, Any]:
    """Read what an earlier check left, or raise `Refused`."""
    try:
        found = msgspec.json.decode((out / RESULTS).read_bytes(), type=dict[str, Any])
    except OSError:
        raise Refused(f"there is no check to go on with in {out}: it has no {RESULTS}") from None
    except msgspec.MsgspecError:
        raise Refused(f"{out / RESULTS} is not what a check leaves", UNTOLD) from None
    if found.get("schema") != SCHEMA:
        raise Refused(f"{out / RESULTS} is of another version of Interlock", UNTOLD)
    return found


def verdict(results: Any, trouble: str | None = None, expected: Sequence[str] = (), broken: Sequence[str] = ()) -> Word:
    """Return the verdict of a check. What is expected to fail must; nothing looked at is INCONCLUSIVE.

    `broken` are the rules that the standard demands and the peer broke, beside all cases.
    """
    words = [Word.FAIL for one in broken if not any(fnmatch.fnmatchcase(one, glob) for glob in expected)]
    for one in results:
        word = one.word
        if any(fnmatch.fnmatchcase(one.id, glob) for glob in expected):
            word = Word.FAIL if word is Word.PASS else Word.PASS if word in (Word.FAIL, Word.PARTIAL) else word
        words.append(word)
    if trouble is not None:
        return Word.ERROR
    worst = max(words, default=Word.INCONCLUSIVE)
    return Word.INCONCLUSIVE if worst is Word.NOT_APPLICABLE else worst


def exit_code(
    results: Any, trouble: str | None, interrupted: bool, expected: Sequence[str], broken: Sequence[str] = ()
) -> int:
    """Return 1 where something failed or a rule was `broken`, else 3 where something could not be told, else 0."""
    listed = list(results)
    each = [verdict([one], None, expected) for one in listed if one.word is not Word.NOT_APPLICABLE]
    if Word.FAIL in [*each, *([verdict((), None, expected, broken)] if broken else ())]:
        return 1
    if trouble is not None or interrupted or not each or any(word.exit_code for word in each):
        return 3
    return 0


__all__ = ["CannotDo", "Check", "Plan", "Result", "exit_code", "read_results", "verdict"]
