"""Request a whole season of fixtures, and find out which fixtures of the lake the response no longer has."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from footlake.football.api import ApiError, FootballApi
from footlake.football.fixtures import Fixture, FixtureTeam, find_item_id, find_item_season, parse_fixtures
from footlake.football.season_fixtures import SeasonFixture, find_duplicates, parse_season_fixtures
from footlake.football.statuses import normalise_status
from footlake.lake.s3_keys import Season

MAX_REQUESTS = 3
# So many missing fixtures are believed at once: the larger of a number and a share of the lake's fixtures.
FEW_MISSING = 1
FEW_MISSING_SHARE = 0.1
# More than this share is never believed.
MOST_MISSING_SHARE = 0.5

FixtureRow = Mapping[str, str]
"""A row of the fixtures CSV."""


@dataclass
class SeasonResponse:
    """A response with a whole season: the items of this season, and those that are fixtures the lake can hold.

    `broken` has an error for each item that is neither such a fixture nor undecided; `broken_items` are these items.
    """

    envelope: dict[str, Any]
    items: list[Any] = field(default_factory=list)
    fixtures: list[Fixture] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    broken_items: list[Any] = field(default_factory=list)

    @property
    def ids(self) -> set[int]:
        """The fixture ids of all items that have one."""
        return {fixture_id for fixture_id in map(find_item_id, self.items) if fixture_id is not None}

    @property
    def identifies_all(self) -> bool:
        """Whether every item has a fixture id."""
        return all(find_item_id(item) is not None for item in self.items)

    def with_items(self, items: list[Any]) -> dict[str, Any]:
        """Return the envelope with other items."""
        return {**self.envelope, "results": len(items), "response": items}


def read_items(text: str | None) -> list[Any]:
    """Return the items of a stored response. None of a damaged one: it is replaced by the next response."""
    try:
        return list(json.loads(text or "")["response"])
    except (ValueError, LookupError, TypeError):
        return []


def request_season(api: FootballApi, season: Season, known_items: Collection[Any]) -> SeasonResponse:
    """Return the API's response with the whole season.

    A response with items that cannot be parsed is requested again, unless they are among the `known_items` of the last
    run. Raises ApiError if the API fails.
    """
    response = _request_once(api, season)
    for _ in range(MAX_REQUESTS - 1):
        if all(item in known_items for item in response.broken_items):
            break
        try:
            response = _request_once(api, season)
        except ApiError:
            if response.fixtures:
                break
            raise
    return response


def _request_once(api: FootballApi, season: Season) -> SeasonResponse:
    response = SeasonResponse(api.fixtures(league=season.league, season=season.year))
    for item in response.envelope["response"]:
        other = find_item_season(item)
        if other in (None, season):
            response.items.append(item)
            fixtures, broken = parse_fixtures([item])
            response.fixtures += fixtures
        else:
            broken = [f"Fixture {find_item_id(item)} is one of season {other}, which was not requested."]
        response.broken += broken
        response.broken_items += [item] if broken else []
    return response


def find_withdrawn(
    rows: Mapping[int, FixtureRow], response: SeasonResponse, request_again: Callable[[], SeasonResponse]
) -> tuple[SeasonResponse, dict[int, int | None]]:
    """Return which fixtures of the lake the API no longer has, each with the id that replaced it, or None.

    `rows` are the lake's fixtures by id. A replaced fixture is certainly gone. Many others are believed only if a
    second response misses them too, because a response can be incomplete. Returns the more complete one as well.
    """
    replaced = _find_replaced([rows[fixture_id] for fixture_id in rows.keys() - response.ids], response)
    missing = rows.keys() - response.ids - replaced.keys()
    confirmed = missing
    if len(missing) > max(FEW_MISSING, FEW_MISSING_SHARE * len(rows)):
        try:
            second = request_again()
        except ApiError:
            return response, replaced
        confirmed = missing - second.ids
        if len(second.ids) > len(response.ids):
            response = second
    if not response.identifies_all or len(confirmed) > max(FEW_MISSING, MOST_MISSING_SHARE * len(rows)):
        confirmed = set()
    return response, {**dict.fromkeys(confirmed), **replaced}


def _find_replaced(missing: Collection[FixtureRow], response: SeasonResponse) -> dict[int, int | None]:
    """Return the ids of those missing fixtures whose match the response has under another id, with this id."""
    if not missing:
        return {}
    fixtures = [*parse_season_fixtures(response.items).fixtures, *map(_from_row, missing)]
    pairs = find_duplicates(fixtures, response.ids)
    return {pair.dropped: pair.kept for pair in pairs if pair.dropped not in response.ids}


def _from_row(row: FixtureRow) -> SeasonFixture:
    """Return the fixture of a row of the fixtures CSV. Teams are compared by their ids only."""
    home, away = (int(row[column]) for column in ("idHomeTeam", "idAwayTeam"))
    goals = [int(row[column]) if row.get(column) else None for column in ("goalsHomeTeam", "goalsAwayTeam")]
    return SeasonFixture(
        id=int(row["idFixture"]),
        kickoff=datetime.fromisoformat(f"{row['date']}T{row.get('time') or '00:00'}+00:00"),
        round=row.get("round", ""),
        status=normalise_status(row["status"]),
        home=FixtureTeam(home, f"team {home}"),
        away=FixtureTeam(away, f"team {away}"),
        goals_home=goals[0],
        goals_away=goals[1],
    )
