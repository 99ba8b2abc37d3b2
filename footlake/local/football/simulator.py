"""Simulate leagues in the form of the football API, for use without an API key or recordings.

Everything is determined by a seed: calendar, postponements, results, statistics.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from random import Random
from typing import Any

from footlake.football.fixtures import MATCH_DURATION
from footlake.lake.s3_keys import Season
from footlake.local.football.simulated_calendar import (
    REGULAR_SEASON,
    ScheduledMatch,
    create_calendar,
    split_calendar,
)
from footlake.local.football.simulated_leagues import LEAGUES, Club, SimulatedLeague
from footlake.local.football.simulated_matches import TeamPerformance, list_statistics, play_match
from footlake.local.football.source import Fixture, TeamStatistics, as_not_played, is_finished, kickoff_fields
from footlake.local.football.table_rules import Rules, find_rules

YEARS = range(2010, 2101)

SeasonSplit = tuple[int, tuple[tuple[str, int], ...]]
"""The round after which a league splits, and the name and size of each group, best first."""

# Fixture 39_020_007 is the eighth of league 39's season 2020, so an id tells its season. Real ids are far from these,
# so a simulated row cannot be mistaken for a real one.
_LEAGUE_STEP = 1_000_000
_SEASON_STEP = 1_000


def is_simulated(season: Season, fixture_id: int) -> bool:
    """Return whether a fixture id of that season was made by the simulator."""
    return divmod(fixture_id // _SEASON_STEP, _LEAGUE_STEP // _SEASON_STEP) == (season.league, season.year - 2000)


class Simulator:
    """Simulated leagues as a source of the local football API; the same seed gives the same football.

    Leagues with a split in the `rules` play on in groups.
    """

    label = "simulated league"

    def __init__(self, seed: int = 1, rules: Rules | None = None) -> None:
        self._seed = seed
        self._rules = rules or {}

    def seasons(self, now: datetime) -> list[Season]:
        """Return the seasons of every league up to the year of `now`; later ones can be requested as well."""
        return [Season(league, year) for league in LEAGUES for year in YEARS if year <= now.year]

    def fixtures(self, league: int, season: int, now: datetime) -> list[Fixture]:
        """Return the season's fixtures as of `now`, in order of the dates known then."""
        if league not in LEAGUES or season not in YEARS:
            return []
        simulated = self._season(Season(league, season))
        numbers = range(len(simulated.matches))
        fixtures = [simulated.fixture(number, now) for number in numbers if simulated.is_known(number, now)]
        return sorted(fixtures, key=lambda fixture: (fixture["fixture"]["timestamp"], fixture["fixture"]["id"]))

    def fixture(self, fixture_id: int, now: datetime) -> Fixture | None:
        """Return the fixture as of `now`, or None if no league has one of that id."""
        found = self._find(fixture_id)
        return found[0].fixture(found[1], now) if found and found[0].is_known(found[1], now) else None

    def statistics(self, fixture_id: int, now: datetime) -> list[TeamStatistics]:
        """Return both teams' statistics of a finished match."""
        found = self._find(fixture_id)
        return found[0].statistics(found[1], now) if found else []

    def _find(self, fixture_id: int) -> tuple[SimulatedSeason, int] | None:
        """Return the season of a fixture and its number there."""
        league, rest = divmod(fixture_id, _LEAGUE_STEP)
        years, number = divmod(rest, _SEASON_STEP)
        if league not in LEAGUES or 2000 + years not in YEARS:
            return None
        season = self._season(Season(league, 2000 + years))
        return (season, number) if number < len(season.matches) else None

    def _season(self, season: Season) -> SimulatedSeason:
        rules = find_rules(self._rules, season)
        split = rules.split if rules else None
        phases = (split.after, tuple(split.groups.items())) if split else None
        return _simulated_season(self._seed, season.league, season.year, phases)


