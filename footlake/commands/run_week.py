"""run-week: the five weekly steps, in the document's order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.commands import ingest_fixtures, ingest_stats, transform_xgoals
from footlake.commands.ingest_fixtures import IngestedFixtures
from footlake.commands.ingest_stats import IngestedStatistics
from footlake.commands.load_mysql import Loaded, load_mysql
from footlake.commands.metrics import metrics
from footlake.commands.options import Asked, asked, day_option, league_option, max_requests_option, today
from footlake.commands.run_glue import RanGlue, run_glue
from footlake.deploy import costs
from footlake.errors import FootlakeError, QuotaExceeded
from footlake.lake import s3_keys
from footlake.lake.s3_keys import Window
from footlake.lake.store import Busy, LakeStore, parallel_map
from footlake.model import registry
from footlake.model.scoring import ScoringResult

T = TypeVar("T")
StepName = Literal["ingest-fixtures", "ingest-stats", "run-glue", "transform-xgoals", "load-mysql"]
STEPS: tuple[StepName, ...] = ("ingest-fixtures", "ingest-stats", "run-glue", "transform-xgoals", "load-mysql")
LEASE = s3_keys.LEASES + "run-week"
RENEWAL_SECONDS = 3.0
SILENT_SECONDS = 10.0  # how long a run that gives no sign of life is waited for
LEASE_SECONDS = 3600.0  # after which nobody waits for one


@dataclass(frozen=True)
class Cost:
    """What AWS will charge for a run, in USD, at least and at most: nobody tells how long the crawler was paid for."""

    low: float
    high: float
    as_of: str


@dataclass(frozen=True)
class Brought:
    """What the lake has more, or anew, since the run began, whoever did the work: mostly AWS's events are faster.

    Objects of fixtures, matches whose statistics came, team rows that were scored.
    """

    fixtures: int
    statistics: int
    xgoals: int


@dataclass(frozen=True)
class WeeklyRun:
    """One weekly run; None for the steps that came before its first, `seconds` by step, `cost` if it can be known.

    The steps tell what they did themselves, `brought` what came of it all.
    """

    date: date
    fixtures: IngestedFixtures | None
    statistics: IngestedStatistics | None
    glue: RanGlue | None
    xgoals: ScoringResult | None
    mysql: Loaded | None
    seconds: dict[str, float]
    cost: Cost | None
    brought: Brought


def run_week(
    aws: AwsContext,
    leagues: tuple[int, ...],
    day: date,
    tell: Callable[[str], None] = lambda line: None,
    max_requests: int | None = None,
    first: StepName = "ingest-fixtures",
    begin: Callable[[StepName], None] = lambda name: None,
) -> WeeklyRun:
    """The run of the Tuesday `day`: fixtures from seven days before to six days after it, from the step `first` on.

    `tell` hears what each step brought, `begin` which one begins. FootlakeError if another run is under way.
    """
    begun = datetime.now(UTC)
    wanted = asked(leagues, aws.config.seasons, day, ())
    again = () if leagues == aws.config.leagues else leagues
    seconds: dict[str, float] = {}

    def step(name: StepName, work: Callable[[], T], lines: Callable[[T], Iterator[str]]) -> T | None:
        if STEPS.index(name) < STEPS.index(first):
            return None
        begin(name)
        started = time.monotonic()
        try:
            done = work()
        except QuotaExceeded:
            raise
        except FootlakeError as error:
            error.hint = f"{error.hint}\n  Then go on from there: {going_on(day, name, again)}".lstrip()
            raise
        seconds[name] = round(time.monotonic() - started, 1)
        shown = list(lines(done))
        for text in shown[:-1]:
            tell(f"{name:<17} {text}")
        tell(f"{name:<17} {shown[-1]}  [{seconds[name]:.1f} s]")
        return done

    with _alone(aws):
        before = _listing(aws, wanted)
        fixtures = step(
            "ingest-fixtures",
            lambda: ingest_fixtures.ingest_fixtures(aws, wanted, max_requests),
            lambda done: map(ingest_fixtures.line, done.seasons),
        )
        left = None if max_requests is None else max_requests - (fixtures.requests if fixtures else 0)
        statistics = step(
            "ingest-stats",
            lambda: ingest_stats.ingest_stats(aws, wanted, left),
            lambda done: map(ingest_stats.line, done.seasons),
        )
        glue = step(
            "run-glue",
            lambda: run_glue(aws),
            lambda done: iter([f"{len(done.runs)} jobs succeeded, {len(done.tables)} tables in the catalog"]),
        )
        xgoals = step(
            "transform-xgoals",
            lambda: transform_xgoals.transform_xgoals(aws),
            lambda done: iter([transform_xgoals.line(done)]),
        )
        mysql = step(
            "load-mysql",
            lambda: load_mysql(aws),
            lambda done: iter([f"{done.fixtures} fixtures, {done.teams} teams"]),
        )
    cost = _cost(aws, begun, crawled=glue is not None)
    return WeeklyRun(day, fixtures, statistics, glue, xgoals, mysql, seconds, cost, _brought(aws, wanted, before))


def _listing(aws: AwsContext, wanted: Asked) -> dict[str, datetime]:
    """When each object that a week of these seasons may bring was written."""
    store, seasons = registry.lake_store(aws), {season for season, _ in wanted}
    data = [f"{prefix}{season}-" for prefix in (s3_keys.FIXTURES, s3_keys.PREDICTIONS) for season in seasons]
    prefixes = [*data, *map(s3_keys.raw_statistics_folder, seasons)]
    return {key: moment for found in parallel_map(store.list_objects, prefixes) for key, moment in found.items()}


def _brought(aws: AwsContext, wanted: Asked, before: Mapping[str, datetime]) -> Brought:
    new = [key for key, moment in _listing(aws, wanted).items() if before.get(key) != moment]
    answers = [s3_keys.parse_raw_statistics(key) for key in new]
    store = registry.lake_store(aws)
    scored = parallel_map(store.get, [key for key in new if key.startswith(s3_keys.PREDICTIONS)])
    return Brought(
        sum(key.startswith(s3_keys.FIXTURES) for key in new),
        len({answer[0] for answer in answers if answer and answer[1] != "without"}),
        sum(len((text or "").splitlines()) for text in scored),
    )


def going_on(day: date, step: StepName, leagues: tuple[int, ...]) -> str:
    """The command that goes on with this step, in these leagues if any are given."""
    return f"footlake run-week --date {day}{''.join(f' --league {one}' for one in leagues)} --from {step}"


def _cost(aws: AwsContext, begun: datetime, crawled: bool) -> Cost | None:
    try:
        ran = metrics(aws, begun, datetime.now(UTC))
    except (ClientError, BotoCoreError):  # the week is done all the same
        return None
    if ran.unknown:
        return None
    low, high = costs.crawler_price() if crawled else (0.0, 0.0)
    return Cost(ran.cost + low, ran.cost + high, costs.AS_OF)


@contextmanager
def _alone(aws: AwsContext) -> Iterator[None]:
    """Only one run at a time: two would wait for each other's jobs and load each other's halves."""
    store = registry.lake_store(aws)
    with ExitStack() as lease:
        _take(aws, store, lease)
        lease.enter_context(_renewed(store))
        yield


def _take(aws: AwsContext, store: LakeStore, lease: ExitStack) -> None:
    """Take the lease, also from a run that was killed: it does not renew it. FootlakeError where one does."""
    seen = store.head(LEASE)
    unchanged_since = time.monotonic()

    def attempt() -> bool | None:
        nonlocal seen, unchanged_since
        try:
            lease.enter_context(store.lease(LEASE, LEASE_SECONDS))
        except Busy:
            now = store.head(LEASE)
            if now and seen and now.modified > seen.modified:
                raise FootlakeError(
                    f"Another run-week is under way, since {store.get(LEASE)}.", "Let it end, then run it again."
                ) from None
            if now is None or seen is None:
                seen, unchanged_since = now, time.monotonic()
            elif time.monotonic() - unchanged_since > SILENT_SECONDS:
                store.delete([LEASE])
            return None
        return True

    aws.wait_until("a sign of life of another run-week", attempt, every=1, limit=10 * SILENT_SECONDS)


@contextmanager
def _renewed(store: LakeStore) -> Iterator[None]:
    """Let others see that this run is alive."""
    over, begun = threading.Event(), store.get(LEASE) or ""

    def renew() -> None:
        while not over.wait(RENEWAL_SECONDS):
            with suppress(ClientError, BotoCoreError):  # the next one may get through
                store.overwrite(LEASE, begun)

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join(1)  # where AWS does not answer, nobody waits for it


def summary(week: WeeklyRun) -> Iterator[str]:
    """What the run came to, for people."""
    requests = sum(one.requests for one in (week.fixtures, week.statistics) if one)
    if week.fixtures:
        fixtures = sum(one.fixtures for one in week.fixtures.seasons)
        yield f"read      {fixtures} fixtures with {requests} requests to API-Football"
    elif week.statistics:
        yield f"read      statistics with {requests} requests to API-Football"
    written = []
    if week.fixtures:
        written.append(f"{week.brought.fixtures} objects of fixtures")
    if week.statistics:
        written.append(f"statistics of {week.brought.statistics} matches")
    if written:
        yield f"written   {', '.join(written)}"
    if week.xgoals:
        yield f"scored    {week.brought.xgoals} team rows with {week.xgoals.model}"
    if week.mysql:
        yield f"loaded    MySQL has {week.mysql.fixtures} fixtures, {week.mysql.without_xgoals} of them without xG"
    cost = f"; on AWS about {week.cost.low:.2f} to {week.cost.high:.2f} USD ({week.cost.as_of})" if week.cost else ""
    yield f"took      {sum(week.seconds.values()):.0f} s{cost}"
    asked_for = week.fixtures.seasons if week.fixtures else []
    # Of two seasons that may have matches on these days, one is enough.
    having = {one.league for one in asked_for if one.fixtures}
    if empty := [f"league {one.league} season {one.season}" for one in asked_for if one.league not in having]:
        window = Window.of_week(week.date)
        yield f"missing   no fixtures of {', '.join(empty)} from {window.first} to {window.last}"
        yield f"{'':<10}If there should be some: set FOOTLAKE_SEASON to their season, or give another --date."


@click.command("run-week")
@day_option
@league_option
@max_requests_option
@click.option("--from", "first", type=click.Choice(STEPS), default=STEPS[0], help="Go on with this step.")
@click.pass_obj
def command(
    cli: CliContext, day: date | None, leagues: tuple[int, ...], max_requests: int | None, first: StepName
) -> None:
    """One weekly run: fixtures, statistics, Glue, xGoals, MySQL.

    Running a week again changes nothing but what API-Football has changed.
    """
    tuesday = day or today()

    def begin(step: StepName) -> None:
        cli.resume_hint = f"Go on from there: {going_on(tuesday, step, leagues)}"
        cli.notify(f"{STEPS.index(step) + 1}/{len(STEPS)} {step} …")

    done = run_week(cli.connect(), leagues or cli.config.leagues, tuesday, cli.print_line, max_requests, first, begin)
    cli.print_result(done, ["", *summary(done)], football=True)
