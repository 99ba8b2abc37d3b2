"""Records of a season in the lake, of unfinished work, and of the fixtures in MySQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from footlake.aws_jobs import format_count
from footlake.football.fixtures import FixtureTeam
from footlake.football.statuses import Result
from footlake.handlers.scoring import ScoringModel
from footlake.lake import s3_keys
from footlake.lake.s3_keys import MISSING, Quality, Season, Side

SHOWN_FIXTURES = 3

Row = Mapping[str, str]
TeamKey = tuple[int, int]
"""Fixture id and team id."""


@dataclass(frozen=True)
class CheckedFixture:
    """A fixture of the last response with the whole season, or one that only the lake's fixtures table has.

    `status` is the text in the fixtures table. `is_stored` is true if the table has the fixture. A team is None
    until it is known; `kickoff` is in UTC.
    """

    id: int
    kickoff: datetime | None
    round: str
    status: str
    result: Result | None
    is_known_status: bool
    home: FixtureTeam | None
    away: FixtureTeam | None
    goals_home: int | None = None
    goals_away: int | None = None
    is_stored: bool = True

    @property
    def team_keys(self) -> list[TeamKey]:
        """Fixture and team ids of the known teams."""
        return [(self.id, team.id) for team in (self.home, self.away) if team]

    @property
    def label(self) -> str:
        """The names of the teams."""
        return " – ".join(team.name if team else "?" for team in (self.home, self.away))


def describe_fixtures(fixtures: Sequence[CheckedFixture]) -> str:
    """Return the number of fixtures and the names and dates of the first ones."""
    shown = ", ".join(
        f"{fixture.label}{f' ({fixture.kickoff:%Y-%m-%d})' if fixture.kickoff else ''}"
        for fixture in fixtures[:SHOWN_FIXTURES]
    )
    more = f" and {len(fixtures) - SHOWN_FIXTURES} more" if len(fixtures) > SHOWN_FIXTURES else ""
    return f"{format_count(len(fixtures), 'fixture')}: {shown}{more}"


@dataclass(frozen=True)
class FetchTimes:
    """Times of the newest objects of a season, by the clock of S3; None for a missing kind."""

    fixtures: datetime | None = None
    standings: datetime | None = None
    statistics: datetime | None = None
    team_rows: datetime | None = None
    predictions: datetime | None = None


@dataclass(frozen=True)
class SeasonRecords:
    """A season in the lake.

    `as_of` is when the fixtures were requested, by the API's clock, if the lake has that time. `responses` are the
    times of the stored statistics responses, `requests` the numbers of requests by fixture, where they were read.
    `written` are the times of the season's objects of parts by key. `statistics` are the rows of the statistics table
    (fixture, home team, away team); they and `team_rows` were read only of parts in which `xg` is incomplete.
    The rows of the CSVs with the season's tables have the columns of `schemas`.
    """

    season: Season
    fixtures: tuple[CheckedFixture, ...]
    competition: str = ""
    country: str = ""
    label: str = ""
    times: FetchTimes = FetchTimes()
    as_of: datetime | None = None
    responses: Mapping[int, Mapping[Quality, datetime]] = field(default_factory=dict)
    requests: Mapping[int, int] = field(default_factory=dict)
    written: Mapping[str, datetime] = field(default_factory=dict)
    statistics: frozenset[tuple[int, int, int]] = frozenset()
    team_rows: frozenset[TeamKey] = frozenset()
    xg: frozenset[TeamKey] = frozenset()
    tables: tuple[Row, ...] = ()
    standings: tuple[Row, ...] = ()
    decisions: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()

    @property
    def duplicates(self) -> set[int]:
        """Ids of fixtures that are second ids of other matches."""
        return {int(row["idFixture"]) for row in self.findings if row["finding"] == "duplicate"}

    def has_xg(self, fixture: CheckedFixture) -> bool:
        """Return whether both teams have xG."""
        return len(fixture.team_keys) == 2 and self.xg.issuperset(fixture.team_keys)

    def has_statistics_row(self, fixture: CheckedFixture) -> bool:
        """Return whether the statistics table has the fixture with the teams that it has now."""
        ids = tuple(team_id for _, team_id in fixture.team_keys)
        return self.has_xg(fixture) or (fixture.id, *ids) in self.statistics

    def quality(self, fixture_id: int) -> Quality | None:
        """Return the quality of the newest usable response, MISSING if none is usable, None without any response."""
        responses = self.responses.get(fixture_id, {})
        usable = {quality: time for quality, time in responses.items() if quality != MISSING}
        newest = max(usable, key=lambda quality: usable[quality], default=None)
        return newest if newest is not None else MISSING if responses else None

    def part_times(self, fixture: CheckedFixture, *keys: str) -> list[datetime]:
        """Return the times of those of these objects that exist."""
        return [self.written[key] for key in keys if key in self.written]


@dataclass(frozen=True)
class PendingStatistics:
    """A raw fixtures file whose statistics are still to be fetched, with the ids in it and the time of the next try."""

    ids: frozenset[int]
    after: datetime
    tries: int


@dataclass(frozen=True)
class WorkInProgress:
    """Work that the functions have not finished, for all seasons.

    `rejected` are the team rows for which the model predicted no valid xG, with the time; `staged` the names of the
    inputs of transforms that run; `marks` says that rows wait for the next invocation of etlGetXGoals.
    """

    pending: tuple[PendingStatistics, ...] = ()
    model: ScoringModel | None = None
    rejected: Mapping[TeamKey, datetime] = field(default_factory=dict)
    staged: frozenset[str] = frozenset()
    marks: bool = False


@dataclass(frozen=True)
class LoadedFixtures:
    """The fixtures in MySQL by season, each with whether it has xG of both teams; `problem` if MySQL was not read."""

    fixtures: Mapping[Season, Mapping[int, bool]] = field(default_factory=dict)
    problem: str = ""

    @property
    def was_read(self) -> bool:
        """Whether MySQL answered."""
        return not self.problem


def part_keys(season: Season, fixture_id: int) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the key of the statistics of a fixture's part, and those of its team rows and predictions."""
    part = s3_keys.part_of(season, fixture_id)
    sides: tuple[Side, ...] = ("home", "away")
    return (
        s3_keys.statistics(part),
        tuple(s3_keys.team_rows(part, side) for side in sides),
        tuple(s3_keys.predictions(part, side) for side in sides),
    )
