"""Combine the matches that tables count with xG: one record per match and team, of which all figures are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from footlake.report.matches import Match, Team
from footlake.report.poisson import result_probabilities
from footlake.report.season_records import CountedRecord, ReportRecords

WIN, DRAW = 3, 1


@dataclass(frozen=True)
class Expectation:
    """A team's expected goals for and against in a match, and its expected points."""

    xg_for: float
    xg_against: float
    xpoints: float


@dataclass(frozen=True)
class TeamMatch:
    """What a match counts for one team in a table.

    `match` is None if the fixture has no result, but the table counts one. `opponent` is the id of the other team,
    `opponent_points` what the match counts for it. `expected` is None unless both xG are known. `reason` says why the
    result is not the one of the fixture.
    """

    table_number: int
    fixture_id: int
    match: Match | None
    team: int
    opponent: int | None
    at_home: bool
    goals_for: int
    goals_against: int
    points: int
    opponent_points: int
    expected: Expectation | None = None
    reason: str = ""

    @property
    def kickoff(self) -> datetime | None:
        """The time of the kick-off in UTC, where known."""
        return self.match.kickoff if self.match else None

    @property
    def source(self) -> str:
        """The source of the match; empty if the fixture has no result."""
        return self.match.source if self.match else ""

    @property
    def decided_off_the_pitch(self) -> bool:
        """Whether the table counts another result than that of the fixture."""
        if self.match is None:
            return True
        played = (self.match.home_goals, self.match.away_goals)
        goals = (self.goals_for, self.goals_against)
        return goals != (played if self.at_home else played[::-1]) or self.points != _implied_points(*goals)


def team_matches(records: ReportRecords) -> list[TeamMatch]:
    """Return the matches that the tables count, in order of kick-off; matches without a date come last."""
    matches = {match.id: match for match in records.matches}
    expectations = {match.id: _expectations(match) for match in records.matches}
    # Of several ids of a team, the greatest counts, as in the view table_matches.
    by_side = {(row.fixture_id, row.side): row for row in sorted(records.counted, key=lambda row: row.team_id)}
    counted = []
    for row in records.counted:
        at_home, match = row.side == "home", matches.get(row.fixture_id)
        other = by_side.get((row.fixture_id, "away" if at_home else "home"))
        opponent = other.team_id if other else None
        if match and opponent is None:
            opponent = match.away if at_home else match.home
        expected = expectations.get(row.fixture_id)
        counted.append(
            TeamMatch(
                row.table_number,
                row.fixture_id,
                match,
                row.team_id,
                opponent,
                at_home,
                row.goals_for,
                row.goals_against,
                _points(row),
                _points(other) if other else _implied_points(row.goals_against, row.goals_for),
                expected and expected[0 if at_home else 1],
                row.reason or "",
            )
        )
    return sorted(counted, key=_order)


def describe_opponent(match: TeamMatch, teams: Mapping[int, Team]) -> str:
    """Return the opponent after "v" at home and "at" away; `teams` are all teams by id."""
    opponent = "unknown" if match.opponent is None else teams[match.opponent].name
    return f"{'v' if match.at_home else 'at'} {opponent}"


def _order(match: TeamMatch) -> tuple[bool, datetime, int, bool, int]:
    kickoff = match.kickoff
    return kickoff is None, kickoff or datetime.min, match.fixture_id, not match.at_home, match.table_number


def _points(row: CountedRecord) -> int:
    return WIN * row.won + DRAW * row.drawn


def _implied_points(goals_for: int, goals_against: int) -> int:
    return DRAW if goals_for == goals_against else WIN if goals_for > goals_against else 0


def _expectations(match: Match) -> tuple[Expectation, Expectation] | None:
    """Return the expectations of the home and the away team."""
    if not match.xg:
        return None
    home_xg, away_xg = match.xg
    outcome = result_probabilities(home_xg, away_xg)
    return Expectation(home_xg, away_xg, outcome.home_points), Expectation(away_xg, home_xg, outcome.away_points)
