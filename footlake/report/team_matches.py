"""A match as each of its two teams sees it: what table, weeks and luck are counted from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from footlake.report.matches import Match
from footlake.report.poisson import expected_points

WIN, DRAW = 3, 1


@dataclass(frozen=True)
class Expectation:
    """What a team's match was worth: expected goals for and against, and expected points."""

    xg_for: float
    xg_against: float
    xpoints: float


@dataclass(frozen=True)
class TeamMatch:
    """A finished match from one team's side; `expected` is None unless both sides' xG is known."""

    match: Match
    team: int
    opponent: int
    goals_for: int
    goals_against: int
    expected: Expectation | None

    @cached_property
    def points(self) -> int:
        """Three for a win, one for a draw."""
        if self.goals_for == self.goals_against:
            return DRAW
        return WIN if self.goals_for > self.goals_against else 0

    @property
    def at_home(self) -> bool:
        """Whether it is the home side."""
        return self.team == self.match.home


def team_matches(matches: Iterable[Match]) -> Iterator[TeamMatch]:
    """Both sides of each match, the home side first."""
    for match in matches:
        home = away = None
        if match.xg:
            home_xg, away_xg = match.xg
            outcome = expected_points(home_xg, away_xg)
            home = Expectation(home_xg, away_xg, outcome.home_points)
            away = Expectation(away_xg, home_xg, outcome.away_points)
        yield TeamMatch(match, match.home, match.away, match.home_goals, match.away_goals, home)
        yield TeamMatch(match, match.away, match.home, match.away_goals, match.home_goals, away)
