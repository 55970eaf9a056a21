"""`interlock check`: conformance of a station or of a CSMS that somebody else made."""

from __future__ import annotations

import shlex
import ssl
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from interlock.scenarios.cases.language import Case, Role
from interlock.scenarios.cli import reach as options
from interlock.scenarios.cli.check_done import Done, leave
from interlock.scenarios.cli.check_races import cards_of, race_ids, run_races, stages_in
from interlock.scenarios.cli.check_screen import Screen, end, show_plan
from interlock.scenarios.cli.check_virtual import OURS, checked
from interlock.scenarios.cli.places import check_file, check_folder
from interlock.scenarios.cli.plain_help import Command, Group
from interlock.scenarios.cli.versions import Spoken
from interlock.scenarios.refused import Refused

if TYPE_CHECKING:
    from interlock.scenarios.cases.players.declaration import Declaration
    from interlock.scenarios.live.check import Check
    from interlock.scenarios.live.reach import Reach

check = typer.Typer(
    cls=Group,
    help="Check a station or a CSMS that somebody else made against the cases of OCPP 1.6.",
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Begin with `interlock check station --plan`, which says what a person has to do and changes nothing.",
)
INTERLOCK = "INTERLOCK-01"
STAGES = ("races", "cases")
OPERATORS = ("prompt", "http", "command", "simulated", "none")

