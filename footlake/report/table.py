"""The league table: what was won, beside what the expected goals were worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from footlake.report.matches import Match, Team
from footlake.report.outcome import expected_points

WIN, DRAW = 3, 1


@dataclass(frozen=True)
class Expected:
    """A team's expected side. It covers `matches`, those with known xG, and so do the three differences to reality."""

    matches: int
    xg_for: float
    xg_against: float
    xpoints: float
    goals_for_difference: float
    goals_against_difference: float
    points_difference: float


@dataclass(frozen=True)
class Row:
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
    expected: Expected | None

    @property
    def goal_difference(self) -> int:
        """Goals for less goals against."""
        return self.goals_for - self.goals_against


@dataclass
class _Tally:
    """What a team has gathered over some matches; `results` counts wins, draws and losses."""

    results: list[int] = field(default_factory=lambda: [0, 0, 0])
    goals_for: int = 0
    goals_against: int = 0

    @property
    def points(self) -> int:
        return WIN * self.results[0] + DRAW * self.results[1]

    def add(self, goals_for: int, goals_against: int) -> None:
        self.results[(goals_for <= goals_against) + (goals_for < goals_against)] += 1
        self.goals_for += goals_for
        self.goals_against += goals_against


@dataclass
class _Record:
    """All that a team has gathered: really, really in the matches with xG, and by expectation in those."""

    real: _Tally = field(default_factory=_Tally)
    real_with_xg: _Tally = field(default_factory=_Tally)
    xg_for: float = 0
    xg_against: float = 0
    xpoints: float = 0

    def add_expected(self, goals: tuple[int, int], xg: tuple[float, float], xpoints: float) -> None:
        self.real_with_xg.add(*goals)
        self.xg_for += xg[0]
        self.xg_against += xg[1]
        self.xpoints += xpoints

    @property
    def expected(self) -> Expected | None:
        real = self.real_with_xg
        matches = sum(real.results)
        if not matches:
            return None
        return Expected(
            matches,
            self.xg_for,
            self.xg_against,
            self.xpoints,
            real.goals_for - self.xg_for,
            real.goals_against - self.xg_against,
            real.points - self.xpoints,
        )


def league_table(matches: Iterable[Match], teams: Iterable[Team]) -> list[Row]:
    """The table of these matches by the Premier League's rules: points, goal difference, goals for, then name.

    A match without xG counts for the real side only. So that expectation is set against what happened in the very same
    matches, the expected side and its differences are taken over the matches with xG, and each row says how many.
    """
    records: defaultdict[int, _Record] = defaultdict(_Record)
    for match in matches:
        home, away = records[match.home], records[match.away]
        home.real.add(match.home_goals, match.away_goals)
        away.real.add(match.away_goals, match.home_goals)
        if match.xg:
            home_xg, away_xg = match.xg
            outcome = expected_points(home_xg, away_xg)
            home.add_expected((match.home_goals, match.away_goals), (home_xg, away_xg), outcome.home_points)
            away.add_expected((match.away_goals, match.home_goals), (away_xg, home_xg), outcome.away_points)
    named = {team.id: team for team in teams}
    rows = [_row(named.get(id) or Team(id, None, f"team {id}"), record) for id, record in records.items()]
    rows.sort(key=lambda row: (-row.points, -row.goal_difference, -row.goals_for, row.team.name))
    return [replace(row, position=position) for position, row in enumerate(rows, start=1)]


def _row(team: Team, record: _Record) -> Row:
    real = record.real
    won, drawn, lost = real.results
    played = won + drawn + lost
    return Row(0, team, played, won, drawn, lost, real.goals_for, real.goals_against, real.points, record.expected)
