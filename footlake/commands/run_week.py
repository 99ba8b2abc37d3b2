"""run-week: run the weekly steps in order: five, or four for a lake without a database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.aws_jobs import format_count
from footlake.cli_context import CliContext
from footlake.commands import STEPS, StepName
from footlake.commands.ingest_fixtures import IngestedFixtures, format_fixtures, ingest_fixtures
from footlake.commands.ingest_stats import IngestedStatistics, format_statistics, ingest_stats
from footlake.commands.load_mysql import LoadedTables, format_tables, load_mysql
from footlake.commands.options import (
    SeasonSelection,
    select_seasons,
    today,
)
from footlake.commands.run_glue import GlueResult, run_glue
from footlake.commands.transform_xgoals import format_scoring, transform_xgoals
from footlake.config import Config
from footlake.data_check.checks import read_data
from footlake.data_check.text import describe_data
from footlake.deploy import costs
from footlake.deploy.database_sleep import NOBODY, Operator, require_database
from footlake.deploy.leases import take_lease
from footlake.deploy.prices import format_range
from footlake.deploy.usage import RunCost, cost_of_run, format_cost
from footlake.errors import FootlakeCommand, FootlakeError, Hint, QuotaExceeded
from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season, Window
from footlake.lake.store import parallel_map
from footlake.model import registry
from footlake.model.scoring import ScoringResult

T = TypeVar("T")
NO_DATABASE_STEPS = STEPS[:-1]  # those of a lake without a database
PURPOSES: dict[StepName, str] = {
    "ingest-fixtures": "fetch the fixtures",
    "ingest-stats": "fetch the statistics of played fixtures",
    "run-glue": "write one row per team and fixture with Spark",
    "transform-xgoals": "compute expected goals with the model in use",
    "load-mysql": "load fixtures and expected goals into MySQL",
}
LEASE = s3_keys.LEASES + "run-week"


@dataclass(frozen=True)
class LakeChanges:
    """Changes in the lake since the run began, including those made by functions that AWS events started.

    `fixtures` counts fixture objects, `statistics` matches whose statistics were added, `xgoals` scored team rows.
    """

    fixtures: int
    statistics: int
    xgoals: int


@dataclass(frozen=True)
class DataState:
    """How complete the data of the run's seasons is: counts of finished fixtures, and what `check` cannot explain.

    `text` says the same in one line.
    """

    played: int
    with_statistics: int
    with_xg: int
    problems: int
    text: Hint


@dataclass(frozen=True)
class WeeklyRun:
    """The results of the steps (None for those before the first one), their seconds, and what changed in the lake.

    `cost` and `data` are None if they cannot be determined.
    """

    date: date
    fixtures: IngestedFixtures | None
    statistics: IngestedStatistics | None
    glue: GlueResult | None
    xgoals: ScoringResult | None
    mysql: LoadedTables | None
    seconds: dict[str, float]
    cost: RunCost | None
    brought: LakeChanges
    data: DataState | None = None


class StepRunner:
    """Runs the steps of a week from `first` on, prints a line for each, and keeps their `seconds` by name.

    `resume` returns the command that continues with a step.
    """

    def __init__(
        self,
        first: StepName,
        on_step: Callable[[StepName], None],
        on_line: Callable[[str], None],
        resume: Callable[[StepName], FootlakeCommand],
    ) -> None:
        self._first = first
        self._on_step = on_step
        self._on_line = on_line
        self._resume = resume
        self.seconds: dict[str, float] = {}

    def run(self, name: StepName, work: Callable[[], T], describe: Callable[[T], list[str]]) -> T | None:
        """Run a step and return its result, None if the step comes before the first one."""
        if STEPS.index(name) < STEPS.index(self._first):
            return None
        self._on_step(name)
        started = time.monotonic()
        try:
            result = work()
        except QuotaExceeded:
            raise
        except FootlakeError as error:
            separator = "\n  " if error.hint else ""
            error.hint = Hint(error.hint, separator, "To continue with this step: ", self._resume(name))
            raise
        self.seconds[name] = round(time.monotonic() - started, 1)
        *lines, last = describe(result)
        for line in [*lines, f"{last}  [{self.seconds[name]:.1f} s]"]:
            self._on_line(f"{name:<17} {line}")
        return result


def run_week(
    aws: AwsContext,
    leagues: tuple[int, ...],
    day: date,
    on_line: Callable[[str], None] = lambda line: None,
    max_requests: int | None = None,
    first: StepName = "ingest-fixtures",
    on_step: Callable[[StepName], None] = lambda name: None,
    operator: Operator = NOBODY,
) -> WeeklyRun:
    """Run the week of the Tuesday `day` (fixtures from seven days before to six days after it) from the step `first`.

    `on_step` is called before each step, `on_line` with each line of its results. `operator` has to know of a
    database that is awake. Raise FootlakeError if another run is in progress.
    """
    started = datetime.now(UTC)
    selection = select_seasons(leagues, aws.config.seasons, day, ())
    resume_leagues = () if leagues == aws.config.leagues else leagues
    runner = StepRunner(first, on_step, on_line, lambda step: resume_command(day, step, resume_leagues))
    with _exclusive_run(aws):
        before = _list_objects(aws, selection)
        fixtures, statistics = _run_ingestion(aws, runner, selection, max_requests)
        glue, xgoals, mysql = _run_processing(aws, runner, operator)
    cost = cost_of_run(aws, started)
    changes = _changes_since(aws, selection, before)
    data = _check_data(aws, [season for season, _ in selection])
    return WeeklyRun(day, fixtures, statistics, glue, xgoals, mysql, runner.seconds, cost, changes, data)


def _check_data(aws: AwsContext, seasons: Sequence[Season]) -> DataState | None:
    try:
        check = read_data(aws, seasons, datetime.now(UTC), database=False).check_seasons()
    except (ClientError, BotoCoreError, FootlakeError):  # the run has succeeded even if its data cannot be read
        return None
    counts = [season.counts for season in check.seasons]
    return DataState(
        sum(count.played for count in counts),
        sum(count.with_statistics for count in counts),
        sum(count.with_xg for count in counts),
        check.problems,
        describe_data(check),
    )


def _run_ingestion(
    aws: AwsContext, runner: StepRunner, selection: SeasonSelection, max_requests: int | None
) -> tuple[IngestedFixtures | None, IngestedStatistics | None]:
    fixtures = runner.run(
        "ingest-fixtures",
        lambda: ingest_fixtures(aws, selection, max_requests),
        lambda result: list(map(format_fixtures, result.seasons)),
    )
    left = None if max_requests is None else max_requests - (fixtures.requests if fixtures else 0)
    statistics = runner.run(
        "ingest-stats",
        lambda: ingest_stats(aws, selection, left),
        lambda result: list(map(format_statistics, result.seasons)),
    )
    return fixtures, statistics


def _run_processing(
    aws: AwsContext, runner: StepRunner, operator: Operator
) -> tuple[GlueResult | None, ScoringResult | None, LoadedTables | None]:
    glue = runner.run(
        "run-glue",
        lambda: run_glue(aws),
        lambda result: [
            f"{format_count(len(result.runs), 'Glue job')} succeeded;"
            f" the Glue catalog has {format_count(len(result.tables), 'table')}"
        ],
    )
    xgoals = runner.run("transform-xgoals", lambda: transform_xgoals(aws), lambda result: [format_scoring(result)])
    if "load-mysql" not in steps(aws.config):
        return glue, xgoals, None
    mysql = runner.run("load-mysql", lambda: load_mysql(aws, operator), lambda result: [format_tables(result)])
    return glue, xgoals, mysql


def steps(config: Config) -> tuple[StepName, ...]:
    """Return the steps of a weekly run."""
    return NO_DATABASE_STEPS if config.database == "none" else STEPS


def _list_objects(aws: AwsContext, selection: SeasonSelection) -> dict[str, datetime]:
    """Return the keys that a week of these seasons may change, each with the time at which it was written."""
    store, seasons = registry.lake_store(aws), {season for season, _ in selection}
    data = [f"{prefix}{season}-" for prefix in (s3_keys.FIXTURES, s3_keys.PREDICTIONS) for season in seasons]
    prefixes = [*data, *map(s3_keys.raw_statistics_folder, seasons)]
    return {key: written for listing in parallel_map(store.list_objects, prefixes) for key, written in listing.items()}


def _changes_since(aws: AwsContext, selection: SeasonSelection, before: Mapping[str, datetime]) -> LakeChanges:
    now = _list_objects(aws, selection)
    changed = [key for key, written in now.items() if before.get(key) != written]
    predictions = [key for key in changed if key.startswith(s3_keys.PREDICTIONS)]
    texts = parallel_map(registry.lake_store(aws).get, predictions)
    return LakeChanges(
        sum(key.startswith(s3_keys.FIXTURES) for key in changed),
        len(_with_statistics(now) - _with_statistics(before)),  # others were only requested again
        sum(len((text or "").splitlines()) for text in texts),
    )


def _with_statistics(keys: Iterable[str]) -> set[int]:
    """Return the ids of the fixtures with statistics among these raw answers."""
    answers = map(s3_keys.parse_raw_statistics, keys)
    return {answer[0] for answer in answers if answer and answer[1] != s3_keys.MISSING}


def resume_command(day: date, step: StepName, leagues: tuple[int, ...]) -> FootlakeCommand:
    """Return the command that continues with this step, in these leagues if any are given."""
    return FootlakeCommand(f"run-week --date {day}{''.join(f' --league {league}' for league in leagues)} --from {step}")


def describe_price(config: Config, first: StepName) -> str:
    """Return what the run will cost from the step `first` on, as a sentence."""
    estimate = costs.estimate_week(config, STEPS[STEPS.index(first) :])
    return f"Price on AWS: about {format_range(estimate.low, estimate.high)} USD ({costs.as_of(config)})."


@contextmanager
def _exclusive_run(aws: AwsContext) -> Iterator[None]:
    """Hold the lease of run-week: two runs would wait for each other's jobs and load each other's partial results.

    Raise FootlakeError if another run has it.
    """
    store = registry.lake_store(aws)
    with ExitStack() as stack:
        if take_lease(aws, store, stack, LEASE, "the check whether another run-week is active") is None:
            raise FootlakeError(
                f"Another run-week is in progress. It started at {store.get(LEASE)}.",
                "Wait until it has ended, then run the same command again.",
            )
        yield


def summarise_week(week: WeeklyRun) -> Iterator[str]:
    """Yield the summary lines of a run."""
    if week.fixtures or week.statistics:
        yield f"fetched   {_describe_fetched(week)}"
        yield f"changed   {_describe_changes(week) or 'no fixtures and no statistics'}"
    if week.xgoals:
        rows = format_count(week.brought.xgoals, "team row") if week.brought.xgoals else "no new team rows"
        yield f"scored    {rows} with {week.xgoals.model}"
    if week.mysql:
        yield f"loaded    {format_tables(week.mysql)}"
    yield f"took      {sum(week.seconds.values()):.0f} s"
    yield f"cost      {format_cost(week.cost)}"
    if week.data:
        yield Hint("data      ", week.data.text)
    yield from _warn_of_empty_leagues(week)


def _describe_fetched(week: WeeklyRun) -> str:
    requests = sum(step.requests for step in (week.fixtures, week.statistics) if step)
    seasons = week.fixtures.seasons if week.fixtures else []
    what = format_count(sum(season.fixtures for season in seasons), "fixture") if week.fixtures else "statistics"
    return f"{what}, with {format_count(requests, 'request')} to API-Football by this command"


def _describe_changes(week: WeeklyRun) -> str:
    """Return what the run changed in the lake, or nothing."""
    changes = []
    tables = sum(season.tables_changed > 0 for season in week.fixtures.seasons) if week.fixtures else 0
    if week.fixtures and week.brought.fixtures:
        changes.append(f"{format_count(week.brought.fixtures, 'object')} with fixtures")
    elif tables:  # such as a deduction
        changes.append(f"the tables of {format_count(tables, 'season')}")
    if week.statistics and week.brought.statistics:
        changes.append(f"the statistics of {format_count(week.brought.statistics, 'match', 'matches')}")
    return " and ".join(changes)


def _warn_of_empty_leagues(week: WeeklyRun) -> Iterator[str]:
    """Yield a warning if a league has no fixtures in this week in any of the seasons that were fetched."""
    seasons = week.fixtures.seasons if week.fixtures else []
    with_fixtures = {season.league for season in seasons if season.fixtures}
    empty = [f"league {one.league} season {one.season}" for one in seasons if one.league not in with_fixtures]
    if empty:
        window = Window.of_week(week.date)
        yield f"missing   {', '.join(empty)}: no fixtures from {window.first} to {window.last}"
        yield f"{'':<10}If matches are played in this week, set FOOTLAKE_SEASON to their season, or change --date."


def run(cli: CliContext, day: date | None, leagues: tuple[int, ...], max_requests: int | None, first: StepName) -> None:
    """Run the weekly steps from `first` on and print the result."""
    tuesday = day or today()

    def announce(step: StepName) -> None:
        cli.output.resume_with(resume_command(tuesday, step, leagues))
        number = len(steps(cli.config))
        cli.output.notify(f"Step {STEPS.index(step) + 1} of {number}, {step}: {PURPOSES[step]}")

    aws = cli.connect()
    if first not in steps(aws.config):
        require_database(aws.config)
    cli.output.notify(describe_price(aws.config, first))
    print_line = cli.output.print_line
    week = run_week(aws, leagues or cli.config.leagues, tuesday, print_line, max_requests, first, announce, cli)
    lines = [cli.format_hint(Hint(line)) for line in summarise_week(week)]
    cli.output.print_result(week, ["", *lines], football=cli.describe_data_source(aws))
