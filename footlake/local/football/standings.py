"""Answer `/standings`: recorded tables, or tables computed from the fixtures as of the clock.

Computed tables are ranked by each competition's real rules. Rules of a competition can be set, see `parse_rules`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from footlake.football.league_tables import LeagueTable
from footlake.football.season_fixtures import (
    NOTHING,
    Record,
    SeasonFixture,
    find_duplicates,
    parse_round,
    parse_season_fixtures,
)
from footlake.football.table_points import THREE_POINTS
from footlake.football.unofficial_tables import compute_tables
from footlake.lake.s3_keys import Season
from footlake.local.football.request import ApiRequest
from footlake.local.football.source import Fixture, Source

Ranking = Literal["goal difference", "head to head", "wins"]
Points = Literal["kept", "halved", "dropped"]

# From which season on; measured on recorded standings. All others rank by goal difference.
RANKINGS: dict[int, tuple[int, Ranking]] = {
    **dict.fromkeys((135, 140, 94), (0, "head to head")),
    **dict.fromkeys((71, 253), (0, "wins")),
    61: (2023, "wins"),
}
FORM_LENGTH = 5


@runtime_checkable
class RecordedTables(Protocol):
    """A source that may have the response of `/standings`."""

    def standings(self, league: int, season: int, now: datetime) -> list[Any] | None:
        """Return the recorded response, None if there is none that is valid at `now`."""


@dataclass(frozen=True)
class Split:
    """A league that splits after a round into groups by rank. `groups` maps their names to their sizes, best first.

    `points` says what becomes of the points of the first phase. The tables count all matches, or only the `later` ones.
    """

    after: int
    groups: Mapping[str, int]
    points: Points = "kept"
    matches: Literal["all", "later"] = "all"


@dataclass(frozen=True)
class TableRules:
    """The rules of a competition: points to deduct by team id, team ids by group, a split, how to rank.

    Without `standings`, the API has no tables of it, as for a cup.
    """

    deductions: Mapping[int, int] = field(default_factory=dict)
    groups: Mapping[str, Sequence[int]] = field(default_factory=dict)
    split: Split | None = None
    ranking: Ranking | None = None
    standings: bool = True


Rules = Mapping[str, TableRules]
"""Rules by season ("39-2023") or by league ("39")."""


def parse_rules(document: Any) -> Rules:
    """Return the rules of a JSON document. Raises ValueError with a message for users.

    Example: `{"39-2023": {"deductions": {"45": 8}, "ranking": "wins"}, "179": {"split": {"after": 33, "groups":
    {"Championship Round": 6, "Relegation Round": 6}}}, "2": {"groups": {"Group A": [33, 40]}}}`
    """
    if not isinstance(document, dict):
        raise ValueError("expected an object whose keys are seasons such as 39-2023")
    rules = {}
    for name, given in document.items():
        try:
            rules[str(name)] = _parse_season_rules(given)
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            raise ValueError(f"invalid rules of {name}: {error}") from None
    return rules


def _parse_season_rules(given: Mapping[str, Any]) -> TableRules:
    split = Split(**given["split"]) if given.get("split") else None
    if split:
        _check_choice("points", split.points, get_args(Points))
        _check_choice("matches", split.matches, ("all", "later"))
        int(split.after)
        sum(split.groups.values())
    if given.get("ranking"):
        _check_choice("ranking", given["ranking"], get_args(Ranking))
    return TableRules(
        **{
            **given,
            "deductions": {int(team): int(points) for team, points in given.get("deductions", {}).items()},
            "groups": {name: tuple(map(int, teams)) for name, teams in given.get("groups", {}).items()},
            "split": split,
        }
    )


def _check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, expected one of: {', '.join(choices)}")


def answer_standings(rules: Rules, request: ApiRequest, source: Source) -> list[Any]:
    """Return the response: an item with the league and its tables, nothing if there are none."""
    season = Season(int(request.parameters["league"]), int(request.parameters["season"]))
    own_rules = rules.get(str(season), rules.get(str(season.league)))
    if own_rules is None and isinstance(source, RecordedTables):
        recorded = source.standings(*season, request.now)
        if recorded is not None:
            return recorded
    fixtures = source.fixtures(*season, request.now)
    tables = SeasonRanking(season, fixtures, own_rules or TableRules(), request.now).tables() if fixtures else []
    team = request.integer("team")
    tables = [table for table in tables if team is None or any(row["team"]["id"] == team for row in table)]
    if not tables:
        return []
    league = {name: value for name, value in fixtures[0]["league"].items() if name not in ("round", "standings")}
    return [{"league": {**league, "standings": tables}}]


class SeasonRanking:
    """Computes the tables of a season's fixtures."""

    def __init__(self, season: Season, fixtures: Sequence[Fixture], rules: TableRules, now: datetime) -> None:
        self.season = season
        self.rules = rules
        self.now = now
        self.league_name = str(fixtures[0]["league"].get("name") or "")
        self.logos = {team["id"]: team.get("logo") for one in fixtures for team in one["teams"].values() if team}
        parsed = parse_season_fixtures(fixtures).fixtures
        dropped = {duplicate.dropped for duplicate in find_duplicates(parsed)}
        self.fixtures = {fixture.id: fixture for fixture in parsed if fixture.id not in dropped}
        first_season, ranking = RANKINGS.get(season.league, (0, "goal difference"))
        self.ranking = rules.ranking or (ranking if season.year >= first_season else "goal difference")

    def tables(self) -> list[list[dict[str, Any]]]:
        """Return the rows of each table."""
        rounds = [fixture.round for fixture in self.fixtures.values()]
        is_cup = all(name and parse_round(name).number is None for name in rounds)
        if not self.rules.standings or (is_cup and not self.rules.groups):
            return []
        tables = compute_tables(self.fixtures)
        if self.rules.groups:
            return [self._rank(_TeamMatches(tables, set(teams)), name) for name, teams in self.rules.groups.items()]
        if self.rules.split and len(tables) == 1:
            return self._split(tables[0], self.rules.split)
        names = [self.league_name] if len(tables) == 1 else [table.name for table in tables]
        return [self._rank(_TeamMatches([table]), name) for table, name in zip(tables, names, strict=True)]

    def _split(self, table: LeagueTable, split: Split) -> list[list[dict[str, Any]]]:
        """Return one table of the first phase until all its matches are played, then a table for each group."""
        prefix = table.rounds[0] if table.rounds else ""
        first = {f.id for f in self.fixtures.values() if _is_in_phase(f, prefix, split.after)}
        counted = {match.fixture_id for match in table.matches}
        phase = _TeamMatches([table], only=first)
        ranked = self._rank(phase, self.league_name)
        if not first <= counted:
            return [ranked]
        earned = {team: THREE_POINTS.points(phase.record(team)) for team in phase.teams}
        carried = {team: _carry(split.points, points) for team, points in earned.items()}
        # A table that counts all matches counts their points as well.
        included = 1 if split.matches == "all" else 0
        adjusted = {team: carried[team] - included * points for team, points in earned.items()}
        later = None if split.matches == "all" else counted - first
        order, tables = [row["team"]["id"] for row in ranked], []
        for name, size in split.groups.items():
            group, order = set(order[:size]), order[size:]
            tables.append(self._rank(_TeamMatches([table], group, later), name, adjusted))
        return tables

    def _rank(self, matches: _TeamMatches, group: str, adjusted: Mapping[int, int] | None = None) -> list[Any]:
        """Return the rows of the teams of these matches, ranked."""
        points = {
            team: THREE_POINTS.points(matches.record(team))
            + (adjusted or {}).get(team, 0)
            - self.rules.deductions.get(team, 0)
            for team in matches.teams
        }

        def order(team: int) -> tuple[Any, ...]:
            record = matches.record(team)
            tie_break: tuple[int, ...] = ()
            if self.ranking == "wins":
                tie_break = (-record.won,)
            elif self.ranking == "head to head":
                level = {other for other in matches.teams if points[other] == points[team]}
                direct = matches.record(team, level, self.fixtures)
                tie_break = (-THREE_POINTS.points(direct), direct.goals_against - direct.goals_for)
            difference = record.goals_against - record.goals_for
            return (-points[team], *tie_break, difference, -record.goals_for, matches.teams[team], team)

        ranked = enumerate(sorted(matches.teams, key=order), 1)
        return [self._row(rank, team, points[team], group, matches) for rank, team in ranked]

    def _row(self, rank: int, team: int, points: int, group: str, matches: _TeamMatches) -> dict[str, Any]:
        record = matches.record(team)
        sides = {side: _figures(matches.record(team, side=side)) for side in ("home", "away")}
        return {
            "rank": rank,
            "team": {"id": team, "name": matches.teams[team], "logo": self.logos.get(team)},
            "points": points,
            "goalsDiff": record.goals_for - record.goals_against,
            "group": group,
            "form": matches.form(team, self.fixtures),
            "status": "same",
            "description": None,
            "all": _figures(record),
            **sides,
            "update": self.now.isoformat(timespec="seconds"),
        }


