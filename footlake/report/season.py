"""Build the report of a league's season: tables, weeks, and the luckiest and unluckiest matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from footlake.football.competitions import season_label
from footlake.report.computed_table import with_computed_table
from footlake.report.matches import Match, Team
from footlake.report.notes import season_notes, table_notes
from footlake.report.poisson import result_probabilities
from footlake.report.season_records import ReportRecords, TableRecord, TeamNames
from footlake.report.table import TableReport, TableRow, table_rows
from footlake.report.team_matches import TeamMatch, team_matches
from footlake.report.weeks import TeamWeek, team_weeks

MATCHES_LISTED = 5  # luckiest matches, and as many unluckiest ones


@dataclass(frozen=True)
class LuckyMatch:
    """A team's match with xG; `luck` is how many more points it brought than expected."""

    idfixture: int
    date: date | None
    team: Team
    opponent: Team
    at_home: bool
    goals_for: int
    goals_against: int
    xg_for: float
    xg_against: float
    points: int
    xpoints: float
    opponent_points: int

    @property
    def luck(self) -> float:
        """Points minus expected points."""
        return self.points - self.xpoints

    @property
    def opponent_xpoints(self) -> float:
        """The opponent's expected points."""
        return result_probabilities(self.xg_for, self.xg_against).away_points

    @property
    def opponent_luck(self) -> float:
        """The opponent's points minus its expected points."""
        return self.opponent_points - self.opponent_xpoints

    def from_home_side(self) -> LuckyMatch:
        """Return the match with the home team as `team`."""
        if self.at_home:
            return self
        return replace(
            self,
            team=self.opponent,
            opponent=self.team,
            at_home=True,
            goals_for=self.goals_against,
            goals_against=self.goals_for,
            xg_for=self.xg_against,
            xg_against=self.xg_for,
            points=self.opponent_points,
            xpoints=self.opponent_xpoints,
            opponent_points=self.points,
        )


@dataclass(frozen=True)
class SeasonReport:
    """The report of a league's season; `seasons` are all seasons that a report can be made of.

    `tables` are the current ones, and every figure is about the matches that count in them. `other_tables` are derived
    ones and those of earlier stages. `outside_regular_season` is the number of matches that count in no table.
    `teams` are the teams of all matches by their ids.
    """

    league: int
    season: int
    seasons: tuple[int, ...]
    competition: str | None
    country: str | None
    season_label: str | None
    title: str
    tables: tuple[TableReport, ...]
    other_tables: tuple[TableRecord, ...]
    teams: dict[int, Team]
    weeks: list[TeamWeek]
    luckiest: list[LuckyMatch]
    unluckiest: list[LuckyMatch]
    last_match_date: date | None
    outside_regular_season: int
    matches: int
    with_xg: int
    notes: tuple[str, ...]

    @property
    def rows(self) -> list[TableRow]:
        """The rows of all tables."""
        return [row for table in self.tables for row in table.rows]

    @property
    def has_several_tables(self) -> bool:
        """Whether the season has more than one table, shown or not, so that each needs its name."""
        return len(self.tables) + len(self.other_tables) > 1

    @property
    def subtitle(self) -> str:
        """Country and season, such as "England, season 2020/21", or an empty text if the country is unknown."""
        return f"{self.country}, season {self.season_label}" if self.country and self.season_label else ""

    @property
    def lucky_matches(self) -> list[LuckyMatch]:
        """The matches in `luckiest` and `unluckiest`, each once, from the home team's side, the most luck first.

        A match that made one team lucky usually made its opponent unlucky, so most matches are in both lists.
        """
        by_luck = sorted([*self.luckiest, *self.unluckiest], key=lambda match: (-abs(match.luck), match.idfixture))
        return list({match.idfixture: match.from_home_side() for match in by_luck}.values())

    def table_title(self, table: TableReport) -> str:
        """Return the title of a table: that of the report, with the table's name if the season has several."""
        return f"{self.title}: {table.name}" if self.has_several_tables else self.title


