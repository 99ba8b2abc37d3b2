"""The league table: what was won, beside what the expected goals were worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from footlake.report.matches import Match, Team
from footlake.report.team_matches import TeamMatch, team_matches


@dataclass(frozen=True)
class ExpectedTotals:
    """A team's expected side. It covers `matches`, those with known xG, and so do the three differences to reality.

    `position` is the rank by expected points among the teams that have any such match.
    """

    position: int
    matches: int
    xg_for: float
    xg_against: float
    xpoints: float
    goals_for_difference: float
    goals_against_difference: float
    points_difference: float


@dataclass(frozen=True)
class TableRow:
    """One team's line of the table. The real side counts every match; `expected` is None where no match has xG."""

    position: int
    team: Team
    played: int
    won: int
    drawn: int
    lost: int
    goals_for: int
    goals_against: int
    points: int
    expected: ExpectedTotals | None

    @property
    def goal_difference(self) -> int:
        """Goals for less goals against."""
        return self.goals_for - self.goals_against


def league_table(matches: Iterable[Match], teams: Iterable[Team]) -> list[TableRow]:
    """The table of these matches by the Premier League's rules: points, goal difference, goals for, then name.

    A match without xG counts for the real side only. So that expectation is set against what happened in the very same
    matches, the expected side and its differences are taken over the matches with xG, and each row says how many.
    """
    of_team: defaultdict[int, list[TeamMatch]] = defaultdict(list)
    for side in team_matches(matches):
        of_team[side.team].append(side)
    named = names(teams, of_team)
    rows = [_row(named[id], record) for id, record in of_team.items()]
    rows.sort(key=lambda row: (-row.points, -row.goal_difference, -row.goals_for, row.team.name, row.team.id))
    ranked = sorted((row for row in rows if row.expected), key=_by_expectation)
    expected = {row.team.id: position for position, row in enumerate(ranked, start=1)}
    return [
        replace(
            row,
            position=position,
            expected=row.expected and replace(row.expected, position=expected[row.team.id]),
        )
        for position, row in enumerate(rows, start=1)
    ]


def names(teams: Iterable[Team], ids: Iterable[int]) -> dict[int, Team]:
    """The teams of these ids; one that nobody has named is called by its id."""
    known = {team.id: team for team in teams}
    return {id: known.get(id) or Team(id, None, f"team {id}") for id in ids}


def _by_expectation(row: TableRow) -> tuple[float, float, str, int]:
    assert row.expected
    return -row.expected.xpoints, row.expected.xg_against - row.expected.xg_for, row.team.name, row.team.id


def _row(team: Team, record: list[TeamMatch]) -> TableRow:
    return TableRow(
        position=0,
        team=team,
        played=len(record),
        won=sum(side.goals_for > side.goals_against for side in record),
        drawn=sum(side.goals_for == side.goals_against for side in record),
        lost=sum(side.goals_for < side.goals_against for side in record),
        goals_for=sum(side.goals_for for side in record),
        goals_against=sum(side.goals_against for side in record),
        points=sum(side.points for side in record),
        expected=_expected(record),
    )


def _expected(record: list[TeamMatch]) -> ExpectedTotals | None:
    known = [(side, side.expected) for side in record if side.expected]
    if not known:
        return None
    xg_for = sum(expected.xg_for for _, expected in known)
    xg_against = sum(expected.xg_against for _, expected in known)
    xpoints = sum(expected.xpoints for _, expected in known)
    return ExpectedTotals(
        position=0,
        matches=len(known),
        xg_for=xg_for,
        xg_against=xg_against,
        xpoints=xpoints,
        goals_for_difference=sum(side.goals_for for side, _ in known) - xg_for,
        goals_against_difference=sum(side.goals_against for side, _ in known) - xg_against,
        points_difference=sum(side.points for side, _ in known) - xpoints,
    )
