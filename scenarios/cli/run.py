"""`interlock run`: scenarios in virtual time, or with `--target` against a CSMS on real sockets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from interlock.scenarios import runner
from interlock.scenarios.cli import reach as options
from interlock.scenarios.cli import screen
from interlock.scenarios.cli.places import check_file, check_folder, write
from interlock.scenarios.cli.reach import expected_in
from interlock.scenarios.cli.versions import Spoken, asked
from interlock.scenarios.explore.campaign import Campaign, Done, beside
from interlock.scenarios.explore.pool import processes
from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.library import scenarios
from interlock.scenarios.refused import Refused
from interlock.scenarios.runner import REFERENCE, Job, csms_class
from interlock.scenarios.selection import NothingMatches, choose, tags
from interlock.scenarios.specimens import specimens
from interlock.simulator.spec import OcppVersion

if TYPE_CHECKING:
    from interlock.scenarios.live.reach import Reach

MOST_SEEDS = 1_000_000
FEW = 8
"""Runs whose reports are drawn in this process: others would take longer to start."""


def _scenario_names(incomplete: str) -> list[str]:
    return [name for name in scenarios() if name.startswith(incomplete)]


def _csms_names(incomplete: str) -> list[str]:
    return [name for name in (REFERENCE, *specimens()) if name.startswith(incomplete)]


def _tags(incomplete: str) -> list[str]:
    return sorted({tag for found in scenarios().values() for tag in tags(found) if tag.startswith(incomplete)})


def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Scenarios to run: names, globs such as 'heartbeat*', or files; see `list`.",
            autocompletion=_scenario_names,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The first seed.")] = 0,
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_SEEDS, metavar="N", help="How many seeds, one after another.")
    ] = 1,
    suite: Annotated[bool, typer.Option("--suite", help="Run the whole library.")] = False,
    keyword: Annotated[
        list[str] | None, typer.Option("-k", metavar="PATTERN", help="Only scenarios with this in their name, or glob.")
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help="Only scenarios with this tag, such as race.", autocompletion=_tags),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--not", metavar="PATTERN", help="No scenarios with this tag or name.")
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, max=10, metavar="N", help="With --target: try a run that fails again; told as flaky.")
    ] = 0,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="End with the first run that does not hold.")] = False,
    list_only: Annotated[
        bool, typer.Option("--list", help="Only say what would run, and on a target why the rest would not.")
    ] = False,
    csms: Annotated[
        str, typer.Option(metavar="NAME", help="The reference, or a wrong design.", autocompletion=_csms_names)
    ] = REFERENCE,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to keep run directories and reports.")] = Path(
        "interlock-out"
    ),
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write JUnit XML here.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, metavar="N", help="Processes; default: all cores.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")] = False,
    ocpp: Annotated[
        Spoken | None,
        typer.Option(
            help="What stations speak; default: both with --suite (heavy ones 1.6), else what the scenario says (1.6). "
            "With --target: what the control file says, else 1.6, or 2.0.1 where that is all the target accepts."
        ),
    ] = None,
    bounds: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Let the CSMS remember only so many of everything (docs/bounds.md)."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="URL", help="A CSMS to try instead: ws://HOST:PORT/PATH.")
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(
            metavar="URL|FILE",
            help="Its operator's API: http://HOST:PORT of `interlock serve`, or a FILE.toml (`explain target`).",
        ),
    ] = None,
    password: options.Password = None,
    password_file: options.PasswordFile = None,
    header: options.Headers = None,
    ids: options.Ids = None,
    ca: options.Ca = None,
    cert: options.Cert = None,
    key: options.Key = None,
    insecure: options.Insecure = False,
    wait: options.Wait = "0",
    expected_failures: Annotated[
        Path | None,
        typer.Option(
            "--expected-failures",
            metavar="FILE",
            help="Scenarios that have to fail (names or globs, one a line, # for remarks).",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Run scenarios and judge them, in virtual time, or with --target against a CSMS on real sockets.

    From outside a scenario takes its time; what cannot be done or seen from there is NOT_APPLICABLE, with the reason.
    Exit codes: 0 all that applied held, 1 violated, 2 wrong usage, 3 could not tell.
    """
    given: dict[str, Any] = {"password": password, "password_file": password_file, "header": header, "ids": ids}
    given |= {"ca": ca, "cert": cert, "key": key, "insecure": insecure, "wait": wait}
    chosen = _chosen(names or [], suite, keyword or [], tag or [], without or [])
    _check(chosen, csms, target, control, bounds)
    way = _way(target, given)
    if retries and way is None:
        raise Refused("--retries goes with --target: in virtual time the same seed gives the same run")
    if control is not None:
        _check_control(control, asked(ocpp))
    expected = expected_in(expected_failures, "scenario", scenarios())
    versions = _versions(ocpp, suite, target, chosen)
    if way is not None and not (versions or list_only):
        versions = _spoken(way, str(control))
    if way is not None:
        planned = list(_planned(chosen, seed, seeds, versions))
    else:
        planned = list(runner.jobs(chosen, seed, seeds, csms, bounds, versions, sparing=ocpp is None))
    if list_only:
        _list(planned, control)
    check_folder("--out", out)
    check_file("--junit", junit)
    campaign = Campaign(planned, out, keep=lambda job: job.seed == seed, workers=jobs or os.cpu_count() or 1)
    campaign.expected = expected
    campaign.whole = suite and target is None and not (keyword or tag or without)
    shown = csms if target is None else target
    show = screen.Screen(campaign, shown, quiet=quiet or as_json)
    show.begin(seed, seeds)
    stopped: Refused | None = None
    try:
        for done in (
            campaign.run()
            if way is None
            else campaign.collect(_against(way, str(target), str(control), given, campaign, retries))
        ):
            show.one(done)
            if fail_fast and done.word >= Verdict.FAIL and not campaign.meant(done):
                campaign.stopped = True
                break
    except KeyboardInterrupt:
        show.interrupted()
    except Refused as error:
        stopped = error
    _finish(campaign, shown, show, junit, as_json, stopped)


