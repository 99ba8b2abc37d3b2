"""Split matches into one record per team, from which table, weeks and luck are computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from footlake.report.matches import Match
from footlake.report.poisson import result_probabilities

WIN, DRAW = 3, 1


@dataclass(frozen=True)
class Expectation:
    """A team's expected goals for and against in a match, and its expected points."""

    xg_for: float
    xg_against: float
    xpoints: float


@dataclass(frozen=True)
class TeamMatch:
    """A finished match of one team; `team` and `opponent` are ids, `expected` is None unless both xG are known."""

    match: Match
    team: int
    opponent: int
    goals_for: int
    goals_against: int
    expected: Expectation | None

    @cached_property
    def points(self) -> int:
        """Three points for a win, one for a draw."""
        if self.goals_for == self.goals_against:
            return DRAW
        return WIN if self.goals_for > self.goals_against else 0

    @property
    def venue(self) -> str:
        """The word before the opponent's name: "v" at home, "at" away."""
        return "v" if self.at_home else "at"

    @property
    def at_home(self) -> bool:
        """Whether the team played at home."""
        return self.team == self.match.home


def team_matches(matches: Iterable[Match]) -> Iterator[TeamMatch]:
    """Yield two records for each match, the home team's first."""
    for match in matches:
        home = away = None
        if match.xg:
            home_xg, away_xg = match.xg
            outcome = result_probabilities(home_xg, away_xg)
            home = Expectation(home_xg, away_xg, outcome.home_points)
            away = Expectation(away_xg, home_xg, outcome.away_points)
        yield TeamMatch(match, match.home, match.away, match.home_goals, match.away_goals, home)
        yield TeamMatch(match, match.away, match.home, match.away_goals, match.home_goals, away)
