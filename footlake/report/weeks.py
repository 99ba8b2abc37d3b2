"""Each team's season so far, week by week: real beside expected, and the running differences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from footlake.report.matches import Match, Team
from footlake.report.table import names
from footlake.report.team_matches import TeamMatch, team_matches

TUESDAY = 1  # the lake's weekly run is on Tuesdays: its week is from one to the day before the next


@dataclass(frozen=True)
class TeamWeek:
    """A team's season at the end of a week in which it played; week 1 is the league's first.

    Points count every match so far, the rest, as in the table, the `expected_matches`, which have xG.
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


def team_weeks(matches: Iterable[Match], teams: Iterable[Team]) -> list[TeamWeek]:
    """The weeks of each team, by its name, in order. A match without a date is in no week."""
    of_week: defaultdict[tuple[int, date], list[TeamMatch]] = defaultdict(list)
    for side in team_matches(matches):
        if side.match.kickoff:
            of_week[side.team, week_start(side.match.kickoff.date())].append(side)
    first = min((start for _, start in of_week), default=date.min)
    named = names(teams, {id for id, _ in of_week})
    latest: dict[int, TeamWeek] = {}
    weeks = []
    for id, start in sorted(of_week, key=lambda one: (named[one[0]].name, *one)):
        number = 1 + (start - first).days // 7
        so_far = replace(latest.get(id, TeamWeek(named[id], number, start)), week=number, week_start=start)
        for side in of_week[id, start]:
            so_far = _with(so_far, side)
        latest[id] = so_far
        weeks.append(so_far)
    return weeks


def week_start(day: date) -> date:
    """The Tuesday on or before a day."""
    return day - timedelta(days=(day.weekday() - TUESDAY) % 7)


def _with(week: TeamWeek, side: TeamMatch) -> TeamWeek:
    week = replace(week, played=week.played + 1, points=week.points + side.points)
    expected = side.expected
    if expected is None:
        return week
    return replace(
        week,
        expected_matches=week.expected_matches + 1,
        xg_for=week.xg_for + expected.xg_for,
        xg_against=week.xg_against + expected.xg_against,
        xpoints=week.xpoints + expected.xpoints,
        goals_for_difference=week.goals_for_difference + side.goals_for - expected.xg_for,
        goals_against_difference=week.goals_against_difference + side.goals_against - expected.xg_against,
        points_difference=week.points_difference + side.points - expected.xpoints,
    )
