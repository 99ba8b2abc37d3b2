"""Add up each team's season by week: actual and expected figures, and the running differences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from footlake.report.matches import Team
from footlake.report.season_records import TeamNames
from footlake.report.team_matches import TeamMatch

TUESDAY, FRIDAY = 1, 4  # as in date.weekday()


@dataclass(frozen=True)
class TeamWeek:
    """A team's running totals in a table at the end of a week in which it played; week 1 is the league's first.

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
    table_number: int = 1
    matches: tuple[TeamMatch, ...] = ()

    @property
    def week_end(self) -> date:
        """The last day of the week."""
        return self.week_start + timedelta(days=6)

    @property
    def points_with_xg(self) -> float:
        """The points won in the matches with xG so far, which the expected points are compared with."""
        return self.xpoints + self.points_difference


def team_weeks(matches: Iterable[TeamMatch], names: TeamNames) -> list[TeamWeek]:
    """Return the weeks of each team in each table in order, teams by name. A match without a date belongs to no week.

    The view `team_weeks` has the same weeks.
    """
    dated = [(match, match.kickoff.date()) for match in matches if match.kickoff]
    first_day = min((day for _, day in dated), default=date.min)
    first_weekday = find_first_weekday(first_day)
    first_start = week_start(first_day, first_weekday) if dated else first_day
    by_team: defaultdict[tuple[int, int], defaultdict[date, list[TeamMatch]]] = defaultdict(lambda: defaultdict(list))
    for match, day in dated:
        by_team[match.table_number, match.team][week_start(day, first_weekday)].append(match)
    teams = {(number, team_id): names.find(team_id, number) for number, team_id in by_team}
    weeks = []
    for (number, team_id), team in sorted(teams.items(), key=lambda item: (item[1].name, item[0][1], item[0][0])):
        total = TeamWeek(team, 0, first_start, table_number=number)
        for start, played in sorted(by_team[number, team_id].items()):
            total = replace(total, week=1 + (start - first_start).days // 7, week_start=start, matches=())
            for match in played:
                total = _add_match(total, match)
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
        source=max(week.source, match.source),
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