Cases = Annotated[
    list[str] | None, typer.Option("--cases", help="Ids, patterns such as `TC_01*`, folders of yours; repeat it.")
]
Profiles = Annotated[str | None, typer.Option("--profile", help="Feature profiles, with commas: `Core,RemoteTrigger`.")]
LevelOption = Annotated[str, typer.Option("--level", help="`must`: only what the standard demands; or `should`.")]
Declared = Annotated[Path | None, typer.Option("--declare", help="What the vendor declares (TOML; see --init).")]
Out = Annotated[Path, typer.Option("--out", help="Where to keep the check.")]
Junit = Annotated[Path | None, typer.Option("--junit", help="Also write JUnit XML here.", dir_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the check in --out.")]
OnlyFailed = Annotated[bool, typer.Option("--only-failed", help="Run again what did not pass in --out.")]
Expected = Annotated[
    Path | None, typer.Option("--expected-failures", help="Ids that have to fail, one a line.", dir_okay=False)
]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Only say which cases need which hand.")]
HandFile = Annotated[Path | None, typer.Option("--hand", help="How deeds are done (TOML), for `http` and `command`.")]
Cert = Annotated[Path | None, typer.Option("--cert", help="Our certificate, as PEM, for TLS.", dir_okay=False)]
Key = Annotated[Path | None, typer.Option("--key", help="Its private key, as PEM.", dir_okay=False)]
Ca = Annotated[Path | None, typer.Option("--ca", help="Certificates to trust, as PEM.", dir_okay=False)]


@check.command(cls=Command, short_help="Check a station: Interlock is the CSMS.")
def station(
    listen: Annotated[str, typer.Option(help="Where to listen, as HOST:PORT.")] = "127.0.0.1:9000",
    id: Annotated[str | None, typer.Option(help="The station's id; without it, whoever comes first.")] = None,
    cases: Cases = None,
    operator: Annotated[str, typer.Option(help=f"Who plugs and swipes: {', '.join(OPERATORS)}.")] = "none",
    hand: HandFile = None,
    declare: Declared = None,
    init: Annotated[Path | None, typer.Option(help="Ask the station what it is, write a declaration here.")] = None,
    profile: Profiles = None,
    level: LevelOption = "should",
    plan: PlanOnly = False,
    wait: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the station.")] = 600.0,
    virtual: Annotated[
        bool, typer.Option("--virtual", help="Our own simulated station, in virtual time: all cases in a second.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="What a simulated station draws from.")] = 0,
    speed: Annotated[
        float,
        typer.Option(min=0.1, max=10.0, help="How many times faster: what the tester chooses (intervals, pauses)."),
    ] = 1.0,
    cert: Cert = None,
    key: Key = None,
    ca: Ca = None,
    out: Out = Path("interlock-out/check-station"),
    junit: Junit = None,
    as_json: Json = False,
    quiet: Quiet = False,
    resume: Resume = False,
    only_failed: OnlyFailed = False,
    expected_failures: Expected = None,
) -> None:
    """Check a station. It is told to connect to the URL that is printed, and then cases are run one after the other.

    Without --operator only the cases are run that need nobody at the station.
    """
    given = dict(locals())
    chosen = _chosen("station", cases, profile, level)
    if plan:
        show_plan(chosen)
        return
    expected = _expected(expected_failures, chosen)
    _check_places(out, junit)
    host, port = _place(listen)
    declared = _at_speed(_declared(declare, simulated=virtual or operator == "simulated"), speed)
    if operator not in OPERATORS:
        raise Refused(f"there is no operator {operator!r}; there are {', '.join(OPERATORS)}")
    if virtual:
        if operator not in ("none", "simulated") or id is not None or init is not None:
            raise Refused("--virtual checks our own simulated station: no --operator but simulated, no --id, no --init")
        _leave_virtual(
            "station", chosen, declared, out, f"{_again('station', [], given)} --virtual",
            seed, junit, expected, resume=resume, only_failed=only_failed, as_json=as_json, quiet=quiet,
        )  # fmt: skip
    began = datetime.now(UTC)
    from interlock.scenarios.live.check import Check, Plan

    made = Check(
        Plan(
            "station",
            chosen,
            declared,
            out,
            began,
            _again("station", [], given),
            _hand("station", operator, hand, id or "INTERLOCK-SIM", seed, began),
            station=id,
            host=host,
            port=port,
            tls=_server_tls(cert, key, ca),
            wait_s=wait,
            resume=resume,
            only_failed=only_failed,
            init=init,
        ),
        Screen(quiet or as_json),
    )
    done = _run(made, as_json, quiet, expected)
    leave({"cases": done}, junit, as_json=as_json)


_OF_CASES = (
    *(("cases", None), ("operator", "none"), ("hand", None), ("profile", None), ("level", "should")),
    *(("plan", False), ("resume", False), ("only_failed", False), ("id", INTERLOCK)),
)
"""Options that only the stage "cases" has, and their defaults."""
WHOLE_MIN, RACES_SHARE = 5.0, 0.6
"""How long a check of a CSMS may take where nothing else is said and nobody's hand is needed; the races' share."""


@check.command(cls=Command, short_help="Check a CSMS: Interlock is the station.")
def csms(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the CSMS is: ws:// or wss://, without the id; or `reference`.")
    ],
    control: Annotated[
        str | None, typer.Option(help="Its operator's API: http://HOST:PORT of `interlock serve`, or FILE.toml.")
    ] = None,
    id: Annotated[str, typer.Option(help="The station's id.")] = INTERLOCK,
    cases: Cases = None,
    operator: Annotated[str, typer.Option(help="Who has it send: none, prompt, http, command.")] = "none",
    hand: HandFile = None,
    declare: Declared = None,
    profile: Profiles = None,
    level: LevelOption = "should",
    plan: PlanOnly = False,
    password: options.Password = None,
    password_file: options.PasswordFile = None,
    header: options.Headers = None,
    ids: options.Ids = None,
    cert: Cert = None,
    key: Key = None,
    ca: Ca = None,
    insecure: options.Insecure = False,
    wait: options.Wait = "0",
    out: Out = Path("interlock-out/check-csms"),
    junit: Junit = None,
    as_json: Json = False,
    quiet: Quiet = False,
    resume: Resume = False,
    only_failed: OnlyFailed = False,
    expected_failures: Expected = None,
    stage: Annotated[
        str | None,
        typer.Option(help="What: races, cases or both; default: both, or cases where an option is for these alone."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, max=60.0, help="How long all of it may take at most.  [default: 5]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="races: what faults and orders are drawn from.")] = 0,
    id_prefix: Annotated[str | None, typer.Option(help="races: what the stations' ids begin with.")] = None,
    id_tag: Annotated[list[str] | None, typer.Option(help="A card that is accepted (may be repeated).")] = None,
    card: Annotated[list[str] | None, typer.Option(help="A card and its status, as `TAG=Blocked`.")] = None,
    ocpp: Annotated[
        Spoken | None,
        typer.Option(
            help="races: what stations speak, 1.6 or 2.0.1; default: what the control file says, or it takes."
        ),
    ] = None,
) -> None:
    """Check a CSMS. Interlock is its stations; without --control, what its operator has to ask for is not applicable.

    The stage `races` has many stations at once, in about a minute: repeats, lost lines, old sessions, odd messages,
    all that may be said, and its commands. Their ids are made up anew each time; give --ids where the CSMS knows its
    stations. The stage `cases` is one station, and one case of OCPP 1.6 after the other, in about another minute.
    """
    given = dict(locals())
    stages = _stages(stage, given)
    chosen = _chosen("csms", cases, profile, level)
    if plan:
        show_plan(chosen)
        return
    known = [*(race_ids() if "races" in stages else ()), *((one.id for one in chosen) if "cases" in stages else ())]
    expected = options.expected_in(expected_failures, "check or case", known) if expected_failures else []
    cards_of(id_tag or (), card or (), {})
    if url == OURS:
        if card or id_tag:
            raise Refused("--card and --id-tag are for a CSMS on sockets: the reference knows the cards of all cases")
        declared = _declared(declare, simulated=False)
        if declare is None:
            from interlock.scenarios.world.csms_case_world import FEATURES as features

            declared = type(declared)(name="the reference", features=features)
        _check_places(out, junit)
        _leave_virtual(
            "csms", chosen, declared, out, _again("csms", [url], given),
            seed, junit, expected, resume=resume, only_failed=only_failed, as_json=as_json, quiet=quiet,
        )  # fmt: skip
    way = options.reach(url, **options.among(given))
    if control is not None and operator != "none":
        raise Refused("give --control or --operator, not both: each says who has the CSMS send something")
    if operator == "simulated" or operator not in OPERATORS:
        raise Refused(f"there is no operator {operator!r} of a CSMS; there are none, prompt, http, command")
    version, stages = stages_in(ocpp, stages, stage is not None, way, control, loud=not (quiet or as_json))
    known = [*(race_ids() if "races" in stages else ()), *((one.id for one in chosen) if "cases" in stages else ())]
    expected = options.expected_in(expected_failures, "check or case", known) if expected_failures else []
    declared = _declared(declare, simulated=False)
    began = datetime.now(UTC)
    _check_places(out, junit)
    hands = _control(control) if control is not None else _hand("csms", operator, hand, id, 0, began)
    places = {one: out / one if len(stages) > 1 else out for one in stages}
    done: dict[str, Done] = {}
    whole = minutes or WHOLE_MIN
    if "races" in stages:
        most = whole * (RACES_SHARE if "cases" in stages or minutes is None else 1.0)
        done["races"] = run_races(
            url, control, most, seed, id_prefix, id_tag or (), card or (), way, places["races"], options.again(given),
            ocpp=version, expected=expected, as_json=as_json, quiet=quiet,
        )  # fmt: skip
    if "cases" in stages:
        again = _again("csms", [url, "--stage", "cases"], {**given, "out": places["cases"]})
        took_s = (datetime.now(UTC) - began).total_seconds()
        done["cases"] = _csms_cases(
            chosen, declared, way, hands, places["cases"], again,
            station=way.ids[0] if way.ids and id == INTERLOCK else id,
            cards=cards_of(id_tag or (), card or (), getattr(hands(""), "cards", {})),
            within_s=max(1.0, 60.0 * whole - took_s) if minutes is not None or operator == "none" else None,
            resume=resume, only_failed=only_failed, as_json=as_json, quiet=quiet, expected=expected,
        )  # fmt: skip
    leave(done, junit, as_json=as_json)


def _leave_virtual(
    role: Role, chosen: Sequence[Case], declared: Declaration, out: Path, again: str, seed: int, junit: Path | None,
    expected: list[str], *, resume: bool, only_failed: bool, as_json: bool, quiet: bool,
) -> NoReturn:  # fmt: skip
    """Check one of ours in virtual time, and leave with its exit code."""
    show = Screen(quiet or as_json)
    made = checked(role, chosen, declared, out, again, show, seed, resume=resume, only_failed=only_failed)
    done = _ended(made, as_json, quiet, expected)
    leave({"cases": done}, junit, as_json=as_json)


def _stages(stage: str | None, given: dict[str, Any]) -> tuple[str, ...]:
    """Return the stages to run: those that are named, else cases where an option is for these alone, else both."""
    if stage is None:
        stage = "cases" if any(given[name] not in (None, default) for name, default in _OF_CASES) else "both"
    if stage not in (*STAGES, "both"):
        raise Refused(f"there is no stage {stage!r}; there are {', '.join(STAGES)} and both")
    return STAGES if stage == "both" else (stage,)


def _csms_cases(
    chosen: Sequence[Case],
    declared: Declaration,
    way: Reach,
    hands: Any,
    out: Path,
    again: str,
    *,
    station: str,
    cards: dict[str, str],
    within_s: float | None,
    resume: bool,
    only_failed: bool,
    as_json: bool,
    quiet: bool,
    expected: list[str],
) -> Done:
    import asyncio

    from interlock.scenarios.live.check import RESULTS, Check, Plan

    asyncio.run(way.there())
    if (resume or only_failed) and not (out / RESULTS).exists() and (out / "cases" / RESULTS).exists():
        out = out / "cases"  # where a check of both stages left them
    made = Check(
        Plan(
            "csms",
            chosen,
            declared,
            out,
            datetime.now(UTC),
            again,
            hands,
            station=station,
            url=way.address,
            password=way.password,
            tls=way.tls,
            headers=way.headers,
            cards=cards,
            within_s=within_s,
            resume=resume,
            only_failed=only_failed,
        ),
        Screen(quiet or as_json),
    )
    return _run(made, as_json, quiet, expected)


# --- what was asked --------------------------------------------------------------------------------------------------


def _chosen(role: Role, globs: list[str] | None, profiles: str | None, level: str) -> list[Case]:
    from interlock.scenarios.cases import catalogue

    if level not in ("must", "should"):
        raise Refused(f"--level is must or should, not {level!r}")
    known = sorted({case.profile for case in catalogue.cases().values()})
    wanted = [one.strip() for one in (profiles or "").split(",") if one.strip()]
    if unknown := [one for one in wanted if one not in known]:
        raise Refused(f"there is no profile {unknown[0]!r}; there are {', '.join(known)}")
    if globs and not any(one.strip(" ,") for one in globs):
        raise Refused("--cases names no case; it is an id, a pattern such as `TC_01*`, or a folder of yours")
    texts = [one.strip() for text in globs or () for one in text.split(",") if one.strip()]
    folders = [Path(one) for one in texts if Path(one).is_dir()]
    own = [case for folder in folders for case in _of_folder(folder, role)]
    patterns = [one for one in texts if not Path(one).is_dir()]
    for pattern in patterns:
        if not catalogue.chosen(role, [pattern]):
            raise Refused(f"no case of a {role} is called {pattern!r}; see `interlock list cases`")
    found = catalogue.chosen(role, patterns, wanted, level) if patterns or not folders else []
    found += [
        one for one in own if (not wanted or one.profile in wanted) and (level == "should" or one.level == "must")
    ]
    if not found:
        raise Refused("nothing to check: no case is in --cases, --profile and --level at once")
    return found


def _of_folder(folder: Path, role: Role) -> list[Case]:
    """Return the cases of a role in a folder of the user's."""
    from interlock.scenarios.cases import catalogue

    try:
        found = [case for case in catalogue.from_folder(folder) if case.role == role]
    except catalogue.NoCases as error:
        raise Refused(f"--cases: {error}") from None
    if not found:
        raise Refused(f"--cases: {folder} holds no case of a {role}")
    return found


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise Refused(f"--listen is HOST:PORT, not {text!r}")
    return host.strip("[]"), int(port)


def _declared(path: Path | None, *, simulated: bool) -> Declaration:
    from interlock.scenarios.cases.players import declaration

    if path is None:
        from interlock.scenarios.cases.players.simulated import FEATURES as features

        return (
            declaration.Declaration(name="the simulated station", features=features)
            if simulated
            else declaration.Declaration()
        )
    try:
        return declaration.read(path)
    except declaration.NoDeclaration as error:
        raise Refused(str(error)) from None


def _at_speed(declared: Declaration, speed: float) -> Declaration:
    from interlock.scenarios.cases.players import declaration

    return declared if speed == 1.0 else declaration.at_speed(declared, speed)


def _hand(role: str, operator: str, file: Path | None, station: str, seed: int, began: datetime) -> Any:
    from interlock.scenarios.cases.players import hand as hands

    if (file is None) != (operator not in ("http", "command")):
        raise Refused("--hand FILE goes with --operator http or command")
    match operator:
        case "prompt":
            if not sys.stdin.isatty():
                raise Refused("--operator prompt needs a terminal")
            return lambda url: hands.Prompt()
        case "simulated":
            from interlock.scenarios.cases.players.simulated import SimulatedStation

            return lambda url: SimulatedStation(url, station, seed, began)
        case "none":
            why = "nobody is there" if role == "station" else "there is no --control"
            return lambda url: hands.NoHand(why)
    assert file is not None
    try:
        ways = hands.read_hand(file)
    except hands.NoHandFile as error:
        raise Refused(str(error)) from None
    return lambda url: hands.Described(ways)


def _control(control: str) -> Any:
    from interlock.scenarios.cases.players.control import operator

    made = operator(control)
    return lambda url: made


def _server_tls(cert: Path | None, key: Path | None, ca: Path | None) -> ssl.SSLContext | None:
    if cert is None and (key is not None or ca is not None):
        raise Refused("--key and --ca go with --cert")
    if cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    return _loaded(context, cert, key, ca)


def _loaded(context: ssl.SSLContext, cert: Path | None, key: Path | None, ca: Path | None) -> ssl.SSLContext:
    try:
        if cert is not None:
            context.load_cert_chain(cert, key)
        if ca is not None:
            context.load_verify_locations(ca)
            if context.protocol == ssl.PROTOCOL_TLS_SERVER:
                context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise Refused(options.no_pem(error, cert, key, ca)) from None
    return context


def _expected(path: Path | None, chosen: Sequence[Case]) -> list[str]:
    from interlock.scenarios.cases import catalogue
    from interlock.scenarios.judge.station_frames import RULES

    return options.expected_in(path, "case", [*catalogue.cases(), *(one.id for one in chosen), *RULES])


def _check_places(out: Path, junit: Path | None) -> None:
    check_folder("--out", out)
    check_file("--junit", junit)


def _again(role: str, words: list[str], given: dict[str, Any]) -> str:
    line = ["interlock", "check", role, *words]
    line += options.again(given) if role == "csms" else []
    virtual = given.get("virtual")
    for name in ("listen", "id", "control", "operator", "hand", "declare", "profile", "level", "speed", "out"):
        value = given.get(name)
        if value is not None and str(value) not in ("none", "should", "1.0") and not (virtual and name == "listen"):
            line += [f"--{name}", str(value)]
    for pattern in given.get("cases") or ():
        line += ["--cases", pattern]
    return shlex.join(line)


def _run(work: Check, as_json: bool, quiet: bool, expected: list[str]) -> Done:
    work.run()
    if work.plan.init is not None and work.trouble is None:
        typer.echo(f"written: {work.plan.init}; correct it, and go on with --declare {work.plan.init}")
        raise typer.Exit(0)
    return _ended(work, as_json, quiet, expected)


def _ended(work: Check, as_json: bool, quiet: bool, expected: list[str]) -> Done:
    """Write the report, and print how it went."""
    from interlock import reports
    from interlock.scenarios.live.check import exit_code

    page = reports.render_check(work.plan.out)
    code = exit_code(work.results.values(), work.trouble, work.interrupted, expected, work.broken)
    if not as_json:
        end(work, page, quiet, expected)
    document = work.document()
    return Done(code, document["verdict"], document, reports.check_junit(document, expected))
