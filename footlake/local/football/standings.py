"""Answer `/standings`: recorded tables, or tables computed from the fixtures as of the clock.

Computed tables are ranked by each competition's real tie-break. `table_rules` has the rules that users can set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

from footlake.football.fixtures import MATCH_DURATION
from footlake.football.league_tables import CountedMatch, LeagueTable
from footlake.football.season_fixtures import (
    NOTHING,
    Record,
    SeasonFixture,
    find_duplicates,
    parse_round,
    parse_season_fixtures,
)
from footlake.football.table_points import THREE_POINTS
from footlake.football.unofficial_tables import compute_tables, is_league_round
from footlake.lake.s3_keys import Season
from footlake.local.football.request import ApiRequest
from footlake.local.football.source import Fixture, Source
from footlake.local.football.table_rules import CarriedPoints, Ranking, Rules, Split, TableRules, find_rules

Row = dict[str, Any]
"""A team's row in a table of `/standings`."""

_ALL_SEASONS = range(10_000)
# In which seasons; measured on recorded standings. All others rank by goal difference.
RANKINGS: dict[int, tuple[range, Ranking]] = {
    **dict.fromkeys((135, 140, 94), (_ALL_SEASONS, "head to head")),
    **dict.fromkeys((2, 3, 848), (range(2024), "head to head")),  # European groups, later one league phase
    **dict.fromkeys((71, 253), (_ALL_SEASONS, "wins")),
    61: (range(2023, 10_000), "wins"),
}
FORM_LENGTH = 5


@runtime_checkable
class RecordedTables(Protocol):
    """A source that may have the response of `/standings`."""

    def standings(self, league: int, season: int, now: datetime) -> list[Any] | None:
        """Return the recorded response that is valid at `now`, or None."""


def answer_standings(rules: Rules, request: ApiRequest, source: Source) -> list[Any]:
    """Return an item with the league and its tables for each league that has any; only the rows of `team` if given."""
    league, team, year = request.integer("league"), request.integer("team"), int(request.parameters["season"])
    seasons = [one for one in source.seasons(request.now) if one.year == year] if league is None else []
    items = [
        item
        for season in seasons or ([] if league is None else [Season(league, year)])
        for item in _season_standings(find_rules(rules, season), season, request.now, source)
    ]
    return items if team is None else [found for item in items if (found := _only_team(item, team))]


def _season_standings(rules: TableRules | None, season: Season, now: datetime, source: Source) -> list[Any]:
    if rules is None and isinstance(source, RecordedTables):
        recorded = source.standings(*season, now)
        if recorded is not None:
            return recorded
    fixtures = source.fixtures(*season, now)
    if not fixtures:
        return []
    ranking = SeasonRanking(season, fixtures, rules or TableRules(), now)
    tables = ranking.tables()
    for name, seasons in (rules.averages if rules else {}).items():
        years = range(season.year - seasons + 1, season.year)
        earlier = [source.fixtures(season.league, year, now) for year in years]
        tables.append(ranking.averages(name, [one for one in earlier if one]))
    league = {name: value for name, value in fixtures[0]["league"].items() if name not in ("round", "standings")}
    return [{"league": {**league, "standings": tables}}] if tables else []


def _only_team(item: dict[str, Any], team: int) -> dict[str, Any] | None:
    """Return the item with the rows of a team, None if it has none."""
    tables = [[row for row in table if row["team"]["id"] == team] for table in item["league"]["standings"]]
    found = [table for table in tables if table]
    return {"league": {**item["league"], "standings": found}} if found else None


