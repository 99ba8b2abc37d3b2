"""The check of a season: how fresh and complete its data is, and whether its tables agree with the official ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from footlake.aws_jobs import format_count
from footlake.data_check.pipeline import FixtureTrace, Issue, Level, PipelineTracer
from footlake.data_check.records import CheckedFixture, FetchTimes, SeasonRecords, describe_fixtures
from footlake.data_check.schedules import WeeklySchedule
from footlake.data_check.tables import TableCheck, check_tables, season_notes
from footlake.errors import FootlakeCommand, Hint

# The issue of a match without a result, which is counted but is no finding.
NO_RESULT = "result"


@dataclass(frozen=True)
class DataFinding:
    """A finding of a season: `what` it is about, a sentence, the ids of its fixtures, and what happens `next`."""

    what: str
    level: Level
    text: str
    fixtures: tuple[int, ...] = ()
    next: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class FixtureCounts:
    """Fixtures of a season by how far they have come.

    `finished` are those with a result, of which `played` were decided on the pitch and have statistics. Second ids of
    a match count in `duplicates` only. `mysql` counts finished fixtures; it is None if MySQL was not read.
    """

    fixtures: int
    duplicates: int
    undecided: int
    without_result: int
    finished: int
    played: int
    with_statistics: int
    with_team_rows: int
    with_xg: int
    mysql: int | None


@dataclass(frozen=True)
class SeasonCheck:
    """The check of a season; `problems` is the number of findings and tables that are not explained."""

    league: int
    season: int
    competition: str
    country: str
    label: str
    times: FetchTimes
    next_run: datetime | None
    counts: FixtureCounts
    tables: tuple[TableCheck, ...] = ()
    findings: tuple[DataFinding, ...] = field(default=())

    @property
    def title(self) -> str:
        """Competition and season, such as "Premier League 2020/21, England (league 39, season 2020)"."""
        name = self.competition or f"League {self.league}"
        country = f", {self.country}" if self.country else ""
        return f"{name} {self.label or self.season}{country} (league {self.league}, season {self.season})"

    @property
    def problems(self) -> int:
        """The number of findings and tables that are not explained."""
        levels = [finding.level for finding in self.findings] + [table.level for table in self.tables]
        return levels.count("problem")


def check_season(tracer: PipelineTracer) -> SeasonCheck:
    """Return the check of the season of a tracer."""
    records, schedule = tracer.records, tracer.schedule
    traces = [(fixture, tracer.trace(fixture)) for fixture in records.fixtures]
    findings = [
        *_check_freshness(records, schedule),
        *_group_issues(traces, records),
        *_check_obsolete_rows(tracer),
        *(DataFinding(note.what, note.level, note.text, note.fixtures) for note in season_notes(records)),
    ]
    return SeasonCheck(
        *(records.season.league, records.season.year, records.competition, records.country, records.label),
        records.times,
        schedule.next_fetch_of(records.season),
        _count(traces, tracer),
        tuple(check_tables(records)),
        tuple(sorted(findings, key=lambda finding: finding.level != "problem")),
    )


def _count(traces: Sequence[tuple[CheckedFixture, FixtureTrace]], tracer: PipelineTracer) -> FixtureCounts:
    counted = [(fixture, trace) for fixture, trace in traces if fixture.id not in tracer.duplicates]
    finished = [(fixture, trace) for fixture, trace in counted if fixture.result]
    played = [(fixture, trace) for fixture, trace in finished if fixture.result == "played"]
    return FixtureCounts(
        fixtures=len(traces),
        duplicates=len(traces) - len(counted),
        undecided=sum(not (fixture.home and fixture.away) for fixture, _ in counted),
        without_result=len(counted) - len(finished),
        finished=len(finished),
        played=len(played),
        with_statistics=sum(tracer.records.has_statistics_row(fixture) for fixture, _ in played),
        with_team_rows=sum(trace.team_rows == 2 for _, trace in played),
        with_xg=sum(trace.xg == 2 for _, trace in played),
        mysql=None if tracer.loaded is None else sum(bool(trace.mysql) for _, trace in finished),
    )


def _check_freshness(records: SeasonRecords, schedule: WeeklySchedule) -> Iterator[DataFinding]:
    season = records.season
    fetch = FootlakeCommand(f"ingest-fixtures --league {season.league} --season {season.year}")
    if not records.fixtures:
        text = "The lake has no fixtures of this season."
        yield DataFinding("fixtures", "problem", text, (), Hint("Run ", fetch, "."))
        return
    if schedule.next_fetch_of(season) and schedule.fetch.has_missed(records.times.fixtures):
        text = f"The fixtures were not fetched by the weekly run of {schedule.fetch.last:%Y-%m-%d %H:%M} UTC."
        logs = Hint(
            "Run ", FootlakeCommand("run-week"), "; ", FootlakeCommand("logs --errors"), " may have the reason."
        )
        yield DataFinding("fixtures", "problem", text, (), logs)
    if not records.tables:
        text = "The tables were not compared yet: an earlier version fetched the fixtures."
        yield DataFinding("tables", "explained", text, (), Hint("To compare them, run ", fetch, "."))


def _group_issues(
    traces: Iterable[tuple[CheckedFixture, FixtureTrace]], records: SeasonRecords
) -> Iterator[DataFinding]:
    """Yield a finding for each kind of issue, with all its fixtures, problems first."""
    groups: dict[tuple[str, Level, str], list[tuple[CheckedFixture, Issue]]] = {}
    for fixture, trace in traces:
        for issue in trace.issues:
            if issue.what not in (NO_RESULT, "duplicate", "status"):  # the last two are findings of the season's tables
                groups.setdefault((issue.what, issue.level, issue.next), []).append((fixture, issue))
    for (what, level, _), issues in sorted(groups.items(), key=lambda group: group[0][1] != "problem"):
        fixtures = [fixture for fixture, _ in issues]
        first = issues[0][1]
        reasons = Counter(issue.reason for _, issue in issues)
        reason = (
            next(iter(reasons)) if len(reasons) == 1 else f"{first.reason} (and {len(reasons) - 1} similar reasons)"
        )
        at = max((issue.at for _, issue in issues if issue.at), default=None)
        ids = tuple(fixture.id for fixture in fixtures)
        yield DataFinding(what, level, f"{describe_fixtures(fixtures)}. {reason}", ids, first.next, at)
    if not records.tables:  # the tables' findings would have the unknown statuses
        unknown = Counter(fixture.status for fixture in records.fixtures if not fixture.is_known_status)
        for status, count in unknown.items():
            yield DataFinding("unknown status", "problem", f"{format_count(count, 'fixture')} with status {status}.")


def _check_obsolete_rows(tracer: PipelineTracer) -> Iterator[DataFinding]:
    """Yield a finding about rows of MySQL whose fixtures are gone."""
    stored = {fixture.id for fixture in tracer.records.fixtures if fixture.is_stored}
    if gone := sorted((tracer.loaded or {}).keys() - stored):
        fixtures = format_count(len(gone), "fixture")
        text = f"{fixtures} in MySQL {'is' if len(gone) == 1 else 'are'} no longer in the lake."
        yield DataFinding("MySQL", "explained", text, tuple(gone), "The next load deletes them.")
