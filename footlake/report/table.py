"""Build the league table: actual results, and what the expected goals were worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from footlake.report.matches import API_FOOTBALL, Match, Team
from footlake.report.team_matches import TeamMatch, team_matches


@dataclass(frozen=True)
class ExpectedTotals:
    """A team's expected figures over its `matches` with known xG, and how far the actual ones differ from them.

    A difference is actual minus expected, over the same matches. `position` is the rank by expected points among the
    teams that have any such match.
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
    """One team's row of the table. Actual figures count every match; `expected` is None if no match has xG.

    `source` is "simulated" if any of the matches is.
    """

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
    source: str = API_FOOTBALL

    @property
    def goal_difference(self) -> int:
        """Goals for minus goals against."""
        return self.goals_for - self.goals_against

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


def league_table(matches: Iterable[Match], teams: Iterable[Team]) -> list[TableRow]:
    """Return the table of these matches by the Premier League's rules: points, goal difference, goals for, then name.

    A match without xG counts for the actual figures only. Expected figures and differences cover the matches with xG,
    so that both sides of a comparison are about the same matches; each row says how many.
    """
    matches_by_team: defaultdict[int, list[TeamMatch]] = defaultdict(list)
    for match in team_matches(matches):
        matches_by_team[match.team].append(match)
    by_id = teams_by_id(teams, matches_by_team)
    rows = [_unranked_row(by_id[team_id], played) for team_id, played in matches_by_team.items()]
    rows.sort(key=lambda row: (-row.points, -row.goal_difference, -row.goals_for, row.team.name, row.team.id))
    ranked = sorted((row for row in rows if row.expected), key=_expected_rank)
    expected_positions = {row.team.id: position for position, row in enumerate(ranked, start=1)}
    return [
        replace(
            row,
            position=position,
            expected=row.expected and replace(row.expected, position=expected_positions[row.team.id]),
        )
        for position, row in enumerate(rows, start=1)
    ]


def teams_by_id(teams: Iterable[Team], ids: Iterable[int]) -> dict[int, Team]:
    """Return the teams of these ids; a team that is not in `teams` is named after its id."""
    by_id = {team.id: team for team in teams}
    return {team_id: by_id.get(team_id) or Team(team_id, None, f"team {team_id}") for team_id in ids}


def _expected_rank(row: TableRow) -> tuple[float, float, str, int]:
    assert row.expected
    return -row.expected.xpoints, row.expected.xg_against - row.expected.xg_for, row.team.name, row.team.id


def _unranked_row(team: Team, matches: list[TeamMatch]) -> TableRow:
    """Return a team's row with positions of 0."""
    return TableRow(
        position=0,
        team=team,
        played=len(matches),
        won=sum(match.goals_for > match.goals_against for match in matches),
        drawn=sum(match.goals_for == match.goals_against for match in matches),
        lost=sum(match.goals_for < match.goals_against for match in matches),
        goals_for=sum(match.goals_for for match in matches),
        goals_against=sum(match.goals_against for match in matches),
        points=sum(match.points for match in matches),
        expected=_expected_totals(matches),
        source=max(match.match.source for match in matches),
    )


def _expected_totals(matches: list[TeamMatch]) -> ExpectedTotals | None:
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
        xpoints=xpoints,
        goals_for_difference=sum(match.goals_for for match, _ in with_xg) - xg_for,
        goals_against_difference=sum(match.goals_against for match, _ in with_xg) - xg_against,
        points_difference=sum(match.points for match, _ in with_xg) - xpoints,
    )
