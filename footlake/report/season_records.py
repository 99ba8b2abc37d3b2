"""The stored records of a season, of which a report is made.

The records of tables have the figures of the CSVs in `football.table_rows` and of the MySQL tables with the same names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from footlake.report.matches import Match, Team


class TableRecord(NamedTuple):
    """A row of `league_tables`. The names of competition and country and the label of the season can be unknown."""

    number: int
    name: str
    kind: str
    derived: bool
    superseded: bool
    official: bool
    reconciled: str
    counted_until: date | None = None
    carry_over: str | None = None
    points_explained: bool = True
    competition: str | None = None
    country: str | None = None
    season_label: str | None = None

    @property
    def current(self) -> bool:
        """Whether the table is one to show first."""
        return not self.derived and not self.superseded


class StandingRecord(NamedTuple):
    """A row of `standings`: the team's official figures, or the computed ones of an unofficial table."""

    table_number: int
    rank: int | None
    team_id: int
    team: str | None
    points: int | None
    points_carried: int | None
    points_adjusted: int | None
    played: int | None
    won: int | None
    drawn: int | None
    lost: int | None
    goals_for: int | None
    goals_against: int | None


class CountedRecord(NamedTuple):
    """A row of `table_fixtures`: what a match counts for one team in a table."""

    table_number: int
    fixture_id: int
    side: str
    team_id: int
    won: int
    drawn: int
    lost: int
    goals_for: int
    goals_against: int
    reason: str | None = None


class FindingRecord(NamedTuple):
    """A row of `table_findings`."""

    table_number: int | None
    finding: str
    fixture_id: int | None
    team: str | None
    figure: str | None
    official: int | None
    computed: int | None
    text: str | None


@dataclass(frozen=True)
class ReportRecords:
    """Everything that the report of a league's season is made of.

    `matches` are all finished ones of the season, `teams` at least those that play in it, and `seasons` all seasons of
    the league that have finished matches. Without `tables`, the lake was filled by an earlier version of footlake.
    """

    league: int
    season: int
    matches: Sequence[Match]
    teams: Sequence[Team]
    seasons: Sequence[int] = ()
    tables: Sequence[TableRecord] = ()
    standings: Sequence[StandingRecord] = ()
    counted: Sequence[CountedRecord] = ()
    findings: Sequence[FindingRecord] = ()


class TeamNames:
    """Finds the teams of a season by id.

    A team that the lake's list of teams lacks has its name in the standings, or else is named after its id.
    """

    def __init__(self, records: ReportRecords) -> None:
        self._teams = {team.id: team for team in records.teams}
        self._in_tables = {(row.table_number, row.team_id): row.team for row in records.standings}
        self._in_any_table = {row.team_id: row.team for row in records.standings}

    def find(self, team_id: int, table_number: int | None = None) -> Team:
        """Return the team; `table_number` is the table whose name of the team counts."""
        if team_id in self._teams:
            return self._teams[team_id]
        name = self._in_tables.get((table_number, team_id)) if table_number else self._in_any_table.get(team_id)
        return Team(team_id, None, name or f"team {team_id}")