def _chosen(names: list[str], suite: bool, keywords: list[str], wanted: list[str], unwanted: list[str]) -> list[str]:
    if suite and names:
        raise Refused("give scenario names or --suite, not both")
    library = scenarios()
    every = suite or (bool(keywords or wanted or unwanted) and not names)
    if not every and not names:
        raise Refused("nothing to run: name a scenario (`interlock list scenarios`), a -k or --tag, or give --suite")
    try:
        return choose(library, list(library) if every else names, keywords, wanted, unwanted)
    except NothingMatches as error:
        raise Refused(str(error)) from None


def _versions(choice: Spoken | None, suite: bool, target: str | None, names: Sequence[str]) -> tuple[OcppVersion, ...]:
    """Return the versions to run in. Raises `Refused` where a scenario that was named does not exist in one."""
    found = asked(choice or (Spoken.BOTH if suite and target is None else None))
    if choice in (None, Spoken.BOTH) or suite:
        return found
    for name in names:
        if (why := runner.scenario(name).why_not(found[0])) is not None:
            raise Refused(f"{name} does not exist in OCPP {found[0]}: {why}")
    return found


def _spoken(way: Reach, control: str) -> tuple[OcppVersion, ...]:
    """Return the version that nobody chose, where it is not the usual one."""
    from interlock.scenarios.live.target_run import spoken

    try:
        found = spoken(way, control)
    except Refused:
        return ()  # the runs will say so, and leave a report
    return () if found == "1.6" else (found,)