class _TeamMatches:
    """The matches that some tables count for some teams, by default for all; `only` these fixtures if given."""

    def __init__(
        self, tables: Iterable[LeagueTable], teams: set[int] | None = None, only: set[int] | None = None
    ) -> None:
        self.teams: dict[int, str] = {}
        self.matches = defaultdict(list)
        for table in tables:
            for row in table.rows:
                if row.team_id is not None and (teams is None or row.team_id in teams):
                    self.teams[row.team_id] = row.team
            for match in table.matches:
                if only is None or match.fixture_id in only:
                    self.matches[match.team_id].append(match)

    def record(
        self,
        team: int,
        opponents: set[int] | None = None,
        fixtures: Mapping[int, SeasonFixture] | None = None,
        side: str = "",
    ) -> Record:
        """Return the team's record, against these opponents only if they and the fixtures are given."""
        total = NOTHING
        for match in self.matches[team]:
            counts = not side or match.side == side
            if opponents is not None and fixtures is not None:
                counts = set(fixtures[match.fixture_id].teams) <= opponents
            if counts:
                total = total.plus(match.record)
        return total

    def form(self, team: int, fixtures: Mapping[int, SeasonFixture]) -> str:
        """Return the last results, the newest last, such as "WDL"."""

        def kickoff(match: Any) -> str:
            moment = fixtures[match.fixture_id].kickoff
            return moment.isoformat() if moment else ""

        last = sorted(self.matches[team], key=kickoff)[-FORM_LENGTH:]
        return "".join("W" if match.record.won else "D" if match.record.drawn else "L" for match in last)


def _carry(how: Points, points: int) -> int:
    """Return what a team keeps of the points of the first phase; half a point is rounded up."""
    return {"kept": points, "halved": -(-points // 2), "dropped": 0}[how]


def _is_in_phase(fixture: SeasonFixture, prefix: str, last_round: int) -> bool:
    label = parse_round(fixture.round)
    return label.prefix == prefix and label.number is not None and label.number <= last_round


def _figures(record: Record) -> dict[str, Any]:
    goals = {"for": record.goals_for, "against": record.goals_against}
    return {"played": record.played, "win": record.won, "draw": record.drawn, "lose": record.lost, "goals": goals}
