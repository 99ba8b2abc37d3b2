"""Read seasons from the lake and MySQL, and check them or some of their fixtures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from footlake.aws import AwsContext
from footlake.data_check.lake_reader import list_seasons, read_season, read_work, with_requests
from footlake.data_check.mysql_reader import read_loaded
from footlake.data_check.pipeline import FixtureTrace, PipelineTracer
from footlake.data_check.records import CheckedFixture, LoadedFixtures
from footlake.data_check.schedules import WeeklySchedule
from footlake.data_check.season import SeasonCheck, check_season
from footlake.data_check.selection import Selection
from footlake.errors import FootlakeError
from footlake.lake.s3_keys import Season
from footlake.lake.store import LakeStore
from footlake.lake.tables import BadTable
from footlake.model import registry

_NO_DATE = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class DatabaseState:
    """Whether MySQL was read, and if not, why."""

    read: bool
    problem: str = ""


@dataclass(frozen=True)
class DataCheck:
    """The check of seasons. `problems` is the number of findings and tables that are not explained."""

    seasons: list[SeasonCheck]
    database: DatabaseState
    problems: int


@dataclass(frozen=True)
class FixtureCheck:
    """Fixtures and how far they have come. `problems` is the number of those with a problem."""

    fixtures: list[FixtureTrace]
    database: DatabaseState
    problems: int


@dataclass(frozen=True)
class LakeData:
    """Everything that was read of some seasons."""

    store: LakeStore
    tracers: list[PipelineTracer]
    database: DatabaseState

    @property
    def fixtures(self) -> list[CheckedFixture]:
        """The fixtures of all seasons."""
        return [fixture for tracer in self.tracers for fixture in tracer.records.fixtures]

    def check_seasons(self) -> DataCheck:
        """Check the whole seasons."""
        checks = [check_season(tracer) for tracer in self.tracers]
        return DataCheck(checks, self.database, sum(check.problems for check in checks))

    def check_fixtures(self, is_selected: Selection) -> FixtureCheck:
        """Check the selected fixtures, in order of their kick-offs."""
        traces = [trace for tracer in self.tracers for trace in self._trace(tracer, is_selected)]
        traces.sort(key=lambda trace: (trace.kickoff or _NO_DATE, trace.idfixture))
        return FixtureCheck(traces, self.database, sum(trace.has_problem for trace in traces))

    def _trace(self, tracer: PipelineTracer, is_selected: Selection) -> Iterable[FixtureTrace]:
        selected = [fixture for fixture in tracer.records.fixtures if is_selected(fixture)]
        return map(tracer.with_records(with_requests(self.store, tracer.records, selected)).trace, selected)


def read_data(aws: AwsContext, seasons: Sequence[Season], now: datetime, database: bool = True) -> LakeData:
    """Read these seasons from the lake and, unless `database` is false, from MySQL at the same time.

    Raises FootlakeError for an object that has not the form in which footlake writes it.
    """
    store, schedule = registry.lake_store(aws), WeeklySchedule.of(aws.config, now)
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(read_loaded, aws, seasons) if database else None
        try:
            work = read_work(store)
            records = [read_season(store, season) for season in seasons]
        except BadTable as error:
            raise FootlakeError(f"{error}.", "Restore an earlier version of the object in S3, or delete it.") from None
        loaded = loading.result() if loading else LoadedFixtures(problem="MySQL was not read.")
    tracers = [PipelineTracer(one, work, schedule, loaded) for one in records]
    return LakeData(store, tracers, DatabaseState(loaded.was_read, loaded.problem))


def select_lake_seasons(
    aws: AwsContext, leagues: Sequence[int], years: Sequence[int], fixture_id: int | None = None
) -> list[Season]:
    """Return the seasons to check, given the values of the options.

    By default those of the settings, without the seasons of a league that the lake does not have if it has another one:
    leagues with different calendars can be in different seasons. A fixture is looked for in all seasons of the lake.
    """
    stored = list_seasons(registry.lake_store(aws), fixture_id)
    if fixture_id is not None and not (leagues or years):
        return stored
    selected = []
    for league in leagues or aws.config.leagues:
        seasons = [Season(league, year) for year in years or aws.config.seasons]
        selected += seasons if years else [season for season in seasons if season in stored] or seasons[-1:]
    return selected
