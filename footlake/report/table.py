"""Build the tables of a season: the official figures, and what the expected goals were worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from footlake.report.matches import Team
from footlake.report.season_records import StandingRecord, TableRecord, TeamNames
from footlake.report.team_matches import TeamMatch


@dataclass(frozen=True)
class ExpectedTotals:
    """A team's expected figures over its `matches` with known xG, and how far the actual ones differ from them.

    A difference is actual minus expected, over the same matches. `xpoints` also has the points that the table carries
    over from an earlier phase. `position` is the rank by expected points among the teams that have any such match.
    """

    position: int
    matches: int
    xg_for: float
    xg_against: float
    xpoints: float
    goals_for_difference: float
    goals_against_difference: float
    points_difference: float

    @property
    def xg_for_per_match(self) -> float:
        """Expected goals for, per match with xG."""
        return self.xg_for / self.matches

    @property
    def xg_against_per_match(self) -> float:
        """Expected goals against, per match with xG."""
        return self.xg_against / self.matches


@dataclass(frozen=True)
class TableRow:
    """One team's row of a table. A figure that the official table lacks is None, and `expected` without any xG.

    `points_adjusted` is negative for a deduction. `points_carried` are points of an earlier phase whose matches the
    table does not count. `source` is "simulated" if any of the matches is, and None without any.
    """

    position: int | None
    team: Team
    played: int | None
    won: int | None
    drawn: int | None
    lost: int | None
    goals_for: int | None
    goals_against: int | None
    points: int | None
    expected: ExpectedTotals | None
    source: str | None = None
    points_adjusted: int = 0
    points_carried: int = 0

    @property
    def goal_difference(self) -> int | None:
        """Goals for minus goals against."""
        if self.goals_for is None or self.goals_against is None:
            return None
        return self.goals_for - self.goals_against

    @property
    def adjustment(self) -> str:
        """What follows the points: "8 deducted" or "3 added", or an empty text."""
        if not self.points_adjusted:
            return ""
        return f"{abs(self.points_adjusted)} {'deducted' if self.points_adjusted < 0 else 'added'}"

    def actual_columns(self) -> dict[str, Any]:
        """Return the actual figures by the column names of the SQL view `expected_table`."""
        return {
            "position": self.position,
            "idteam": self.team.id,
            "code": self.team.code,
            "team": self.team.name,
            "played": self.played,
            "won": self.won,
            "drawn": self.drawn,
            "lost": self.lost,
            "goals_for": self.goals_for,
            "goals_against": self.goals_against,
            "goal_difference": self.goal_difference,
            "points": self.points,
        }

    def all_columns(self) -> dict[str, Any]:
        """Return all figures by the column names of the SQL view `expected_table`, None where xG is missing."""
        totals = asdict(self.expected) if self.expected else dict.fromkeys(ExpectedTotals.__dataclass_fields__)
        position, matches = totals.pop("position"), totals.pop("matches") or 0
        expected = {"expected_position": position, "expected_matches": matches, **totals}
        return {**self.actual_columns(), **expected, "source": self.source}


@dataclass(frozen=True)
class TableReport:
    """A current table of a season: its rows, and how many of the matches that it counts have xG.

    `notes` are sentences on what the table counts and on what does not agree.
    """

    record: TableRecord
    rows: tuple[TableRow, ...]
    matches: int
    with_xg: int
    notes: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number of the table in its season."""
        return self.record.number

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.record.name


def table_rows(
    table: TableRecord, standings: Iterable[StandingRecord], matches: Sequence[TeamMatch], names: TeamNames
) -> tuple[TableRow, ...]:
    """Return the rows of a table by rank; `matches` are those that it counts.

    Expected figures and differences cover the matches with xG, so that both sides of a comparison are about the same
    matches; each row says how many. The view `expected_tables` has the same figures.
    """
    by_team: dict[int, list[TeamMatch]] = {}
    for match in matches:
        by_team.setdefault(match.team, []).append(match)
    rows = [
        _table_row(table, row, names.find(row.team_id, table.number), by_team.get(row.team_id, ())) for row in standings
    ]
    ranked = sorted((row for row in rows if row.expected), key=_expected_rank)
    expected_positions = {row.team.id: position for position, row in enumerate(ranked, start=1)}
    rows.sort(key=lambda row: (row.position is None, row.position or 0, row.team.name, row.team.id))
    return tuple(
        replace(row, expected=row.expected and replace(row.expected, position=expected_positions[row.team.id]))
        for row in rows
    )


def _expected_rank(row: TableRow) -> tuple[float, float, str, int]:
    assert row.expected
    return -row.expected.xpoints, row.expected.xg_against - row.expected.xg_for, row.team.name, row.team.id


def _table_row(table: TableRecord, standing: StandingRecord, team: Team, matches: Sequence[TeamMatch]) -> TableRow:
    """Return a team's row with an expected position of 0."""
    # Negative if the table counts the matches of the earlier phase, but not all their points.
    carried = max(standing.points_carried or 0, 0) if table.points_explained else 0
    return TableRow(
        position=standing.rank,
        team=team,
        played=standing.played,
        won=standing.won,
        drawn=standing.drawn,
        lost=standing.lost,
        goals_for=standing.goals_for,
        goals_against=standing.goals_against,
        points=standing.points,
        expected=_expected_totals(matches, carried),
        source=max((match.source for match in matches), default="") or None,
        points_adjusted=standing.points_adjusted or 0,
        points_carried=carried,
    )


def _expected_totals(matches: Iterable[TeamMatch], carried: int) -> ExpectedTotals | None:
    with_xg = [(match, match.expected) for match in matches if match.expected]
    if not with_xg:
        return None
    xg_for = sum(expected.xg_for for _, expected in with_xg)
    xg_against = sum(expected.xg_against for _, expected in with_xg)
    xpoints = sum(expected.xpoints for _, expected in with_xg)
    return ExpectedTotals(
        position=0,
        matches=len(with_xg),
        xg_for=xg_for,
        xg_against=xg_against,
        xpoints=xpoints + carried,
        goals_for_difference=sum(match.goals_for for match, _ in with_xg) - xg_for,
        goals_against_difference=sum(match.goals_against for match, _ in with_xg) - xg_against,
        points_difference=sum(match.points for match, _ in with_xg) - xpoints,
    )
