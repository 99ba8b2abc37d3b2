"""Rules of computed standings: deductions, decided results, groups, splits, ranking and derived tables.

Users give them as a JSON file; docs/local-aws.md describes it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Literal, TypeVar, get_args

from footlake.football.season_fixtures import parse_round, parse_season_fixtures
from footlake.lake.s3_keys import Season
from footlake.local.football.source import Source

Ranking = Literal["goal difference", "head to head", "wins"]
CarriedPoints = Literal["kept", "halved", "halved down", "dropped"]
CountedMatches = Literal["all", "later"]
T = TypeVar("T")

_LARGEST_ID = 10**9
_MOST_POINTS = 200
_MOST_GOALS = 99
_MOST_ROUNDS = 99
_MOST_SEASONS = 10


@dataclass(frozen=True)
class Deduction:
    """Points that a team loses, from a day on or in the whole season; a negative number gives points back."""

    points: int
    since: date = date.min


@dataclass(frozen=True)
class Split:
    """A league that splits after a round into groups by rank. `groups` maps their names to their sizes, best first.

    `points` says what becomes of the points of the first phase: half a point is rounded up, or down if "halved down".
    The tables count all matches, or only the `later` ones. With `regular_table`, that of the first phase is kept.
    """

    after: int
    groups: Mapping[str, int]
    points: CarriedPoints = "kept"
    matches: CountedMatches = "all"
    regular_table: bool = False


@dataclass(frozen=True)
class TableRules:
    """The rules of a competition: deductions by team id, scores by fixture id, team ids by group, split, tie-break.

    Names of derived tables: `overall` ranks all teams by all matches, `places` maps a name to the place in each group
    whose teams it ranks, `averages` a name to the number of seasons it sums. Without `standings`, the API has no tables
    of the competition, as for a cup.
    """

    deductions: Mapping[int, Sequence[Deduction]] = field(default_factory=dict)
    results: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    groups: Mapping[str, Collection[int]] = field(default_factory=dict)
    split: Split | None = None
    ranking: Ranking | None = None
    overall: str = ""
    places: Mapping[str, int] = field(default_factory=dict)
    averages: Mapping[str, int] = field(default_factory=dict)
    standings: bool = True


Rules = Mapping[str, TableRules]
"""Rules by season ("39-2023") or by league ("39"); those of the season apply if there are both."""


def find_rules(rules: Rules, season: Season) -> TableRules | None:
    """Return the rules of a season, None without any."""
    return rules.get(str(season), rules.get(str(season.league)))


def parse_rules(document: Any) -> Rules:
    """Return the rules of a JSON document. Raises ValueError with the key and the reason, as a clause for users."""
    rules = {}
    for name, given in _mapping("the file", document).items():
        if not re.fullmatch(r"[1-9]\d*(-\d{4})?", name):
            raise ValueError(f"{name!r} is not a season such as 39-2023 or a league such as 39")
        rules[name] = _parse_season_rules(name, given)
    return rules


def check_rules(rules: Rules, source: Source, now: datetime) -> None:
    """Raise ValueError if a season, team or fixture in the rules is not in the source, or a split does not fit."""
    for name, given in rules.items():
        league, _, year = name.partition("-")
        years = [int(year)] if year else [s.year for s in source.seasons(now) if s.league == int(league)]
        items = [item for one in years for item in source.fixtures(int(league), one, now)]
        if not items:
            raise ValueError(f"{name}: no fixtures of this {'season' if year else 'league'} ({source.label})")
        teams = {team["id"] for item in items for team in item["teams"].values()}
        mentioned = {*given.deductions, *(team for group in given.groups.values() for team in group)}
        _check_known(name, "team", mentioned, teams)
        _check_known(name, "fixture", given.results, {item["fixture"]["id"] for item in items})
        if given.split:
            newest = source.fixtures(int(league), years[-1], now)
            _check_split(name, given.split, newest)


def _check_known(name: str, what: str, ids: Iterable[int], known: Collection[int]) -> None:
    unknown = ", ".join(str(one) for one in sorted(ids) if one not in known)
    if unknown:
        raise ValueError(f"{name}: no {what} with the id {unknown} in these fixtures")


def _check_split(name: str, split: Split, items: Sequence[Any]) -> None:
    fixtures = parse_season_fixtures(items).fixtures
    teams = len({team_id for fixture in fixtures for team_id in fixture.teams})
    size = sum(split.groups.values())
    if size != teams:
        raise ValueError(f"{name} split groups: the sizes add up to {size}, but the league has {teams} teams")
    last = max((parse_round(fixture.round).number or 0 for fixture in fixtures), default=0)
    if split.after > last:
        raise ValueError(f"{name} split after: the last round is {last}")


def _parse_season_rules(name: str, given: Any) -> TableRules:
    rules = _known_keys(name, given, (one.name for one in fields(TableRules)))
    deductions = _numbered(f"{name} deductions", rules.get("deductions", {}))
    results = _numbered(f"{name} results", rules.get("results", {}))
    groups = {
        group: _parse_teams(f"{name} groups {group}", teams)
        for group, teams in _mapping(f"{name} groups", rules.get("groups", {})).items()
    }
    members = [team for teams in groups.values() for team in teams]
    if len(set(members)) < len(members):
        raise ValueError(f"{name} groups: a team is in two groups or twice in one")
    if groups and "split" in rules:
        raise ValueError(f"{name}: groups and split cannot be combined")
    ranking = rules.get("ranking")
    return TableRules(
        {team: _parse_deductions(f"{name} deductions {team}", value) for team, value in deductions.items()},
        {fixture: _parse_score(f"{name} results {fixture}", value) for fixture, value in results.items()},
        groups,
        _parse_split(f"{name} split", rules["split"]) if "split" in rules else None,
        None if ranking is None else _choice(f"{name} ranking", ranking, get_args(Ranking)),
        _typed(f"{name} overall", rules.get("overall", ""), str, "a text"),
        _counts(f"{name} places", rules.get("places", {}), _MOST_ROUNDS),
        _counts(f"{name} averages", rules.get("averages", {}), _MOST_SEASONS),
        _typed(f"{name} standings", rules.get("standings", True), bool, "true or false"),
    )


def _parse_deductions(path: str, value: Any) -> tuple[Deduction, ...]:
    """Parse `8`, or `[{"points": 10, "from": "2023-11-17"}, {"points": -4, "from": "2024-02-26"}]`."""
    if not isinstance(value, list):
        return (Deduction(_integer(path, value, -_MOST_POINTS, _MOST_POINTS)),)
    deductions = []
    for item in value:
        given = _known_keys(path, item, ("points", "from"))
        points = _integer(f"{path} points", given.get("points"), -_MOST_POINTS, _MOST_POINTS)
        try:
            since = date.fromisoformat(given["from"]) if "from" in given else date.min
        except (TypeError, ValueError):
            raise ValueError(f"{path} from: {given['from']!r} is not a date such as 2023-11-17") from None
        deductions.append(Deduction(points, since))
    return tuple(deductions)


def _parse_teams(path: str, value: Any) -> tuple[int, ...]:
    return tuple(_integer(path, team, 1, _LARGEST_ID) for team in _list(path, value))


def _parse_score(path: str, value: Any) -> tuple[int, int]:
    goals = [_integer(path, one, 0, _MOST_GOALS) for one in _list(path, value)]
    if len(goals) != 2:
        raise ValueError(f"{path}: expected the goals of both teams such as [0, 3]")
    return goals[0], goals[1]


def _parse_split(path: str, value: Any) -> Split:
    given = _known_keys(path, value, (one.name for one in fields(Split)))
    groups = _counts(f"{path} groups", given.get("groups"), _MOST_ROUNDS)
    if not groups:
        raise ValueError(f"{path} groups: expected at least one group")
    return Split(
        _integer(f"{path} after", given.get("after"), 1, _MOST_ROUNDS),
        groups,
        _choice(f"{path} points", given.get("points", "kept"), get_args(CarriedPoints)),
        _choice(f"{path} matches", given.get("matches", "all"), get_args(CountedMatches)),
        _typed(f"{path} regular_table", given.get("regular_table", False), bool, "true or false"),
    )


def _mapping(path: str, value: Any) -> Mapping[str, Any]:
    return _typed(path, value, dict, "an object")


def _list(path: str, value: Any) -> list[Any]:
    return _typed(path, value, list, "a list")


def _known_keys(path: str, value: Any, known: Iterable[str]) -> Mapping[str, Any]:
    names = tuple(known)
    for key in _mapping(path, value):
        _choice(f"{path}: key", key, names)
    return _mapping(path, value)


def _numbered(path: str, value: Any) -> dict[int, Any]:
    """Return an object whose keys are ids."""
    for key in _mapping(path, value):
        if not re.fullmatch(r"[1-9]\d{0,8}", key):
            raise ValueError(f"{path}: {key!r} is not an id")
    return {int(key): item for key, item in _mapping(path, value).items()}


def _counts(path: str, value: Any, most: int) -> dict[str, int]:
    return {name: _integer(f"{path} {name}", number, 1, most) for name, number in _mapping(path, value).items()}


def _integer(path: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{path}: expected a number from {least} to {most}{_instead(value)}")
    return value


def _choice(path: str, value: Any, choices: Sequence[Any]) -> Any:
    if value not in choices:
        raise ValueError(f"{path} {value!r} is unknown; expected one of: {', '.join(choices)}")
    return value


def _typed(path: str, value: Any, kind: type[T], text: str) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"{path}: expected {text}{_instead(value)}")
    return value


def _instead(value: Any) -> str:
    """Return the end of a message about a value; None is a key that is missing."""
    return "" if value is None else f", not {value!r}"