class SeasonRanking:
    """Computes the tables of a season's fixtures."""

    def __init__(self, season: Season, fixtures: Sequence[Fixture], rules: TableRules, now: datetime) -> None:
        self.rules = rules
        self.now = now
        self.league_name = str(fixtures[0]["league"].get("name") or "")
        self.logos = {team["id"]: team.get("logo") for one in fixtures for team in one["teams"].values() if team}
        self.fixtures = {fixture.id: self._as_decided(fixture) for fixture in _unique_fixtures(fixtures)}
        self.league_tables = compute_tables(self.fixtures)
        seasons, ranking = RANKINGS.get(season.league, (_ALL_SEASONS, "goal difference"))
        self.ranking = rules.ranking or (ranking if season.year in seasons else "goal difference")

    def tables(self) -> list[list[Row]]:
        """Return the rows of each table."""
        is_cup = not any(is_league_round(fixture.round) for fixture in self.fixtures.values())
        if not self.rules.standings or (is_cup and not self.rules.groups):
            return []
        if self.rules.split and len(self.league_tables) == 1:
            tables = self._split(self.league_tables[0], self.rules.split)
        else:
            tables = [self._rank(matches, name) for name, matches in self._groups()]
        teams = {name: {t[place - 1]["team"]["id"] for t in tables if place <= len(t)} for name, place in self._places}
        if self.rules.overall:
            tables.append(self._rank(_TeamMatches(self.league_tables), self.rules.overall))
        return tables + [self._rank(_TeamMatches(self.league_tables, teams[name]), name) for name, _ in self._places]

    @property
    def _places(self) -> Iterable[tuple[str, int]]:
        return self.rules.places.items()

    def averages(self, name: str, earlier: Sequence[Sequence[Fixture]]) -> list[Row]:
        """Return a table of points per match in this and earlier seasons. As in the API, it has no other figures."""
        played: dict[int, int] = defaultdict(int)
        points: dict[int, int] = defaultdict(int)
        current = _TeamMatches(self.league_tables)
        before = [compute_tables({one.id: one for one in _unique_fixtures(items)}) for items in earlier]
        for matches in (current, *map(_TeamMatches, before)):
            for team in matches.teams.keys() & current.teams.keys():
                record = matches.record(team)
                played[team] += record.played
                points[team] += THREE_POINTS.points(record)
        order = sorted(current.teams, key=lambda team: (-points[team] / (played[team] or 1), current.teams[team]))
        nothing = _TeamMatches([])
        nothing.teams = current.teams
        rows = [self._row(rank, team, points[team], name, nothing) for rank, team in enumerate(order, 1)]
        return [{**row, "all": {**row["all"], "played": played[row["team"]["id"]]}} for row in rows]

    def _as_decided(self, fixture: SeasonFixture) -> SeasonFixture:
        """Return the fixture with the result that the rules give it, if its date has passed."""
        decided = self.rules.results.get(fixture.id)
        if decided is None or fixture.kickoff is None or fixture.kickoff + MATCH_DURATION > self.now:
            return fixture
        return replace(fixture, status="AWD", goals_home=decided[0], goals_away=decided[1], winner=None)

    def _groups(self) -> Iterator[tuple[str, _TeamMatches]]:
        """Yield the name and the matches of each table. Groups of a season with several stages have a table in each."""
        tables = self.league_tables
        if not self.rules.groups:
            for table in tables:
                yield table.name if len(tables) > 1 else self.league_name, _TeamMatches([table])
            return
        stages = [[table] for table in tables] if any(table.kind == "stage" for table in tables) else [tables]
        for stage in stages:
            for name, teams in self.rules.groups.items():
                matches = _TeamMatches(stage, set(teams))
                if matches.teams:
                    yield f"{stage[0].name}, {name}" if len(stages) > 1 else name, matches

    def _split(self, table: LeagueTable, split: Split) -> list[list[Row]]:
        """Return one table of the first phase until all its matches are played, then a table for each group."""
        prefix = table.rounds[0] if table.rounds else ""
        first = {fixture.id for fixture in self.fixtures.values() if _is_in_phase(fixture, prefix, split.after)}
        counted = {match.fixture_id for match in table.matches}
        phase = _TeamMatches([table], only=first)
        ranked = self._rank(phase, self.league_name)
        # A match of the first phase may never be played.
        if not first <= counted and counted <= first:
            return [ranked]
        earned = {team: THREE_POINTS.points(phase.record(team)) for team in phase.teams}
        # A table that counts all matches counts their points as well.
        included = 1 if split.matches == "all" else 0
        adjusted = {team: _carry(split.points, points) - included * points for team, points in earned.items()}
        later = None if split.matches == "all" else counted - first
        groups = self._split_teams([row["team"]["id"] for row in ranked], [*split.groups.values()], first)
        tables = [ranked] if split.regular_table else []
        for name, teams in zip(split.groups, groups, strict=True):
            tables.append(self._rank(_TeamMatches([table], teams, later), name, adjusted))
        return tables

    def _split_teams(self, order: list[int], sizes: Sequence[int], first: set[int]) -> list[set[int]]:
        """Return the teams of each group: by rank, unless groups of these sizes play the later fixtures."""
        groups: list[set[int]] = []
        for fixture in self.fixtures.values():
            if fixture.teams and fixture.id not in first and is_league_round(fixture.round):
                joined = [group for group in groups if group & set(fixture.teams)]
                groups = [group for group in groups if group not in joined] + [set(fixture.teams).union(*joined)]
        groups.sort(key=lambda group: min(map(order.index, group)))
        if [len(group) for group in groups] == sizes:
            return groups
        ends = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
        return [set(order[start:end]) for start, end in pairwise(ends)]

    def _rank(self, matches: _TeamMatches, group: str, adjusted: Mapping[int, int] | None = None) -> list[Row]:
        """Return the rows of the teams of these matches, ranked."""
        records = {team: matches.record(team) for team in matches.teams}
        points = {
            team: THREE_POINTS.points(record) + (adjusted or {}).get(team, 0) - self._deducted(team)
            for team, record in records.items()
        }

        def order(team: int) -> tuple[Any, ...]:
            record = records[team]
            tie_break: tuple[int, ...] = ()
            if self.ranking == "wins":
                tie_break = (-record.won,)
            elif self.ranking == "head to head":
                level = {other for other in matches.teams if points[other] == points[team]}
                direct = matches.record(team, {f.id for f in self.fixtures.values() if set(f.teams) <= level})
                tie_break = (-THREE_POINTS.points(direct), direct.goals_against - direct.goals_for)
            difference = record.goals_against - record.goals_for
            return (-points[team], *tie_break, difference, -record.goals_for, matches.teams[team], team)

        ranked = enumerate(sorted(matches.teams, key=order), 1)
        return [self._row(rank, team, points[team], group, matches) for rank, team in ranked]

    def _deducted(self, team: int) -> int:
        deductions = self.rules.deductions.get(team, ())
        return sum(one.points for one in deductions if one.since <= self.now.date())

    def _row(self, rank: int, team: int, points: int, group: str, matches: _TeamMatches) -> Row:
        record = matches.record(team)
        return {
            "rank": rank,
            "team": {"id": team, "name": matches.teams[team], "logo": self.logos.get(team)},
            "points": points,
            "goalsDiff": record.goals_for - record.goals_against,
            "group": group,
            "form": self._form(matches.matches[team]),
            "status": "same",
            "description": None,
            "all": _figures(record),
            "home": _figures(matches.record(team, side="home")),
            "away": _figures(matches.record(team, side="away")),
            "update": self._last_day(matches),
        }

    def _form(self, matches: Iterable[CountedMatch]) -> str | None:
        """Return the results of a team's last matches, the newest first, such as "WDL"; None before the first."""
        last = sorted(matches, key=lambda match: _ended(self.fixtures[match.fixture_id]), reverse=True)[:FORM_LENGTH]
        return "".join("W" if one.record.won else "D" if one.record.drawn else "L" for one in last) or None

    def _last_day(self, matches: _TeamMatches) -> str:
        """Return the day on which a match changed the table, as the API shows it; today before the first match."""
        counted = [match for team in matches.teams for match in matches.matches[team]]
        last = max((_ended(self.fixtures[match.fixture_id]) for match in counted), default=self.now)
        return f"{last.date()}T00:00:00+00:00"


