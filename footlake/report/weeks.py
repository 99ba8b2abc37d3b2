"""Add up each team's season by week: actual and expected figures, and the running differences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from footlake.report.matches import Match, Team
from footlake.report.table import teams_by_id
from footlake.report.team_matches import TeamMatch, team_matches

TUESDAY, FRIDAY = 1, 4  # as in date.weekday()


@dataclass(frozen=True)
class TeamWeek:
    """A team's running totals at the end of a week in which it played; week 1 is the league's first.

    `played` and `points` count every match so far. The other figures cover the `expected_matches`, which have xG.
    `source` is "simulated" if any of the matches so far is. `matches` are those of this week only.
    """

    team: Team
    week: int
    week_start: date
    played: int = 0
    points: int = 0
    expected_matches: int = 0
    xg_for: float = 0
    xg_against: float = 0
    xpoints: float = 0
    goals_for_difference: float = 0
    goals_against_difference: float = 0
    points_difference: float = 0
    source: str = ""
    matches: tuple[TeamMatch, ...] = ()

    @property
    def week_end(self) -> date:
        """The last day of the week."""
        return self.week_start + timedelta(days=6)

    @property
    def points_with_xg(self) -> float:
        """The points won in the matches with xG so far, which the expected points are compared with."""
        return self.xpoints + self.points_difference


def team_weeks(matches: Iterable[Match], teams: Iterable[Team]) -> list[TeamWeek]:
    """Return the weeks of each team in order, teams by name. A match without a date belongs to no week.

    The view `team_weeks` has the same weeks.
    """
    dated = [(match, match.match.kickoff.date()) for match in team_matches(matches) if match.match.kickoff]
    first_day = min((day for _, day in dated), default=date.min)
    first_weekday = find_first_weekday(first_day)
    first_start = week_start(first_day, first_weekday) if dated else first_day
    matches_by_week: defaultdict[tuple[int, date], list[TeamMatch]] = defaultdict(list)
    for match, day in dated:
        matches_by_week[match.team, week_start(day, first_weekday)].append(match)
    by_id = teams_by_id(teams, {team_id for team_id, _ in matches_by_week})
    running: dict[int, TeamWeek] = {}
    weeks = []
    for team_id, start in sorted(matches_by_week, key=lambda week: (by_id[week[0]].name, *week)):
        number = 1 + (start - first_start).days // 7
        previous = running.get(team_id, TeamWeek(by_id[team_id], number, start))
        total = replace(previous, week=number, week_start=start, matches=())
        for match in matches_by_week[team_id, start]:
            total = _add_match(total, match)
        running[team_id] = total
        weeks.append(total)
    return weeks


def find_first_weekday(first_day: date) -> int:
    """Return the weekday (0 is Monday) on which the weeks begin of a league that plays its first match on this day.

    A week has a weekend (Friday to Monday) and the days between two weekends. It begins with the one in which the first
    match is.
    """
    return TUESDAY if TUESDAY <= first_day.weekday() < FRIDAY else FRIDAY


def week_start(day: date, first_weekday: int) -> date:
    """Return the first day of a day's week."""
    return day - timedelta(days=(day.weekday() - first_weekday) % 7)


def _add_match(week: TeamWeek, match: TeamMatch) -> TeamWeek:
    week = replace(
        week,
        played=week.played + 1,
        points=week.points + match.points,
        source=max(week.source, match.match.source),
        matches=(*week.matches, match),
    )
    expected = match.expected
    if expected is None:
        return week
    return replace(
        week,
        expected_matches=week.expected_matches + 1,
        xg_for=week.xg_for + expected.xg_for,
        xg_against=week.xg_against + expected.xg_against,
        xpoints=week.xpoints + expected.xpoints,
        goals_for_difference=week.goals_for_difference + match.goals_for - expected.xg_for,
        goals_against_difference=week.goals_against_difference + match.goals_against - expected.xg_against,
        points_difference=week.points_difference + match.points - expected.xpoints,
    )