def build_report(records: ReportRecords) -> SeasonReport:
    """Return the report of a season. It depends on the records only."""
    if not records.tables:
        records = with_computed_table(records)
    names, counted = TeamNames(records), team_matches(records)
    current = [table for table in records.tables if table.current]
    numbers = {table.number for table in current}
    shown = [match for match in counted if match.table_number in numbers]
    lucky = sorted(_lucky_matches(shown, names), key=lambda match: (-match.luck, match.idfixture, match.team.id))
    outside = _find_outside(records)
    other_tables = tuple(table for table in records.tables if not table.current)
    named = records.tables[0]
    return SeasonReport(
        league=records.league,
        season=records.season,
        seasons=tuple(sorted({records.season, *records.seasons})),
        competition=named.competition or None,
        country=named.country or None,
        season_label=named.season_label or None,
        title=_title(records, named),
        tables=tuple(_table_report(table, records, shown, names) for table in current),
        other_tables=other_tables,
        teams={team_id: names.find(team_id) for team_id in _team_ids(records, counted)},
        weeks=team_weeks(shown, names),
        luckiest=[match for match in lucky if match.luck > 0][:MATCHES_LISTED],
        unluckiest=[match for match in reversed(lucky) if match.luck < 0][:MATCHES_LISTED],
        last_match_date=max((match.kickoff.date() for match in shown if match.kickoff), default=None),
        outside_regular_season=len(outside),
        matches=_count_fixtures(shown),
        with_xg=_count_fixtures(match for match in shown if match.expected),
        notes=season_notes(records, outside, other_tables),
    )


def _title(records: ReportRecords, named: TableRecord) -> str:
    """Return competition and season, such as "Premier League 2020/21"; "League 39, season 2020/21" without a name."""
    label = named.season_label or _label_by_dates(records.season, records.matches)
    return f"{named.competition} {label}" if named.competition else f"League {records.league}, season {label}"


def _label_by_dates(season: int, matches: Sequence[Match]) -> str:
    days = [match.kickoff.date() for match in matches if match.kickoff]
    return (
        season_label(season, days, (match.round for match in matches)) if days else f"{season}/{(season + 1) % 100:02d}"
    )


def _table_report(
    table: TableRecord, records: ReportRecords, shown: Sequence[TeamMatch], names: TeamNames
) -> TableReport:
    matches = [match for match in shown if match.table_number == table.number]
    standings = [row for row in records.standings if row.table_number == table.number]
    findings = [finding for finding in records.findings if finding.table_number == table.number]
    rows = table_rows(table, standings, matches, names)
    return TableReport(
        table,
        rows,
        _count_fixtures(matches),
        _count_fixtures(match for match in matches if match.expected),
        table_notes(table, standings, matches, findings, names, records.matches),
    )


def _count_fixtures(matches: Iterable[TeamMatch]) -> int:
    return len({match.fixture_id for match in matches})


def _find_outside(records: ReportRecords) -> set[int]:
    """Return the ids of the matches that count in no table; a second id of a match is not another match."""
    counted = {match.fixture_id for match in records.counted}
    doubled = {finding.fixture_id for finding in records.findings if finding.finding == "duplicate"}
    return {match.id for match in records.matches} - counted - doubled


def _team_ids(records: ReportRecords, counted: Iterable[TeamMatch]) -> set[int]:
    ids = {row.team_id for row in records.standings}
    for match in counted:
        ids |= {match.team} if match.opponent is None else {match.team, match.opponent}
    return ids


def _lucky_matches(matches: Iterable[TeamMatch], names: TeamNames) -> list[LuckyMatch]:
    """Return the matches with xG whose result was reached on the pitch, once for each team that counts them."""
    lucky = {
        (counted.fixture_id, counted.team): LuckyMatch(
            idfixture=counted.fixture_id,
            date=counted.kickoff.date() if counted.kickoff else None,
            team=names.find(counted.team, counted.table_number),
            opponent=names.find(counted.opponent),
            at_home=counted.at_home,
            goals_for=counted.goals_for,
            goals_against=counted.goals_against,
            xg_for=counted.expected.xg_for,
            xg_against=counted.expected.xg_against,
            points=counted.points,
            xpoints=counted.expected.xpoints,
            opponent_points=counted.opponent_points,
        )
        for counted in matches
        if counted.expected and counted.opponent is not None and not counted.decided_off_the_pitch
    }
    return list(lucky.values())