class _TeamMatches:
    """The matches that some tables count for some teams, by default for all; `only` these fixtures if given."""

    def __init__(
        self, tables: Iterable[LeagueTable], teams: set[int] | None = None, only: set[int] | None = None
    ) -> None:
        self.teams: dict[int, str] = {}
        self.matches: dict[int, list[CountedMatch]] = defaultdict(list)
        for table in tables:
            for row in table.rows:
                if row.team_id is not None and (teams is None or row.team_id in teams):
                    self.teams[row.team_id] = row.team
            for match in table.matches:
                if only is None or match.fixture_id in only:
                    self.matches[match.team_id].append(match)

    def record(self, team: int, only: set[int] | None = None, side: str = "") -> Record:
        """Return the team's record, of these fixtures or of one side only if given."""
        total = NOTHING
        for match in self.matches[team]:
            if (not side or match.side == side) and (only is None or match.fixture_id in only):
                total = total.plus(match.record)
        return total


def _unique_fixtures(items: Sequence[Fixture]) -> list[SeasonFixture]:
    """Return the fixtures without those that repeat a match under a second id."""
    parsed = parse_season_fixtures(items).fixtures
    dropped = {duplicate.dropped for duplicate in find_duplicates(parsed)}
    return [fixture for fixture in parsed if fixture.id not in dropped]


def _ended(fixture: SeasonFixture) -> datetime:
    return fixture.kickoff.astimezone(UTC) + MATCH_DURATION if fixture.kickoff else datetime.min.replace(tzinfo=UTC)


def _carry(how: CarriedPoints, points: int) -> int:
    """Return what a team keeps of the points of the first phase."""
    return {"kept": points, "halved": -(-points // 2), "halved down": points // 2, "dropped": 0}[how]


def _is_in_phase(fixture: SeasonFixture, prefix: str, last_round: int) -> bool:
    label = parse_round(fixture.round)
    return label.prefix == prefix and label.number is not None and label.number <= last_round


def _figures(record: Record) -> dict[str, Any]:
    goals = {"for": record.goals_for, "against": record.goals_against}
    return {"played": record.played, "win": record.won, "draw": record.drawn, "lose": record.lost, "goals": goals}
