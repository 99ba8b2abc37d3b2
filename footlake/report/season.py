"""Build the report of a league's season: table, weeks, and the luckiest and unluckiest matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from footlake.report.matches import Match, Team, select_table_matches
from footlake.report.poisson import result_probabilities
from footlake.report.table import TableRow, league_table, teams_by_id
from footlake.report.team_matches import DRAW, WIN, team_matches
from footlake.report.weeks import TeamWeek, team_weeks

MATCHES_LISTED = 5  # luckiest matches, and as many unluckiest ones


@dataclass(frozen=True)
class LuckyMatch:
    """A team's match with xG; `luck` is how many more points it brought than expected."""

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
        """Points minus expected points."""
        return self.points - self.xpoints

    @property
    def opponent_points(self) -> int:
        """The opponent's points."""
        return {WIN: 0, DRAW: DRAW, 0: WIN}[self.points]

    @property
    def opponent_xpoints(self) -> float:
        """The opponent's expected points."""
        return result_probabilities(self.xg_for, self.xg_against).away_points

    @property
    def opponent_luck(self) -> float:
        """The opponent's points minus its expected points."""
        return self.opponent_points - self.opponent_xpoints

    def from_home_side(self) -> LuckyMatch:
        """Return the match with the home team as `team`."""
        if self.at_home:
            return self
        return replace(
            self,
            team=self.opponent,
            opponent=self.team,
            at_home=True,
            goals_for=self.goals_against,
            goals_against=self.goals_for,
            xg_for=self.xg_against,
            xg_against=self.xg_for,
            points=self.opponent_points,
            xpoints=self.opponent_xpoints,
        )


@dataclass(frozen=True)
class SeasonReport:
    """The report of a league's season; `seasons` are all seasons that a report can be made of.

    Every figure is about the matches that count in the table. `outside_regular_season` is the number of the others.
    """

    league: int
    season: int
    seasons: tuple[int, ...]
    rows: list[TableRow]
    weeks: list[TeamWeek]
    luckiest: list[LuckyMatch]
    unluckiest: list[LuckyMatch]
    last_match_date: date | None
    outside_regular_season: int

    @property
    def title(self) -> str:
        """League and season, such as "League 39, season 2020/21"."""
        return f"League {self.league}, season {self.season}/{(self.season + 1) % 100:02d}"

    @property
    def exclusion_note(self) -> str:
        """A sentence on the matches outside the regular season, or an empty text."""
        if not self.outside_regular_season:
            return ""
        noun, verb = ("match", "is") if self.outside_regular_season == 1 else ("matches", "are")
        return f"{self.outside_regular_season} {noun} outside the regular season {verb} not counted."

    @property
    def matches(self) -> int:
        """The number of matches played."""
        return sum(row.played for row in self.rows) // 2

    @property
    def with_xg(self) -> int:
        """The number of matches with known xG."""
        return sum(row.expected.matches for row in self.rows if row.expected) // 2

    @property
    def teams(self) -> dict[int, Team]:
        """The teams of the table by their ids."""
        return {row.team.id: row.team for row in self.rows}

    @property
    def lucky_matches(self) -> list[LuckyMatch]:
        """The matches in `luckiest` and `unluckiest`, each once, from the home team's side, the most luck first.

        A match that made one team lucky usually made its opponent unlucky, so most matches are in both lists.
        """
        by_luck = sorted([*self.luckiest, *self.unluckiest], key=lambda match: (-abs(match.luck), match.idfixture))
        return list({match.idfixture: match.from_home_side() for match in by_luck}.values())


def build_report(
    league: int, season: int, matches: Sequence[Match], teams: Sequence[Team], seasons: Sequence[int] = ()
) -> SeasonReport:
    """Return the report of a season's finished matches; `seasons` are the other seasons in the database."""
    counted = select_table_matches(matches)
    by_luck = sorted(_matches_with_xg(counted, teams), key=lambda match: (-match.luck, match.idfixture, match.team.id))
    return SeasonReport(
        league=league,
        season=season,
        seasons=tuple(sorted({season, *seasons})),
        rows=league_table(counted, teams),
        weeks=team_weeks(counted, teams),
        luckiest=[match for match in by_luck if match.luck > 0][:MATCHES_LISTED],
        unluckiest=[match for match in reversed(by_luck) if match.luck < 0][:MATCHES_LISTED],
        last_match_date=max((match.kickoff.date() for match in counted if match.kickoff), default=None),
        outside_regular_season=len(matches) - len(counted),
    )


def _matches_with_xg(matches: Sequence[Match], teams: Sequence[Team]) -> list[LuckyMatch]:
    by_id = teams_by_id(teams, {team_id for match in matches for team_id in (match.home, match.away)})
    return [
        LuckyMatch(
            idfixture=played.match.id,
            date=played.match.kickoff.date() if played.match.kickoff else None,
            team=by_id[played.team],
            opponent=by_id[played.opponent],
            at_home=played.at_home,
            goals_for=played.goals_for,
            goals_against=played.goals_against,
            xg_for=played.expected.xg_for,
            xg_against=played.expected.xg_against,
            points=played.points,
            xpoints=played.expected.xpoints,
        )
        for played in team_matches(matches)
        if played.expected
    ]
