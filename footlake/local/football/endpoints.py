"""The endpoints of the local football API: which parameters each accepts, and how it answers from a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, NamedTuple

from footlake.lake.s3_keys import Season
from footlake.local.football import parameters
from footlake.local.football.parameters import ParameterRules, check_day, check_integer, check_year
from footlake.local.football.request import ApiRequest
from footlake.local.football.source import UNDATED, Fixture, Source, kickoff_time, read_team_codes
from footlake.local.football.standings import answer_standings
from footlake.local.football.table_rules import Rules


class Endpoint(NamedTuple):
    """An endpoint: its rules for parameters, and the function that answers a valid request."""

    rules: ParameterRules
    answer: Callable[[ApiRequest, Source], list[Any]]


def _fixtures(request: ApiRequest, source: Source) -> list[Fixture]:
    """Return the fixtures by date; those requested by id come with their statistics."""
    ids = [int(value) for value in request.values("ids")]
    if "id" in request.parameters:
        ids.append(int(request.parameters["id"]))
    if ids:
        found = [fixture for fixture_id in dict.fromkeys(ids) if (fixture := source.fixture(fixture_id, request.now))]
    else:
        seasons = _matching_seasons(request, source)
        found = [fixture for season in seasons for fixture in source.fixtures(*season, request.now)]
    matching = sorted((fixture for fixture in found if _matches(fixture, request)), key=kickoff_time)
    fixtures = [_in_timezone(fixture, request) for fixture in matching]
    if ids:
        for fixture in fixtures:
            statistics = source.statistics(fixture["fixture"]["id"], request.now)
            fixture |= {"events": [], "lineups": [], "statistics": statistics, "players": []}
    return fixtures


def _matching_seasons(request: ApiRequest, source: Source) -> Iterable[Season]:
    """Return the seasons that can hold fixtures for the request."""
    league, year, day = request.integer("league"), request.integer("season"), request.day("date")
    if league is not None and year is not None:
        return [Season(league, year)]
    return [
        season
        for season in source.seasons(request.now)
        if year in (None, season.year) and (day is None or season.year <= day.year <= season.year + 1)
    ]


def _matches(fixture: Fixture, request: ApiRequest) -> bool:
    """Return whether a fixture matches the parameters `team`, `status`, `date`, `from` and `to`."""
    team, statuses = request.integer("team"), request.values("status")
    day, first, last = request.day("date"), request.day("from"), request.day("to")
    played_on = kickoff_time(fixture).astimezone(request.timezone).date()
    return (
        (team is None or team in (side["id"] for side in fixture["teams"].values()))
        and (not statuses or fixture["fixture"]["status"]["short"] in statuses)
        and (day is None or played_on == day)
        and (first is None or played_on >= first)
        and (last is None or played_on <= last)
    )


def _in_timezone(fixture: Fixture, request: ApiRequest) -> Fixture:
    kickoff = kickoff_time(fixture)
    date = None if kickoff == UNDATED else kickoff.astimezone(request.timezone).isoformat()
    name = request.parameters.get("timezone", "UTC")
    return fixture | {"fixture": fixture["fixture"] | {"timezone": name, "date": date}}


def _statistics(request: ApiRequest, source: Source) -> list[Any]:
    team = request.integer("team")
    statistics = source.statistics(int(request.parameters["fixture"]), request.now)
    return [side for side in statistics if team in (None, side["team"]["id"])]


def _leagues(request: ApiRequest, source: Source) -> list[Any]:
    requested_league, requested_year = request.integer("id"), request.integer("season")
    years: dict[int, list[int]] = {}
    for season in source.seasons(request.now):
        if requested_league in (None, season.league) and requested_year in (None, season.year):
            years.setdefault(season.league, []).append(season.year)
    return [_league(league, seasons, request, source) for league, seasons in years.items()]


_COVERAGE = {
    "fixtures": {"events": False, "lineups": False, "statistics_fixtures": True, "statistics_players": False},
    "standings": True,
    **dict.fromkeys(("players", "top_scorers", "top_assists", "top_cards", "injuries", "predictions", "odds"), False),
}


def _league(league: int, years: list[int], request: ApiRequest, source: Source) -> dict[str, Any]:
    """Return a league with these seasons; a season is current from its first match until the next season's first."""
    fixtures = {year: source.fixtures(league, year, request.now) for year in years}
    kickoffs = {
        year: [kickoff for one in fixtures[year] if (kickoff := kickoff_time(one)) != UNDATED] or [UNDATED]
        for year in years
    }
    begun = [year for year in years if kickoffs[year][0] <= request.now]
    current = max(begun, default=years[0])
    description = fixtures[years[-1]][0]["league"]
    flag = description.get("flag")
    return {
        "league": {"id": league, "name": description["name"], "type": "League", "logo": description.get("logo")},
        "country": {
            "name": description.get("country"),
            "code": flag.rsplit("/", 1)[-1].removesuffix(".svg").upper() if flag else None,
            "flag": flag,
        },
        "seasons": [
            {
                "year": year,
                "start": str(kickoffs[year][0].date()),
                "end": str(kickoffs[year][-1].date()),
                "current": year == current,
                "coverage": _COVERAGE,
            }
            for year in years
        ],
    }


def _teams(request: ApiRequest, source: Source) -> list[Any]:
    """Return the teams of a season by id, each with the venue of its home matches."""
    fixtures = source.fixtures(int(request.parameters["league"]), int(request.parameters["season"]), request.now)
    teams = {fixture["teams"]["home"]["id"]: _team(fixture) for fixture in fixtures}
    return [teams[team_id] for team_id in sorted(teams)]


def _team(fixture: Fixture) -> dict[str, Any]:
    """Return the home team of a fixture."""
    home = fixture["teams"]["home"]
    return {
        "team": {
            "id": home["id"],
            "name": home["name"],
            "code": _team_codes().get(home["id"]),
            "country": fixture["league"].get("country"),
            "founded": None,
            "national": False,
            "logo": home.get("logo"),
        },
        "venue": {
            **fixture["fixture"]["venue"],
            **dict.fromkeys(("address", "capacity", "surface", "image")),
        },
    }


@cache
def _team_codes() -> dict[int, str]:
    return {team.id: team.code for team in read_team_codes()}


ENDPOINTS = {
    "fixtures": Endpoint(
        ParameterRules(
            {
                "id": check_integer,
                "ids": parameters.check_ids,
                "league": check_integer,
                "season": check_year,
                "from": check_day,
                "to": check_day,
                "date": check_day,
                "team": check_integer,
                "status": parameters.check_statuses,
                "timezone": parameters.check_timezone,
            },
            parameters.find_missing_for_fixtures,
        ),
        _fixtures,
    ),
    "fixtures/statistics": Endpoint(
        ParameterRules({"fixture": check_integer, "team": check_integer}, parameters.find_missing_for_statistics),
        _statistics,
    ),
    "leagues": Endpoint(ParameterRules({"id": check_integer, "season": check_year}), _leagues),
    "teams": Endpoint(
        ParameterRules({"league": check_integer, "season": check_year}, parameters.find_missing_for_teams), _teams
    ),
}


def create_endpoints(rules: Rules) -> dict[str, Endpoint]:
    """Return all endpoints; `rules` are those of the computed standings."""
    checks = dict.fromkeys(("league", "team"), check_integer) | {"season": check_year}
    return ENDPOINTS | {
        "standings": Endpoint(
            ParameterRules(checks, parameters.find_missing_for_standings), partial(answer_standings, rules)
        )
    }
