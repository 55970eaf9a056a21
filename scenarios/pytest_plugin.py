"""Each scenario a test item: `pytest --interlock` collects the library, `-k -x --lf -n --junitxml` work as usual.

pytest imports this module at every start, so it imports nothing heavy until a scenario is collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from interlock.scenarios.runner import Job


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this plugin."""
    group = parser.getgroup("interlock", "Interlock: OCPP scenarios as test items")
    group.addoption("--interlock", action="store_true", help="collect the scenario library")
    group.addoption("--interlock-seed", type=int, default=0, metavar="N", help="the first seed (default 0)")
    group.addoption("--interlock-seeds", type=int, default=1, metavar="K", help="how many seeds (default 1)")
    group.addoption(
        "--interlock-csms", default="reference", metavar="NAME", help="the reference, or a specimen by name"
    )
    group.addoption("--interlock-target", metavar="URL", help="a CSMS to try instead, as ws://HOST:PORT/PATH")
    group.addoption("--interlock-control", metavar="URL|FILE", help="its operator's API (`interlock explain target`)")
    group.addoption(
        "--interlock-ocpp",
        choices=("1.6", "2.0.1", "both"),
        default="both",
        help="what stations speak (default both, an item each)",
    )
    group.addoption(
        "--interlock-out", type=Path, default=None, metavar="DIR", help="keep the run directories of failures here"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker every scenario item carries, and refuse options that make no sense."""
    config.addinivalue_line("markers", "interlock: a scenario of Interlock's library")
    seeds = config.getoption("--interlock-seed") >= 0 and config.getoption("--interlock-seeds") >= 1
    if config.getoption("--interlock") and not seeds:
        raise pytest.UsageError("--interlock-seed must be 0 or more, --interlock-seeds 1 or more")
    if (config.getoption("--interlock-target") is None) != (config.getoption("--interlock-control") is None):
        raise pytest.UsageError("--interlock-target and --interlock-control go together")
    given = [name for name in ("target", "control", "out") if config.getoption(f"--interlock-{name}") is not None]
    if given and not config.getoption("--interlock"):
        raise pytest.UsageError(f"--interlock-{given[0]} needs --interlock, which collects the scenarios")


def pytest_collection(session: pytest.Session) -> None:
    """Check the CSMS's name before anything is collected."""
    if session.config.getoption("--interlock"):
        from interlock.scenarios.runner import Unknown, csms_class

        try:
            csms_class(session.config.getoption("--interlock-csms"))
        except Unknown as error:
            raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Add the library to whatever else is collected, before `-k` and `-m` choose."""
    if config.getoption("--interlock"):
        from interlock.scenarios.library import scenarios
        from interlock.scenarios.runner import jobs
        from interlock.scenarios.spec import VERSIONS

        library = Library.from_parent(session, name="interlock", nodeid="interlock")
        planned = jobs(
            list(scenarios()),
            config.getoption("--interlock-seed"),
            config.getoption("--interlock-seeds"),
            config.getoption("--interlock-csms"),
            ocpp=[one for one in VERSIONS if config.getoption("--interlock-ocpp") in ("both", one)],
            sparing=True,
        )
        items += [ScenarioItem.from_parent(library, job=job) for job in planned]
    yield


@pytest.fixture
def interlock_station(tmp_path: Path) -> Any:
    """Check a station, as `interlock check station` does: a function of cases; see `live.checked.check_station`."""
    from functools import partial

    from interlock.scenarios.live.checked import check_station

    return partial(check_station, tmp_path / "interlock-station")


@pytest.fixture
def interlock_csms(tmp_path: Path) -> Any:
    """Check a CSMS, as `interlock check csms` does: a function of URL and cases; see `live.checked.check_csms`."""
    from functools import partial

    from interlock.scenarios.live.checked import check_csms

    return partial(check_csms, tmp_path / "interlock-csms")


class Library(pytest.Collector):
    """The library as a node of the collection tree."""

    def collect(self) -> list[Any]:
        """Return nothing: the items are added when pytest has collected the rest."""
        return []


class ScenarioFailed(Exception):
    """A scenario's invariants did not all hold."""


class ScenarioItem(pytest.Item):
    """One run of one scenario."""

    def __init__(self, *, job: Job, **kwargs: Any) -> None:
        super().__init__(name=f"{job.scenario}[{job.ocpp}-seed-{job.seed}]", **kwargs)
        self.job = job
        self.add_marker(pytest.mark.interlock)

    def runtest(self) -> None:
        """Run, judge, and fail with the story of it."""
        from interlock import reports
        from interlock.scenarios import runner
        from interlock.scenarios.explore import campaign
        from interlock.scenarios.judge.verdict import Verdict

        if self.config.getoption("--interlock-target") is not None:
            self._on_target()
            return
        outcome = runner.run(self.job)
        self.user_properties.append(("interlock_seed", self.job.seed))
        self.user_properties.append(("interlock_ocpp", outcome.run["ocpp"]))
        self.user_properties.append(("interlock_verdict", outcome.verdict["verdict"]))
        if outcome.word is Verdict.INCONCLUSIVE:
            pytest.skip("inconclusive: no invariant had enough to look at")
        if outcome.word >= Verdict.FAIL:
            out = self.config.getoption("--interlock-out")
            if out is not None:
                kept = runner.write(outcome, campaign.directory(out, self.job))
                self.user_properties.append(("interlock_run", str(kept)))
            raise ScenarioFailed(reports.text(outcome.verdict, outcome.history.as_json()))

    def _on_target(self) -> None:
        """Run on somebody else's CSMS; what cannot be tried or told there is skipped, with the reason."""
        import tempfile

        from interlock import reports
        from interlock.scenarios.judge.verdict import Verdict
        from interlock.scenarios.live.reach import Reach
        from interlock.scenarios.live.target_run import Again, against
        from interlock.scenarios.record.history import History
        from interlock.scenarios.refused import Refused
        from interlock.simulator.network.address import NoAddress, parse

        target, control = (str(self.config.getoption(f"--interlock-{name}")) for name in ("target", "control"))
        kept = self.config.getoption("--interlock-out")
        with tempfile.TemporaryDirectory() as folder:
            try:
                out, again = kept or Path(folder), Again(target, control)
                [done] = against(Reach(parse(target)), again, [self.job], out, lambda job: False)
            except (Refused, NoAddress) as error:
                raise ScenarioFailed(getattr(error, "sentence", str(error))) from None
            self.user_properties.append(("interlock_seed", self.job.seed))
            self.user_properties.append(("interlock_verdict", done.word.name))
            if done.word in (Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE):
                pytest.skip(done.reason or done.word.name)
            if done.word >= Verdict.FAIL:
                rows = History.read(done.directory).as_json() if done.directory is not None else []
                raise ScenarioFailed(reports.text(done.verdict, rows))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the story in the place of a traceback."""
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say what this item is."""
        return Path(__file__), None, f"interlock: {self.name}"