class SimulatedSeason:
    """One league's season; a match is played when it is first requested. `split` is a round, and groups with sizes."""

    def __init__(self, seed: int, league: SimulatedLeague, year: int, split: SeasonSplit | None = None) -> None:
        self._seed = seed
        self._league = league
        self._year = year
        self._split = split
        self._season_seed = f"{seed}/{league.id}/{year}"
        self._results: dict[int, tuple[TeamPerformance, TeamPerformance]] = {}

    @cached_property
    def matches(self) -> list[ScheduledMatch]:
        """All matches, by round."""
        if self._split is None:
            return self._calendar
        after, sizes = self._split
        order, groups = self._rank(after), []
        for name, size in sizes:
            groups.append((name, order[:size]))
            order = order[size:]
        return split_calendar(self._calendar, after, groups)

    @cached_property
    def _calendar(self) -> list[ScheduledMatch]:
        """All matches of a season without a split."""
        return create_calendar(Random(f"{self._season_seed}/calendar"), self._league.clubs(self._year), self._year)

    def _rank(self, after: int) -> list[Club]:
        """Return the clubs by points and goal difference after a round."""
        points: Counter[Club] = Counter(self._league.clubs(self._year))
        for number, match in enumerate(self._calendar):
            if match.round <= after:
                home, away = (team.goals for team in self._play(number, match))
                for club, mine, theirs in ((match.home, home, away), (match.away, away, home)):
                    # A point outweighs any goal difference.
                    points[club] += 1000 * (3 * (mine > theirs) + (mine == theirs)) + mine - theirs
        return [club for club, _ in points.most_common()]

    @cached_property
    def _split_at(self) -> datetime:
        """The time from which the matches within the groups are known. Postponed matches do not matter."""
        after = self._split[0] if self._split else 0
        usual = (match.announcements[1].kickoff for match in self._calendar if match.round <= after)
        return max(usual, default=datetime.min.replace(tzinfo=UTC)) + MATCH_DURATION

    def is_known(self, number: int, now: datetime) -> bool:
        """Return whether the clubs of a match are known at `now`."""
        return self.matches[number].stage == REGULAR_SEASON or self._split_at <= now

    def fixture(self, number: int, now: datetime) -> Fixture:
        """Return a fixture as of `now`, by its number in the season."""
        match = self.matches[number]
        fixture = self._fixture_frame(number)
        if not is_finished(match.kickoff, now):
            announcement = match.announced(now)
            return as_not_played(fixture, announcement.kickoff, announcement.status)
        home, away = self._play(number, match)
        first_half = int(match.kickoff.timestamp())
        return {
            "fixture": fixture["fixture"]
            | kickoff_fields(match.kickoff)
            | {
                "referee": Random(f"{self._season_seed}/{number}/referee").choice(_REFEREES),
                "timezone": "UTC",
                "periods": {"first": first_half, "second": first_half + 3600},
                "status": {"long": "Match Finished", "short": "FT", "elapsed": 90, "extra": None},
            },
            "league": fixture["league"],
            "teams": {
                "home": fixture["teams"]["home"] | {"winner": _is_winner(home, away)},
                "away": fixture["teams"]["away"] | {"winner": _is_winner(away, home)},
            },
            "goals": {"home": home.goals, "away": away.goals},
            "score": {
                "halftime": {"home": home.goals_by_half_time, "away": away.goals_by_half_time},
                "fulltime": {"home": home.goals, "away": away.goals},
                "extratime": {"home": None, "away": None},
                "penalty": {"home": None, "away": None},
            },
        }

    def statistics(self, number: int, now: datetime) -> list[TeamStatistics]:
        """Return both teams' statistics, home first; empty before the match is finished."""
        match = self.matches[number]
        if not is_finished(match.kickoff, now):
            return []
        home, away = self._play(number, match)
        rng = Random(f"{self._season_seed}/{number}/nulls")
        return [
            {"team": _team(club), "statistics": list_statistics(team, opponent, self._year, rng)}
            for club, team, opponent in ((match.home, home, away), (match.away, away, home))
        ]

    def _play(self, number: int, match: ScheduledMatch) -> tuple[TeamPerformance, TeamPerformance]:
        if number not in self._results:
            skill_difference = self._skills[match.home] - self._skills[match.away]
            self._results[number] = play_match(Random(f"{self._season_seed}/{number}"), skill_difference)
        return self._results[number]

    @cached_property
    def _skills(self) -> dict[Club, float]:
        """The skill of each club: its long-term strength and this season's form; promoted clubs are mostly weaker."""
        form = Random(f"{self._season_seed}/form")
        return {
            club: Random(f"{self._seed}/{club.id}").gauss(0, 0.75)
            + form.gauss(0, 0.5)
            - (0.0 if club in self._league.regulars else 0.7)
            for club in self._league.clubs(self._year)
        }

    def _fixture_frame(self, number: int) -> Fixture:
        """Return the parts of a fixture that do not depend on the time; the others are None."""
        match = self.matches[number]
        league = self._league
        return {
            "fixture": {
                "id": league.id * _LEAGUE_STEP + (self._year - 2000) * _SEASON_STEP + number,
                "referee": None,
                "timezone": "UTC",
                "date": None,
                "timestamp": None,
                "periods": None,
                "venue": {"id": match.home.id, "name": f"{match.home.name} Stadium", "city": match.home.name},
                "status": None,
            },
            "league": {
                "id": league.id,
                "name": f"{league.name} (simulated)",
                "country": league.country,
                "logo": f"https://media.api-sports.io/football/leagues/{league.id}.png",
                "flag": f"https://media.api-sports.io/flags/{league.flag}.svg",
                "season": self._year,
                "round": f"{match.stage} - {match.round}",
                "standings": True,
            },
            "teams": {"home": _team(match.home), "away": _team(match.away)},
        }


@lru_cache(maxsize=64)
def _simulated_season(seed: int, league: int, year: int, split: SeasonSplit | None) -> SimulatedSeason:
    return SimulatedSeason(seed, LEAGUES[league], year, split)


def _team(club: Club) -> dict[str, Any]:
    return {
        "id": club.id,
        "name": club.name,
        "logo": f"https://media.api-sports.io/football/teams/{club.id}.png",
    }


def _is_winner(team: TeamPerformance, opponent: TeamPerformance) -> bool | None:
    """Return whether the team won, or None for a draw."""
    return None if team.goals == opponent.goals else team.goals > opponent.goals


_REFEREES = (
    "A. Hartwell", "B. Lindqvist", "C. Okafor", "D. Pemberton", "E. Marchetti", "F. Ashdown", "G. Novak",
    "H. Castellan", "I. Brennan", "J. Whitlock", "K. Adeyemi", "L. Fairbank", "M. Sorensen", "N. Kilbride",
)  # fmt: skip
