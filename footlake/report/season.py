"""A league's season, counted: the table, the weeks, and the matches with the most luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from footlake.report.matches import Match, Team, counted
from footlake.report.table import TableRow, league_table, names
from footlake.report.team_matches import team_matches
from footlake.report.weeks import TeamWeek, team_weeks

MOST = 5  # matches of each kind of luck


@dataclass(frozen=True)
class LuckyMatch:
    """A team's match that brought more or fewer points than were to be expected; `luck` is the difference."""

    idfixture: int
    date: date | None
    team: Team
    opponent: Team
    at_home: bool
    goals_for: int
    goals_against: int
    xg_for: float
    xg_against: float
    points: int
    xpoints: float

    @property
    def luck(self) -> float:
        """Points beyond the expected ones."""
        return self.points - self.xpoints


@dataclass(frozen=True)
class SeasonReport:
    """What there is to say of a league's season, which is one of `seasons`.

    Nothing but `outside` is about the matches outside the regular season, which are so many.
    """

    league: int
    season: int
    seasons: tuple[int, ...]
    rows: list[TableRow]
    weeks: list[TeamWeek]
    luckiest: list[LuckyMatch]
    unluckiest: list[LuckyMatch]
    latest: date | None
    outside: int

    @property
    def title(self) -> str:
        """What it is of."""
        return f"League {self.league}, season {self.season}/{(self.season + 1) % 100:02d}"

    @property
    def left_out(self) -> str:
        """A sentence on the matches outside the regular season; empty if there are none."""
        if not self.outside:
            return ""
        them, are = ("match", "is") if self.outside == 1 else ("matches", "are")
        return f"{self.outside} {them} outside the regular season {are} not counted."

    @property
    def matches(self) -> int:
        """How many matches were played."""
        return sum(row.played for row in self.rows) // 2

    @property
    def with_xg(self) -> int:
        """Of how many of them both sides' xG is known."""
        return sum(row.expected.matches for row in self.rows if row.expected) // 2


def build_report(
    league: int, season: int, matches: Sequence[Match], teams: Sequence[Team], seasons: Sequence[int] = ()
) -> SeasonReport:
    """The report of these matches; `seasons` are those of which there could be one, too."""
    of_table = counted(matches)
    lucky = sorted(_lucky(of_table, teams), key=lambda one: (-one.luck, one.idfixture, one.team.id))
    days = [match.kickoff.date() for match in of_table if match.kickoff]
    return SeasonReport(
        league,
        season,
        tuple(sorted({season, *seasons})),
        league_table(of_table, teams),
        team_weeks(of_table, teams),
        [one for one in lucky if one.luck > 0][:MOST],
        [one for one in reversed(lucky) if one.luck < 0][:MOST],
        max(days, default=None),
        len(matches) - len(of_table),
    )


def _lucky(matches: Sequence[Match], teams: Sequence[Team]) -> list[LuckyMatch]:
    named = names(teams, {id for match in matches for id in (match.home, match.away)})
    return [
        LuckyMatch(
            side.match.id,
            side.match.kickoff.date() if side.match.kickoff else None,
            named[side.team],
            named[side.opponent],
            side.at_home,
            side.goals_for,
            side.goals_against,
            side.expected.xg_for,
            side.expected.xg_against,
            side.points,
            side.expected.xpoints,
        )
        for side in team_matches(matches)
        if side.expected
    ]
