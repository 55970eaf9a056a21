"""Each scenario a test item: `pytest --interlock` collects the library, `-k -x --lf -n --junitxml` work as usual.

pytest imports this module at every start, so it imports nothing heavy until a scenario is collected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from interlock.scenarios.runner import Job

ROOT = "interlock"
"""What node ids of scenarios begin with."""
SPOKEN = "interlock_ocpp"
NODE_ID = re.compile(rf"{ROOT}::(?P<scenario>.+)\[(?P<ocpp>[\d.]+)-seed-(?P<seed>\d{{1,15}})\]")


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
        default=None,
        help="what stations speak (default both, an item each; with a target what it speaks)",
    )
    group.addoption(
        "--interlock-out", type=Path, default=None, metavar="DIR", help="keep the run directories of failures here"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the marker every scenario item carries, and refuse options that make no sense.

    Exit codes are pytest's 4 for wrong usage, and 3 where the CSMS or its operator's API is not there.
    """
    config.addinivalue_line("markers", "interlock: a scenario of Interlock's library")
    given = [name for name in ("target", "control", "out", "ocpp") if config.getoption(f"--interlock-{name}")]
    config.option.interlock_ids = [one for one in config.args if one.startswith(f"{ROOT}::")]
    if config.option.interlock_ids:
        config.option.interlock = True
        config.args = [one for one in config.args if one not in config.option.interlock_ids]
    if not config.getoption("--interlock"):
        if given:
            raise pytest.UsageError(f"--interlock-{given[0]} needs --interlock, which collects the scenarios")
        return
    if config.getoption("--interlock-seed") < 0 or config.getoption("--interlock-seeds") < 1:
        raise pytest.UsageError("--interlock-seed must be 0 or more, --interlock-seeds 1 or more")
    if (config.getoption("--interlock-target") is None) != (config.getoption("--interlock-control") is None):
        raise pytest.UsageError("--interlock-target and --interlock-control go together")
    of_worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if of_worker is None:
        _check(config)
    else:
        config.option.interlock_ocpp = of_worker[SPOKEN]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist what was found out once: the version that the target speaks."""
    node.workerinput[SPOKEN] = node.config.option.interlock_ocpp


def _check(config: pytest.Config) -> None:
    """Check names and files before anything is collected, and ask a target which version it speaks."""
    from interlock.scenarios.refused import USAGE, Refused
    from interlock.scenarios.runner import Unknown, csms_class
    from interlock.simulator.network.address import NoAddress, parse

    try:
        csms_class(config.getoption("--interlock-csms"))
        for one in config.option.interlock_ids:
            _job(one, config.getoption("--interlock-csms"))
        target = config.getoption("--interlock-target")
        if target is not None and config.getoption("--interlock-ocpp") is None and not config.option.interlock_ids:
            from interlock.scenarios.live.reach import Reach
            from interlock.scenarios.live.target_run import spoken

            config.option.interlock_ocpp = spoken(Reach(parse(target)), config.getoption("--interlock-control"))
    except (Unknown, NoAddress) as error:
        raise pytest.UsageError(str(error)) from None
    except Refused as error:
        if error.code == USAGE:
            raise pytest.UsageError(error.sentence) from None
        pytest.exit(error.sentence, error.code)


def _job(node_id: str, csms: str) -> Job:
    """Return the run that a node id names. Raises `Unknown` for one that names none."""
    from interlock.scenarios.runner import Job, Unknown, scenario
    from interlock.scenarios.spec import VERSIONS

    found = NODE_ID.fullmatch(node_id)
    if found is None or found["ocpp"] not in VERSIONS:
        known = f"{ROOT}::heartbeat-vs-unlock[{VERSIONS[0]}-seed-0]"
        raise Unknown(f"{node_id} is no scenario's node id; one is {known}")
    why_not = scenario(found["scenario"]).why_not(found["ocpp"])
    if why_not is not None:
        raise Unknown(f"{node_id}: {why_not}")
    return Job(found["scenario"], int(found["seed"]), csms, None, found["ocpp"])


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Add the library, or what was chosen of it, to whatever else is collected, before `-k` and `-m` choose."""
    if config.getoption("--interlock"):
        library = Library.from_parent(session, name=ROOT, nodeid=ROOT)
        items += [ScenarioItem.from_parent(library, job=job) for job in _planned(config)]
    yield


def _planned(config: pytest.Config) -> Iterable[Job]:
    """Return the runs that node ids name; without any, those of the whole library."""
    from interlock.scenarios.library import scenarios
    from interlock.scenarios.runner import jobs
    from interlock.scenarios.spec import VERSIONS

    csms = config.getoption("--interlock-csms")
    if config.option.interlock_ids:
        return [_job(one, csms) for one in config.option.interlock_ids]
    wanted = config.getoption("--interlock-ocpp") or "both"
    spoken = [one for one in VERSIONS if wanted in ("both", one)]
    first, seeds = config.getoption("--interlock-seed"), config.getoption("--interlock-seeds")
    return jobs(list(scenarios()), first, seeds, csms, ocpp=spoken, sparing=True)


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