def _planned(names: list[str], seed: int, seeds: int, versions: Sequence[OcppVersion]) -> Iterator[Job]:
    """Return the runs on a target: also of what does not exist in a version, which is NOT_APPLICABLE there."""
    for job in runner.jobs(names, seed, seeds, REFERENCE):
        for ocpp in versions or (None,):
            yield replace(job, ocpp=ocpp)


def _check(chosen: list[str], csms: str, target: str | None, control: str | None, bounds: int | None) -> None:
    from interlock.scenarios import names as known

    for name in chosen:
        kind = known.everything().get(name) or known.everything().get(name.upper())
        if kind not in (None, "scenarios"):
            raise Refused(f"{name} is no scenario but one of the {kind}; `interlock explain {name}` says what it is")
        runner.scenario(name)
    csms_class(csms)
    if (target is None) != (control is None):
        raise Refused("--target and --control go together: commands are asked for at one and seen at the other")
    if target is not None and bounds is not None:
        raise Refused("--bounds is for the CSMS of the virtual world: leave it away, or --target")
    if target is not None and csms != REFERENCE:
        raise Refused("give --target or --csms, not both")


def _list(planned: list[Job], control: str | None) -> NoReturn:
    if control is None:
        reasons: dict[str, str | None] = {job.scenario: None for job in planned}
    else:
        from interlock.scenarios.live.target_run import plan

        reasons = {job.scenario: why for job, why in plan(control, planned)}
    width = max(map(len, reasons))
    for name, why in reasons.items():
        told = " ".join(sorted(tags(runner.scenario(name)))) if why is None else f"not tried: {why}"
        typer.echo(f"{name:<{width}}  {told}")
    count = sum(why is None for why in reasons.values())
    typer.echo(f"{count} of {len(reasons)} scenarios would be tried")
    raise typer.Exit(0)


def _way(target: str | None, given: dict[str, Any]) -> Reach | None:
    """Return how the target is reached, None without one."""
    if target is not None:
        try:
            options.address_of(target)
        except Refused as error:
            raise Refused(f"--target: {error.sentence}") from None
        return options.reach(target, **given)
    unused = [name for name, value in given.items() if value not in (None, False, "0")]
    if unused:
        raise Refused(f"--{unused[0].replace('_', '-')} goes with --target: it says how stations reach that")
    return None


def _check_control(control: str, versions: Sequence[OcppVersion]) -> None:
    """Refuse a control interface that cannot be used before anything is run."""
    from interlock.scenarios.live.target_run import adapter

    for ocpp in versions or (None,):
        adapter(control, ocpp)


def _against(
    way: Reach, target: str, control: str, given: dict[str, Any], campaign: Campaign, retries: int
) -> Iterator[Done]:
    from interlock.scenarios.live.target_run import Again, against

    more = options.again({**given, "ids": None})
    return against(way, Again(target, control, more), campaign.jobs, campaign.out, campaign.keep, retries)


def _finish(
    campaign: Campaign, csms: str, show: screen.Screen, junit: Path | None, as_json: bool, stopped: Refused | None
) -> NoReturn:
    """Write everything there is, also of a campaign that was interrupted or could not begin, and end."""
    from interlock import reports

    campaign.write(csms)
    if junit is not None:
        seconds = [one.took_s for one in campaign.done]
        meant = [campaign.meant(one) for one in campaign.done]
        write("--junit", junit, reports.junit([one.verdict for one in campaign.done], seconds, meant))
    beside(campaign.done)
    if len(campaign.done) > FEW:
        with processes(os.cpu_count() or 1) as pool:
            index = reports.render_suite(campaign.out, pool.map)
    else:
        index = reports.render_suite(campaign.out)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(reports.markdown(campaign.out))
    if as_json:
        found: dict[str, Any] = campaign.summary(csms)
        typer.echo(json.dumps(found, indent=1, sort_keys=True))
    elif stopped is None:
        show.end(index)
    if stopped is not None:
        show.clear()
        raise stopped
    raise typer.Exit(campaign.verdict.exit_code)
